"""What an operator does by hand: a run that fails is told with its log, and nobody counts as ready without a pod."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.e2e.hands import Hands
from harness.errors import UserError

CRONJOB = {"spec": {"jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"template": {}}}}}


class Cluster:
    """Stands for a cluster that has one CronJob and some pods."""

    kubeconfig = Path("/nowhere")

    def __init__(self, status: dict[str, Any], pods: list[dict[str, Any]] | None = None) -> None:
        self.status, self.pods_, self.made = status, pods or [], list[dict[str, Any]]()

    def get(self, kind: str, *_: str) -> dict[str, Any]:
        return CRONJOB if kind == "CronJob" else {"status": self.status}

    def create(self, manifest: dict[str, Any]) -> None:
        self.made.append(manifest)

    def list(self, *_: str, labels: str) -> list[dict[str, Any]]:
        return self.pods_


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    """Stands for kubectl: it prints a line, and nothing of a way in."""
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\necho the log says why\n")
    program.chmod(0o755)
    return program


def hands(cluster: Cluster, kubectl: Path) -> Hands:
    return Hands(cluster, kubectl, "indigo-dev")  # type: ignore[arg-type]


def pod(ready: str, going: bool = False) -> dict[str, Any]:
    mark = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {}
    return {"metadata": {"name": "x", **mark}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def test_a_run_is_a_job_of_the_cronjobs_own_template(kubectl: Path) -> None:
    cluster = Cluster({"succeeded": 1})
    name = hands(cluster, kubectl).run_now("feeder")
    (job,) = cluster.made
    assert job["metadata"]["name"] == name and job["metadata"]["labels"] == {"a": "b"} and job["kind"] == "Job"


def test_a_run_that_fails_is_told_with_its_log(kubectl: Path) -> None:
    failed = {"conditions": [{"type": "Failed", "status": "True"}]}
    with pytest.raises(AssertionError, match="did not succeed in 120 s:\nthe log says why"):
        hands(Cluster(failed), kubectl).run_now("feeder")


@pytest.mark.parametrize(
    ("pods", "ready"),
    [([], False), ([pod("True")], True), ([pod("True"), pod("False")], False), ([pod("True", going=True)], False)],
)
def test_ready_is_who_has_pods_that_all_say_so(kubectl: Path, pods: list[dict[str, Any]], ready: bool) -> None:
    assert hands(Cluster({}, pods), kubectl).ready("iam") is ready


def test_a_way_that_does_not_open_is_told_with_kubectls_words(kubectl: Path) -> None:
    with pytest.raises(UserError, match="no way to iam: the log says why"), hands(Cluster({}), kubectl).door("iam", 1):
        pass

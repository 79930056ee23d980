"""What the observer makes of objects: ready by Argo CD's own rules, and what they wait for in words."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from harness.cluster import Cluster
from harness.diagnose.health import State
from harness.e2e.observe import Observer, Seen

LABELS = {"app.kubernetes.io/part-of": "indigo-paas", "app.kubernetes.io/name": "iam"}


def item(kind: str, version: int, status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": "iam", "uid": "1", "generation": 1, "resourceVersion": str(version), "labels": LABELS}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": status}


def seen(*items: dict[str, Any]) -> Seen:
    observer = Observer(cast(Cluster, None), "indigo-dev")
    for one in items:
        observer._take("MODIFIED", one)
    (found,) = observer.seen()
    return found


class Silent:
    """A cluster in which nothing happens."""

    def watch(self, *_: object, seconds: float, pulse: float = 3600.0) -> Iterator[tuple[str, dict[str, Any]]]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(pulse, 5.0))
            yield "IDLE", {}


def test_watches_end_with_the_observer_also_where_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.e2e.observe.PULSE", 0.01)
    before = set(threading.enumerate())
    with Observer(cast(Cluster, Silent()), "indigo-dev") as observer:
        begun = set(threading.enumerate()) - before
        assert len(begun) == len(observer.kinds)
    end = time.monotonic() + 4
    while any(thread.is_alive() for thread in begun):
        assert time.monotonic() < end, "they watch on"
        time.sleep(0.01)


ROLLED = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}


@pytest.mark.parametrize(
    ("kind", "status", "waits"),
    [
        ("Deployment", {}, "rollout to finish: observed deployment generation less than desired generation"),
        ("Deployment", ROLLED | {"availableReplicas": 0}, "0 of 1 updated replicas are available"),
        ("Deployment", ROLLED | {"replicas": 2}, "1 old replicas are pending termination"),
        ("StatefulSet", ROLLED | {"readyReplicas": 0}, "1 pods to be ready"),
        ("Job", {"active": 1}, "its end"),
        ("PersistentVolumeClaim", {"phase": "Pending"}, "the claim is Pending"),
        ("Deployment", ROLLED, ""),
        ("Job", {"conditions": [{"type": "Complete", "status": "True"}]}, ""),
        ("ConfigMap", {}, ""),
    ],
)
def test_an_object_is_ready_when_argo_cd_says_so_and_else_says_what_it_waits_for(
    kind: str, status: dict[str, Any], waits: str
) -> None:
    found = seen(item(kind, 7, status, replicas=1))
    assert found.waits_for == waits
    assert (found.ready == 7) is not bool(waits)


def test_a_failed_job_is_degraded_and_says_why() -> None:
    failed = {"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"}
    found = seen(item("Job", 7, {"conditions": [failed]}))
    assert (found.health.state, found.ready) == (State.DEGRADED, None)
    assert found.waits_for == failed["message"]


def test_a_workload_that_rolls_again_is_no_longer_ready_and_a_job_stays_what_it_was() -> None:
    ready, rolling = item("Deployment", 7, ROLLED, replicas=1), item("Deployment", 8, {}, replicas=1)
    assert seen(ready, rolling).ready is None
    done = item("Job", 7, {"conditions": [{"type": "Complete", "status": "True"}]})
    assert seen(done, item("Job", 8, {})).ready == 7

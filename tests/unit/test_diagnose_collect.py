"""The collector asks a cluster once, for what matters, and half an answer is better than none."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3
from click.testing import CliRunner

from harness.cli import why as command
from harness.cluster import ApiError
from harness.diagnose import Verdict, collect, diagnose, environments
from harness.errors import UserError
from harness.model.graph import Graph
from harness.report.masking import Masker
from tests.unit.fixtures.snapshots import GRAPH, NOW, REVISION, SPACE, Object, World, application

PASSWORD = "p4ss-of-the-store-root"


class FakeCluster:
    """A cluster that holds the objects of a world; `refuses` are kinds that may not be listed."""

    def __init__(self, world: World, refuses: Mapping[str, Exception] | None = None) -> None:
        data = world.data
        self.items: list[Object] = [
            *data["applications"], *data["applicationsets"], *data["resources"], *data["replicasets"], *data["pods"],
            *data["events"],
        ]  # fmt: skip
        self.logs = data["logs"]
        self.refuses = refuses or {}
        self.asked: list[tuple[str, str | None]] = []
        self.queries: list[Mapping[str, Any]] = []

    def list(self, kind: str, namespace: str | None = None, *, api_version: str | None = None) -> list[Object]:
        self.asked.append((kind, namespace))
        if kind in self.refuses:
            raise self.refuses[kind]
        return [json.loads(json.dumps(item)) for item in self.items
                if item["kind"] == kind and namespace in (None, item["metadata"].get("namespace"))]  # fmt: skip

    def request(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, seconds: float = 60.0) -> Any:
        assert method == "GET", "a diagnosis changes nothing"
        given = query or {}
        self.queries.append(given)
        key = f"{path.split('/')[-2]}/{given['container']}{'/previous' if given.get('previous') else ''}"
        if key not in self.logs:
            raise ApiError(500, {"message": 'Get "https://node-2:10250/containerLogs/x": dial tcp: no such host'}, path)
        return self.logs[key]


def forbidden(what: str) -> ApiError:
    return ApiError(403, {"reason": "Forbidden", "message": f"{what} is forbidden: User cannot list it"}, "GET")


def crashing() -> World:
    world = World().operation("Running", "waiting for healthy state of apps/StatefulSet/store", seconds=1000)
    store = world.workload("StatefulSet", "store", 0, ready=False)
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    pod = world.pod(store, waiting, last={"exitCode": 1, "reason": "Error"}, restarts=2)
    world.log(pod, "store", "starting", f"error: access denied with {PASSWORD}")
    world.event(pod, "BackOff", "Back-off restarting failed container")
    fine = world.workload("Deployment", "portal", 20, ready=True)
    well = world.pod(fine, {"running": {}}, phase="Running")
    well["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    world.log(well, "portal", "a log that nobody needs")
    data = {"password": base64.b64encode(PASSWORD.encode()).decode(), "user": base64.b64encode(b"portal").decode()}
    secret = {"kind": "Secret", "metadata": {"name": "store-root", "namespace": SPACE}, "data": data}
    world.data["resources"].append(secret)
    return world


def test_a_snapshot_of_a_cluster_gives_the_diagnosis_and_keeps_no_secret() -> None:
    masker = Masker()
    snapshot = collect(FakeCluster(crashing()), "indigo-dev", masker=masker, now=lambda: NOW)
    found = diagnose(snapshot, GRAPH)
    assert found.headline == "store (StatefulSet, wave 0) crashed 2 times: exit code 1: error: access denied with ***"
    assert snapshot["secrets"] == {"store-root": ["password", "user"]}
    assert PASSWORD not in json.dumps(snapshot)
    assert masker.text(PASSWORD) == "***", "the run's masker learned it"
    assert "portal" in json.dumps(snapshot), "a user name is no secret"


def test_applications_above_and_below_are_found_from_either_end() -> None:
    world = crashing()
    world.data["applications"].append(application("indigo-other"))
    space = application("indigo-dev-namespace")
    for item, wave in ((world.app, "1"), (space, "0")):
        item["metadata"]["labels"] = {"indigo-paas/environment": "dev"}
        tracked = {"argocd.argoproj.io/tracking-id": "env-dev:argoproj.io/Application:argocd/x"}
        item["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": wave, **tracked}
    world.data["applications"].append(space)
    for start in ("indigo-dev", "env-dev"):
        snapshot = collect(FakeCluster(world), start, SPACE)
        names = [item["metadata"]["name"] for item in snapshot["applications"]]
        assert names == ["env-dev", "indigo-dev-namespace", "indigo-dev"], start
    assert snapshot["environment"] == "dev"


def test_a_platform_whose_application_is_not_there_yet_is_looked_for_at_its_environment() -> None:
    world = World()
    world.data["applications"].remove(world.app)
    found = diagnose(collect(FakeCluster(world), "indigo-dev", SPACE), GRAPH)
    assert found.headline == "env-dev (Application) has not made the Application indigo-dev yet"
    world.data["applications"].clear()
    empty = diagnose(collect(FakeCluster(world), "indigo-dev", SPACE), GRAPH)
    assert (empty.verdict, empty.kind) == (Verdict.BLOCKED, "application-missing")


def test_only_logs_of_pods_that_are_not_fine_are_read_unless_all_are_asked_for() -> None:
    cluster = FakeCluster(crashing())
    collect(cluster, "indigo-dev", log_lines=50)
    assert {query["container"] for query in cluster.queries} == {"store"}
    assert {query["tailLines"] for query in cluster.queries} == {50}
    everything = collect(FakeCluster(crashing()), "indigo-dev", logs="all")
    assert any("portal" in name for name in everything["logs"])
    assert collect(FakeCluster(crashing()), "indigo-dev", logs="none")["logs"] == {}


def test_what_may_not_be_read_is_said_and_does_not_stop_the_rest() -> None:
    refuses = {"Secret": forbidden("secrets"), "Event": urllib3.exceptions.ProtocolError("broken")}
    world = crashing()
    world.data["logs"] = {}
    found = diagnose(collect(FakeCluster(world, refuses), "indigo-dev"), GRAPH)
    assert found.kind == "crash-loop"
    assert sorted(found.gaps) == [
        "1 log could not be read: dial tcp: no such host",
        "Events could not be read: the cluster did not answer (ProtocolError)",
        "Secrets could not be read: secrets is forbidden: User cannot list it",
    ]


def test_what_the_applications_track_is_looked_at_but_never_a_secret_among_it() -> None:
    world = crashing()
    world.track("MariaDB", "store", 0, group="k8s.mariadb.com")
    world.track("Secret", "issuer-db", 0, group="")
    cluster = FakeCluster(world)
    snapshot = collect(cluster, "indigo-dev")
    assert ("MariaDB", SPACE) in cluster.asked
    assert not [item for item in snapshot["resources"] if item["kind"] == "Secret"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (forbidden("applications"), "the Applications cannot be read: applications is forbidden"),
        (
            urllib3.exceptions.NewConnectionError(urllib3.connection.HTTPConnection("x"), "y"),
            "the cluster does not answer",
        ),
    ],
)
def test_a_cluster_that_cannot_be_asked_at_all_is_an_error_with_a_fix(error: Exception, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        collect(FakeCluster(World(), {"Application": error}), "indigo-dev")
    assert caught.value.fix


def test_environments_are_known_by_their_label_or_by_the_name_of_their_application() -> None:
    world = World()
    world.data["applications"].append(application("env-staging"))
    assert environments(FakeCluster(world)) == {"dev": "indigo-dev", "staging": "env-staging"}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCluster]:
    fake = FakeCluster(crashing())
    (tmp_path / "kubeconfig").write_text("")
    monkeypatch.setattr(command, "Cluster", lambda path: fake)
    monkeypatch.setattr(Graph, "build", lambda contracts: GRAPH)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    yield fake


def test_why_prints_the_diagnosis_and_ends_with_1_where_something_blocks(cluster: FakeCluster) -> None:
    result = CliRunner().invoke(command.why, ["--environment", "dev"])
    assert result.exit_code == 1, result.output
    assert result.output.startswith("✕ store (StatefulSet, wave 0) crashed 2 times")


def test_why_gives_json_and_a_bundle_with_the_logs_of_all_pods(cluster: FakeCluster, tmp_path: Path) -> None:
    result = CliRunner().invoke(command.why, ["--json", "--bundle", str(tmp_path / "b")])
    assert json.loads(result.stdout)["kind"] == "crash-loop"
    assert (tmp_path / "b" / "pods" / "portal-7bbdb578bf-gtj77" / "portal.log").is_file()
    assert str(REVISION[:8]) in (tmp_path / "b" / "diagnosis.md").read_text()


def test_why_names_the_environments_where_one_must_be_chosen(cluster: FakeCluster) -> None:
    result = CliRunner().invoke(command.why, ["--environment", "prod"])
    assert isinstance(result.exception, UserError)
    assert "no Application of the environment prod" in str(result.exception)
    assert "write one of dev" in str(result.exception)


def test_why_lists_its_kinds_without_a_cluster() -> None:
    result = CliRunner().invoke(command.why, ["--kinds"])
    assert result.exit_code == 0
    assert "job-failed" in result.output

"""The platform on real containers: third-party servers are real, the INDIGO components are contract doubles."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cluster import Cluster
from harness.doubles.describe import load, names
from harness.doubles.image import REGISTRY
from harness.doubles.image import name as double_of
from harness.e2e.hands import Hands
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform
from harness.model.graph import Graph


def test_everything_is_synced_and_healthy_with_real_pods(
    running: tuple[Platform, list[Seen]], cluster: Cluster
) -> None:
    platform, _ = running
    pods = cluster.list("Pod", platform.namespace, labels="indigo-paas/role=server")
    serving = {name for name in platform.components if platform.contracts[name].workload.kind != "CronJob"}
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} == serving
    for pod in pods:
        for status in pod["status"]["containerStatuses"]:
            assert status["ready"] and status["containerID"].startswith("containerd://"), pod["metadata"]["name"]


def test_doubles_run_where_there_is_one_and_upstreams_image_elsewhere(running: tuple[Platform, list[Seen]]) -> None:
    platform, _ = running
    for name, image in platform.images().items():
        assert image.startswith(f"{REGISTRY}/doubles/{name}:") is (name in names()), image


def test_components_became_ready_after_what_they_need(running: tuple[Platform, list[Seen]]) -> None:
    platform, seen = running
    ready = {item.component: item.ready for item in seen if item.kind in ("Deployment", "StatefulSet")}
    for edge in platform.graph.edges:
        if edge.need == "hard" and {edge.consumer, edge.provider} <= ready.keys():
            before, after = ready[edge.provider], ready[edge.consumer]
            assert before is not None and after is not None and before <= after, (
                f"{edge.consumer} before {edge.provider}"
            )


def owners(platform: Platform) -> dict[str, str]:
    """Return who has which database, of the doubles that run."""
    doubles = set(platform.components) & set(names())
    return {database: name for name in sorted(doubles) for database in platform.contracts[name].databases}


def test_a_double_really_logged_in_to_each_of_its_databases(hands: Hands, running: tuple[Platform, list[Seen]]) -> None:
    owned = owners(running[0])
    assert {"iam", "orchestrator", "workflow", "orchestrator_dashboard"} <= owned.keys()
    for database, component in owned.items():
        assert component in hands.sql(f"SELECT DISTINCT component FROM {database}.indigo_double"), database


def test_a_double_really_logged_in_to_the_graph(hands: Hands, running: tuple[Platform, list[Seen]]) -> None:
    if "neo4j" not in running[0].components:
        pytest.skip("the profile has no Neo4j")
    assert hands.cypher("MATCH (n:IndigoDouble) RETURN DISTINCT n.component") == ['"federation-registry"']


def test_runs_that_come_on_a_schedule_succeed(hands: Hands, running: tuple[Platform, list[Seen]]) -> None:
    platform, _ = running
    runs = [name for name in platform.components if platform.contracts[name].workload.kind == "CronJob"]
    if not runs:
        pytest.skip("the profile has no CronJob")
    for name in runs:
        with platform.recorder.phase(f"run of {name}", budget=60):
            hands.run_now(name)


MISSPELT = [
    ("iam", "IAM_DB_HSOT", "IAM_DB_HSOT is no setting of INDIGO IAM; did you mean IAM_DB_HOST"),
    ("federation-manager", "OPA_AUTHZ_ULR", "did you mean OPA_AUTHZ_URL"),
    ("kafka-proxy", "KAFKA_BOOTSTRAP_SERVERS", "did you mean FLASK_KAFKA_BOOTSTRAP_SERVERS"),
    ("template-parser", "APP_LOG_DIR", "APP_LOG_DIR is no setting of Template parser"),
]


@pytest.mark.parametrize(("component", "setting", "said"), MISSPELT)
def test_a_misspelt_setting_ends_the_container_with_its_name(
    cluster: Cluster, running: tuple[Platform, list[Seen]], graph: Graph, component: str, setting: str, said: str
) -> None:
    """The container's own message says it, which is what `kubectl describe` and the diagnosis show."""
    platform, _ = running
    name = f"misspelt-{component}"
    container = {
        "name": "double",
        "image": double_of(graph.contracts[component]),
        "env": [{"name": setting, "value": "x"}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    head = {"name": name, "namespace": "default"}
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": head,
            "spec": {"restartPolicy": "Never", "containers": [container]},
        }
    )
    try:

        def ended() -> dict[str, Any]:
            status = cluster.get("Pod", name, "default")["status"].get("containerStatuses", [{}])[0]
            found: dict[str, Any] = status.get("state", {}).get("terminated", {})
            return found

        platform.until(lambda: bool(ended()), f"{name} has ended", 60)
        assert ended()["exitCode"] == 1 and said in ended()["message"]
    finally:
        cluster.delete("Pod", name, "default", grace_seconds=0)


def test_what_a_double_does_not_do_is_in_the_report(running: tuple[Platform, list[Seen]]) -> None:
    platform, _ = running
    said = " ".join(platform.recorder.snapshot().simulated)
    doubles = [name for name in platform.components if name in names()]
    assert doubles
    assert all(sentence in said for name in doubles for sentence in load(name).different)

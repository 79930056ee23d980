"""The smallest platform on real containers: MariaDB and Valkey are real, the INDIGO components are contract doubles."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.cluster import Cluster
from harness.doubles.describe import names
from harness.doubles.image import REGISTRY
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform
from harness.engines.kind.engine import KindEngine
from harness.process import run

DATABASES = {
    "iam": "iam",
    "orchestrator": "orchestrator",
    "workflow": "orchestrator",
    "orchestrator_dashboard": "dashboard",
}
ROOT_CLIENT = 'MYSQL_PWD="$MARIADB_ROOT_PASSWORD" mariadb --user=root --batch --skip-column-names --execute "$1"'


class Hands:
    """What an operator does with kubectl."""

    def __init__(self, engine: KindEngine, kubectl: Path, namespace: str) -> None:
        self.start = [str(kubectl), f"--kubeconfig={engine.kubeconfig}", f"--namespace={namespace}"]

    def sql(self, statement: str) -> list[str]:
        """Return the rows of a statement, as root in MariaDB's own pod."""
        inside = ["exec", "mariadb-0", "--container=mariadb", "--", "sh", "-c", ROOT_CLIENT, "client", statement]
        return run(*self.start, *inside, timeout=60).stdout.split()


@pytest.fixture
def hands(engine: KindEngine, kubectl: Path, running: tuple[Platform, list[Seen]]) -> Hands:
    return Hands(engine, kubectl, running[0].namespace)


def test_everything_is_synced_and_healthy_with_real_pods(
    running: tuple[Platform, list[Seen]], cluster: Cluster
) -> None:
    platform, _ = running
    pods = cluster.list("Pod", platform.namespace, labels="indigo-paas/role=server")
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} == set(platform.components)
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


@pytest.mark.parametrize(("database", "component"), DATABASES.items())
def test_a_double_really_logged_in_to_its_database(hands: Hands, database: str, component: str) -> None:
    assert component in hands.sql(f"SELECT DISTINCT component FROM {database}.indigo_double")


def test_rows_are_there_after_the_database_was_killed(
    hands: Hands, running: tuple[Platform, list[Seen]], cluster: Cluster
) -> None:
    platform, _ = running
    before = {name: hands.sql(f"SELECT id FROM {name}.indigo_double") for name in DATABASES}
    assert all(before.values())
    old = cluster.get("Pod", "mariadb-0", platform.namespace)["metadata"]["uid"]
    cluster.delete("Pod", "mariadb-0", platform.namespace, grace_seconds=0)
    budget = platform.graph.contracts["mariadb"].availability.budget
    begin = time.monotonic()
    with platform.recorder.phase("mariadb killed, ready again", budget=budget):
        platform.until(lambda: ready_again(cluster, platform.namespace, old), "mariadb is ready again", budget)
    assert time.monotonic() - begin < budget
    after = {name: hands.sql(f"SELECT id FROM {name}.indigo_double") for name in DATABASES}
    assert all(set(before[name]) <= set(after[name]) for name in DATABASES)


def ready_again(cluster: Cluster, namespace: str, old: str) -> bool:
    pod = cluster.find("Pod", "mariadb-0", namespace)
    if pod is None or pod["metadata"]["uid"] == old:
        return False
    return any(item["type"] == "Ready" and item["status"] == "True" for item in pod["status"].get("conditions", ()))


def test_everything_serves_again_after_the_databases_death_without_hands(
    hands: Hands, running: tuple[Platform, list[Seen]], cluster: Cluster
) -> None:
    platform, _ = running

    def serving() -> bool:
        pods = cluster.list("Pod", platform.namespace, labels="indigo-paas/role=server")
        return len(pods) >= len(platform.components) and all(
            status["ready"] for pod in pods for status in pod["status"].get("containerStatuses", ({"ready": False},))
        )

    platform.until(serving, "every pod is ready", 120)
    assert hands.sql("SELECT 1") == ["1"]

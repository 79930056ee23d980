"""The headless Argo CD: it follows the source, heals drift, fails as it should, and survives its servers' deaths."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from harness.argo.applications import Application, Applications, NotReached, is_healthy
from harness.argo.pacer import Pacer
from harness.argo.source import WorkingTreeSource
from harness.cluster import Cluster
from harness.engines.embedded import EmbeddedEngine
from tests.gitops.engine.support import application, chart_source, eventually

pytestmark = pytest.mark.gitops


@pytest.fixture(scope="module")
def source(engine: EmbeddedEngine, tmp_path_factory: pytest.TempPathFactory) -> WorkingTreeSource:
    return chart_source(engine.run_dir, tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def apps(engine: EmbeddedEngine, cluster: Cluster) -> Iterator[Applications]:
    with Pacer(cluster):
        yield Applications(cluster, check=engine.check)


@pytest.fixture(scope="module")
def demo(apps: Applications, source: WorkingTreeSource) -> str:
    """Return the name of an Application that was synced once; its namespace has the same name."""
    apps.apply(application("demo", source))
    apps.wait_for("demo", is_healthy, 60)
    return "demo"


def test_an_application_follows_the_source_wave_by_wave(apps: Applications, demo: str) -> None:
    app = apps.get(demo)
    waves = {str(entry): entry.wave for entry in app.resources}
    assert waves == {"ConfigMap/first": 0, "Job/migrate": 1, "Deployment/web": 2}
    assert app.operation is not None
    order = [result.name for result in app.operation.results if result.kind != "Namespace"]
    assert order == ["first", "migrate", "web"]
    assert [result.hook_phase for result in app.operation.results if result.hook_type] == ["Succeeded"]


def test_drift_is_healed_in_seconds(apps: Applications, cluster: Cluster, demo: str) -> None:
    def changed(app: Application) -> bool:
        return app.sync == "OutOfSync"

    begin = time.monotonic()
    cluster.patch("Deployment", "web", {"spec": {"replicas": 3}}, demo)
    apps.wait_for(demo, changed, 60, what="out of sync")
    apps.wait_for(demo, is_healthy, 60)
    eventually(lambda: cluster.get("Deployment", "web", demo)["spec"]["replicas"] == 1, "the drift is healed")
    assert time.monotonic() - begin < 45, "shipped Argo CD takes minutes where nobody tells it"


def test_a_failed_hook_fails_the_sync_and_a_revert_mends_it(
    apps: Applications, cluster: Cluster, source: WorkingTreeSource, demo: str
) -> None:
    sha = source.commit("a bad migration", {"chart/values.yaml": "replicas: 2\nfail: '3'\n"})
    apps.refresh(demo, how="normal")

    def failed(app: Application) -> bool:
        return app.operation is not None and app.operation.revision == sha and app.operation.phase == "Failed"

    app = apps.wait_for(demo, failed, 60)
    assert "Job/migrate: Failed" in app.summary()
    assert cluster.get("Deployment", "web", demo)["spec"]["replicas"] == 1, "the wave after the hook is not reached"
    back = source.revert(sha)
    apps.refresh(demo, how="normal")
    assert apps.sync(demo).phase == "Succeeded"
    apps.wait_for(demo, lambda app: is_healthy(app) and app.revision == back, 60)
    with pytest.raises(NotReached, match=r"demo is not green after 0\.5 s\ndemo: sync Synced"):
        apps.wait_for(demo, lambda _: False, 0.5, what="green")


@pytest.mark.parametrize("server", ["argocd-repo-server", "argocd-application-controller", "valkey"])
def test_a_killed_server_can_be_restarted_and_argo_cd_goes_on(
    engine: EmbeddedEngine, apps: Applications, source: WorkingTreeSource, demo: str, server: str
) -> None:
    engine.kill(server)
    engine.check()
    engine.restart(server)
    sha = source.commit(f"after {server}", {"chart/values.yaml": "replicas: 1\nfail: ''\n", "x": server})
    apps.refresh(demo, how="normal")
    apps.wait_for(demo, lambda app: is_healthy(app) and app.revision == sha, 60)


def test_a_deleted_application_takes_its_resources_along(apps: Applications, cluster: Cluster, demo: str) -> None:
    apps.delete(demo)
    assert cluster.list("Deployment", demo) == []
    with pytest.raises(NotReached, match="there is no Application demo"):
        apps.wait_for(demo, is_healthy, 0.5)


def test_argo_cds_clones_are_inside_the_run_directory(engine: EmbeddedEngine, demo: str) -> None:
    assert demo
    assert (engine.run_dir / "tmp" / "_argocd-repo").is_dir()


def test_the_api_server_can_be_restarted_and_keeps_its_state(engine: EmbeddedEngine, cluster: Cluster) -> None:
    before = {item["metadata"]["uid"] for item in cluster.list("Node")}
    engine.restart("kube-apiserver")
    assert {item["metadata"]["uid"] for item in cluster.list("Node")} == before
    engine.check()

"""Routes, monitors and rules: taken by an API server with upstream's definitions, and delivered by Argo CD."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from harness.argo.pacer import Pacer
from harness.argo.source import WorkingTreeSource
from harness.cluster import ApiError, Cluster, Object
from harness.diagnose.health import health
from harness.e2e.platform import Platform, converged
from harness.engines.embedded.engine import EmbeddedEngine
from harness.model.load import load_contracts
from harness.paths import repository
from harness.render import render_environment
from harness.report.recorder import Recorder
from tests.support import everything, render_chart

pytestmark = pytest.mark.gitops

KINDS = ("HTTPRoute", "Ingress", "PodMonitor", "PrometheusRule")
MONITORING = {"enabled": True, "runbooks": "https://git.example.org/runbooks", "labels": {"release": "prometheus"}}
GATEWAY = {"kind": "HTTPRoute", "gateway": {"name": "public", "namespace": "gateway", "sectionName": "https"}}
INGRESS = {
    "kind": "Ingress",
    "ingress": {
        "className": "haproxy",
        "tls": {"clusterIssuer": "site"},
        "limitAnnotations": {"timeout": {"haproxy.org/timeout-server": "%ds"}},
    },
}
# both kinds of route, a path that is cut off, and a component with metrics of its own
SITE: dict[str, Any] = {
    "global": {
        "routes": GATEWAY,
        "monitoring": MONITORING,
        "urls": {"orchestrator": "https://paas.dev.indigo.example/orchestrator"},
        "components": {"federation-manager-opa": {"mode": "embedded"}},
    },
    "dashboard": {"route": INGRESS},
}


@pytest.fixture(scope="module")
def server(peopled: EmbeddedEngine) -> Cluster:
    cluster = peopled.cluster()
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "indigo-test"}})
    return cluster


def whole_platform(routes: dict[str, Any]) -> list[Object]:
    """The routes, monitors and rules of all components."""
    objects = render_chart("indigo-paas", everything(routes=routes, monitoring=MONITORING))
    return [item for item in objects if item["kind"] in KINDS]


@pytest.mark.parametrize("routes", [GATEWAY, INGRESS], ids=["HTTPRoute", "Ingress"])
def test_an_api_server_takes_every_route_monitor_and_rule_as_it_is(server: Cluster, routes: dict[str, Any]) -> None:
    contracts = load_contracts(repository() / "charts")
    found: dict[str, set[str]] = {}
    for item in whole_platform(routes):
        taken = server.apply(item, dry_run=True)
        found.setdefault(item["kind"], set()).add(item["metadata"]["name"])
        # a default that the API server fills in would be a difference that Argo CD sees for ever
        assert taken["spec"] == item["spec"], item["metadata"]["name"]
    assert found[routes["kind"]] == {name for name, contract in contracts.items() if contract.exposed}
    assert found["PodMonitor"] == {name for name, contract in contracts.items() if contract.metrics.port}
    assert found["PrometheusRule"] == {*contracts, "platform"}


@pytest.mark.parametrize(
    ("kind", "path", "value", "says"),
    [
        ("HTTPRoute", ("rules", 0, "matches", 0, "path", "value"), "no-slash", "absolute path"),
        ("HTTPRoute", ("rules", 0, "timeouts"), {"request": "600 s"}, "timeouts.request"),
        ("HTTPRoute", ("hostnames", 0), "https://iam.example.org", "hostnames"),
        ("PrometheusRule", ("groups", 0, "rules", 0, "for"), "five minutes", "for"),
        ("PodMonitor", ("podMetricsEndpoints", 0, "interval"), "often", "interval"),
    ],
    ids=["path", "timeout", "host", "for", "interval"],
)
def test_upstreams_definitions_refuse_what_is_wrong_in_them(
    server: Cluster, kind: str, path: tuple[Any, ...], value: Any, says: str
) -> None:
    item = copy.deepcopy(next(item for item in whole_platform(GATEWAY) if item["kind"] == kind))
    place = item["spec"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ApiError, match=says):
        server.apply(item, dry_run=True)


@pytest.fixture(scope="module")
def delivered(peopled: EmbeddedEngine, server: Cluster, recorder: Recorder) -> Iterator[Platform]:
    """The environment dev with routes and monitoring: added to what runs already, or brought up from nothing."""
    source = WorkingTreeSource(peopled.source_dir, repository())
    with Pacer(server):
        platform = Platform(peopled, source, recorder, "dev")
        platform.values(SITE, "routes and monitoring")
        platform.bootstrap()
        platform.create_secrets()
        platform.refresh()
        platform.wait(converged(source.head), "routes and monitoring: Synced and Healthy", seconds=180)
        yield platform


def tracked(platform: Platform) -> dict[str, Object]:
    """The objects of our kinds in the environment's namespace."""
    return {
        f"{kind}/{item['metadata']['name']}": item
        for kind in KINDS
        for item in platform.cluster.list(kind, platform.namespace)
    }


def test_argo_cd_delivers_them_and_calls_them_healthy(delivered: Platform) -> None:
    found = tracked(delivered)
    assert {"HTTPRoute/iam", "HTTPRoute/orchestrator", "Ingress/dashboard"} <= set(found)
    assert {"PodMonitor/federation-manager-opa", "PrometheusRule/mariadb", "PrometheusRule/platform"} <= set(found)
    # the state that Argo CD 3 does not write to the Application, by the same rules; of monitors and rules it has none
    assert {name: str(health(item)) for name, item in found.items() if not health(item).well} == {}
    app = delivered.cluster.get("Application", delivered.name, "argocd")
    entries = [entry for entry in app["status"]["resources"] if entry["kind"] in KINDS]
    assert {f"{entry['kind']}/{entry['name']}" for entry in entries} == set(found)
    assert {entry["status"] for entry in entries} == {"Synced"}


def test_a_second_sync_changes_none_of_them(delivered: Platform) -> None:
    before = {name: item["metadata"]["resourceVersion"] for name, item in tracked(delivered).items()}
    delivered.sync_again()
    assert {name: item["metadata"]["resourceVersion"] for name, item in tracked(delivered).items()} == before


def test_switching_monitoring_off_takes_them_away_and_restarts_no_pod(delivered: Platform) -> None:
    pods = delivered.pods()
    change = SITE | {"global": {**SITE["global"], "monitoring": {"enabled": False}}}
    delivered.deliver(delivered.values(change, "no monitoring"), "monitoring off")
    left = {name.split("/")[0] for name in tracked(delivered)}
    assert left == {"HTTPRoute", "Ingress"}
    assert delivered.pods() == pods


def test_the_environment_as_committed_renders_none_of_them() -> None:
    assert [item for item in render_environment("dev").objects() if item["kind"] in KINDS] == []

"""Several pods where the software survives them: spread, budgets, priorities; and the profiles ha and legacy."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.model.load import load_contracts
from harness.paths import repository
from harness.render import helm_template, render_environment
from tests import support
from tests.static.copied import Copied

CONTRACTS = load_contracts(support.charts())
EXAMPLES = repository() / "argocd/examples/site"
PROFILES = repository() / "charts/indigo-paas/profiles"
NOT_HERE = {
    "rucio-connector",
    "federation-manager-dashboard",
    "federation-registry-feeder",
}  # ask for a site's own values


@cache
def _render(profile: str) -> tuple[support.Object, ...]:
    """Return everything that runs with a profile over all components, with what the example of a site says."""
    here = {
        name: {"mode": "off" if name in NOT_HERE else "embedded"} for name, item in CONTRACTS.items() if not item.like
    }
    urls = {name: f"https://{name}.example.org" for name, item in CONTRACTS.items() if item.exposed}
    layers = [
        yaml.safe_load(path.read_text()) for path in (PROFILES / f"{profile}.yaml", EXAMPLES / f"values-{profile}.yaml")
    ]
    inline: dict[str, Any] = {"global": {"components": here, "urls": urls, "environment": "test"}}
    for layer in layers:
        inline = merged(inline, layer)
    chart = support.charts() / "indigo-paas"
    return tuple(helm_template(chart, release="test", namespace="indigo-test", inline=inline))


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def workloads(profile: str) -> dict[str, support.Object]:
    kinds = ("Deployment", "StatefulSet")
    return {item["metadata"]["name"]: item for item in _render(profile) if item["kind"] in kinds}


def test_ha_runs_several_pods_of_all_that_survives_them_and_one_of_the_rest() -> None:
    for name, item in workloads("ha").items():
        most = CONTRACTS[name].replicas.max
        assert (item["spec"]["replicas"] > 1) == (most != 1), f"{name}: {CONTRACTS[name].replicas.why}"


def test_several_pods_are_spread_over_zones_and_nodes_and_one_may_be_away() -> None:
    budgets = {item["metadata"]["name"] for item in _render("ha") if item["kind"] == "PodDisruptionBudget"}
    several = {name for name, item in workloads("ha").items() if item["spec"]["replicas"] > 1}
    assert budgets == several, "a budget on one pod would block every drain"
    for name in several:
        spread = workloads("ha")[name]["spec"]["template"]["spec"]["topologySpreadConstraints"]
        keys = [(item["topologyKey"], item["whenUnsatisfiable"]) for item in spread]
        assert keys == [
            ("topology.kubernetes.io/zone", "ScheduleAnyway"), ("kubernetes.io/hostname", "ScheduleAnyway"),
        ], name  # fmt: skip


def test_data_is_replicated_by_operators_and_iam_shares_its_sessions() -> None:
    kinds = {(item["kind"], item["metadata"]["name"]): item for item in _render("ha")}
    for name in ("mariadb", "mariadb-iam", "mariadb-orchestrator"):
        assert kinds["MariaDB", name]["spec"]["replicas"] == 3
    assert kinds["KafkaNodePool", "node"]["spec"]["replicas"] == 3
    assert workloads("ha")["openbao"]["spec"]["replicas"] == 3
    iam = workloads("ha")["iam"]["spec"]["template"]["spec"]
    assert support.env_of(iam)["IAM_SPRING_SESSION_STORE_TYPE"] == "redis"


def test_a_pod_of_openbao_is_a_voter_before_the_next_one_goes() -> None:
    spec = support.Chart("openbao").find("StatefulSet")["spec"]
    assert spec["minReadySeconds"] >= 25, "a new pod counts for the quorum after about 20 s"


def test_pods_without_a_volume_leave_a_lost_node_sooner_and_those_with_one_do_not() -> None:
    for name, item in workloads("ha").items():
        tolerations = item["spec"]["template"]["spec"].get("tolerations", [])
        seconds = {entry["key"]: entry["tolerationSeconds"] for entry in tolerations}
        lost = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
        kept = any(volume.keep for volume in CONTRACTS[name].writable)
        assert seconds == ({} if kept else dict.fromkeys(lost, 60)), name


def test_a_priority_is_that_of_the_tier_unless_the_component_has_its_own() -> None:
    values = {"global": {"priorities": {"core": "important"}}}
    assert support.pod(support.render_chart("iam", values), "iam")["spec"]["priorityClassName"] == "important"
    own = values | {"scheduling": {"priorityClassName": "first"}}
    assert support.pod(support.render_chart("iam", own), "iam")["spec"]["priorityClassName"] == "first"
    assert "priorityClassName" not in support.pod(support.render_chart("valkey", values), "valkey")["spec"]


def test_priority_classes_are_made_with_the_namespace_and_reach_the_pods(copied: Copied) -> None:
    path: Path = copied.root / "argocd/environments/dev/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**config, "priorities": True}), encoding="utf-8")
    try:
        rendered = render_environment("dev", copied.root)
    finally:
        copied.mend()
    classes = {item["metadata"]["name"]: item for item in rendered.delivery if item["kind"] == "PriorityClass"}
    assert not [item for item in rendered.objects() if item["kind"] == "PriorityClass"], "they are the cluster's"
    assert (
        classes["indigo-dev-data"]["value"] > classes["indigo-dev-core"]["value"] > classes["indigo-dev-batch"]["value"]
    )
    assert classes["indigo-dev-batch"]["preemptionPolicy"] == "Never"
    for item in rendered.objects():
        if item["kind"] in ("Deployment", "StatefulSet"):
            name = item["metadata"]["name"]
            wanted = f"indigo-dev-{CONTRACTS[name].tier}"
            assert item["spec"]["template"]["spec"]["priorityClassName"] == wanted in classes


def test_legacy_asks_old_services_in_their_first_version_and_runs_none_of_them() -> None:
    here = workloads("legacy")
    assert {"mariadb", "iam", "openbao", "im"}.isdisjoint(here)
    env = support.env_of(here["orchestrator"]["spec"]["template"]["spec"])
    assert env["ORCHESTRATOR_DB_ENDPOINT"] == "db.old.indigo.example:3306"
    text = str(env)
    for service in ("cmdb", "slam", "cpr"):
        assert f"https://{service}.old.indigo.example" in text, service
    assert "federation-registry" in here, "new services beside the old ones"


@pytest.mark.parametrize("name", sorted(name for name, item in CONTRACTS.items() if not item.like))
def test_what_happens_with_several_pods_is_stated_where_several_may_run(name: str) -> None:
    contract = CONTRACTS[name]
    several = contract.operator is not None or contract.replicas.max != 1
    stated = contract.availability.replicated is not None
    assert stated == several, f"{name}: availability.replicated is {'missing' if several else 'more than it survives'}"


@pytest.mark.parametrize("name", sorted(name for name, item in CONTRACTS.items() if not item.like))
def test_the_death_of_what_it_needs_is_stated(name: str) -> None:
    contract = CONTRACTS[name]
    assert contract.availability.stores is not None or not contract.requires, name

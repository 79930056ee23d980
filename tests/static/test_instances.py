"""An instance is the same chart once more: shared by default, a server of its own by one value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.model.contract import Contract, Need, Requirement
from harness.model.environment import Mode
from harness.model.graph import Graph
from harness.model.load import load_contracts, parse
from harness.model.placement import place
from harness.secrets.apply import provenance
from harness.secrets.plan import wanted
from tests import support

APART = {"mariadb-iam": {"mode": "embedded"}, "mariadb-orchestrator": {"mode": "embedded"}}


def render(components: dict[str, Any] | None = None, **values: Any) -> list[support.Object]:
    return support.render_umbrella({"global": {"components": components or {}}, **values})


def names(objects: list[support.Object], kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in objects if item["kind"] == kind}


def script(objects: list[support.Object], server: str) -> str:
    (job,) = [item for item in objects if item["metadata"]["name"].startswith(f"{server}-provision-")]
    return str(job["spec"]["template"]["spec"]["containers"][0]["args"][0])


def test_an_instance_is_shared_unless_a_site_says_otherwise() -> None:
    objects = render()
    assert names(objects, "StatefulSet") == {"mariadb", "valkey", "dashboard"}
    assert support.environment(objects, "iam")["IAM_DB_HOST"] == "mariadb"
    assert support.environment(objects, "orchestrator")["ORCHESTRATOR_DB_ENDPOINT"] == "mariadb:3306"
    for database in ("iam iam", "orchestrator orchestrator", "workflow workflow", "orchestrator_dashboard dashboard"):
        assert f"\ndatabase {database} utf8mb4" in script(objects, "mariadb")
    assert support.sources(objects, "mariadb") == {"dashboard", "iam", "mariadb", "orchestrator"}


def test_each_failure_domain_has_a_server_volume_secret_and_policy_of_its_own() -> None:
    objects = render(APART)
    servers = {"mariadb", "mariadb-iam", "mariadb-orchestrator"}
    for kind in ("StatefulSet", "Service", "NetworkPolicy", "ServiceAccount"):
        assert servers <= names(objects, kind), kind
    assert support.environment(objects, "iam")["IAM_DB_HOST"] == "mariadb-iam"
    assert support.environment(objects, "orchestrator")["WORKFLOW_DB_ENDPOINT"] == "mariadb-orchestrator:3306"
    assert {server: support.sources(objects, server) for server in servers} == {
        "mariadb": {"dashboard", "mariadb"},
        "mariadb-iam": {"iam", "mariadb-iam"},
        "mariadb-orchestrator": {"orchestrator", "mariadb-orchestrator"},
    }
    password = support.environment(objects, "mariadb-iam")["MARIADB_ROOT_PASSWORD"]
    assert password == support.secret("mariadb-iam-root", "password")
    assert "\ndatabase iam iam" in script(objects, "mariadb-iam")
    assert "\ndatabase iam iam" not in script(objects, "mariadb")
    assert "XA_RECOVER_ADMIN" in script(objects, "mariadb-orchestrator")
    assert "XA" not in script(objects, "mariadb-iam")


def test_pods_wait_for_the_server_that_serves_them() -> None:
    for components, server in (({}, "mariadb"), (APART, "mariadb-iam")):
        waits = [item["name"] for item in support.pod(render(components), "iam")["spec"]["initContainers"]]
        assert waits == [f"wait-for-{server}"]


def test_an_instance_may_run_elsewhere_alone() -> None:
    objects = render({"mariadb-iam": {"mode": "external", "host": "db.example.org", "cidrs": ["192.0.2.7/32"]}})
    assert support.environment(objects, "iam")["IAM_DB_HOST"] == "db.example.org"
    rules = support.find(objects, "NetworkPolicy", "iam")["spec"]["egress"]
    assert {"to": [{"ipBlock": {"cidr": "192.0.2.7/32"}}], "ports": [{"protocol": "TCP", "port": 3306}]} in rules
    assert "iam" not in support.sources(objects, "mariadb")
    assert support.environment(objects, "orchestrator")["ORCHESTRATOR_DB_ENDPOINT"] == "mariadb:3306"


def test_an_instance_has_values_of_its_own() -> None:
    objects = render(APART, **{"mariadb-iam": {"settings": {"max_connections": 90}}})
    line = "max_connections = 90"
    assert line in support.find(objects, "ConfigMap", "mariadb-iam-config")["data"]["etc.mysql.conf.d.indigo.cnf"]
    assert line not in support.find(objects, "ConfigMap", "mariadb-config")["data"]["etc.mysql.conf.d.indigo.cnf"]


def test_what_is_wrong_in_the_values_of_an_instance_is_said_with_its_name() -> None:
    with pytest.raises(UserError) as caught:
        render(APART, **{"mariadb-iam": {"replicas": 3}})
    assert str(caught.value).startswith("mariadb-iam.replicas: 3 is more than 1\n")
    with pytest.raises(UserError) as caught:
        render(**{"mariadb-iam": {"replica": 3}})
    assert "mariadb-iam.replica: no such key" in str(caught.value)
    with pytest.raises(UserError) as caught:
        render({"mariadb": {"mode": "shared"}})
    assert "global.components.mariadb.mode" in str(caught.value)


def test_a_server_that_is_off_is_missed_by_those_that_share_it() -> None:
    with pytest.raises(UserError) as caught:
        render({"mariadb": {"mode": "off"}, "dashboard": {"mode": "off"}})
    assert "global.components.mariadb.mode: is off, but" in str(caught.value)


def test_secrets_are_asked_for_where_the_instance_runs() -> None:
    contracts = load_contracts(support.charts())
    everything_off: dict[str, Any] = {name: {"mode": "off"} for name, item in contracts.items() if not item.like}
    for modes, expected in (
        ({"iam": {"mode": "embedded"}, "mariadb": {"mode": "embedded"}}, {"mariadb-root"}),
        ({"iam": {"mode": "embedded"}, "mariadb-iam": {"mode": "embedded"}}, {"mariadb-iam-root"}),
    ):
        placed = place(contracts, {"global": {"components": everything_off | modes}})
        items = wanted(placed.graph, placed.modes, {})
        assert {item.name for item in items if item.name.endswith("-root")} == expected


def test_the_graph_of_an_environment_has_no_instance_that_is_shared() -> None:
    contracts = load_contracts(support.charts())
    shared = place(contracts, {})
    assert shared.modes["mariadb-iam"] is Mode.SHARED
    assert "mariadb-iam" not in shared.graph.contracts
    assert "iam" in shared.graph.consumers("mariadb", "mysql")
    assert "iam" in {item.owner for item in shared.graph.databases("mariadb")}
    apart = place(contracts, {"global": {"components": APART}})
    assert "iam" not in apart.graph.consumers("mariadb", "mysql")
    assert apart.graph.consumers("mariadb-iam", "mysql") == ["iam"]


def test_a_message_about_an_instance_names_the_file_and_key_that_a_person_wrote() -> None:
    contracts = load_contracts(support.charts())
    apart = place(contracts, {"global": {"components": APART}})
    (root,) = [item for item in wanted(apart.graph, apart.modes, {}) if item.identifier == "mariadb-iam-root"]
    for where in (root.declared, provenance(root)["indigo-paas/contract"]):
        assert where == "charts/mariadb/contract.yaml secrets.mariadb-root"
    for name, item in contracts.items():
        assert (support.charts().parent / item.file).is_file(), name
        for identifier in item.secrets:
            written = item.place_of_secret(identifier).rpartition(".")[2]
            assert f"\n  {written}:" in (support.charts().parent / item.file).read_text(encoding="utf-8")
    need = Requirement(component="nowhere", port="http", need=Need.HARD, why="No component has it.", source="a test")
    contracts["mariadb-iam"] = contracts["mariadb-iam"].model_copy(update={"requires": (need,)})
    with pytest.raises(UserError) as caught:
        Graph.build(contracts)
    assert "where: charts/mariadb/contract.yaml requires[0].component" in str(caught.value)


# --- contracts that break the mechanism


def contract(**changes: Any) -> Contract:
    data = support.contract("mariadb").model_dump(by_alias=True, exclude_none=True)
    return parse(Contract, data | changes, "test")


def test_nobody_writes_that_a_component_is_like_another() -> None:
    with pytest.raises(UserError) as caught:
        contract(like="valkey")
    assert "like: is derived from `instances`" in str(caught.value)


def test_secrets_that_instances_could_not_tell_apart_are_refused() -> None:
    secrets = {"database-root": support.contract("mariadb").secrets["mariadb-root"].model_dump()}
    with pytest.raises(UserError) as caught:
        contract(secrets=secrets)
    assert "secrets.database-root: begins with mariadb-" in str(caught.value)


def test_an_instance_with_the_name_of_a_component_is_refused(tmp_path: Path) -> None:
    for name, extra in (("store", "instances:\n  issuer: {title: Store, why: A second one of it.}\n"), ("issuer", "")):
        chart = tmp_path / "charts" / name
        chart.mkdir(parents=True)
        text = (Path(__file__).parents[1] / "unit/fixtures/charts" / name / "contract.yaml").read_text()
        (chart / "contract.yaml").write_text(text + extra)
    with pytest.raises(UserError) as caught:
        load_contracts(tmp_path / "charts")
    assert "instances.issuer: there is a component of that name already" in str(caught.value)


def test_one_database_claimed_on_a_server_and_on_its_instance_is_refused() -> None:
    contracts = load_contracts(support.charts())
    dashboard = contracts["dashboard"]
    databases = {"iam": dashboard.databases["orchestrator_dashboard"]}
    contracts["dashboard"] = dashboard.model_copy(update={"databases": databases})
    with pytest.raises(UserError) as caught:
        Graph.build(contracts)
    assert "database iam on mariadb is claimed by dashboard too" in str(caught.value)

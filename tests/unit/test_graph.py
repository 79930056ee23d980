"""The graph orders components by hard needs, and refuses contracts that do not fit together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from harness import paths
from harness.cli import cli
from harness.errors import UserError
from harness.model.environment import Mode, load_environment, load_environments, modes, read_values, secret_names
from tests.unit.fixtures import Contracts, make_checkout, write, write_environment


@pytest.fixture
def fixtures() -> Contracts:
    return Contracts()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("INDIGO_REPOSITORY", str(tmp_path))
    paths.repository.cache_clear()
    yield make_checkout(tmp_path)
    paths.repository.cache_clear()


def test_levels_follow_hard_needs_only(fixtures: Contracts) -> None:
    graph = fixtures.build()
    assert graph.levels == {"store": 0, "issuer": 1, "portal": 2}
    fixtures.data["portal"]["requires"][1]["need"] = "soft"
    assert fixtures.build().levels["portal"] == 0


def test_waves_leave_room_for_jobs(fixtures: Contracts) -> None:
    graph = fixtures.build()
    assert graph.waves() == {0: ["store"], 10: ["issuer"], 20: ["portal"]}
    assert graph.phases("issuer") == {"prepare": 11, "workload": 12}
    assert graph.phases("store") == {"workload": 0, "provide": 3}
    assert graph.phases("portal") == {"workload": 20}


def test_consumers_and_databases_are_found_from_the_other_side(fixtures: Contracts) -> None:
    graph = fixtures.build()
    assert graph.consumers("store", "sql") == ["issuer", "portal"]
    assert graph.consumers("store", "metrics") == []
    assert [(owned.name, owned.owner) for owned in graph.databases("store")] == [("issuer", "issuer")]
    assert graph.secrets()["store-auth"][0] == "store"


def test_an_unknown_component_is_refused_with_the_nearest_name(fixtures: Contracts) -> None:
    fixtures.data["portal"]["requires"][1]["component"] = "isuer"
    assert fixtures.refusal() == (
        "no component isuer\n"
        "where: charts/portal/contract.yaml requires[1].component\n"
        "fix: write issuer, or add charts/isuer/contract.yaml"
    )


def test_an_unknown_port_is_refused_with_those_there_are(fixtures: Contracts) -> None:
    fixtures.data["portal"]["requires"][0]["port"] = "https"
    assert fixtures.refusal() == (
        "store has no port https\nwhere: charts/portal/contract.yaml requires[0].port\nfix: write one of metrics, sql"
    )


def test_a_port_outside_of_the_service_is_refused(fixtures: Contracts) -> None:
    fixtures.data["portal"]["requires"][0]["port"] = "metrics"
    assert fixtures.refusal() == (
        "port metrics of store is not offered by its Service\n"
        "where: charts/portal/contract.yaml requires[0].port\n"
        "fix: remove service: false in charts/store/contract.yaml"
    )


def test_a_secret_of_somebody_else_is_refused(fixtures: Contracts) -> None:
    fixtures.data["portal"]["requires"][0]["secrets"] = ["issuer-db"]
    assert fixtures.refusal() == (
        "store owns no Secret issuer-db\n"
        "where: charts/portal/contract.yaml requires[0].secrets\n"
        "fix: it belongs to issuer: require that one"
    )


def test_a_secret_of_nobody_is_refused(fixtures: Contracts) -> None:
    fixtures.data["portal"]["requires"][0]["secrets"] = ["store-rot"]
    assert fixtures.refusal() == (
        "store owns no Secret store-rot\nwhere: charts/portal/contract.yaml requires[0].secrets\nfix: write store-root"
    )


def test_a_cycle_of_hard_needs_is_printed_with_its_keys(fixtures: Contracts) -> None:
    fixtures.data["store"]["requires"] = [
        {"component": "portal", "port": "http", "need": "hard", "why": "A mistake.", "source": "test"}
    ]
    assert fixtures.refusal() == (
        "hard requirements form a cycle: issuer -> store -> portal -> issuer\n"
        "where: charts/issuer/contract.yaml requires[0], charts/store/contract.yaml requires[0], "
        "charts/portal/contract.yaml requires[1]\n"
        "fix: write need: soft where the component starts without the other one"
    )
    fixtures.data["store"]["requires"][0]["need"] = "soft"
    assert fixtures.build().levels["portal"] == 2


def test_a_component_does_not_require_itself(fixtures: Contracts) -> None:
    fixtures.data["portal"]["requires"][0]["component"] = "portal"
    assert fixtures.refusal() == (
        "portal requires itself\n"
        "where: charts/portal/contract.yaml requires[0].component\n"
        "fix: remove it, or write peers: true"
    )


def test_a_need_is_written_once(fixtures: Contracts) -> None:
    fixtures.data["portal"]["requires"].append({**fixtures.data["portal"]["requires"][0], "need": "hard"})
    assert fixtures.refusal() == (
        "store:sql is required twice\nwhere: charts/portal/contract.yaml requires[2]\nfix: make one entry of the two"
    )


def test_a_secret_id_belongs_to_one_component(fixtures: Contracts) -> None:
    fixtures.data["portal"]["secrets"]["issuer-db"] = fixtures.data["issuer"]["secrets"]["issuer-db"]
    assert fixtures.refusal() == (
        "Secret issuer-db is declared by issuer too\n"
        "where: charts/portal/contract.yaml secrets.issuer-db\n"
        "fix: give one of them another id"
    )


def test_an_option_does_not_have_the_name_of_a_component(fixtures: Contracts) -> None:
    options = fixtures.data["portal"]["options"]
    options["store"] = options["links"]
    assert fixtures.refusal() == (
        "option store of portal has the name of a component, and Helm takes one for the other\n"
        "where: charts/portal/contract.yaml options.store\n"
        "fix: give the option another name"
    )


def test_database_and_user_belong_to_one_component_and_all_problems_are_said_at_once(fixtures: Contracts) -> None:
    fixtures.data["portal"]["databases"] = {
        "issuer": {"server": "store", "user": "issuer", "secret": "portal-app", "purpose": "Statistics"}
    }
    assert fixtures.refusal() == (
        "2 problems between the contracts\n"
        "where: charts/*/contract.yaml\n"
        "fix: mend each of these\n"
        "charts/portal/contract.yaml databases.issuer: database issuer on store is claimed by issuer too; "
        "give one of them another name\n"
        "charts/portal/contract.yaml databases.issuer.user: user issuer on store is claimed by databases.issuer of "
        "issuer; give each component its own user, and each user one Secret"
    )


def test_one_user_may_own_several_databases_of_its_component(fixtures: Contracts) -> None:
    databases = fixtures.data["issuer"]["databases"]
    databases["audit"] = {**databases["issuer"], "purpose": "Who did what"}
    assert [owned.name for owned in fixtures.build().databases("store")] == ["audit", "issuer"]
    databases["audit"]["secret"] = "issuer-keys"
    assert fixtures.refusal().startswith("user issuer on store is claimed by databases.issuer of issuer")


def test_mermaid_tells_hard_from_soft(fixtures: Contracts) -> None:
    drawn = fixtures.build().to_mermaid()
    assert '  c_portal -->|"http 8080"| c_issuer\n' in drawn
    assert '  c_portal -.->|"sql 3306"| c_store\n' in drawn
    assert '  subgraph wave10["wave 10"]\n    c_issuer["Issuer"]\n  end\n' in drawn


def test_the_command_prints_waves_and_who_waits(checkout: Path) -> None:
    shown = CliRunner().invoke(cli, ["graph"]).output
    assert shown.index("wave 0") < shown.index("wave 10") < shown.index("wave 20")
    assert "waits for  issuer:8080 (http)" in shown
    assert "uses       store:3306 (sql)" in shown
    assert "needed by  issuer (sql, hard), portal (sql, soft)" in shown
    assert "Secrets    store-auth (password, user), store-root (password)" in shown


def test_the_command_prints_json(checkout: Path) -> None:
    answer = yaml.safe_load(CliRunner().invoke(cli, ["graph", "--format", "json"]).output)
    assert answer["waves"][1] == {"wave": 10, "components": ["issuer"]}
    assert answer["components"]["issuer"]["requires"][0]["secrets"] == ["store-auth"]
    assert answer["components"]["store"]["requiredBy"][1] == {"component": "portal", "port": "sql", "need": "soft"}


def test_values_are_merged_as_helm_does(checkout: Path, fixtures: Contracts) -> None:
    write(
        checkout / "argocd" / "environments" / "dev" / "values.yaml",
        {"global": {"list": [3], "secrets": {"store-root": "db-root"}, "components": {"store": {"mode": "external"}}}},
    )
    values = read_values(checkout, load_environment(checkout, "dev"))
    assert values["global"]["list"] == [3]
    assert "a" not in values["global"]
    assert secret_names(values) == {"store-root": "db-root"}
    assert modes(values, fixtures.build().contracts) == {
        "issuer": Mode.EMBEDDED,
        "portal": Mode.EMBEDDED,
        "store": Mode.EXTERNAL,
    }


def test_off_without_quotes_is_refused_with_the_fix(fixtures: Contracts) -> None:
    with pytest.raises(UserError) as caught:
        modes({"global": {"components": {"portal": {"mode": False}}}}, fixtures.build().contracts)
    assert str(caught.value) == (
        "global.components.portal.mode: False is none of embedded, external, off\n"
        "where: values of the environment\n"
        'fix: write embedded (it runs here), external (somewhere else) or off as "off"'
    )


def test_an_environment_is_its_folder(checkout: Path) -> None:
    write_environment(checkout, "prod", name="production")
    with pytest.raises(UserError) as caught:
        load_environments(checkout)
    assert str(caught.value) == (
        "name: production does not match the folder prod\n"
        "where: argocd/environments/prod/config.yaml\n"
        "fix: write name: prod, or rename the folder"
    )


def test_an_environment_names_a_profile_that_exists(checkout: Path) -> None:
    write_environment(checkout, "prod", profiles=["minimal", "ha"])
    with pytest.raises(UserError) as caught:
        load_environment(checkout, "prod")
    assert str(caught.value) == (
        "profiles.1: no file charts/indigo-paas/profiles/ha.yaml\n"
        "where: argocd/environments/prod/config.yaml\n"
        "fix: write one of those there are: minimal"
    )


def test_a_profile_that_is_listed_twice_is_refused(checkout: Path) -> None:
    write_environment(checkout, "prod", profiles=["minimal", "minimal"])
    with pytest.raises(UserError) as caught:
        load_environment(checkout, "prod")
    assert str(caught.value).startswith("profiles.1: minimal is listed twice\n")


def test_a_later_profile_wins_over_an_earlier_one_and_the_environment_over_both(checkout: Path) -> None:
    profiles = checkout / "charts" / "indigo-paas" / "profiles"
    write(profiles / "ha.yaml", {"store": {"replicas": 3, "size": 3}, "list": [3]})
    write(profiles / "minimal.yaml", {"store": {"replicas": 1, "size": 1, "kept": True}, "list": [1, 2]})
    write_environment(checkout, "prod", profiles=["minimal", "ha"])
    write(checkout / "argocd" / "environments" / "prod" / "values.yaml", {"store": {"size": 4}})
    values = read_values(checkout, load_environment(checkout, "prod"))
    assert values["store"] == {"replicas": 3, "size": 4, "kept": True}
    assert values["list"] == [3]


def test_an_unknown_environment_is_refused_with_those_there_are(checkout: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_environment(checkout, "staging")
    assert str(caught.value) == (
        "no environment staging\nwhere: argocd/environments/staging/config.yaml\nfix: write one of those there are: dev"
    )


def test_two_environments_do_not_share_a_namespace(checkout: Path) -> None:
    write_environment(checkout, "prod", namespace="indigo-dev")
    with pytest.raises(UserError) as caught:
        load_environments(checkout)
    assert str(caught.value) == (
        "namespace: indigo-dev of this cluster is the environment dev already\n"
        "where: argocd/environments/prod/config.yaml\n"
        "fix: one platform per namespace: write another namespace or cluster"
    )

"""A contract is refused with file, key and fix; a right one is read as it stands."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import UserError
from harness.model.contract import Contract
from harness.model.load import load_contract, load_contracts, parse, read_yaml
from tests.unit.fixtures import CHARTS


@pytest.fixture
def portal() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((CHARTS / "portal" / "contract.yaml").read_text())
    return data


def refusal(data: dict[str, Any]) -> str:
    with pytest.raises(UserError) as caught:
        parse(Contract, data, "charts/portal/contract.yaml")
    return str(caught.value)


def test_contracts_are_read_in_alphabetical_order() -> None:
    assert list(load_contracts(CHARTS)) == ["issuer", "portal", "store"]


def test_an_unknown_key_and_a_missing_one_are_named_together(portal: dict[str, Any]) -> None:
    portal["replica"] = 1
    del portal["summary"]
    assert refusal(portal) == (
        "2 problems: summary: is required\n"
        "where: charts/portal/contract.yaml\n"
        "fix: see schemas/ for the shape, and another component's file as an example\n"
        "replica: no such key"
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"exposed": "web"}, "Contract: exposed: web is not one of ports"),
        (
            {"replicas": {"default": 4, "max": 3, "why": "More were never tried.", "source": "test"}},
            "Contract: replicas.default: 4 is more than replicas.max 3",
        ),
        (
            {"workload": {"kind": "Deployment", "strategy": "RollingUpdate", "why": "A mistake.", "gracePeriod": 30}},
            "Contract: workload.strategy: a Deployment with a kept volume must be Recreate",
        ),
        (
            {"security": {"profile": "baseline"}},
            "security: a deviation from restricted with a read-only root needs `exception`: the reason",
        ),
        (
            {"databases": {"portal": {"server": "shop", "user": "portal", "secret": "key", "purpose": "Statistics"}}},
            "Contract: databases.portal.server: shop is not among requires; "
            "databases.portal.secret: key is not one of secrets",
        ),
        (
            {"probes": {"readiness": {"port": "web", "source": "test"}, "none": "It starts at once."}},
            "Contract: probes.readiness.port: web is not one of ports",
        ),
        (
            {"probes": {"readiness": {"port": "http", "source": "test"}}},
            "Contract: probes.startup: absent without a reason in probes.none; "
            "probes.liveness: absent without a reason in probes.none",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(portal: dict[str, Any], change: dict[str, Any], problem: str) -> None:
    assert refusal({**portal, **change}).splitlines()[0] == f"1 problem: {problem}"


def test_a_check_is_a_command_or_a_port(portal: dict[str, Any]) -> None:
    both = copy.deepcopy(portal)
    both["probes"]["readiness"]["command"] = ["true"]
    assert "probes.readiness: a check is either a command or a port, not both" in refusal(both)
    neither = copy.deepcopy(portal)
    neither["probes"]["readiness"] = {"source": "test"}
    assert "probes.readiness: a check names a port (with a path for HTTP) or a command" in refusal(neither)


def test_a_contract_belongs_to_its_folder(tmp_path: Path, portal: dict[str, Any]) -> None:
    chart = tmp_path / "charts" / "shop"
    chart.mkdir(parents=True)
    (chart / "contract.yaml").write_text(yaml.safe_dump(portal))
    with pytest.raises(UserError) as caught:
        load_contract(chart)
    assert str(caught.value) == (
        "component: portal does not match the folder shop\n"
        "where: charts/shop/contract.yaml\n"
        "fix: write component: shop, or rename the folder"
    )


def test_a_key_that_is_written_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("a: 1\nb: {c: 1, c: 2}\n")
    with pytest.raises(UserError) as caught:
        read_yaml(path, "contract.yaml")
    assert str(caught.value) == (
        "contract.yaml is not YAML: key 'c' is written twice\n"
        "where: contract.yaml:2:11\n"
        "fix: mend the line; indentation by two spaces, strings with : or # in quotes"
    )


def test_a_name_cannot_be_read_and_ignored(portal: dict[str, Any]) -> None:
    name = next(iter(portal["settings"]))
    portal["ignored"] = {name: "Of another version.", "OTHER": "Of another version."}
    assert f"ignored.{name}: is one of settings" in refusal(portal)

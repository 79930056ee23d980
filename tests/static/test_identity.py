"""Further issuers and groups by role are said once, and every component that can be told gets them in its own form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import UserError
from harness.model.contract import ROLES, Contract, Issuers
from harness.model.load import load_contracts
from harness.paths import repository
from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

CONTRACTS = load_contracts(support.charts())
OTHER = "https://iam.partner.example.org/"
REALM = "https://login.partner.example.org/realms/science"  # without a slash at its end, as its tokens have it
GROUPS: dict[str, list[str]] = {role: [f"paas/{role.lower()}"] for role in ROLES}
PLATFORM = support.everything(issuers=[{"issuer": OTHER}, {"issuer": REALM, "claim": "entitlements"}], groups=GROUPS)
LISTING = [name for name, item in CONTRACTS.items() if item.issuers and item.issuers.setting]
ONE = [name for name, item in CONTRACTS.items() if item.issuers and item.issuers.one]
ROLED = [(name, role) for name, item in CONTRACTS.items() for role in item.roles]


@pytest.fixture(scope="module")
def platform() -> list[support.Object]:
    """Everything, with two further issuers and a group for each role."""
    return support.render_umbrella(PLATFORM, "full")


def told(objects: list[support.Object], component: str, where: str) -> str:
    """Return what a component is told in a setting of the environment, or in a file of its ConfigMap."""
    if where in CONTRACTS[component].settings and CONTRACTS[component].settings[where].where == "env":
        return str(support.environment(objects, component)[where])
    path = where if where.startswith("/") else CONTRACTS[component].settings[where].where
    name = path.rpartition("/")[2]  # im puts its file together from one of that name
    (text,) = [text for key, text in support.config(objects, component).items() if key.endswith(f".{name}")]
    return text


@pytest.mark.parametrize("component", LISTING)
def test_further_issuers_reach_every_component_that_lists_them(platform: list[support.Object], component: str) -> None:
    declared = CONTRACTS[component].issuers
    assert declared is not None
    text = told(platform, component, declared.setting)
    for issuer in ("https://iam.example.org/", OTHER, REALM):
        assert issuer in text, f"{component} does not believe {issuer}"
    assert f"{REALM}/" not in text, "iss is compared letter by letter"


@pytest.mark.parametrize("component", ONE)
def test_what_knows_one_issuer_is_told_of_no_other(platform: list[support.Object], component: str) -> None:
    own = [item for item in platform if item["metadata"]["labels"].get("app.kubernetes.io/name") == component]
    assert own
    assert "partner.example.org" not in json.dumps(own)


def test_no_component_outside_of_the_contracts_is_told(platform: list[support.Object]) -> None:
    found = {
        item["metadata"]["labels"]["app.kubernetes.io/name"]
        for item in platform
        if "partner.example.org" in json.dumps(item)
    }
    assert found == set(LISTING)


def test_the_forms_are_those_of_the_software(platform: list[support.Object]) -> None:
    issuers = ["https://iam.example.org/", OTHER, REALM]
    assert json.loads(told(platform, "federation-registry", "TRUSTED_IDP_LIST")) == issuers
    assert f"OIDC_ISSUERS = {','.join(issuers)}" in told(platform, "im", "OIDC_ISSUERS")
    for component in ("federation-manager-opa", "orchestrator-python-opa"):
        entries = json.loads(told(platform, component, "/policy/data.json"))["trusted_issuers"]
        claims = ["groups", "groups", "entitlements"]
        assert entries == [{"endpoint": name, "claim": claim} for name, claim in zip(issuers, claims, strict=True)]


@pytest.mark.parametrize(("component", "role"), ROLED)
def test_a_role_has_the_platform_s_groups(platform: list[support.Object], component: str, role: str) -> None:
    assert GROUPS[role][0] in told(
        platform, component, {str(key): name for key, name in CONTRACTS[component].roles.items()}[role]
    )


def test_every_role_is_known_to_a_component() -> None:
    assert {role for _, role in ROLED} == set(ROLES)


@pytest.mark.parametrize(
    ("component", "values", "where"),
    [
        ("federation-registry", {"furtherIssuers": []}, "TRUSTED_IDP_LIST"),
        ("federation-manager", {"furtherIssuers": []}, "TRUSTED_IDP_LIST"),
        ("federation-manager-opa", {"furtherIssuers": [], "roles": {role: [] for role in ROLES}}, "/policy/data.json"),
        ("im", {"issuers": []}, "OIDC_ISSUERS"),
        ("orchestrator-python-opa", {"issuers": [], "adminGroups": []}, "/policy/data.json"),
        ("dashboard", {"adminGroups": []}, "FLASK_IAM_ADMIN_GROUPS"),
        ("orchestrator", {"oidc": {"adminGroup": "own"}}, "/orchestrator/config/application.yml"),
    ],
)
def test_a_component_s_own_value_wins_also_an_empty_one(component: str, values: dict[str, Any], where: str) -> None:
    chart = Chart(
        component, urls={name: f"https://{name}.example.org" for name, item in CONTRACTS.items() if item.exposed}
    )
    site = {"issuers": PLATFORM["global"]["issuers"], "groups": GROUPS}
    text = told(chart.render(**{"global": site}, **values), component, where)
    assert "partner.example.org" not in text
    assert "paas/" not in text


@pytest.mark.parametrize(
    ("issuers", "message"),
    [
        (
            [{"issuer": "https://iam.example.org"}],
            "https://iam.example.org/ and https://iam.example.org are one issuer",
        ),
        ([{"issuer": OTHER}, {"issuer": OTHER.rstrip("/")}], "are one issuer"),
        ([{"issuer": "http://iam.partner.example.org/"}], "global.issuers"),
        ([{"issuer": f"{OTHER}, {REALM}"}], "global.issuers"),
        ([{"claim": "groups"}], "global.issuers"),
    ],
)
def test_an_issuer_that_would_match_no_token_is_refused(issuers: list[dict[str, str]], message: str) -> None:
    with pytest.raises(UserError) as refused:
        support.render_umbrella({"global": {"issuers": issuers, "components": {"im": {"mode": "embedded"}}}})
    assert message in f"{refused.value}\n{refused.value.details}"


def test_the_orchestrator_is_not_given_one_of_several_groups() -> None:
    chart, groups = Chart("orchestrator"), {"groups": {"admin": ["paas/a", "paas/b"]}}
    assert "orchestrator.oidc.adminGroup: is required" in chart.refusal(**{"global": groups})
    assert "orchestrator-admins" in json.dumps(chart.config())


def written(name: str, **changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = support.parse((support.charts() / name / "contract.yaml").read_text(encoding="utf-8"))
    return {**data, **changes}


def test_a_contract_that_asks_iam_and_does_not_say_whom_it_believes_is_refused() -> None:
    silent = written("im-connector")
    del silent["issuers"]
    with pytest.raises(ValidationError, match="whose tokens it believes"):
        Contract.model_validate(silent)
    with pytest.raises(ValidationError, match="issuers: IDPS is not one of settings"):
        Contract.model_validate(written("im-connector", issuers={"setting": "IDPS", "source": "none"}))
    with pytest.raises(ValidationError, match="ADMINS is not one of settings"):
        Contract.model_validate(written("dashboard", roles={"admin": "ADMINS"}))
    with pytest.raises(ValidationError, match="either `setting`"):
        Issuers(setting="A", one="and only one", source="none")


def test_the_page_lists_what_the_contracts_say() -> None:
    page = (repository() / "docs/reference/identity.md").read_text(encoding="utf-8")
    assert all(f"charts/{name}/README.md" in page for name in (*LISTING, *ONE, *(name for name, _ in ROLED)))

"""The traps of the Federation-Manager's dashboard (charts/federation-manager-dashboard/contract.yaml), a test each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.model.load import load_contract
from tests import support
from tests.static import federation
from tests.static.federation import ISSUER, URLS, secret

pytestmark = pytest.mark.static

NAME = "federation-manager-dashboard"
IMAGE = {"digest": "sha256:" + "0" * 64}
GROUPS = ("GROUPS_ADMIN", "GROUPS_SITE_ADMIN", "GROUPS_SITE_TESTER", "GROUPS_SLA_MANAGER")


def render(**values: Any) -> list[support.Object]:
    return federation.render(NAME, **({"image": IMAGE} | values))


def refusal(**values: Any) -> str:
    return federation.refusal(NAME, **({"image": IMAGE} | values))


def env(**values: Any) -> dict[str, Any]:
    return support.environment(render(**values), NAME)


def test_hostname_of_the_pod_is_written_over() -> None:
    assert env()["HOSTNAME"] == "0.0.0.0"
    assert load_contract(support.charts() / NAME).settings["HOSTNAME"].required


def test_port_80_is_not_used() -> None:
    objects = render()
    assert support.environment(objects, NAME)["PORT"] == "3000"
    assert support.container(objects, NAME)["ports"][0]["containerPort"] == 3000
    assert support.pod(objects, NAME)["spec"]["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("written", ["https://iam.example.org", "https://iam.example.org/"])
def test_groups_key_with_slash_is_what_the_software_looks_up(written: str) -> None:
    roles = {"admin": ["fed/admins"], "siteAdmin": [], "siteTester": [], "slaManager": ["fed/sla"]}
    found = env(roles=roles, **{"global": {"urls": {**URLS, "iam": written}}})
    looked_up = found["FM_OIDC_URL"] + "/"  # as upstream's findUserRoles does
    assert looked_up == ISSUER
    assert json.loads(found["GROUPS_ADMIN"])[looked_up] == ["fed/admins"]
    assert json.loads(found["GROUPS_SLA_MANAGER"])[looked_up] == ["fed/sla"]
    assert "FM_OIDC_URL" in refusal(settings={"FM_OIDC_URL": ISSUER})


def test_groups_unset_would_break_every_page() -> None:
    found = env()
    assert [json.loads(found[name]) for name in GROUPS] == [{ISSUER: []}] * 4
    contract = load_contract(support.charts() / NAME)
    assert all(contract.settings[name].required for name in GROUPS)
    assert "roles" in refusal(roles={"administrators": []})


def test_provider_id_is_iam() -> None:
    assert env()["FM_OIDC_PROVIDER_ID"] == "iam"
    assert "FM_OIDC_PROVIDER_ID" in refusal(settings={"FM_OIDC_PROVIDER_ID": "indigo"})


def test_calls_itself_through_the_gateway() -> None:
    objects = render()
    assert support.environment(objects, NAME)["FM_ENDPOINT_URL"] == URLS[NAME]
    egress = support.find(objects, "NetworkPolicy", NAME)["spec"]["egress"]
    gateway = [rule for rule in egress if any("gateway" in str(peer.get("namespaceSelector")) for peer in rule["to"])]
    assert [{port["port"] for port in rule["ports"]} for rule in gateway] == [{443}]
    assert "NODE_TLS_REJECT_UNAUTHORIZED" not in support.environment(objects, NAME)
    assert env(trustedCa={"configMap": "bundle"})["NODE_EXTRA_CA_CERTS"].startswith("/etc/indigo-paas/ca/")
    plain = {"urls": {**URLS, NAME: "http://federation.example.org"}}
    assert f"global.urls.{NAME}" in refusal(**{"global": plain})


def test_large_cookies_are_written_down_for_the_gateway() -> None:
    (trap,) = [item for item in load_contract(support.charts() / NAME).traps if item.id == "large-cookies"]
    assert "proxy_buffer_size" in trap.answer


def test_moving_tag_is_refused() -> None:
    for image in ({}, {"tag": "latest"}, {"tag": "main"}):
        message = federation.refusal(NAME, image=image)
        assert "image.digest" in message
    own = {"repository": "registry.example.org/dashboard", "tag": "2026-11-01"}
    assert support.container(render(image=own), NAME)["image"] == "registry.example.org/dashboard:2026-11-01"


def test_secrets_and_addresses() -> None:
    found = env()
    app = "federation-manager-dashboard-app"
    assert found["FM_AUTH_SECRET"] == secret(app, "auth-secret")
    assert found["FM_OIDC_CLIENT_SECRET"] == secret(app, "client-secret")
    assert found["API_SERVER_URL"] == "http://federation-manager:8000/api/v1"
    assert found["FM_OIDC_SCOPES"] == "openid profile email"

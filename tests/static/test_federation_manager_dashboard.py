"""The traps of the Federation-Manager's dashboard (charts/federation-manager-dashboard/contract.yaml), a test each."""

from __future__ import annotations

import json

import pytest

from tests import support
from tests.static.federation import ISSUER, URLS
from tests.support import Chart, secret

pytestmark = pytest.mark.static

NAME = "federation-manager-dashboard"
IMAGE = {"digest": "sha256:" + "0" * 64}
chart = Chart(NAME, urls=URLS, image=IMAGE)
GROUPS = ("GROUPS_ADMIN", "GROUPS_SITE_ADMIN", "GROUPS_SITE_TESTER", "GROUPS_SLA_MANAGER")


def test_hostname_of_the_pod_is_written_over() -> None:
    assert chart.env()["HOSTNAME"] == "0.0.0.0"
    assert chart.contract.settings["HOSTNAME"].required


def test_port_80_is_not_used() -> None:
    objects = chart.render()
    assert support.environment(objects, NAME)["PORT"] == "3000"
    assert support.container(objects, NAME)["ports"][0]["containerPort"] == 3000
    assert support.pod(objects, NAME)["spec"]["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("written", ["https://iam.example.org", "https://iam.example.org/"])
def test_groups_key_with_slash_is_what_the_software_looks_up(written: str) -> None:
    roles = {"admin": ["fed/admins"], "siteAdmin": [], "siteTester": [], "slaManager": ["fed/sla"]}
    found = chart.env(roles=roles, **{"global": {"urls": {**URLS, "iam": written}}})
    looked_up = found["FM_OIDC_URL"] + "/"  # as upstream's findUserRoles does
    assert looked_up == ISSUER
    assert json.loads(found["GROUPS_ADMIN"])[looked_up] == ["fed/admins"]
    assert json.loads(found["GROUPS_SLA_MANAGER"])[looked_up] == ["fed/sla"]
    assert "FM_OIDC_URL" in chart.refusal(settings={"FM_OIDC_URL": ISSUER})


def test_groups_unset_would_break_every_page() -> None:
    found = chart.env()
    assert [json.loads(found[name]) for name in GROUPS] == [{ISSUER: []}] * 4
    contract = chart.contract
    assert all(contract.settings[name].required for name in GROUPS)
    assert "roles" in chart.refusal(roles={"administrators": []})


def test_provider_id_is_iam() -> None:
    assert chart.env()["FM_OIDC_PROVIDER_ID"] == "iam"
    assert "FM_OIDC_PROVIDER_ID" in chart.refusal(settings={"FM_OIDC_PROVIDER_ID": "indigo"})


def test_calls_itself_through_the_gateway() -> None:
    objects = chart.render()
    assert support.environment(objects, NAME)["FM_ENDPOINT_URL"] == URLS[NAME]
    egress = support.find(objects, "NetworkPolicy", NAME)["spec"]["egress"]
    gateway = [rule for rule in egress if any("gateway" in str(peer.get("namespaceSelector")) for peer in rule["to"])]
    assert [{port["port"] for port in rule["ports"]} for rule in gateway] == [{443}]
    assert "NODE_TLS_REJECT_UNAUTHORIZED" not in support.environment(objects, NAME)
    assert chart.env(**support.SITE_CA)["NODE_EXTRA_CA_CERTS"].startswith("/etc/indigo-paas/ca/")
    plain = {"urls": {**URLS, NAME: "http://federation.example.org"}}
    assert f"global.urls.{NAME}" in chart.refusal(**{"global": plain})


def test_large_cookies_are_written_down_for_the_gateway() -> None:
    (trap,) = [item for item in chart.contract.traps if item.id == "large-cookies"]
    assert "proxy_buffer_size" in trap.answer


def test_moving_tag_is_refused() -> None:
    for image in ({}, {"tag": "latest"}, {"tag": "main"}):
        message = chart.refusal(image=image)
        assert "image.digest" in message
    own = {"repository": "registry.example.org/dashboard", "tag": "2026-11-01"}
    assert chart.container(image=own)["image"] == "registry.example.org/dashboard:2026-11-01"


def test_secrets_and_addresses() -> None:
    found = chart.env()
    app = "federation-manager-dashboard-app"
    assert found["FM_AUTH_SECRET"] == secret(app, "auth-secret")
    assert found["FM_OIDC_CLIENT_SECRET"] == secret(app, "client-secret")
    assert found["API_SERVER_URL"] == "http://federation-manager:8000/api/v1"
    assert found["FM_OIDC_SCOPES"] == "openid profile email"

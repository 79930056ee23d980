"""The traps of the Rucio Connector (charts/rucio-connector/contract.yaml), a test each."""

from __future__ import annotations

import json

import pytest

from tests import support
from tests.support import Chart, secret

pytestmark = pytest.mark.static

RUCIO = {"url": "https://rucio.example.org", "authUrl": "https://rucio-auth.example.org", "account": "paas"}
chart = Chart("rucio-connector", rucio=RUCIO)
SECRET = "rucio-connector-rucio"


def test_rucio_at_import_is_demanded_by_name() -> None:
    message = chart.refusal(rucio={"url": "", "authUrl": "", "account": ""})
    for key in RUCIO:
        assert f"rucio-connector.rucio.{key}" in message
    assert "rucio-connector.rucio.authUrl" in chart.refusal(rucio=RUCIO | {"authUrl": ""})
    found = chart.env()
    assert (found["RUCIO_HOST"], found["AUTH_HOST"], found["ACCOUNT"]) == tuple(RUCIO.values())
    assert "rucio/url" in chart.refusal(rucio=RUCIO | {"url": "https://rucio.example.org/"})


def test_generic_variable_names_come_from_the_secret() -> None:
    found = chart.env()
    assert found["USERNAME"] == secret(SECRET, "username"), (
        "without it the user's number has no name, and the start ends"
    )
    assert found["PASSWORD"] == secret(SECRET, "password")
    assert chart.pod()["enableServiceLinks"] is False
    assert "PASSWORD" in chart.refusal(settings={"PASSWORD": "letmein"})


def test_dashboard_sends_no_token_so_a_site_decides() -> None:
    assert chart.env()["AUTHN_MODE"] == "local"
    assert "AUTHN_MODE" not in chart.env(authentication=False)
    off = {"components": {"iam": {"mode": "off"}}, "urls": support.URLS}
    assert "rucio-connector.authentication" in chart.refusal(**{"global": off})
    assert chart.env(authentication=False, **{"global": off}), "without authentication it needs no IAM"


def test_authz_mode_crashes_so_it_is_refused() -> None:
    assert "AUTHZ_MODE" not in chart.env()
    assert "AUTHZ_MODE" in chart.refusal(settings={"AUTHZ_MODE": "opa"})


def test_origins_of_the_dashboard_are_always_there() -> None:
    assert json.loads(chart.env()["ALLOWED_ORIGINS"]) == [support.URLS["dashboard"]]
    assert json.loads(chart.env()["TRUSTED_IDP_LIST"]) == ["https://iam.example.org/"]


def test_port_eighty_is_replaced_and_root_with_it() -> None:
    spec = chart.pod()
    command = spec["containers"][0]["command"]
    assert int(command[command.index("--port") + 1]) == spec["containers"][0]["ports"][0]["containerPort"] > 1024
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_private_authority_is_trusted_by_both_clients() -> None:
    found = chart.env(**support.SITE_CA)
    assert {found[name] for name in ("X509_CERT_DIR", "REQUESTS_CA_BUNDLE")} == {"/etc/indigo-paas/ca/ca-bundle.crt"}
    assert "X509_CERT_DIR" not in chart.env()

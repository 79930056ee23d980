"""The traps of the Rucio Connector (charts/rucio-connector/contract.yaml), a test each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import support

pytestmark = pytest.mark.static

RUCIO = {"url": "https://rucio.example.org", "authUrl": "https://rucio-auth.example.org", "account": "paas"}


def render(**values: Any) -> list[support.Object]:
    return support.render_chart("rucio-connector", {"rucio": RUCIO, **values})


def env(**values: Any) -> dict[str, Any]:
    return support.environment(render(**values), "rucio-connector")


def refusal(**values: Any) -> str:
    """Return the message with which the values are refused."""
    with pytest.raises(support.Refused) as refused:
        render(**values)
    return str(refused.value)


def secret(key: str) -> dict[str, Any]:
    return {"secretKeyRef": {"name": "rucio-connector-rucio", "key": key}}


def test_rucio_at_import_is_demanded_by_name() -> None:
    message = refusal(rucio={"url": "", "authUrl": "", "account": ""})
    for key in RUCIO:
        assert f"rucio-connector.rucio.{key}" in message
    assert "rucio-connector.rucio.authUrl" in refusal(rucio=RUCIO | {"authUrl": ""})
    found = env()
    assert (found["RUCIO_HOST"], found["AUTH_HOST"], found["ACCOUNT"]) == tuple(RUCIO.values())
    assert "rucio/url" in refusal(rucio=RUCIO | {"url": "https://rucio.example.org/"})


def test_generic_variable_names_come_from_the_secret() -> None:
    found = env()
    assert found["USERNAME"] == secret("username"), "without it the user's number has no name, and the start ends"
    assert found["PASSWORD"] == secret("password")
    assert support.pod(render(), "rucio-connector")["spec"]["enableServiceLinks"] is False
    assert "PASSWORD" in refusal(settings={"PASSWORD": "letmein"})


def test_dashboard_sends_no_token_so_a_site_decides() -> None:
    assert env()["AUTHN_MODE"] == "local"
    assert "AUTHN_MODE" not in env(authentication=False)
    off = {"components": {"iam": {"mode": "off"}}, "urls": support.URLS}
    assert "rucio-connector.authentication" in refusal(**{"global": off})
    assert env(authentication=False, **{"global": off}), "without authentication it needs no IAM"


def test_authz_mode_crashes_so_it_is_refused() -> None:
    assert "AUTHZ_MODE" not in env()
    assert "AUTHZ_MODE" in refusal(settings={"AUTHZ_MODE": "opa"})


def test_origins_of_the_dashboard_are_always_there() -> None:
    assert json.loads(env()["ALLOWED_ORIGINS"]) == [support.URLS["dashboard"]]
    assert json.loads(env()["TRUSTED_IDP_LIST"]) == ["https://iam.example.org/"]


def test_port_eighty_is_replaced_and_root_with_it() -> None:
    spec = support.pod(render(), "rucio-connector")["spec"]
    command = spec["containers"][0]["command"]
    assert int(command[command.index("--port") + 1]) == spec["containers"][0]["ports"][0]["containerPort"] > 1024
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_private_authority_is_trusted_by_both_clients() -> None:
    found = env(trustedCa={"configMap": "site-ca"})
    assert {found[name] for name in ("X509_CERT_DIR", "REQUESTS_CA_BUNDLE")} == {"/etc/indigo-paas/ca/ca-bundle.crt"}
    assert "X509_CERT_DIR" not in env()

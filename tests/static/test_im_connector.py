"""The traps of the IM Connector (charts/im-connector/contract.yaml), a test each: what is rendered, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("im-connector")


def components(**entries: Any) -> dict[str, Any]:
    return {"global": {"components": entries, "urls": support.URLS | {"im": "https://im.example.org"}}}


def test_authz_mode_crashes_so_it_is_refused() -> None:
    assert "AUTHZ_MODE" not in chart.env()
    assert "AUTHZ_MODE" in chart.refusal(settings={"AUTHZ_MODE": "opa"})
    assert chart.env()["AUTHN_MODE"] == "local"
    assert json.loads(chart.env()["TRUSTED_IDP_LIST"]) == ["https://iam.example.org/"]
    assert "global.components.iam.mode" in chart.refusal(**components(iam={"mode": "off"}))


def test_proxy_without_authentication_is_reached_by_nobody() -> None:
    def closed(policy: dict[str, Any]) -> None:
        assert "Ingress" in policy["policyTypes"]
        assert policy.get("ingress", []) == []

    policy = chart.find("NetworkPolicy")["spec"]
    closed(policy)
    gateway = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}}}
    with pytest.raises(AssertionError):
        closed(policy | {"ingress": [{"from": [gateway]}]})
    assert chart.find("Service")["spec"]["type"] == "ClusterIP"


def test_empty_im_host_cannot_be() -> None:
    assert chart.env()["IM_HOST"] == "http://im:8800"
    assert chart.env(**components(im={"mode": "external"}))["IM_HOST"] == "https://im.example.org"
    assert "global.components.im.mode" in chart.refusal(**components(im={"mode": "off"}))
    assert "IM_HOST" in chart.refusal(settings={"IM_HOST": "http://im:8800/"})


def test_port_eighty_is_replaced() -> None:
    def right(container: dict[str, Any]) -> None:
        (port,) = [item["containerPort"] for item in container["ports"]]
        command = container["command"]
        assert port > 1024
        assert command[command.index("--port") + 1] == str(port)

    container = chart.container()
    right(container)
    with pytest.raises(AssertionError):
        right(container | {"command": ["fastapi", "run", "/app/im_connector/main.py", "--port", "80"]})


def test_no_health_page_so_probes_ask_what_needs_nobody() -> None:
    container = chart.container()
    assert container["readinessProbe"]["httpGet"]["path"] == "/docs"
    assert "tcpSocket" in container["livenessProbe"]
    text = json.dumps([container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")])
    assert "infrastructures" not in text
    assert "proxyhealthcheck" not in text


def test_origins_are_a_list_in_json() -> None:
    assert json.loads(chart.env()["ALLOWED_ORIGINS"]) == []
    assert json.loads(chart.env(origins=["https://a.example.org"])["ALLOWED_ORIGINS"]) == ["https://a.example.org"]
    assert chart.env(**support.SITE_CA)["REQUESTS_CA_BUNDLE"] == "/etc/indigo-paas/ca/ca-bundle.crt"

"""The Federation-Registry's traps (charts/federation-registry/contract.yaml), a test each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.secrets.shapes import make
from tests import support
from tests.static.federation import ISSUER, URLS
from tests.support import Chart, secret

pytestmark = pytest.mark.static

NAME = "federation-registry"
chart = Chart(NAME, urls=URLS)


def test_never_the_k8s_image() -> None:
    image = chart.container()["image"]
    assert image == "indigopaas/federation-registry:v1.3.1"
    for repository in ("indigopaas/federation-registry-k8s", "registry.example.org/x/federation-registry-k8s"):
        message = chart.refusal(image={"repository": repository})
        assert "federation-registry.image.repository" in message
        assert "cannot start" in message
    own = chart.render(image={"repository": "registry.example.org/federation-registry"})
    assert support.container(own, NAME)["image"] == "registry.example.org/federation-registry:v1.3.1"


def test_web_concurrency_is_always_set() -> None:
    assert chart.env()["WEB_CONCURRENCY"] == "2"
    assert chart.env(settings={"WEB_CONCURRENCY": 4})["WEB_CONCURRENCY"] == "4"
    assert "WEB_CONCURRENCY" in chart.refusal(settings={"WEB_CONCURRENCY": "auto"})
    assert chart.contract.settings["WEB_CONCURRENCY"].required


def test_forwarded_headers_are_believed_and_only_the_gateway_and_components_come_in() -> None:
    assert chart.env()["FORWARDED_ALLOW_IPS"] == "*"
    found = chart.sources()
    assert "gateway" in found
    assert "federation-registry-feeder" in found
    assert not found - {"gateway", "federation-registry-feeder", "orchestrator", "dashboard"}


def test_packages_of_root_are_readable_by_root_only_so_nothing_else_is_given() -> None:
    def harmless(pod: dict[str, Any]) -> None:
        container = pod["containers"][0]["securityContext"]
        assert pod["securityContext"]["runAsUser"] == 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["capabilities"] == {"drop": ["ALL"]}
        assert container["allowPrivilegeEscalation"] is False
        assert container["readOnlyRootFilesystem"] is True
        assert pod["automountServiceAccountToken"] is False

    harmless(chart.pod())
    broken = json.loads(json.dumps(chart.pod()))
    broken["containers"][0]["securityContext"]["capabilities"] = {"drop": []}
    with pytest.raises(AssertionError):
        harmless(broken)
    security = chart.contract.security
    assert security.profile == "baseline"
    assert "root" in security.exception


def test_port_80_is_not_used() -> None:
    objects = chart.render()
    assert support.environment(objects, NAME)["PORT"] == "8000"
    (port,) = support.container(objects, NAME)["ports"]
    assert port["containerPort"] == 8000
    assert support.find(objects, "Service", NAME)["spec"]["ports"][0]["port"] == 8000


def test_docs_are_no_readiness() -> None:
    container = chart.container()
    assert container["readinessProbe"]["httpGet"]["path"] == "/api/v1/providers/?limit=1"
    assert container["livenessProbe"]["httpGet"]["path"] == "/docs"
    assert container["readinessProbe"]["httpGet"]["path"] != container["livenessProbe"]["httpGet"]["path"]


def test_password_in_url_comes_from_a_secret_of_letters_and_digits() -> None:
    found = chart.env()
    assert found["NEO4J_PASSWORD"] == secret("neo4j-auth", "password")
    assert "NEO4J_DB_URL" not in found
    made = make(support.contract("neo4j").secrets["neo4j-auth"].keys["password"]).reveal().decode()
    assert made.isalnum()
    assert chart.refusal(settings={"NEO4J_PASSWORD": "in-the-clear"})
    elsewhere = {"neo4j": {"mode": "external", "host": "graph.example.org", "port": 7777}}
    assert chart.env(components=elsewhere)["NEO4J_SERVER"] == "graph.example.org:7777"


def test_prefix_of_the_gateway_is_that_of_the_public_url() -> None:
    assert "ROOT_PATH" not in chart.env()
    urls = {**URLS, NAME: "https://example.org/fed-reg"}
    found = chart.env(**{"global": {"urls": urls}})
    assert found["ROOT_PATH"] == "/fed-reg"
    assert found["DOC_V1_URL"] == "https://example.org/fed-reg/api/v1/docs"
    assert "API_V1_STR" not in found, "probe and consumers ask for /api/v1"


def test_service_links_are_off() -> None:
    assert chart.pod()["enableServiceLinks"] is False


def test_who_may_write_and_who_is_believed() -> None:
    assert json.loads(chart.env()["TRUSTED_IDP_LIST"]) == [ISSUER]
    assert json.loads(chart.env()["ADMIN_EMAIL_LIST"]) == []
    found = chart.env(administrators=["feeder@example.org"], furtherIssuers=["https://other.example.org/", ISSUER])
    assert json.loads(found["ADMIN_EMAIL_LIST"]) == ["feeder@example.org"]
    assert json.loads(found["TRUSTED_IDP_LIST"]) == [ISSUER, "https://other.example.org/"]
    assert "administrators" in chart.refusal(administrators=["nobody"])


def test_it_waits_for_the_graph() -> None:
    waits = [item["name"] for item in chart.pod()["initContainers"]]
    assert waits == ["wait-for-neo4j"]
    assert "global.components.neo4j.mode" in chart.refusal(components={"neo4j": {"mode": "off"}})

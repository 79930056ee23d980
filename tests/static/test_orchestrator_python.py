"""The traps of orchestrator-python (charts/orchestrator-python/contract.yaml), a test each."""

from __future__ import annotations

import json

import pytest

from tests import support
from tests.support import Chart, secret

pytestmark = pytest.mark.static

URLS = support.URLS | {"orchestrator-python": "https://api.example.org"}
chart = Chart("orchestrator-python", urls=URLS)


def test_vault_enable_crashes_so_it_is_false() -> None:
    assert chart.env()["VAULT_ENABLE"] == "false"
    assert "VAULT_ENABLE" in chart.refusal(settings={"VAULT_ENABLE": True})
    assert chart.env(settings={"VAULT_ENABLE": False})["VAULT_ENABLE"] == "false"


def test_authn_unset_crashes_so_it_is_local() -> None:
    found = chart.env()
    assert (found["AUTHN_MODE"], found["AUTHZ_MODE"]) == ("local", "opa")
    assert found["OPA_AUTHZ_URL"] == "http://orchestrator-python-opa:8181/v1/data/orchestrator"
    assert "AUTHN_MODE" in chart.refusal(settings={"AUTHN_MODE": ""})
    for component in ("iam", "orchestrator-python-opa"):
        assert f"global.components.{component}.mode" in chart.refusal(components={component: {"mode": "off"}})


def test_client_secrets_in_a_variable_are_references() -> None:
    found = chart.env()
    (issuer,) = json.loads(found["TRUSTED_IDP_LIST"])
    assert issuer == {
        "issuer": "https://iam.example.org/",
        "client_id": "$(ORCHESTRATOR_PYTHON_CLIENT_ID)",
        "client_secret": "$(ORCHESTRATOR_PYTHON_CLIENT_SECRET)",
    }
    assert found["ORCHESTRATOR_PYTHON_CLIENT_ID"] == secret("orchestrator-python-oidc", "client-id")
    assert found["ORCHESTRATOR_PYTHON_CLIENT_SECRET"] == secret("orchestrator-python-oidc", "client-secret")
    names = [item["name"] for item in chart.container()["env"]]
    assert names.index("ORCHESTRATOR_PYTHON_CLIENT_SECRET") < names.index("TRUSTED_IDP_LIST")
    assert chart.contract.secrets["orchestrator-python-oidc"].keys["client-secret"].shape == "password"
    assert "TRUSTED_IDP_LIST" in chart.refusal(settings={"TRUSTED_IDP_LIST": "[]"})


def test_kafka_client_name_is_its_own() -> None:
    name = "KAFKA_CLIENT_NAME"
    assert chart.env()[name] == "orchestrator-python" != chart.contract.settings[name].default


def test_kafka_password_is_demanded_with_certificate_and_key() -> None:
    found = chart.env(kafkaEnabled=True)
    assert found["KAFKA_SSL_ENABLE"] == "true"
    assert found["KAFKA_SSL_PASSWORD"] == secret("kafka-client-tls", "password")
    assert found["KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9095"
    spec = chart.pod(kafkaEnabled=True)
    (folder,) = [item["mountPath"] for item in spec["containers"][0]["volumeMounts"] if "kafka" in item["name"]]
    (volume,) = [item["secret"] for item in spec["volumes"] if "secret" in item]
    files = {f"{folder}/{item['path']}" for item in volume["items"]}
    assert files == {found[f"KAFKA_SSL_{name}_PATH"] for name in ("CACERT", "CERT", "KEY")}
    assert "orchestrator-python.kafkaEnabled" in chart.refusal(kafkaEnabled=True, components={"kafka": {"mode": "off"}})
    assert chart.env(components={"kafka": {"mode": "off"}}), "without announcements it needs no Kafka"


def test_access_token_on_the_topic_only_where_a_site_wants_it() -> None:
    found = chart.env()
    assert found["KAFKA_ENABLE"] == "false"
    assert not [name for name in found if name.startswith("KAFKA_SSL")]
    assert not [item for item in chart.pod()["volumes"] if "secret" in item]
    assert "access token" in chart.contract.options["kafkaEnabled"].meaning
    assert "kafkaEnabled: true" in chart.refusal(settings={"KAFKA_ENABLE": True})
    topic = chart.contract.topics["create-deployment"]
    assert chart.env(kafkaEnabled=True)["KAFKA_CREATE_DEP_TOPIC"] == "create-deployment"
    assert str(topic.maxMessageBytes) == str(chart.contract.settings["KAFKA_MAX_REQUEST_SIZE"].default)


def test_service_links_are_off() -> None:
    assert chart.pod()["enableServiceLinks"] is False
    assert chart.env()["DB_PORT"] == "3306"
    assert "DB_PORT" in chart.refusal(settings={"DB_PORT": "tcp://10.0.0.1:3306"})


def test_database_in_memory_cannot_be() -> None:
    names = ["DB_SCHEME", "DB_USER", "DB_PASSWORD", "DB_HOST", "DB_PORT", "DB_NAME"]
    found = chart.env()
    for name in names:
        assert chart.contract.settings[name].required, f"without {name} everything is in memory"
        assert found[name]
    assert found["DB_PASSWORD"] == secret("orchestrator-python-db", "password")
    assert chart.contract.databases[found["DB_NAME"]].user == found["DB_USER"]
    outside = {"mariadb": {"mode": "external", "host": "db.example.org", "port": 3307}}
    assert (chart.env(components=outside)["DB_HOST"], chart.env(components=outside)["DB_PORT"]) == (
        "db.example.org",
        "3307",
    )


def test_port_eighty_is_replaced() -> None:
    container = chart.container()
    command = container["command"]
    assert int(command[command.index("--port") + 1]) == container["ports"][0]["containerPort"] > 1024


def test_links_become_http_no_more() -> None:
    found = chart.env()
    assert found["FORWARDED_ALLOW_IPS"] == "*"
    assert found["BASE_URL"] == "https://api.example.org"
    policy = chart.find("NetworkPolicy")["spec"]["ingress"]
    (rule,) = policy
    assert [list(peer) for peer in rule["from"]] == [["namespaceSelector"]], "only the gateway is let in"


def test_readiness_knows_the_database_and_liveness_does_not() -> None:
    container = chart.container()
    assert container["readinessProbe"]["httpGet"]["path"] == "/api/v1/health/", "without the slash it is a redirect"
    assert container["readinessProbe"]["timeoutSeconds"] > chart.contract.settings["OPA_TIMEOUT"].default
    assert "tcpSocket" in container["livenessProbe"]

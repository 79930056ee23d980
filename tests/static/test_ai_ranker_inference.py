"""The traps of the ranker's inference (charts/ai-ranker-inference/contract.yaml), a test each."""

from __future__ import annotations

import pytest

from harness.model.contract import Need
from harness.model.load import load_contracts
from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

NAME = "ai-ranker-inference"
chart = Chart(NAME)
TOPICS = {
    "KAFKA_INFERENCE_TOPIC": "providers-to-rank",
    "KAFKA_TRAINING_TOPIC": "airanker-dataset",
    "KAFKA_RANKED_PROVIDERS_TOPIC": "ranked-providers",
}


def test_exactly_one() -> None:
    deployment = chart.find("Deployment")["spec"]
    assert deployment["replicas"] == 1
    assert deployment["strategy"] == {"type": "Recreate"}
    assert "/replicas" in chart.refusal(replicas=2)


def test_poison_message_is_seen_and_not_hidden() -> None:
    container = chart.container()
    assert container["command"][0] == "python", "a loop around it would hide that it ends"
    assert "args" not in container
    assert not [kind for kind in container if kind.endswith("Probe")]
    (trap,) = [item for item in chart.contract.traps if item.id == "poison-message"]
    assert "kafka-delete-records" in trap.answer
    assert "KAFKA_INFERENCE_TOPIC_OFFSET" not in chart.env(), "it is not read, and would look like a remedy"


def test_topic_names_are_written_out_and_have_owners() -> None:
    found = chart.env()
    assert {name: found[name] for name in TOPICS} == TOPICS
    for name, topic in TOPICS.items():
        assert chart.contract.settings[name].required, "forgetting it in the wiring would not be refused"
        assert chart.contract.settings[name].default != topic
    assert set(chart.contract.topics) == {TOPICS["KAFKA_RANKED_PROVIDERS_TOPIC"]}
    assert set(chart.contract.consumes) == set(TOPICS.values()) - set(chart.contract.topics)
    owned = {topic for other in load_contracts(support.charts()).values() for topic in other.topics}
    assert set(chart.contract.consumes) <= owned, "nobody would make the topic"


def test_variable_of_the_broker() -> None:
    assert chart.env()["KAFKA_HOSTNAME"] == "kafka:9095"
    outside = {"components": {"kafka": {"mode": "external", "host": "broker.example.org", "port": 9443}}}
    assert chart.env(**{"global": outside})["KAFKA_HOSTNAME"] == "broker.example.org:9443"
    assert "KAFKA_BOOTSTRAP_SERVERS" in chart.refusal(settings={"KAFKA_BOOTSTRAP_SERVERS": "kafka:9095"})
    assert "KAFKA_HOSTNAME" in chart.refusal(settings={"KAFKA_HOSTNAME": "kafka"})


def test_password_with_tls_comes_with_the_certificates() -> None:
    found = chart.env()
    assert found["KAFKA_SSL_ENABLE"] == "true"
    assert found["KAFKA_SSL_PASSWORD"] == {"secretKeyRef": {"name": "kafka-client-tls", "key": "password"}}
    mounts = {item["mountPath"]: item["name"] for item in chart.container()["volumeMounts"]}
    volumes = {item["name"]: item for item in chart.pod()["volumes"]}
    for name in ("KAFKA_SSL_CACERT_PATH", "KAFKA_SSL_CERT_PATH", "KAFKA_SSL_KEY_PATH"):
        folder, file = found[name].rsplit("/", 1)
        source = volumes[mounts[folder]]["secret"]
        assert source["secretName"] == "kafka-client-tls"
        assert file in {item["path"] for item in source["items"]}
    (edge,) = [edge for edge in chart.contract.requires if edge.component == "kafka"]
    assert edge.need is Need.HARD
    assert edge.secrets == ("kafka-client-tls",)


def test_wrong_repository_is_not_taken() -> None:
    image = chart.container()["image"]
    assert image.endswith("/ai-ranker:v1.0.0")


def test_no_command_in_the_image() -> None:
    assert chart.container()["command"] == ["python", "/app/src/main.py", "--inference", "-l", "info"]
    assert chart.container(logLevel="debug")["command"][-1] == "debug"
    assert "logLevel" in chart.refusal(logLevel="loud")


def test_service_links_are_off() -> None:
    assert chart.pod()["enableServiceLinks"] is False


def test_waits_for_broker_and_models() -> None:
    waits = {item["name"]: item["args"][0] for item in chart.pod()["initContainers"]}
    assert "kafka 9095" in waits["wait-for-kafka"]
    assert "http://mlflow:5000/health" in waits["wait-for-mlflow"]


def test_caches_are_where_it_may_write() -> None:
    writable = {item.path for item in chart.contract.writable}
    for name in ("HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"):
        assert any(chart.env()[name].startswith(path) for path in writable)

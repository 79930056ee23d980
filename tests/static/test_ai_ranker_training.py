"""The traps of the ranker's training (charts/ai-ranker-training/contract.yaml), a test each."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.model.load import load_contracts
from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

NAME = "ai-ranker-training"
chart = Chart(NAME)


def cronjob(**values: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.find("CronJob", **values)["spec"]
    return spec


def test_runs_do_not_overlap() -> None:
    def apart(spec: dict[str, Any]) -> None:
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 3600

    apart(cronjob())
    assert cronjob()["schedule"].split()[1:] == ["*"] * 4, "hourly"
    overlapping = copy.deepcopy(cronjob()) | {"concurrencyPolicy": "Allow"}
    with pytest.raises(AssertionError):
        apart(overlapping)
    assert cronjob(schedule="5 3 * * *")["schedule"] == "5 3 * * *"


def test_empty_topic_is_success_so_reading_is_not_given_up_early() -> None:
    declared = chart.contract.settings["KAFKA_TRAINING_TOPIC_TIMEOUT"]
    assert int(chart.env()["KAFKA_TRAINING_TOPIC_TIMEOUT"]) > int(declared.default)
    assert "no error" in declared.trap


def test_same_model_names_in_both_parts() -> None:
    inference = support.contract("ai-ranker-inference").settings
    for models, model in (
        ("CLASSIFICATION_MODELS", "CLASSIFICATION_MODEL_NAME"),
        ("REGRESSION_MODELS", "REGRESSION_MODEL_NAME"),
    ):
        assert f'"{inference[model].default}"' in chart.contract.settings[models].default
        assert models not in chart.env()
        assert (
            "inference" in chart.contract.settings[models].trap
            or "CLASSIFICATION" in chart.contract.settings[models].trap
        )


def test_topic_names_are_written_out_and_have_owners() -> None:
    assert chart.env()["KAFKA_TRAINING_TOPIC"] == "airanker-dataset"
    assert chart.contract.settings["KAFKA_TRAINING_TOPIC"].default != "airanker-dataset"
    assert chart.contract.consumes == ("airanker-dataset",)
    owned = {topic for other in load_contracts(support.charts()).values() for topic in other.topics}
    assert "airanker-dataset" in owned, "nobody would make the topic"


def test_variable_of_the_broker() -> None:
    assert chart.env()["KAFKA_HOSTNAME"] == "kafka:9095"
    assert "KAFKA_BOOTSTRAP_SERVERS" in chart.refusal(settings={"KAFKA_BOOTSTRAP_SERVERS": "kafka:9095"})


def test_password_with_tls_comes_with_the_certificates() -> None:
    assert chart.env()["KAFKA_SSL_ENABLE"] == "true"
    assert chart.env()["KAFKA_SSL_PASSWORD"] == {"secretKeyRef": {"name": "kafka-client-tls", "key": "password"}}
    mounted = {item["mountPath"] for item in chart.container()["volumeMounts"]}
    for name in ("KAFKA_SSL_CACERT_PATH", "KAFKA_SSL_CERT_PATH", "KAFKA_SSL_KEY_PATH"):
        assert chart.env()[name].rsplit("/", 1)[0] in mounted


def test_no_command_in_the_image() -> None:
    assert chart.container()["command"] == ["python", "/app/src/main.py", "--training", "-l", "info"]


def test_settings_of_both_parts_say_the_same() -> None:
    other = support.contract("ai-ranker-inference").settings
    shared = set(other) & set(chart.contract.settings)
    assert {"KAFKA_HOSTNAME", "MLFLOW_TRACKING_URI", "TEMPLATE_COMPLEX_TYPES"} <= shared
    assert {name: chart.contract.settings[name] for name in shared} == {name: other[name] for name in shared}

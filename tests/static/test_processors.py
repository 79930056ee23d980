"""The traps that all three programs of paas-mon name in their contracts; what differs is in their own files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

CHARTS = [Chart(name) for name in ("dataset-collector", "provider-selector", "template-parser")]
each = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)


def mounted_files(chart: Chart) -> set[str]:
    """Return the paths that Secrets bring into the container."""
    mounts = {item["name"]: item["mountPath"] for item in chart.container()["volumeMounts"]}
    return {
        f"{mounts[volume['name']]}/{item['path']}"
        for volume in chart.pod()["volumes"]
        for item in volume.get("secret", {}).get("items", ())
    }


@each
def test_service_links_are_off(chart: Chart) -> None:
    assert chart.pod()["enableServiceLinks"] is False


@each
def test_field_names_not_env_hints_are_the_variables(chart: Chart) -> None:
    assert chart.env()["LOG_DIR"] == "/logs", "the working name of what the code calls APP_LOG_DIR"
    for wrong in ("APP_LOG_DIR", "KAFKA_GROUP_ID", "KAFKA_VALUE_DESERIALIZER"):
        assert wrong not in chart.env()
        assert wrong in chart.refusal(settings={wrong: "x"})


@each
def test_password_file_is_mounted(chart: Chart) -> None:
    path = chart.env()["KAFKA_SSL_PASSWORD_PATH"]
    assert path in mounted_files(chart), f"{path} is not mounted"


@each
def test_always_tls_with_files_of_the_secret(chart: Chart) -> None:
    found, files = chart.env(), mounted_files(chart)
    for name in ("KAFKA_SSL_CAFILE", "KAFKA_SSL_CERTFILE", "KAFKA_SSL_KEYFILE"):
        assert found[name] in files, f"{name} names {found[name]}, which no Secret brings"
    outside = {"kafka": {"mode": "external", "host": "kafka.example.org", "port": 9195}}
    assert found["KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9095"
    assert chart.env(components=outside)["KAFKA_BOOTSTRAP_SERVERS"] == "kafka.example.org:9195"


@each
def test_history_within_a_second_is_found_on_this_broker(chart: Chart) -> None:
    server = Chart("kafka").config()["etc.indigo-paas.kafka.server.properties"].splitlines()
    assert "group.initial.rebalance.delay.ms=0" in server, f"{chart.name} would read no history"
    setting = support.contract("kafka").settings["group.initial.rebalance.delay.ms"]
    assert setting.default == 3000, "upstream's default has changed; the trap may be gone"


@each
def test_log_folder_is_writable_and_emptied_so_that_the_probe_tells_the_truth(chart: Chart, tmp_path: Path) -> None:
    server = chart.container()
    assert server["command"] == ["sh", "-c"]
    assert "/logs" in {item["mountPath"] for item in server["volumeMounts"]}
    (script,) = server["args"]
    pattern = server["startupProbe"]["exec"]["command"][2].replace("/logs/", f"{tmp_path}/")

    def ready() -> bool:
        return subprocess.run(["sh", "-c", pattern], check=False).returncode == 0

    assert not ready(), "ready without a log"
    log = tmp_path / f"{chart.name}.log"
    log.write_text("2026-11-23 INFO End of initialization phase\n")
    assert ready()
    command = script.replace("/logs/", f"{tmp_path}/").replace("python3 /indigo-paas/start.py", "true")
    subprocess.run(["sh", "-c", command], check=True)
    assert not ready(), "the log of an earlier run makes the pod ready before it has read its history"


@each
def test_one_pod_only(chart: Chart) -> None:
    spec = chart.find("Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    assert "replicas" in chart.refusal(replicas=2)


@each
def test_message_size_is_one_for_topics_and_client(chart: Chart) -> None:
    sizes = {topic.maxMessageBytes for topic in chart.contract.topics.values()}
    assert len(sizes) == 1
    for name in ("KAFKA_FETCH_MAX_BYTES", "KAFKA_MAX_REQUEST_SIZE"):
        assert int(chart.env()[name]) in sizes


@each
def test_root_is_needed_and_nothing_else_is_given(chart: Chart) -> None:
    security = chart.container()["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    assert chart.contract.security.exception


def deserializer(chart: Chart, right: str, wrong: str) -> None:
    """Hold that a program decodes messages as it has to, and that a site cannot change that."""
    name = "KAFKA_VALUE_DESERIALIZER_STR"
    assert chart.env()[name] == right
    assert name in chart.refusal(settings={name: wrong})


@pytest.mark.parametrize("name", ["dataset-collector", "template-parser"])
def test_string_deserializer_of_those_that_decode_themselves(name: str) -> None:
    deserializer(Chart(name), "string", "json")


def test_json_deserializer_of_the_selector() -> None:
    deserializer(Chart("provider-selector"), "json", "string")

"""The traps of the provider selector (charts/provider-selector/contract.yaml), a test each."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests import support
from tests.static import processors

pytestmark = pytest.mark.static

NAME = "provider-selector"

CONF = """
RALLY_PROVIDER_NAME_MAPPING = {"RECAS-BARI-RegionOne": "recas_bari"}
"""
KAFKA = """
import json
import os
from collections import namedtuple

TopicPartition = namedtuple("TopicPartition", "topic number")
messages = int(os.environ["MESSAGES"])


class KafkaConsumer:
    def __init__(self, **client):
        assert client["security_protocol"] == "SSL"
        assert client["ssl_password"] == "secret"

    def partitions_for_topic(self, topic):
        return {0} if messages >= 0 else None

    def beginning_offsets(self, partitions):
        return {partition: 7 for partition in partitions}

    def end_offsets(self, partitions):
        return {partition: 7 + messages for partition in partitions}

    def close(self):
        pass


class KafkaProducer(KafkaConsumer):
    def send(self, topic, value):
        print("sent", topic, value.decode())
        return self

    def get(self, timeout):
        pass
"""
PROGRAM = """
from modules.providerselector import conf

names = conf.RALLY_PROVIDER_NAME_MAPPING
print("began", names["RECAS-BARI-RegionOne"], names["SITE-one"])
"""
IMAGE = {
    "modules/providerselector/conf.py": CONF,
    "kafka.py": KAFKA,
    "provider-selector.py": PROGRAM,
    "tls/password": "secret\n",
}


def start(folder: Path, messages: int) -> subprocess.CompletedProcess[str]:
    variables = {name: str(value) for name, value in processors.env(NAME).items()}
    variables |= {"MESSAGES": str(messages), "KAFKA_SSL_PASSWORD_PATH": str(folder / "tls/password")}
    return processors.run_start(NAME, folder, IMAGE, variables)


def test_service_links_are_off() -> None:
    processors.service_links(NAME)


def test_field_names_not_env_hints_are_the_variables() -> None:
    processors.field_names_not_env_hints(NAME)


def test_password_file_is_mounted() -> None:
    processors.password_file(NAME)


def test_always_tls_with_files_of_the_secret() -> None:
    processors.always_tls(NAME)


def test_history_within_a_second_is_found_on_this_broker() -> None:
    processors.history_within_a_second(NAME)


def test_log_folder_is_writable_and_emptied_so_that_the_probe_tells_the_truth(tmp_path: Path) -> None:
    processors.log_folder(NAME, tmp_path)


def test_one_pod_only() -> None:
    processors.one_pod(NAME)


def test_message_size_is_one_for_topics_and_client() -> None:
    processors.message_size(NAME)


def test_root_is_needed_and_nothing_else_is_given() -> None:
    processors.root_and_nothing_else(NAME)


def test_json_deserializer_and_no_other() -> None:
    processors.deserializer(NAME, right="json", wrong="string")


def test_empty_rally_gets_a_first_message_that_changes_no_result(tmp_path: Path) -> None:
    first, began = start(tmp_path, messages=0).stdout.splitlines()[1:]
    assert began.startswith("began")
    sent, topic, text = first.split(" ", 2)
    assert (sent, topic) == ("sent", "rally")
    message = json.loads(text)
    assert set(message) == {"timestamp", "msg_version", "status", "tag", "provider", "test_result"}
    age = datetime.now() - datetime.fromisoformat(message["timestamp"])
    assert age.days > 30, "the program drops what is older than 30 days; this one would count as a result"

    assert "sent" not in start(tmp_path, messages=1).stdout, "a topic that has messages is left alone"
    absent = start(tmp_path, messages=-1)
    assert absent.returncode == 1
    assert "Job topics" in absent.stderr


def test_hard_coded_sites_are_joined_by_the_sites_own_and_no_provider_is_an_error(tmp_path: Path) -> None:
    assert json.loads(processors.file(NAME, "rally-providers.json")) == {}
    own = {"SITE-one": "site_one"}
    assert json.loads(processors.file(NAME, "rally-providers.json", rallyProviders=own)) == own
    done = start(tmp_path, messages=1)
    assert done.stdout == "began recas_bari SITE-one\n", done.stderr
    (tmp_path / "rally-providers.json").write_text(json.dumps(own))
    assert "rallyProviders" in processors.refusal(NAME, rallyProviders=["SITE-one"])

    path = "/kafka-components/processors/modules/providerselector/conf.py"
    mounts = {item["mountPath"] for item in support.container(support.render_chart(NAME), NAME)["volumeMounts"]}
    assert path not in mounts
    replaced = support.render_chart(NAME, {"conf": "site-conf"})
    assert path in {item["mountPath"] for item in support.container(replaced, NAME)["volumeMounts"]}
    assert {"name": "conf", "configMap": {"name": "site-conf"}} in support.pod(replaced, NAME)["spec"]["volumes"]


def test_rejected_provider_is_known_and_used_nowhere() -> None:
    trap = {trap.id: trap for trap in processors.contract(NAME).traps}["rejected-provider"]
    assert "CLOUD-CNAF-TB" in trap.text
    assert "CLOUD-CNAF-TB" not in json.dumps(support.render_chart(NAME))

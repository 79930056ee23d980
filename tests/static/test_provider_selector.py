"""The provider selector's own traps, a test each; test_processors.py has those of all three processors."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests import support
from tests.static.processors import run_start
from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("provider-selector")

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
    variables = {name: str(value) for name, value in chart.env().items()}
    variables |= {"MESSAGES": str(messages), "KAFKA_SSL_PASSWORD_PATH": str(folder / "tls/password")}
    return run_start(chart, folder, IMAGE, variables)


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
    assert json.loads(chart.config()["indigo-paas.rally-providers.json"]) == {}
    own = {"SITE-one": "site_one"}
    assert json.loads(chart.config(rallyProviders=own)["indigo-paas.rally-providers.json"]) == own
    done = start(tmp_path, messages=1)
    assert done.stdout == "began recas_bari SITE-one\n", done.stderr
    (tmp_path / "rally-providers.json").write_text(json.dumps(own))
    assert "rallyProviders" in chart.refusal(rallyProviders=["SITE-one"])

    path = "/kafka-components/processors/modules/providerselector/conf.py"
    mounts = {item["mountPath"] for item in chart.container()["volumeMounts"]}
    assert path not in mounts
    replaced = chart.render(conf="site-conf")
    assert path in {item["mountPath"] for item in support.container(replaced, chart.name)["volumeMounts"]}
    assert {"name": "conf", "configMap": {"name": "site-conf"}} in support.pod(replaced, chart.name)["spec"]["volumes"]


def test_rejected_provider_is_known_and_used_nowhere() -> None:
    trap = {trap.id: trap for trap in chart.contract.traps}["rejected-provider"]
    assert "CLOUD-CNAF-TB" in trap.text
    assert "CLOUD-CNAF-TB" not in json.dumps(chart.render())

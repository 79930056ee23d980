"""The traps of Kafka (charts/kafka/contract.yaml), a test each; the Job's script runs with stand-ins for tools."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.model.load import load_contracts
from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("kafka")

SIZE = 104857600


def properties(name: str = "server", **values: Any) -> dict[str, str]:
    text = chart.config(**values)[f"etc.indigo-paas.kafka.{name}.properties"]
    lines = [line.partition("=") for line in text.splitlines()]
    assert len({key for key, _, _ in lines}) == len(lines), "a property is written twice"
    return {key: value for key, _, value in lines}


def script(**values: Any) -> str:
    (text,) = chart.job(**values)["spec"]["template"]["spec"]["containers"][0]["args"]
    return str(text)


def addresses(listeners: str) -> dict[str, str]:
    return {name: address for name, _, address in (item.partition("://") for item in listeners.split(","))}


def test_tls_only_for_whoever_is_outside_the_pod() -> None:
    found = properties()
    protocols = dict(item.split(":") for item in found["listener.security.protocol.map"].split(","))
    for name, address in addresses(found["listeners"]).items():
        inside = address.startswith("127.0.0.1:")
        assert inside or protocols[name] == "SSL", f"{name} at {address} is reachable without TLS"
    assert found["ssl.client.auth"] == "required"
    assert "ssl.client.auth" in chart.refusal(settings={"ssl.client.auth": "none"})
    service = chart.find("Service")["spec"]["ports"]
    assert [item["port"] for item in service] == [9095]


def test_listener_name_ssl_is_not_used_and_the_images_script_neither() -> None:
    found = properties()
    for names in (found["listeners"], found["advertised.listeners"]):
        assert not re.search(r"SSL://", names)
    assert addresses(found["advertised.listeners"])["CLIENT"] == "kafka:9095"
    server = chart.container()
    assert "/etc/kafka/docker/run" not in str(server["args"])
    assert "exec /opt/kafka/bin/kafka-server-start.sh" in server["args"][0], "the shell would swallow SIGTERM"


def test_encrypted_key_is_neither_expected_nor_asked_for() -> None:
    for name in ("server", "client"):
        found = properties(name)
        assert "ssl.key.password" not in found
        reference = re.fullmatch(r"\$\{dir:(/[^:]+):tls\.key}", found["ssl.keystore.key"])
        assert reference, "the key must be looked up in a file, not written here"
        volumes = {item["name"]: item for item in chart.pod()["volumes"]}
        (mount,) = [item for item in chart.container()["volumeMounts"] if item["mountPath"] == reference[1]]
        assert volumes[mount["name"]]["secret"]["secretName"] == f"kafka-{name}-tls"
    assert "PKCS 8" in chart.contract.secrets["kafka-server-tls"].keys["tls.key"].purpose
    assert "ssl.key.password" in chart.refusal(settings={"ssl.key.password": "x"})


def test_one_message_size_for_broker_socket_replication_and_every_topic() -> None:
    found = properties()
    for name in ("message.max.bytes", "replica.fetch.max.bytes", "replica.fetch.response.max.bytes"):
        assert int(found[name]) == SIZE
    assert int(found["socket.request.max.bytes"]) > SIZE + 1024, "the request is larger than the message in it"
    assert chart.contract.settings["socket.request.max.bytes"].default == SIZE, "the default would do; the trap is gone"
    topics = {
        (name, topic.maxMessageBytes)
        for other in load_contracts(support.charts()).values()
        for name, topic in other.topics.items()
    }
    assert topics, "no contract has a topic, this test proves nothing"
    assert {size for _, size in topics} == {SIZE}, f"another size than the rest: {sorted(topics)}"
    heap = re.search(r"-Xmx(\d+)g", chart.env()["KAFKA_HEAP_OPTS"])
    assert heap
    assert int(heap[1]) * 2**30 >= 8 * SIZE


def test_rebalance_delay_is_none() -> None:
    name = "group.initial.rebalance.delay.ms"
    assert properties()[name] == "0"
    assert chart.contract.settings[name].default == 3000
    assert properties(settings={name: 100})[name] == "100", "a site may choose, where paas-mon does not run"


def test_retention_is_that_of_upstream_on_broker_and_topics() -> None:
    assert properties()["log.retention.hours"] == "10000"
    lines = re.findall(r"^topic (\S+) \d+ (\d+) \d+$", script(), re.MULTILINE)
    assert lines
    assert {milliseconds for _, milliseconds in lines} == {str(10000 * 3600 * 1000)}


def test_auto_create_is_off_and_nothing_deletes_topics() -> None:
    assert properties()["auto.create.topics.enable"] == "false"
    assert properties()["delete.topic.enable"] == "false"
    assert "auto.create.topics.enable" in chart.refusal(settings={"auto.create.topics.enable": True})
    assert "--delete" not in script()


def test_single_node_factors_of_all_internal_topics() -> None:
    found = properties()
    declared = [name for name in chart.contract.settings if name.endswith((".replication.factor", ".min.isr"))]
    internal = [name for name in declared if chart.contract.settings[name].required]
    assert len(internal) == 5
    for name in internal:
        assert found[name] == "1"
        assert chart.contract.settings[name].default > 1, f"{name}: the default would do"
    assert "replicas" in chart.refusal(replicas=3)


def test_lost_and_found_is_not_in_the_folder_of_the_data() -> None:
    (volume,) = [item for item in chart.contract.writable if item.keep]
    folder = properties()["log.dirs"]
    assert folder.startswith(f"{volume.path}/"), f"{folder} is the top of the volume"


def test_service_links_are_off_and_variables_are_no_settings() -> None:
    for spec in (chart.pod(), chart.job()["spec"]["template"]["spec"]):
        assert spec["enableServiceLinks"] is False
    names = set(chart.env())
    assert names == {"KAFKA_HEAP_OPTS", "KAFKA_LOG4J_OPTS", "EXTRA_ARGS"}


def test_data_survives_switch_off() -> None:
    (claim,) = chart.find("StatefulSet")["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
    assert (
        chart.render(**{"global": {"components": {"kafka": {"mode": "external", "host": "kafka.example.org"}}}}) == []
    )


def test_settings_of_the_file_win_and_roll_the_pod() -> None:
    assert properties(settings={"log.retention.hours": 20000})["log.retention.hours"] == "20000"
    assert properties(settings={"message.max.bytes": 209715200})["message.max.bytes"] == "209715200", "not 2.1e+08"

    def checksum(**values: Any) -> str:
        annotations: dict[str, str] = support.pod(chart.render(**values), "kafka")["metadata"]["annotations"]
        return annotations["checksum/config"]

    assert checksum() != checksum(settings={"log.retention.hours": 20000})


# --- the Job that makes topics


def topics(folder: Path, text: str, known: str) -> list[str]:
    """Run the Job's script with tools that describe `known` and write down what they are asked; return that."""
    asked = folder / "asked"
    (folder / "known").write_text(known)
    for tool in ("kafka-topics.sh", "kafka-configs.sh"):
        path = folder / tool
        path.write_text(
            "#!/bin/bash\n"
            f'if [[ "$*" == *--describe* ]]; then cat {folder}/known; else echo "${{@:5}}" >> {asked}; fi\n'
        )
        path.chmod(0o755)
    asked.write_text("")
    here = text.replace("/opt/kafka/bin", str(folder))
    done = subprocess.run(["bash", "-c", here], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("topics done\n")
    return asked.read_text().splitlines()


def described(name: str, partitions: int, retention: int, size: int) -> str:
    """Return how kafka-topics.sh of 4.3.1 describes a topic."""
    return (
        f"Topic: {name}\tTopicId: s4FJiUNDSWac6zoTMgJ5vQ\tPartitionCount: {partitions}\tReplicationFactor: 1\t"
        f"Configs: min.insync.replicas=1,retention.ms={retention},max.message.bytes={size}\n"
        f"\tTopic: {name}\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n"
    )


def wanted(text: str) -> dict[str, tuple[int, int, int]]:
    lines = re.findall(r"^topic (\S+) (\d+) (\d+) (\d+)$", text, re.MULTILINE)
    return {name: (int(partitions), int(retention), int(size)) for name, partitions, retention, size in lines}


def test_topics_that_are_missing_are_made_and_right_ones_left_alone(tmp_path: Path) -> None:
    text = script()
    expected = wanted(text)
    declared = {name for other in load_contracts(support.charts()).values() for name in other.topics}
    assert set(expected) == declared
    made = topics(tmp_path, text, "")
    assert len(made) == len(expected)
    for line in made:
        assert line.startswith("--create --if-not-exists --topic ")
    partitions, retention, size = expected["rally"]
    assert (
        f"--create --if-not-exists --topic rally --partitions {partitions} "
        f"--config retention.ms={retention} --config max.message.bytes={size}" in made
    )
    assert topics(tmp_path, text, "".join(described(name, *what) for name, what in expected.items())) == []


def test_topics_that_differ_are_altered_and_never_made_smaller(tmp_path: Path) -> None:
    text = script()
    expected = wanted(text)

    def with_rally(partitions: int, retention: int, size: int) -> list[str]:
        others = "".join(described(name, *what) for name, what in expected.items() if name != "rally")
        return topics(tmp_path, text, others + described("rally", partitions, retention, size))

    partitions, retention, size = expected["rally"]
    change = (
        "--alter --entity-type topics --entity-name rally "
        f"--add-config retention.ms={retention},max.message.bytes={size}"
    )
    assert with_rally(partitions, 604800000, size) == [change]
    assert with_rally(partitions, retention * 10, size) == [change], "a longer number that begins alike"
    assert with_rally(partitions, retention, 1048588) == [change]
    assert with_rally(partitions + 2, retention, size) == [], "partitions cannot be taken away"
    more = text.replace(f"topic rally {partitions} ", f"topic rally {partitions + 2} ")
    others = "".join(described(name, *what) for name, what in expected.items())
    assert topics(tmp_path, more, others) == [f"--alter --topic rally --partitions {partitions + 2}"]


def test_topics_of_what_is_switched_off_are_not_made_and_those_of_writers_elsewhere_are() -> None:
    def names(mode: str) -> set[str]:
        return set(wanted(script(**{"global": {"components": {"log-shipper": {"mode": mode, "host": "logs"}}}})))

    assert "orchestrator-logs" not in names("off")
    assert "orchestrator-logs" in names("external"), "upstream's Filebeat on a virtual machine writes to this Kafka"


def test_job_shows_itself_with_the_clients_certificate() -> None:
    found = properties("client")
    assert found["security.protocol"] == "SSL"
    assert "ssl.endpoint.identification.algorithm" not in found, "the name of the broker is checked"
    mounts = {item["mountPath"] for item in chart.job()["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]}
    assert "/etc/indigo-paas/client-tls" in mounts
    assert "/etc/indigo-paas/kafka" in mounts

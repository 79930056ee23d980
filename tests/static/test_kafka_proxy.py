"""The traps of the Kafka proxy (charts/kafka-proxy/contract.yaml), a test each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.model.contract import Need
from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

NAME = "kafka-proxy"
chart = Chart(NAME)


def test_sqlite_in_memory_is_replaced_by_a_file_on_a_volume() -> None:
    path = Path(chart.env()["FLASK_DB_CONNECTION"])
    assert "memory" in chart.contract.settings["FLASK_DB_CONNECTION"].default
    assert str(path.parent) in {item["mountPath"] for item in chart.container()["volumeMounts"]}
    (volume,) = [item for item in chart.contract.writable if item.path == str(path.parent)]
    assert not volume.keep, "the cache is made anew at every start"


APP = """
import threading
import time


class App:
    logger = __import__("logging").getLogger("stand-in")

    def __init__(self):
        consumer = threading.Thread(target=self.consume, daemon=True)
        self.thread_dict = {"consumer": consumer}
        consumer.start()

    def consume(self):
        time.sleep(LIFE)

    def run(self, host, port):
        print("serves", host, port, flush=True)
        time.sleep(SERVES)


def create_app():
    return App()
"""


def start(folder: Path, life: float, serves: float) -> subprocess.CompletedProcess[str]:
    """Run the start script with an application that serves, and a consumer that lives, for some seconds."""
    (folder / "app.py").write_text(APP.replace("LIFE", str(life)).replace("SERVES", str(serves)))
    text = chart.config()["indigo-paas.start.py"].replace("/app", str(folder))
    assert "time.sleep(5)" in text, "the pause between two looks is what is made shorter here"
    (folder / "start.py").write_text(text.replace("time.sleep(5)", "time.sleep(0.02)"))
    command = [sys.executable, "-B", str(folder / "start.py")]  # app.py is written twice within a second
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_dead_consumer_ends_the_process_and_a_living_one_does_not(tmp_path: Path) -> None:
    dead = start(tmp_path, life=0.1, serves=30)
    assert dead.returncode == 1
    assert "the consumer has ended" in dead.stderr
    alive = start(tmp_path, life=60, serves=0.5)
    assert (alive.returncode, alive.stdout) == (0, "serves 0.0.0.0 5001\n")

    (edge,) = chart.contract.requires
    assert (edge.component, edge.need) == ("kafka", Need.HARD)
    waits = chart.pod()["initContainers"]
    assert [item["name"] for item in waits] == ["wait-for-kafka"]


def test_flask_prefix_is_on_every_setting() -> None:
    plain = [name for name in chart.env() if not name.startswith(("FLASK_", "PYTHON"))]
    assert plain == []
    assert chart.env()["FLASK_KAFKA_SSL_PASSWORD"] == {"secretKeyRef": {"name": "kafka-client-tls", "key": "password"}}
    kafka = support.contract("kafka")
    assert kafka.secrets["kafka-client-tls"].keys["password"].shape == "password", "its check refuses digits only"
    assert "KAFKA_BOOTSTRAP_SERVERS" in chart.refusal(settings={"KAFKA_BOOTSTRAP_SERVERS": "kafka:9095"})


def test_always_tls_with_files_of_the_secret() -> None:
    found = chart.env()
    assert "FLASK_KAFKA_SSL_ENABLE" not in found
    objects = chart.render()
    mounts = {item["name"]: item["mountPath"] for item in support.container(objects, NAME)["volumeMounts"]}
    files = {
        f"{mounts[volume['name']]}/{item['path']}"
        for volume in support.pod(objects, NAME)["spec"]["volumes"]
        for item in volume.get("secret", {}).get("items", ())
    }
    for name in ("CACERT", "CERT", "KEY"):
        assert found[f"FLASK_KAFKA_SSL_{name}_PATH"] in files
    outside = {"components": {"kafka": {"mode": "external", "host": "kafka.example.org"}}}
    assert found["FLASK_KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9095"
    assert chart.env(**{"global": outside})["FLASK_KAFKA_BOOTSTRAP_SERVERS"] == "kafka.example.org:9095"


def test_runs_as_root_only_where_nobody_says_otherwise() -> None:
    spec = chart.pod()
    assert spec["securityContext"]["runAsUser"] == chart.contract.image.uid > 0
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert chart.contract.security.profile == "restricted"


def test_port_5001_everywhere() -> None:
    (port,) = chart.find("Service")["spec"]["ports"]
    assert port["port"] == 5001
    assert chart.container()["ports"][0]["containerPort"] == 5001
    assert "port=5001" in chart.config()["indigo-paas.start.py"]


def test_probe_follows_the_prefix_so_no_other_prefix_is_accepted() -> None:
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert chart.container()[kind]["httpGet"]["path"] == "/cpr/"
    assert "FLASK_ROOT_PATH" in chart.refusal(settings={"FLASK_ROOT_PATH": "/rank"})


def test_several_pods_are_possible() -> None:
    kinds = {item["kind"] for item in chart.render(replicas=2)}
    assert "PodDisruptionBudget" in kinds
    assert chart.contract.replicas.max is None


def test_log_level_upper_case() -> None:
    assert chart.env(settings={"FLASK_LOG_LEVEL": "DEBUG"})["FLASK_LOG_LEVEL"] == "DEBUG"
    assert "FLASK_LOG_LEVEL" in chart.refusal(settings={"FLASK_LOG_LEVEL": "debug"})

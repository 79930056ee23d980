"""Neo4j's traps (charts/neo4j/contract.yaml), a test each."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from harness.secrets.shapes import make
from tests import support
from tests.support import Chart, mounts

pytestmark = pytest.mark.static

chart = Chart("neo4j")

CONTROL = {"NEO4J_AUTH", "NEO4J_PLUGINS"}  # what the entrypoint does not make a setting of
QUERY = "indigo-paas.query.sh"


def conf(**values: Any) -> dict[str, list[str]]:
    """Return neo4j.conf: key -> its values, in order."""
    found: dict[str, list[str]] = {}
    for line in chart.config(**values)["conf.neo4j.conf"].splitlines():
        key, _, value = line.partition("=")
        found.setdefault(key, []).append(value)
    return found


def test_service_links_become_no_settings() -> None:
    def harmless(found: dict[str, Any]) -> None:
        assert found["enableServiceLinks"] is False
        names = {item["name"] for item in found["containers"][0]["env"]}
        assert {name for name in names if name.startswith("NEO4J_")} == CONTROL

    harmless(chart.pod())
    with pytest.raises(AssertionError):
        harmless(chart.pod() | {"enableServiceLinks": True})
    broken = chart.pod() | {"containers": [{"env": [*chart.pod()["containers"][0]["env"], {"name": "NEO4J_PASSWORD"}]}]}
    with pytest.raises(AssertionError):
        harmless(broken)


def test_plugin_download_cannot_happen() -> None:
    objects = chart.render()
    assert json.loads(support.environment(objects, "neo4j")["NEO4J_PLUGINS"]) == ["apoc"]
    egress = support.find(objects, "NetworkPolicy", "neo4j")["spec"]["egress"]
    assert [{port["port"] for port in rule["ports"]} for rule in egress] == [{53}]
    assert "NEO4J_PLUGINS" in chart.refusal(settings={"NEO4J_PLUGINS": '["apoc", "graph-data-science"]'})
    assert "NEO4J_PLUGINS" in chart.refusal(settings={"NEO4J_PLUGINS": '["apoc-extended"]'})


class Double(threading.Thread):
    """Stands in for the HTTP port: takes one request, gives one answer."""

    def __init__(self, answer: str) -> None:
        super().__init__(daemon=True)
        self.answer = answer
        self.request = b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        connection, _ = self.socket.accept()
        with connection:
            while b"RETURN 1" not in self.request:
                self.request += connection.recv(4096)
            connection.sendall(f"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{self.answer}".encode())


def ask(port: int) -> int:
    """Run the probe's script against a port of this machine and return its exit code."""
    script = chart.config()[QUERY].replace("/7474", f"/{port}")
    environment = {"GRAPH_PASSWORD": "open-sesame", "PATH": "/usr/bin:/bin"}
    return subprocess.run(["bash", "-c", script], env=environment, timeout=20, check=False).returncode


def test_ready_too_early_is_seen_by_the_query() -> None:
    container = chart.pod()["containers"][0]
    for kind in ("startupProbe", "readinessProbe"):
        assert container[kind]["exec"]["command"] == ["bash", "/indigo-paas/query.sh"], "a port is open too early"
    good = Double('{"results":[{"columns":["1"],"data":[{"row":[1]}]}],"errors":[]}')
    good.start()
    assert ask(good.port) == 0
    head, _, body = good.request.decode().partition("\r\n\r\n")
    assert head.startswith("POST /db/neo4j/tx/commit HTTP/1.0")
    assert f"Content-Length: {len(body)}" in head
    assert base64.b64encode(b"neo4j:open-sesame").decode() in head
    assert json.loads(body) == {"statements": [{"statement": "RETURN 1"}]}
    starting = Double('{"results":[],"errors":[{"code":"Neo.TransientError.General.DatabaseUnavailable"}]}')
    starting.start()
    assert ask(starting.port) != 0
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert ask(port) != 0, "nothing listens"


def test_never_two_servers_on_one_store() -> None:
    assert "want 1" in chart.refusal(replicas=2)
    workload = chart.find("StatefulSet")["spec"]
    assert workload["podManagementPolicy"] == "OrderedReady"
    (claim,) = workload["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]


def mebibytes(text: str) -> int:
    number = int(text.rstrip("gGmMiI"))
    return number * 1024 if "g" in text.lower() else number


def test_memory_of_the_node_is_not_taken() -> None:
    def fits(settings: dict[str, list[str]], limit: str) -> None:
        parts = [settings[f"server.memory.{name}"] for name in ("heap.max_size", "pagecache.size")]
        assert sum(mebibytes(part[0]) for part in parts) + 500 <= mebibytes(limit)

    limits = chart.pod()["containers"][0]["resources"]["limits"]["memory"]
    fits(conf(), limits)
    with pytest.raises(AssertionError):
        fits(conf(), "1Gi")
    message = chart.refusal(settings={"server.memory.heap.max_size": "4g"})
    assert "neo4j.resources.limits.memory" in message
    assert "no size" in chart.refusal(settings={"server.memory.heap.max_size": "half"})
    large = {"requests": {"cpu": "1", "memory": "8Gi"}, "limits": {"memory": "8Gi"}}
    bigger = conf(settings={"server.memory.heap.max_size": "4g"}, resources=large)
    assert bigger["server.memory.heap.max_size"] == ["4g"]


def test_password_set_once_has_a_shape_that_the_entrypoint_takes() -> None:
    secret = chart.contract.secrets["neo4j-auth"].keys["password"]
    made = make(secret).reveal().decode()
    assert len(made) >= 8
    assert "/" not in made
    assert secret.onChange.index("in the server") < secret.onChange.index("then the Secret")
    found = chart.env()
    assert found["NEO4J_AUTH"] == "neo4j/$(GRAPH_PASSWORD)"
    names = [item["name"] for item in chart.pod()["containers"][0]["env"]]
    assert names.index("GRAPH_PASSWORD") < names.index("NEO4J_AUTH"), "$(NAME) sees only what stands before"


def test_read_only_conf_is_an_empty_volume_and_upstreams_options_are_written_out() -> None:
    def writable(found: dict[str, Any]) -> None:
        assert found["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
        where = mounts(found)
        for path in ("/var/lib/neo4j/conf", "/var/lib/neo4j/run", "/plugins", "/logs", "/tmp"):
            assert "emptyDir" in where.get(path, {}), path

    writable(pod_with_claims())
    without = pod_with_claims()
    without["containers"][0]["volumeMounts"] = [
        item for item in without["containers"][0]["volumeMounts"] if item["mountPath"] != "/var/lib/neo4j/conf"
    ]
    with pytest.raises(AssertionError):
        writable(without)
    java = conf()["server.jvm.additional"]
    assert "-XX:+UseG1GC" in java
    assert any(option.startswith("--add-opens=java.base/java.nio") for option in java)
    assert all(" " not in option for option in java), "one option in a line"


def pod_with_claims() -> dict[str, Any]:
    """Return the pod as the StatefulSet makes it: a claim of its template is a volume of the pod."""
    found = json.loads(json.dumps(chart.pod()))
    found["volumes"].append({"name": "data", "persistentVolumeClaim": {"claimName": "data-neo4j-0"}})
    return dict(found)


def test_apoc_unrestricted_is_written_out_as_nothing() -> None:
    assert conf()["dbms.security.procedures.unrestricted"] == [""], "else the entrypoint adds apoc.*"
    wanted = conf(settings={"dbms.security.procedures.unrestricted": "apoc.*"})
    assert wanted["dbms.security.procedures.unrestricted"] == ["apoc.*"]


def test_data_survives_switch_off() -> None:
    workload = chart.find("StatefulSet")["spec"]
    assert set(workload["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}
    (claim,) = workload["volumeClaimTemplates"]
    assert "Prune=false" in claim["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]
    assert chart.render(components={"neo4j": {"mode": "off"}}) == []


def test_only_the_registry_reaches_the_graph() -> None:
    assert chart.sources() == {"federation-registry"}


def test_the_script_of_the_probe_is_sound_shell() -> None:
    script = Path("/dev/stdin")
    text = chart.config()[QUERY]
    assert subprocess.run(["bash", "-n", str(script)], input=text, text=True, check=False).returncode == 0

"""The engine kind on a real Docker: what it is, that it survives faults, and that nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cluster import Cluster
from harness.engines import choice
from harness.engines.embedded.argocd import CONTROLLER
from harness.engines.kind import removal
from harness.engines.kind.docker import Docker
from harness.engines.kind.engine import KindEngine
from harness.errors import UserError
from tests.kind.conftest import NODES

ROOT = Path(__file__).parents[2]


def test_nodes_are_real_and_take_pods(engine: KindEngine, cluster: Cluster) -> None:
    nodes = cluster.list("Node")
    assert len(nodes) == NODES
    for node in nodes:
        assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")
    assert set(engine.nodes().values()) == {"running"}
    taints = [taint["effect"] for node in nodes for taint in node["spec"].get("taints", ())]
    assert taints.count("NoSchedule") < len(nodes)


def test_status_names_nodes_and_argo_cds_servers(engine: KindEngine) -> None:
    status = choice.attach(engine.name).status()
    running = {process.name for process in status.processes if process.running}
    assert status.kind == "kind" and status.server.startswith("https://127.0.0.1:")
    assert {f"indigo-{engine.name}-control-plane", CONTROLLER, "argocd-repo-server"} <= running


def test_a_killed_server_of_argo_cd_comes_back(engine: KindEngine) -> None:
    engine.kill(CONTROLLER)
    engine.restart(CONTROLLER)
    engine.check()


def test_a_second_engine_of_the_name_is_refused_and_harms_nothing(engine: KindEngine, cluster: Cluster) -> None:
    with pytest.raises(UserError, match="exists already"):
        KindEngine(engine.name).up()
    assert cluster.answers("/readyz")


def test_a_harness_that_is_killed_while_the_cluster_is_made_leaves_nothing(docker: Docker) -> None:
    name = f"killed-{os.getpid()}"
    command = [sys.executable, "-m", "harness", "up", "--engine", "kind", "--name", name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    harness = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        until(lambda: bool(docker.nodes(removal.cluster_name(name))), 60, "a node is being made")
    finally:
        harness.send_signal(signal.SIGKILL)
        harness.wait()
    run_dir = KindEngine(name).run_dir
    until(lambda: not run_dir.exists(), 60, "the run directory is gone")
    assert removal.left_of(docker, name) == []


def until(reached: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)

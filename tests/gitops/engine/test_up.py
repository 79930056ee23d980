"""The engine that is up: its size, its addresses, and that what Kubernetes decides is real."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cluster import ApiError, Cluster
from harness.engines import crds
from harness.engines.embedded import EmbeddedEngine
from harness.engines.embedded.argocd import argocd_definitions
from harness.engines.embedded.engine import Tools
from harness.engines.leftovers import leftovers
from tests.gitops.engine.support import ROOT, eventually, pod

pytestmark = pytest.mark.gitops

GIBIBYTE = 2**30


def test_everything_runs_and_is_reached_on_the_loopback_only(engine: EmbeddedEngine) -> None:
    status = engine.status()
    assert [process.name for process in status.processes if not process.running] == []
    assert len(status.processes) == 9
    assert engine.marks["up"] < 30, engine.marks
    assert (engine.run_dir.stat().st_mode & 0o777, engine.kubeconfig.stat().st_mode & 0o777) == (0o700, 0o600)
    assert status.server.startswith("https://127.0.0.1:")


def written(pid: int) -> Iterator[str]:
    """Yield the paths of files that a process has open for writing, and of unix sockets that it listens on."""
    sockets = {}
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        words = line.split()
        if len(words) == 8:
            sockets[f"socket:[{words[6]}]"] = words[7]
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            target = str(link.readlink())
            if target in sockets:
                yield sockets[target]
            elif target.startswith("/"):
                info = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text()
                if int(info.split("flags:")[1].split()[0], 8) & os.O_ACCMODE:
                    yield target


def test_no_server_writes_or_listens_outside_of_the_run_directory(engine: EmbeddedEngine) -> None:
    run_dir = str(engine.run_dir)
    for process in engine.status().processes:
        paths = [path for path in written(process.pid) if path.startswith("/") and path != "/dev/null"]
        assert [path for path in paths if not path.startswith(run_dir)] == [], process.name
        assert paths, f"{process.name} has at least its log open"


def test_nodes_are_ready_in_three_zones_and_the_version_is_the_pinned_one(cluster: Cluster) -> None:
    nodes = cluster.list("Node")
    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes]
    assert sorted(zones) == ["a", "b", "c"]
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes} == {
        cluster.request("GET", "/version")["gitVersion"]
    }


def test_admission_is_real(cluster: Cluster, namespace: str) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    cluster.patch("Namespace", namespace, label)
    with pytest.raises(ApiError, match='violates PodSecurity "restricted:latest"'):
        cluster.create(pod("root", namespace))
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": namespace}}
    cluster.apply({**quota, "spec": {"hard": {"configmaps": "1"}}})
    eventually(lambda: cluster.get("ResourceQuota", "q", namespace).get("status", {}).get("used"), "quota is counted")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}}
    with pytest.raises(ApiError, match="exceeded quota"):
        cluster.create(config)
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {"name": ""},
        "spec": {
            "user": f"system:serviceaccount:{namespace}:default",
            "resourceAttributes": {"verb": "get", "resource": "secrets", "namespace": namespace},
        },
    }
    assert cluster.create(review)["status"]["allowed"] is False


def differences(shipped: Any, created: Any, path: str = "") -> Iterator[str]:
    """Yield the paths at which two definitions differ."""
    if isinstance(shipped, dict) and isinstance(created, dict):
        for key in shipped.keys() | created.keys():
            yield from differences(shipped.get(key), created.get(key), f"{path}.{key}")
    elif isinstance(shipped, list) and isinstance(created, list) and len(shipped) == len(created):
        for index, (one, other) in enumerate(zip(shipped, created, strict=True)):
            yield from differences(one, other, f"{path}.{index}")
    elif shipped != created:
        yield path


def test_argo_cds_definitions_differ_from_the_shipped_ones_only_where_they_say_so(tmp_path: Path) -> None:
    files = argocd_definitions(Tools.pinned().argocd_module)
    found = 0
    for name, body in crds.prepared(files, tmp_path).items():
        (shipped,) = (
            content
            for file in files
            if (content := yaml.load(file.read_bytes(), yaml.CSafeLoader))["metadata"]["name"] == name
        )
        for path in differences(shipped, json.loads(body)):
            nested = re.search(
                r"\.generators\.items\.properties\.(matrix|merge)\.properties\.generators\.items\.", path
            )
            assert path.endswith(".description") or (nested and "applicationset" in name), path
        found += 1
    assert found == 3
    assert crds.prepared(files, tmp_path) == crds.prepared(files, Path("/proc/unwritable")), "cached or not"


def indigo(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_up_status_kubeconfig_and_down_on_the_command_line_and_all_of_it_within_a_gibibyte() -> None:
    name = f"test-{os.getpid()}"
    try:
        first = indigo("up", "--name", name, "--nodes", "4")
        assert first.returncode == 0, first.stderr
        assert f"export KUBECONFIG=$(indigo kubeconfig --name {name})" in first.stdout
        assert "Not started:" in first.stdout
        second = indigo("up", "--name", name)
        assert (second.returncode, "runs already" in second.stderr) == (0, True)
        (status,) = (one for one in json.loads(indigo("status", "--json").stdout) if one["name"] == name)
        assert {process["name"] for process in status["processes"] if process["running"]} >= {"etcd", "kwok", "valkey"}
        total = sum(process["pss"] for process in status["processes"])
        assert 300 * 2**20 < total < GIBIBYTE, f"{total / 2**20:.0f} MiB"
        assert name in indigo("status").stdout
        file = Path(indigo("kubeconfig", "--name", name).stdout.strip())
        assert len(Cluster(file).list("Node")) == 4
        run_dir = Path(status["run_dir"])
    finally:
        assert indigo("down", "--name", name).returncode == 0
    assert leftovers(run_dir) == []
    again = indigo("down", "--name", name)
    assert (again.returncode, f"no engine named {name} runs" in again.stderr) == (0, True)
    refused = indigo("kubeconfig", "--name", name)
    assert (refused.returncode, f"fix: start it: indigo up --name {name}" in refused.stderr) == (2, True)
    assert indigo("up", "--name", "../up").returncode == 2

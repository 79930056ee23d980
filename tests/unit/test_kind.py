"""The engine kind without a Docker: what is refused and how it is said, whose a cluster is, and that it goes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli.engine import up
from harness.engines import runs
from harness.engines.children import AT_END, undo
from harness.engines.kind import images, inside, nodes, preflight, removal
from harness.engines.kind.docker import Docker, Host
from harness.engines.kind.engine import KindEngine
from harness.engines.supervision import Supervisor
from harness.errors import UserError
from harness.report.model import Tier
from harness.suite import select
from tests.unit.fake_docker import INFO, FakeDocker

GIB = 2**30
HOST = Host(memory=32 * GIB, cpus=4, cgroup="2", root=Path("/nowhere"), security=())


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    fake = FakeDocker(tmp_path)
    monkeypatch.setenv("PATH", f"{fake.directory}:{os.environ['PATH']}")
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", nodes.CHOSEN):
        monkeypatch.delenv(name, raising=False)
    return fake


@pytest.fixture
def docker(fake: FakeDocker) -> Docker:
    return Docker.find()


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc of a machine that has enough of everything."""
    limits = tmp_path / "proc" / "sys" / "fs" / "inotify"
    limits.mkdir(parents=True)
    (limits / "max_user_instances").write_text("512\n")
    (limits / "max_user_watches").write_text("524288\n")
    (tmp_path / "proc" / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {16 * GIB // 1024} kB\n")
    return tmp_path / "proc"


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "runs"
    directory.mkdir()
    return directory


# ------------------------------------------------------------------------ refusals


def test_no_docker_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="no docker on the PATH; the engine kind needs it") as caught:
        KindEngine("none", runs=tmp_path / "runs").up()
    assert "install Docker, or run the tier that needs no Docker: make e2e" in str(caught.value)


def test_a_daemon_that_does_not_answer(fake: FakeDocker, docker: Docker) -> None:
    fake.change(refuses={"info": "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."})
    with pytest.raises(UserError, match=r"Docker does not answer: .*Cannot connect to the Docker daemon") as caught:
        docker.host()
    assert "start it, or become a member of the group docker, or set DOCKER_HOST" in str(caught.value)


def test_a_daemon_that_answers_with_errors_only(fake: FakeDocker, docker: Docker) -> None:
    fake.change(info={"ServerErrors": ["permission denied while trying to connect"]})
    with pytest.raises(UserError, match="Docker does not answer: permission denied"):
        docker.host()


def test_what_docker_says_of_its_host(docker: Docker) -> None:
    assert docker.host() == Host(32 * GIB, 4, "2", Path("/nowhere/docker"), ())


@pytest.mark.parametrize(("nodes_wanted", "available", "needed"), [(1, 2.5, 3), (3, 4.5, 5)])
def test_too_little_memory(proc: Path, nodes_wanted: int, available: float, needed: int) -> None:
    (proc / "meminfo").write_text(f"MemAvailable: {int(available * GIB) // 1024} kB\n")
    with pytest.raises(UserError, match=f"{available} GiB of memory are available, a cluster of {nodes_wanted} needs"):
        preflight.check(HOST, nodes_wanted, proc)
    (proc / "meminfo").write_text(f"MemAvailable: {needed * GIB // 1024} kB\n")
    assert preflight.check(HOST, nodes_wanted, proc) == []


def test_too_little_memory_in_dockers_virtual_machine(proc: Path) -> None:
    small = Host(memory=2 * GIB, cpus=2, cgroup="2", root=Path("/nowhere"), security=())
    with pytest.raises(UserError, match=r"2\.0 GiB of memory are available.*needs 3 GiB"):
        preflight.check(small, 1, proc)


def test_too_little_disk(proc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=6 * GIB))
    host = Host(memory=32 * GIB, cpus=4, cgroup="2", root=tmp_path, security=())
    with pytest.raises(
        UserError, match=r"6\.0 GiB of disk are free where Docker keeps its data.*1 needs 7 GiB"
    ) as caught:
        preflight.check(host, 1, proc)
    assert caught.value.where == str(tmp_path)


@pytest.mark.parametrize(
    ("name", "limit", "needed"), [("max_user_instances", 100, 128), ("max_user_watches", 10000, 24576)]
)
def test_inotify_limits(proc: Path, name: str, limit: int, needed: int) -> None:
    (proc / "sys/fs/inotify" / name).write_text(f"{limit}\n")
    with pytest.raises(UserError, match=f"fs.inotify.{name} is {limit}, a cluster of 3 needs {needed}") as caught:
        preflight.check(HOST, 3, proc)
    assert f"sudo sysctl fs.inotify.{name}=" in str(caught.value)


def test_cgroup_v1_is_told_to_the_kubelet_and_to_the_user(proc: Path, tmp_path: Path) -> None:
    old = Host(memory=32 * GIB, cpus=4, cgroup="1", root=Path("/nowhere"), security=())
    (note,) = preflight.check(old, 1, proc)
    assert "cgroup v1, which the kubelet refuses since Kubernetes 1.35" in note
    (patch,) = nodes.configuration(1, tmp_path, cgroup_v1=True)["kubeadmConfigPatches"]
    assert json.loads(patch) == {"kind": "KubeletConfiguration", "failCgroupV1": False}
    assert "kubeadmConfigPatches" not in nodes.configuration(1, tmp_path, cgroup_v1=False)


def test_an_unknown_cgroup_version(proc: Path) -> None:
    with pytest.raises(UserError, match=r"Docker reports cgroup version 'none'; nodes need 2"):
        preflight.check(Host(32 * GIB, 4, "", Path("/nowhere"), ()), 1, proc)


def test_a_name_that_somebody_elses_cluster_has(fake: FakeDocker, docker: Docker, runs_dir: Path) -> None:
    fake.node("indigo-mine-control-plane", "indigo-mine")
    with pytest.raises(UserError, match="a kind cluster named 'indigo-mine' exists already") as caught:
        removal.require_free(docker, "mine", runs_dir)
    assert "was not made below" in str(caught.value)
    assert "take another name (--name), or remove it yourself" in str(caught.value)
    assert removal.sweep(docker, runs_dir) == []
    assert "indigo-mine-control-plane" in fake.state()["containers"]
    removal.require_free(docker, "another", runs_dir)


# ------------------------------------------------------------------------- images


def test_the_node_image_is_pinned_by_digest_and_pulled_once(fake: FakeDocker, docker: Docker) -> None:
    assert nodes.PINNED.startswith("kindest/node:v1.") and "@sha256:" in nodes.PINNED
    fake.change(registry=[nodes.PINNED])
    assert nodes.image(docker) == nodes.image(docker) == nodes.NodeImage(nodes.PINNED)
    assert [call[0] for call in fake.state()["calls"]].count("pull") == 1


def test_without_a_registry_a_node_image_of_the_same_minor_is_used_and_said(fake: FakeDocker, docker: Docker) -> None:
    fake.change(images=["kindest/node:v1.36.9", "kindest/node:v1.37.2"])
    found = nodes.image(docker)
    assert found.name == "kindest/node:v1.37.2"
    assert "cannot be pulled: " in found.note and "no such host" in found.note


def test_without_any_node_image_the_reason_is_said(fake: FakeDocker, docker: Docker) -> None:
    fake.change(images=["kindest/node:v1.36.9"])
    with pytest.raises(
        UserError, match=r"the node image kindest/node:v1\.37\.0 is not here and cannot be pulled: .*no such host"
    ):
        nodes.image(docker)


def test_a_named_node_image_is_never_replaced(
    fake: FakeDocker, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.change(images=["kindest/node:v1.37.2"])
    monkeypatch.setenv(nodes.CHOSEN, "kindest/node:v1.37.9")
    with pytest.raises(UserError, match=r"kindest/node:v1\.37\.9 is not here"):
        nodes.image(docker)


def test_a_minor_version_names_the_node_image_that_this_kind_was_released_with(
    fake: FakeDocker, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.change(registry=[nodes.RELEASED["1.34"]])
    monkeypatch.setenv(nodes.CHOSEN, "1.34")
    assert nodes.image(docker) == nodes.NodeImage(nodes.RELEASED["1.34"])


def test_images_that_are_not_to_be_had_are_named_all_at_once(fake: FakeDocker, docker: Docker) -> None:
    fake.change(images=["here:1"], registry=[])
    found = images.collect(docker, ["here:1", "gone:1", "lost:2"])
    assert found.present == ["here:1"]
    with pytest.raises(UserError, match=r"2 images are not here and cannot be pulled: gone:1, lost:2"):
        found.require()
    assert [call for call in fake.state()["calls"] if call[0] == "pull"] == [["pull", "--quiet", "gone:1"]]


# ---------------------------------------------------------------------- ownership


def test_the_nodes_mount_what_proves_whose_they_are(runs_dir: Path) -> None:
    engine = KindEngine("one", runs=runs_dir)
    content = nodes.configuration(3, engine.source_dir, cgroup_v1=False)
    assert [node["role"] for node in content["nodes"]] == ["control-plane", "worker", "worker"]
    for node in content["nodes"]:
        (mount,) = node["extraMounts"]
        assert mount["hostPath"] == mount["containerPath"] == str(runs_dir / "one" / "shared")


def test_a_sweep_takes_dead_runs_of_ours_and_nothing_else(fake: FakeDocker, docker: Docker, runs_dir: Path) -> None:
    fake.node("dead", "indigo-dead", runs_dir / "dead" / "shared")
    fake.node("alive", "indigo-alive", runs_dir / "alive" / "shared")
    fake.node("elsewhere", "indigo-elsewhere", runs_dir.parent / "other" / "elsewhere" / "shared")
    fake.node("users", "kind", Path("/srv/kind/shared"))
    supervisor = Supervisor.start(runs_dir / "alive")
    try:
        assert removal.sweep(docker, runs_dir) == ["indigo-dead"]
    finally:
        supervisor.stop()
    assert sorted(fake.state()["containers"]) == ["alive", "elsewhere", "users"]
    assert sorted(fake.state()["networks"]) == ["indigo-alive", "indigo-elsewhere", "kind"]


def registered(fake: FakeDocker, docker: Docker, run_dir: Path) -> Supervisor:
    """Start a keeper that has one cluster to remove."""
    supervisor = Supervisor.start(run_dir)
    removal.register(run_dir, docker, "indigo-one")
    fake.node("indigo-one-control-plane", "indigo-one", run_dir / "shared")
    fake.node("users", "kind")
    return supervisor


def gone(fake: FakeDocker, run_dir: Path, seconds: float = 10.0) -> None:
    """Assert that within some seconds nothing is left but what was not ours."""
    end = time.monotonic() + seconds
    while run_dir.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not run_dir.exists()
    assert sorted(fake.state()["containers"]) == ["users"]
    assert fake.state()["networks"] == ["kind"]


def test_the_end_of_an_engine_removes_its_cluster(fake: FakeDocker, docker: Docker, runs_dir: Path) -> None:
    registered(fake, docker, runs_dir / "one").stop()
    gone(fake, runs_dir / "one")
    assert removal.left_of(docker, "one") == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_harness_leaves_no_cluster(fake: FakeDocker, docker: Docker, runs_dir: Path, number: int) -> None:
    program = (
        "import sys, time; from pathlib import Path; from harness.engines.supervision import Supervisor;"
        "from harness.engines.kind import removal; from harness.engines.kind.docker import Docker;"
        "run = Path(sys.argv[1]); Supervisor.start(run);"
        "removal.register(run, Docker.find(), 'indigo-one'); print('up', flush=True); time.sleep(60)"
    )
    fake.node("indigo-one-control-plane", "indigo-one", runs_dir / "one" / "shared")
    fake.node("users", "kind")
    root = Path(__file__).parents[2]
    harness = subprocess.Popen([sys.executable, "-c", program, runs_dir / "one"], cwd=root, stdout=subprocess.PIPE)
    assert harness.stdout and harness.stdout.readline() == b"up\n"
    harness.send_signal(number)
    harness.wait()
    harness.stdout.close()
    gone(fake, runs_dir / "one")


def test_keeper_and_guard_killed_the_next_sweep_removes_the_cluster(
    fake: FakeDocker, docker: Docker, runs_dir: Path
) -> None:
    supervisor = registered(fake, docker, runs_dir / "one")
    os.kill(supervisor.pid, signal.SIGSTOP)  # or it would see its guard go, and clean up
    os.kill(supervisor.guard, signal.SIGKILL)
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.close()
    if supervisor.process:
        supervisor.process.wait()
    end = time.monotonic() + 5
    while runs.is_alive(runs_dir / "one") and time.monotonic() < end:
        time.sleep(0.02)
    assert "indigo-one-control-plane" in fake.state()["containers"]
    assert runs.sweep_all(runs_dir) == ["one"]
    gone(fake, runs_dir / "one")


def test_where_docker_does_not_answer_the_run_directory_waits_for_the_next_try(
    fake: FakeDocker, docker: Docker, runs_dir: Path
) -> None:
    run_dir = runs_dir / "one"
    supervisor = registered(fake, docker, run_dir)
    fake.change(refuses={"ps": "Cannot connect to the Docker daemon"})
    supervisor.stop()
    assert run_dir.exists() and not runs.is_alive(run_dir)
    assert runs.sweep_all(runs_dir) == []
    fake.change(refuses={})
    assert runs.sweep_all(runs_dir) == ["one"]
    gone(fake, run_dir)


def test_undoing_says_whether_all_of_it_succeeded(tmp_path: Path) -> None:
    assert undo(tmp_path)
    for program, done in (("/bin/true", True), ("/bin/false", False), ("/nowhere", False)):
        (tmp_path / AT_END).write_text(json.dumps([{"argv": ["/bin/true"], "env": {}}, {"argv": [program], "env": {}}]))
        assert undo(tmp_path) is done


# --------------------------------------------------------------------------- once


def test_a_program_that_runs_once_may_end(tmp_path: Path) -> None:
    supervisor = Supervisor.start(tmp_path / "runs" / "one")
    try:
        log = tmp_path / "log"
        say = ["/bin/sh", "-c", 'echo "$0"; exit "$0"']
        for status in (0, 3):
            end = supervisor.run_once("say", [*say, str(status)], env={}, cwd=tmp_path, log=log, seconds=5)
            assert (end.status, end.tail.splitlines()[-1]) == (status, str(status))
        supervisor.check()
        with pytest.raises(UserError, match=r"slow has not ended after 0\.2 s"):
            supervisor.run_once("slow", ["/bin/sleep", "9"], env={"PATH": "/bin"}, cwd=tmp_path, log=log, seconds=0.2)
    finally:
        supervisor.stop()


def test_a_failed_creation_shows_kinds_last_lines_and_leaves_nothing(
    fake: FakeDocker, runs_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kind = tmp_path / "kind"
    kind.write_text("#!/bin/sh\necho 'ERROR: failed to create cluster: could not find a log line' >&2\nexit 1\n")
    kind.chmod(0o755)
    programs = {"kind": kind, "helm": kind, "argocd": kind, "valkey-server": Path("/bin/cat")}
    monkeypatch.setattr("harness.toolchain.ensure", lambda *_: programs)
    monkeypatch.setattr("harness.toolchain.argocd_module_dir", lambda: tmp_path)
    monkeypatch.setattr(preflight, "check", lambda *_: [])
    monkeypatch.setattr("harness.engines.embedded.argocd.ArgoCD.start_cache", lambda _: None)
    monkeypatch.setattr("harness.engines.embedded.argocd.ArgoCD.start_repo_server", lambda _: None)
    fake.change(images=[nodes.PINNED], info=INFO)
    with pytest.raises(UserError, match="kind cannot make the cluster 'indigo-one': it ended with 1") as caught:
        KindEngine("one", runs=runs_dir).up()
    assert "could not find a log line" in caught.value.details
    assert list(runs_dir.iterdir()) == []


# ---------------------------------------------------------------------- selection


def test_the_tier_kind_is_an_engines_and_is_never_run_unasked() -> None:
    root = Path(__file__).parents[2]
    asked = select((), ("tests/kind/test_engine.py",), root)
    assert (asked.quick, asked.engine, asked.tier) == ((), ("tests/kind/test_engine.py",), Tier.KIND)
    assert "kind" in asked.tools()
    everything = select((), (), root)
    assert not any("kind" in path for path in everything.paths)
    assert "kind" not in everything.tools()


# ------------------------------------------------------------------ Argo CD inside


def upstream() -> list[dict[str, Any]]:
    """Return the shape of upstream's manifests, with what `inside` changes."""
    pod = {
        "containers": [
            {"name": "c", "image": "quay.io/argoproj/argocd:v3", "volumeMounts": [], "imagePullPolicy": "Always"}
        ],
        "volumes": [],
    }
    repo = {"kind": "Deployment", "metadata": {"name": "argocd-repo-server"}, "spec": {"template": {"spec": pod}}}
    cache = {"containers": [{"name": "c", "image": "registry.example/redis:8", "volumeMounts": []}], "volumes": []}
    redis = {"kind": "Deployment", "metadata": {"name": "argocd-redis"}, "spec": {"template": {"spec": cache}}}
    return [repo, redis, {"kind": "ClusterRole", "metadata": {"name": "argocd-application-controller"}}]


def test_upstreams_manifests_are_changed_in_few_places_only(tmp_path: Path) -> None:
    assert inside.images(upstream()) == ("quay.io/argoproj/argocd:v3", "registry.example/redis:8")
    repo, redis, role = (inside.adapted(item, tmp_path) for item in upstream())
    assert (repo["metadata"]["namespace"], redis["metadata"]["namespace"]) == ("argocd", "argocd")
    assert role == upstream()[2]
    (container,) = repo["spec"]["template"]["spec"]["containers"]
    assert {"name": "indigo-source", "mountPath": str(tmp_path), "readOnly": True} in container["volumeMounts"]
    assert container["env"] == [{"name": "ARGOCD_GPG_ENABLED", "value": "false"}]
    assert container["imagePullPolicy"] == "IfNotPresent"
    (cache,) = redis["spec"]["template"]["spec"]["containers"]
    assert cache == upstream()[1]["spec"]["template"]["spec"]["containers"][0] | {"imagePullPolicy": "IfNotPresent"}


def test_argo_cd_inside_needs_an_engine_that_runs_containers() -> None:
    done = CliRunner().invoke(up, ["--argocd", "inside"])
    assert isinstance(done.exception, UserError)
    assert "the engine embedded runs no containers" in str(done.exception)

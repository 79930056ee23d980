"""Refusals and ends: ports, dead servers, two engines at once, kills; and never anything left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import paths
from harness.engines import runs
from harness.engines.embedded import ArgoSettings, EmbeddedEngine, Settings
from harness.engines.embedded.engine import Tools
from harness.engines.leftovers import leftovers
from harness.engines.supervision import ServerDied
from harness.errors import UserError
from tests.gitops.conftest import settings
from tests.gitops.engine.support import ROOT, eventually

pytestmark = pytest.mark.gitops


def test_a_taken_port_is_refused_by_its_number(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        engine = EmbeddedEngine("taken", Settings(api_port=port), runs=runs_dir)
        with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 is taken"):
            engine.up()
        monkeypatch.setattr("harness.engines.ports.require_free", lambda *_: None)  # taken between look and start
        begin = time.monotonic()
        with pytest.raises(ServerDied) as died:
            engine.up()
        assert time.monotonic() - begin < 45, "the rest was waited for (start_seconds is 90)"
    assert died.value.exit.name == "kube-apiserver"
    assert died.value.fix is not None
    assert f"port {port} is taken" in died.value.fix
    assert "address already in use" in died.value.details
    assert leftovers(engine.run_dir) == []


def test_a_server_that_dies_at_the_start_is_named_with_its_last_lines(runs_dir: Path, tmp_path: Path) -> None:
    pinned = Tools.pinned()
    broken = tmp_path / "argocd"
    broken.write_text("#!/bin/sh\necho panic: no such thing >&2\nexit 4\n")
    broken.chmod(0o755)
    tools = Tools({**pinned.programs, "argocd": broken}, pinned.argocd_module)
    engine = EmbeddedEngine("broken", runs=runs_dir, tools=tools)
    with pytest.raises(ServerDied) as died:
        engine.up()
    assert died.value.message == "argocd-repo-server ended with 4 while it was needed"
    assert died.value.details == "panic: no such thing"
    assert died.value.where is None, "the log is gone with the run directory"
    assert leftovers(engine.run_dir) == []
    assert runs.alive(runs_dir) in ([], ["shared"])


def test_two_engines_run_at_once_and_a_dead_server_is_noticed_in_its_own(
    engine: EmbeddedEngine, runs_dir: Path, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    production = Settings(nodes=1, logs=logs, argocd=ArgoSettings.production())
    with EmbeddedEngine("second", production, runs=runs_dir) as second:
        assert [node["metadata"]["name"] for node in second.cluster().list("Node")] == ["node-1"]
        assert len(engine.cluster().list("Node")) == 3
        ports = [{port for process in one.status().processes for port in process.ports} for one in (engine, second)]
        assert not ports[0] & ports[1]
        (kwok,) = (process for process in second.status().processes if process.name == "kwok")
        os.kill(kwok.pid, signal.SIGKILL)  # not through the engine: nobody asked for it
        with pytest.raises(ServerDied, match="kwok was killed by SIGKILL"):
            eventually(second.check, "the dead server is noticed", 5)
        engine.check()
        with pytest.raises(UserError, match="named 'second' runs already"):
            EmbeddedEngine("second", runs=runs_dir).up()
    assert leftovers(second.run_dir, ports[1]) == []
    assert (logs / "kube-apiserver.log").is_file(), "logs outside of the run directory stay"
    with pytest.raises(UserError, match="no engine named 'second' runs"):
        EmbeddedEngine.attach("second", runs=runs_dir)


UP = """
import sys
from pathlib import Path
from harness.engines.embedded import EmbeddedEngine
engine = EmbeddedEngine(sys.argv[2], runs=Path(sys.argv[1]))
engine.up()
print([port for process in engine.status().processes for port in process.ports], flush=True)
input()
"""


def listening() -> set[int]:
    """Return the ports of 127.0.0.1 and of all addresses that any process listens on now."""
    ports = set()
    for file in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(file).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == "0A":
                    ports.add(int(words[1].rsplit(":", 1)[1], 16))
    return ports


@pytest.fixture(scope="module")
def next_run(pytestconfig: pytest.Config, runs_dir: Path) -> Iterator[EmbeddedEngine]:
    """An engine of the name that a killed one had."""
    engine = EmbeddedEngine("killed-0", settings(pytestconfig, nodes=1), runs=runs_dir)
    engine.up()
    yield engine
    engine.down()


def test_kill_9_at_ten_moments_leaves_no_process_no_port_and_no_file_and_does_not_disturb_the_next_run(
    runs_dir: Path, request: pytest.FixtureRequest
) -> None:
    def one(moment: int) -> list[str]:
        name = f"killed-{moment}"
        command = [sys.executable, "-c", UP, str(runs_dir), name]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        ports: list[int] = []
        if moment == 9:
            ports = json.loads(process.stdout.readline())
        else:  # from before the keeper exists until Argo CD starts, more densely at the beginning
            time.sleep(0.15 + 0.05 * moment**2)
        process.kill()
        process.communicate()
        run_dir = runs_dir / name
        with contextlib.suppress(AssertionError):
            eventually(lambda: not (run_dir.exists() or leftovers(run_dir, ports)), "nothing is left", 10)
        return leftovers(run_dir, ports)

    before = listening()
    with ThreadPoolExecutor(4) as pool:
        left = list(pool.map(one, range(10)))
    assert left == [[]] * 10
    # tests beside this one listen, too, for a moment; what was left behind would listen for ever
    ours = range(20000, 32768)
    eventually(lambda: not any(port in ours for port in listening() - before), "nobody listens any more", 30)
    request.getfixturevalue("next_run").check()


def test_kill_9_of_the_keeper_takes_a_whole_engine_along(next_run: EmbeddedEngine) -> None:
    engine = next_run
    engine.check()
    ports = [port for process in engine.status().processes for port in process.ports]
    assert engine.supervisor is not None
    os.kill(engine.supervisor.pid, signal.SIGKILL)
    eventually(lambda: not leftovers(engine.run_dir, ports), "nothing is left", 10)
    with pytest.raises(UserError, match="the keeper of the engine 'killed-0' is gone"):
        eventually(engine.check, "the harness notices", 5)
    engine.down()  # there is nothing to end, and no error in that


def test_ctrl_c_while_it_starts_leaves_nothing() -> None:
    name = f"test-ctrl-c-{os.getpid()}"
    run_dir = paths.runs_dir() / name
    command = [sys.executable, "-m", "harness", "up", "--name", name]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    eventually(lambda: (run_dir / "logs" / "kube-apiserver.log").exists(), "the API server starts")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, "interrupted; nothing is left running" in errors) == (130, True)
    assert leftovers(run_dir) == []


FULL = """
from pathlib import Path
import sys
from harness.engines.embedded import EmbeddedEngine
from harness.errors import UserError
try:
    EmbeddedEngine("full", runs=Path(sys.argv[1])).up()
except UserError as error:
    print(error.fix, [path.name for path in Path(sys.argv[1]).iterdir()])
"""


def test_a_full_disk_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=200k none "$1" && '
    arguments = ["sh", str(tmp_path), sys.executable, FULL]
    unshare = ["unshare", "--mount", "sh", "-c"]
    probe = subprocess.run([*unshare, mount + "true", *arguments], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"a tiny file system cannot be mounted here: {probe.stderr.strip()}")
    script = mount + 'exec "$2" -c "$3" "$1"'
    done = subprocess.run([*unshare, script, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "free disk space: the disk is full []"

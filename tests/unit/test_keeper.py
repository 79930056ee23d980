"""The keeper: whatever ends the harness, nothing of an engine outlives it. Fake servers, real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.engines import runs
from harness.engines.keeper import lock_file
from harness.engines.leftovers import leftovers, processes
from harness.engines.ports import claim, is_free, require_free
from harness.engines.supervision import AlreadyRunning, KeeperGone, ServerDied, Supervisor
from harness.errors import UserError

ROOT = Path(__file__).parents[2]
SHELL = shutil.which("sh") or "/bin/sh"
# a server with a child in its own process group, one in a session of its own, and one that ignores signals
FAMILY = "sleep 300 & setsid sleep 300 & (trap '' TERM INT HUP; sleep 300) & wait"
LISTENER = "import socket,sys,time; s=socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(300)"
# what the killed harness runs: three servers, a line on standard output after each step
HARNESS = """
import sys, time
from pathlib import Path
from harness.engines.supervision import Supervisor
run_dir, port = Path(sys.argv[1]), sys.argv[2]
supervisor = Supervisor.start(run_dir)
print("keeper", flush=True)
env = {"PATH": "/usr/bin:/bin", "RUN": str(run_dir)}
for order, argv in enumerate((["/bin/sh", "-c", sys.argv[3]], [sys.executable, "-I", "-S", "-c", sys.argv[4], port])):
    supervisor.start_server(f"server-{order}", argv, env=env, cwd=run_dir, log=run_dir / "log", order=order)
    print("server", flush=True)
    time.sleep(0.03)
print("up", flush=True)
if "detach" in sys.argv: supervisor.detach()
elif "raise" in sys.argv: raise RuntimeError("a failed test")
elif "return" in sys.argv: sys.exit(0)
time.sleep(300)
"""


def harness(run_dir: Path, port: int = 0, *words: str) -> subprocess.Popen[str]:
    """Start a process that starts a keeper and two servers, as the harness would."""
    command = [sys.executable, "-c", HARNESS, str(run_dir), str(port), FAMILY, LISTENER, *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def read_until(process: subprocess.Popen[str], word: str) -> None:
    """Wait for a line of a harness process."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return
    raise AssertionError(f"the harness process ended before {word!r}")


def eventually_nothing(run_dir: Path, ports: tuple[int, ...] = (), seconds: float = 15.0) -> None:
    """Assert that within some seconds nothing is left of a run."""
    end = time.monotonic() + seconds
    while (left := leftovers(run_dir, ports)) and time.monotonic() < end:
        time.sleep(0.02)
    assert left == []


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "one"


@pytest.fixture
def supervisor(run_dir: Path) -> Iterator[Supervisor]:
    """Yield a keeper's connection; afterwards nothing may be left."""
    supervisor = Supervisor.start(run_dir)
    yield supervisor
    supervisor.stop()
    assert leftovers(run_dir) == []


def start(supervisor: Supervisor, name: str, script: str, order: int = 0) -> int:
    """Start a shell script as a server; its environment names the run directory."""
    place = supervisor.run_dir
    env = {"PATH": "/usr/bin:/bin", "RUN": str(place), "NAME": name}
    log = place / f"{name}.log"
    return supervisor.start_server(name, [SHELL, "-c", script], env=env, cwd=place, log=log, order=order)


def wait_until(reached: Callable[[], bool], what: str, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def test_kill_9_of_the_harness_at_ten_moments_leaves_nothing_and_the_next_run_works(tmp_path: Path) -> None:
    def one(moment: int) -> None:
        run_dir = tmp_path / "runs" / f"run-{moment}"
        claimed = claim(1)
        port = claimed.take()
        process = harness(run_dir, port)
        if moment >= 8:
            read_until(process, "up")
        else:  # from before the keeper exists until the servers run: a start takes about 0.2 s
            time.sleep(0.08 + moment * 0.025)
        process.kill()
        process.communicate()
        eventually_nothing(run_dir, (port,))
        again = Supervisor.start(run_dir)
        start(again, "server", "sleep 300")
        again.stop()
        claimed.release()
        assert leftovers(run_dir) == []

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(one, range(10)))


@pytest.mark.parametrize("end", ["raise", "return", signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_however_the_harness_ends_everything_ends(run_dir: Path, end: str | signal.Signals) -> None:
    process = harness(run_dir, 0, end) if isinstance(end, str) else harness(run_dir)
    read_until(process, "up")
    if not isinstance(end, str):  # the others end by themselves, and may be gone before anybody counts
        wait_until(lambda: len(processes(run_dir)) > 5, "keeper, guard, harness, servers and grandchildren run")
        process.send_signal(end)
    process.communicate()
    eventually_nothing(run_dir)


def test_a_copy_of_the_socket_in_a_forked_child_does_not_keep_the_engine_alive(run_dir: Path) -> None:
    script = HARNESS.replace("time.sleep(300)\n", "import os\nif os.fork(): os._exit(0)\ntime.sleep(20)\n")
    command = [sys.executable, "-c", script, str(run_dir), "0", FAMILY, LISTENER]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=30)
    wait_until(lambda: not run_dir.exists(), "the run directory is removed although a copy of the socket is open")
    for pid, _ in processes(run_dir):  # only the forked child, which this test made
        os.kill(pid, signal.SIGKILL)
    eventually_nothing(run_dir)


@pytest.mark.parametrize("victim", ["keeper", "guard"])
def test_kill_9_of_the_keeper_or_its_guard_takes_servers_and_their_orphans_along(run_dir: Path, victim: str) -> None:
    supervisor = Supervisor.start(run_dir)
    start(supervisor, "family", FAMILY)
    wait_until(lambda: len(processes(run_dir)) >= 6, "the grandchildren run")
    assert supervisor.process is not None
    os.kill(supervisor.pid if victim == "keeper" else supervisor.process.pid, signal.SIGKILL)
    supervisor.process.wait(30)
    eventually_nothing(run_dir)

    def told() -> bool:  # by a thread that reads the end of the connection
        try:
            supervisor.check()
        except KeeperGone as error:
            return "and with it all its servers" in str(error)
        return False

    wait_until(told, "the harness knows that the keeper is gone")
    supervisor.stop()


def test_what_two_kills_at_once_leave_is_removed_by_the_next_run(run_dir: Path) -> None:
    supervisor = Supervisor.start(run_dir)
    start(supervisor, "server", "exec sleep 300")
    assert supervisor.process is not None
    os.kill(supervisor.process.pid, signal.SIGSTOP)  # so that it cannot clean up in between
    os.kill(supervisor.pid, signal.SIGKILL)
    os.kill(supervisor.process.pid, signal.SIGKILL)
    supervisor.process.wait(30)
    wait_until(lambda: not processes(run_dir), "the server died with its parent")
    assert run_dir.exists()
    assert not runs.is_alive(run_dir)
    assert runs.sweep_all(run_dir.parent) == ["one"]
    assert leftovers(run_dir) == []
    supervisor.stop()


def test_a_living_run_is_never_swept(supervisor: Supervisor, run_dir: Path) -> None:
    assert runs.alive(run_dir.parent) == ["one"]
    assert runs.sweep_all(run_dir.parent) == []
    assert run_dir.is_dir()
    with pytest.raises(AlreadyRunning, match="named 'one' runs already"):
        Supervisor.start(run_dir)
    supervisor.check()


def test_a_server_that_dies_is_noticed_at_once_with_its_last_lines(supervisor: Supervisor) -> None:
    start(supervisor, "good", "sleep 300")
    start(supervisor, "bad", "echo starting; echo 'Error: no such flag --colour'; seq 1 60; sleep 0.1; exit 3")
    begin = time.monotonic()
    with pytest.raises(ServerDied) as died:
        supervisor.wait(lambda: False, "never", 30.0)
    assert time.monotonic() - begin < 15.0, "the wait went on for a dead server"
    assert died.value.message == "bad ended with 3 while it was needed"
    assert died.value.details.startswith("Error: no such flag --colour\n41\n"), "what was wrong, then the end"
    assert died.value.details.endswith("\n60")
    assert died.value.where is not None
    assert died.value.where.endswith("bad.log")
    with pytest.raises(ServerDied):
        supervisor.check()
    supervisor.restart("bad")
    supervisor.check()  # mended; it dies again 0.1 s later


def test_a_server_whose_port_is_taken_is_explained(supervisor: Supervisor) -> None:
    start(supervisor, "api", "echo 'E1 failed to listen on 127.0.0.1:6443: listen tcp 127.0.0.1:6443: bind: address already in use'; exit 1")  # fmt: skip  # noqa: E501
    with pytest.raises(ServerDied) as died:
        supervisor.wait(lambda: False, "never", 10.0)
    assert died.value.fix is not None
    assert "port 6443 is taken by another process" in died.value.fix


def test_a_fault_that_was_asked_for_is_no_failure_and_a_restart_is_the_same_program(supervisor: Supervisor) -> None:
    log, line = supervisor.run_dir / "server.log", f"server {supervisor.run_dir}\n"
    pid = start(supervisor, "server", "echo $NAME $PWD; trap '' TERM; sleep 300 & wait; sleep 300")
    wait_until(lambda: log.read_text() == line, "it runs")
    supervisor.kill("server", signal.SIGSTOP)
    supervisor.kill("server", signal.SIGKILL)
    wait_until(lambda: bool(supervisor.exits), "the exit is reported")
    assert (supervisor.exits[0].status, supervisor.exits[0].expected) == (-9, True)
    supervisor.check()
    fresh = supervisor.restart("server")
    wait_until(lambda: log.read_text() == 2 * line, "the ended one runs again, in the same directory and environment")
    again = supervisor.restart("server")
    wait_until(lambda: log.read_text() == 3 * line, "the running one was ended and runs again")
    assert len({pid, fresh, again}) == 3
    (info,) = supervisor.servers()
    assert (info.name, info.pid, info.running) == ("server", again, True)


def test_what_cannot_be_started_is_refused_and_the_keeper_goes_on(supervisor: Supervisor, run_dir: Path) -> None:
    with pytest.raises(UserError, match="No such file or directory: /no/such/program"):
        supervisor.start_server("x", ["/no/such/program"], env={}, cwd=run_dir, log=run_dir / "x", order=0)
    with pytest.raises(UserError, match="No such file or directory"):
        supervisor.start_server("x", [SHELL], env={}, cwd=run_dir, log=run_dir / "absent" / "x", order=0)
    with pytest.raises(UserError, match="the keeper cannot kill x"):
        supervisor.kill("x")
    with pytest.raises(UserError, match="the keeper cannot dance"):
        supervisor.ask("dance")
    supervisor.connection.sendall(b"this is not JSON\n")
    start(supervisor, "x", "sleep 300")
    with pytest.raises(UserError, match="x runs already"):
        start(supervisor, "x", "sleep 300")


def test_a_detached_engine_outlives_its_harness_and_another_process_stops_it(run_dir: Path) -> None:
    process = harness(run_dir, 0, "detach")
    read_until(process, "up")
    time.sleep(0.1)
    process.kill()
    process.communicate()
    time.sleep(0.2)
    attached = Supervisor.attach(run_dir)
    assert [server.running for server in attached.servers()] == [True, True]
    attached.close()
    time.sleep(0.1)
    attached = Supervisor.attach(run_dir)
    attached.kill("server-1")
    wait_until(lambda: bool(attached.exits), "whoever is attached is told of exits")
    attached.stop()
    assert leftovers(run_dir) == []
    with pytest.raises(UserError, match="no engine named 'one' runs"):
        Supervisor.attach(run_dir)


def test_sigterm_to_a_detached_keeper_ends_it_cleanly(run_dir: Path) -> None:
    supervisor = Supervisor.start(run_dir)
    start(supervisor, "family", FAMILY)
    supervisor.detach()
    supervisor.close()
    os.kill(supervisor.pid, signal.SIGTERM)
    eventually_nothing(run_dir)


def test_a_run_directory_may_have_a_long_path(tmp_path: Path) -> None:
    run_dir = tmp_path / ("a" * 80) / ("b" * 80) / "run"
    supervisor = Supervisor.start(run_dir)
    Supervisor.attach(run_dir).close()
    supervisor.stop()
    assert leftovers(run_dir) == []


def test_nothing_outside_of_the_run_directory_is_removed_and_odd_modes_do_not_matter(
    supervisor: Supervisor, run_dir: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (run_dir / "link").symlink_to(precious)
    locked = run_dir / "clone" / "locked"
    locked.mkdir(parents=True)
    (locked / "file").write_text("x")
    locked.chmod(0)
    (run_dir / "clone").chmod(0o500)
    supervisor.stop()
    assert leftovers(run_dir) == []
    assert (precious / "file").read_text() == "x"


FULL = """
import json, sys
from pathlib import Path
from harness.engines.supervision import Supervisor
from harness.errors import UserError
place, answer = Path(sys.argv[1]), {}
try:
    Supervisor.start(place / "no-inode-left")
except UserError as error:
    answer["start"] = str(error)
for name in "abcd": (place / name).unlink()
supervisor = Supervisor.start(place / "run")
try:
    with (place / "filler").open("wb") as file:
        while True: file.write(b"x" * 4096)
except OSError:
    pass
try:
    for number in range(100):
        (place / f"inode-{number}").touch()
except OSError:
    pass
try:
    supervisor.start_server("x", ["/bin/sleep", "300"], env={}, cwd=place, log=place / "run" / "log", order=0)
except UserError as error:
    answer["server"] = str(error)
supervisor.stop()
answer["left"] = sorted(path.name for path in place.iterdir() if "run" in path.name)
print(json.dumps(answer))
"""


def test_a_full_disk_is_named_and_still_nothing_is_left(tmp_path: Path) -> None:
    place = tmp_path / "tiny"
    place.mkdir()
    # nine inodes: the root, and eight files that the script removes in part
    mount = 'mount -t tmpfs -o size=64k,nr_inodes=9 none "$1" && cd "$1" && touch a b c d e f g h && cd "$4" && '
    command = ["unshare", "--mount", SHELL, "-c"]
    arguments = ["sh", str(place), sys.executable, FULL, str(ROOT)]
    probe = subprocess.run([*command, mount + "true", *arguments], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"a tiny file system cannot be mounted here: {probe.stderr.strip()}")
    script = mount + 'exec "$2" -c "$3" "$1"'
    done = subprocess.run([*command, script, *arguments], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert "No space left on device" in answer["start"]
    assert "fix: free disk space" in answer["start"]
    assert "No space left on device" in answer["server"]
    assert answer["left"] == []


def test_a_keeper_that_cannot_make_its_directory_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot make"):
        Supervisor.start(tmp_path / "file" / "run")
    assert not lock_file(tmp_path / "file").exists()


def test_claims_of_ports_do_not_overlap_and_a_taken_port_is_refused_by_its_number() -> None:
    claims = [claim(8) for _ in range(20)]
    ports = [port for one in claims for port in one.ports]
    assert len(ports) == len(set(ports)) == 160
    for one in claims:
        one.release()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 is taken") as refused:
            require_free(port, "--api-port")
        assert refused.value.where == "--api-port"
    require_free(port, "--api-port")

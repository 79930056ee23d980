"""The keeper: the process that is the parent of every server of an engine, and that outlives the harness by a moment.

`harness.engines.supervision.Supervisor` starts it with a bare interpreter (`python -I -S`, standard library only, so
that it answers within milliseconds) and talks JSON lines over its standard input, a socket. When that socket closes
- the harness ended well, raised, was interrupted, was killed - it kills every process below it, in the order given at
their start, and removes the run directory. Nothing depends on the harness doing anything.

It is two processes. The inner one, the keeper, starts the servers. The outer one, the guard, only waits for the
keeper: killed with SIGKILL, the keeper takes its servers along (PR_SET_PDEATHSIG), their orphans (a `helm` or `git`
of Argo CD) fall to the guard, which is a subreaper (PR_SET_CHILD_SUBREAPER, prctl(2)), kills them and removes the
run directory. The guard killed: the keeper is told by its own death signal and stops everything.

Requests, one JSON object a line, each answered by one line with the same `id` and either `error` or a result:

    {"id": 1, "do": "start", "name": ..., "argv": [...], "env": {...}, "cwd": ..., "log": ..., "order": 3}
                                                           with "once": true its end is an expected one
    {"id": 2, "do": "kill", "name": ..., "signal": 9}      an exit that follows is an expected one
    {"id": 3, "do": "restart", "name": ...}                the same program, arguments, environment and log again
    {"id": 4, "do": "list"}
    {"id": 5, "do": "detach"}                              from now on only `stop` (or SIGTERM) ends it
    {"id": 6, "do": "stop"}

Events, without `id`: {"event": "exit", "name": ..., "status": ..., "expected": ..., "tail": "last log lines"}, where a
negative status is the signal that ended the process. The same protocol is spoken on the unix socket `keeper.sock` in
the run directory; a client that leaves that one does not end the engine.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from harness.engines.children import (
    LAST_SIGNALS,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_PDEATHSIG,
    Server,
    kill_all_children,
    lock,
    prctl,
    remove_tree,
    send,
    tail,
    undo,
)


class Keeper:
    """The loop: requests from the clients, signals, exits of servers."""

    def __init__(self, control: socket.socket, listener: socket.socket, guard: int) -> None:
        self.servers: dict[str, Server] = {}
        self.control = control
        self.listener = listener
        self.guard = guard
        self.detached = False
        self.stopping = False
        self.clients: dict[int, tuple[socket.socket, bytearray]] = {}
        self.poll = select.poll()
        self.waiter, wakeup = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in LAST_SIGNALS:
            signal.signal(number, self._on_signal)
        self.add(control)
        self.poll.register(listener, select.POLLIN)
        self.poll.register(self.waiter, select.POLLIN)
        self.parent_exit = self._watch_harness()

    def _on_signal(self, number: int, _frame: Any) -> None:
        if number == signal.SIGTERM or not self.detached:  # a terminal's signals do not reach its session anyway
            self.stopping = True

    def _watch_harness(self) -> int | None:
        """Return a descriptor that is readable when the harness is gone, even if a copy of its socket lives on."""
        try:
            credentials = self.control.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            descriptor = os.pidfd_open(int.from_bytes(credentials[:4], sys.byteorder, signed=True))
        except ProcessLookupError:
            self.stopping = True
            return None
        except (OSError, AttributeError):
            return None
        self.poll.register(descriptor, select.POLLIN)
        return descriptor

    def add(self, client: socket.socket) -> None:
        """Listen to one more client."""
        client.setblocking(True)
        client.settimeout(2.0)
        self.clients[client.fileno()] = (client, bytearray())
        self.poll.register(client, select.POLLIN)

    def drop(self, descriptor: int) -> None:
        """Forget a client; the harness's own socket ends everything unless detached."""
        client, _ = self.clients.pop(descriptor)
        self.poll.unregister(descriptor)
        if client is self.control and not self.detached:
            self.stopping = True
        client.close()

    def say(self, client: socket.socket, message: dict[str, Any]) -> None:
        """Send one line; a client that does not take it within its timeout is not waited for."""
        with contextlib.suppress(OSError):
            client.sendall(json.dumps(message).encode() + b"\n")

    def run(self) -> None:
        """Serve until told to stop, then kill all servers in their order."""
        while not self.stopping:
            for descriptor, _ in self.poll.poll(1000):
                if descriptor == self.waiter:
                    os.read(self.waiter, 512)
                elif descriptor == self.listener.fileno():
                    self.add(self.listener.accept()[0])
                elif descriptor == self.parent_exit:
                    self.poll.unregister(descriptor)
                    self.stopping = self.stopping or not self.detached
                elif descriptor in self.clients:
                    self.read(descriptor)
            self.reap()
            if os.getppid() != self.guard:
                self.stopping = True
        self.stop()

    def read(self, descriptor: int) -> None:
        """Take what a client sent and answer each whole line."""
        client, buffer = self.clients[descriptor]
        try:
            data = client.recv(65536)
        except TimeoutError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop(descriptor)
            return
        buffer += data
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            self.say(client, self.answer(line))

    def answer(self, line: bytes) -> dict[str, Any]:
        """Carry out one request and return the answer to it."""
        request: dict[str, Any] = {}
        try:
            request = json.loads(line)
            result = getattr(self, f"do_{request['do']}")(request) or {}
        except OSError as error:
            result = {"error": f"{error.strerror}: {error.filename}" if error.filename else str(error)}
        except Exception as error:  # a client's mistake must not end the servers
            result = {"error": f"{type(error).__name__}: {error}"}
        return {"id": request.get("id"), **result}

    def do_start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a server under a name that is free."""
        if request["name"] in self.servers and self.servers[request["name"]].running:
            return {"error": f"{request['name']} runs already"}
        server = Server(request)
        server.start()
        self.servers[server.name] = server
        return {"pid": server.pid}

    def do_kill(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a signal to a server's process group."""
        server = self.servers[request["name"]]
        if not server.running:
            return {"error": f"{server.name} does not run"}
        server.kill(request["signal"])
        return {"pid": server.pid}

    def do_restart(self, request: dict[str, Any]) -> dict[str, Any]:
        """End a server, wait for its end and start it as it was started before."""
        server = self.servers[request["name"]]
        if server.running:
            server.kill(signal.SIGKILL)
            server.status = os.waitstatus_to_exitcode(os.waitpid(server.pid, 0)[1])
            self.tell_exit(server)
        server.start()
        return {"pid": server.pid}

    def do_list(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Describe every server."""
        return {
            "pid": os.getpid(),
            "guard": self.guard,
            "servers": [server.describe() for server in self.servers.values()],
        }

    def do_detach(self, _request: dict[str, Any]) -> None:
        """Go on without the harness."""
        self.detached = True

    def do_stop(self, _request: dict[str, Any]) -> None:
        """End everything; the answer is sent before."""
        self.stopping = True

    def reap(self) -> None:
        """Collect what has ended, and tell the clients of a server's end."""
        by_pid = {server.pid: server for server in self.servers.values() if server.running}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in by_pid:
                by_pid[pid].status = os.waitstatus_to_exitcode(status)
                self.tell_exit(by_pid[pid])

    def tell_exit(self, server: Server) -> None:
        """Send the event `exit` to every client."""
        for client, _ in list(self.clients.values()):
            self.say(
                client,
                {
                    "event": "exit",
                    "name": server.name,
                    "status": server.status,
                    "expected": server.expected,
                    "tail": tail(server.log),
                },
            )

    def stop(self) -> None:
        """Kill the servers in their order, then whatever else is left below."""
        for server in sorted(self.servers.values(), key=lambda server: server.order):
            server.kill(signal.SIGKILL)
        kill_all_children()


def lock_file(run_dir: Path) -> Path:
    """Return the file whose lock is held while the engine of that run directory lives."""
    return run_dir.with_name(f"{run_dir.name}.lock")


def lock_patiently(file: Path, seconds: float = 0.3) -> int | None:
    """Return the lock, or None when it is held for longer than a look of `harness.engines.runs` takes."""
    end = time.monotonic() + seconds
    while (held := lock(file)) is None and time.monotonic() < end:
        time.sleep(0.01)
    return held


def prepare(run_dir: Path, control: socket.socket) -> socket.socket | None:
    """Lock and make the run directory and listen in it; returns the listener, or None after saying why not."""
    problem = {"event": "refused", "reason": "failed"}
    held = None
    try:
        held = lock_patiently(lock_file(run_dir))
        if held is None:
            problem["reason"] = "running"
        else:
            if not undo(run_dir):
                raise OSError("what a killed engine had made outside of it cannot be removed")
            remove_tree(run_dir)
            run_dir.mkdir(mode=0o700)
            os.chdir(run_dir)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind("keeper.sock")  # relative: a unix socket's path has at most 107 bytes
            listener.listen(8)
            return listener
    except OSError as error:
        problem["detail"] = str(error)
        if held is not None:
            finish(run_dir)
    control.sendall(json.dumps(problem).encode() + b"\n")
    return None


def main(run_dir: Path, keep: list[int]) -> None:
    """Be the guard; fork the keeper; remove the run directory when it is gone.

    Args:
        run_dir: absolute path of the directory to make; its lock is the file beside it (`lock_file`).
        keep: descriptors to hold open while the engine lives (the harness's claim on a block of ports).
    """
    for descriptor in keep:
        os.set_inheritable(descriptor, False)
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    listener = prepare(run_dir, control)
    if listener is None:
        return
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        keeper = Keeper(control, listener, guard)
        keeper.say(control, {"event": "ready", "pid": os.getpid(), "guard": guard})
        keeper.run()
        if os.getppid() != guard:  # the guard is gone: its work falls to the keeper
            finish(run_dir)
        os._exit(0)
    for number in LAST_SIGNALS:
        signal.signal(number, lambda *_: send(pid, signal.SIGTERM))
    control.close()
    listener.close()
    while True:
        try:
            if os.waitpid(-1, 0)[0] == pid:
                break
        except ChildProcessError:
            break
    kill_all_children()
    finish(run_dir)


def finish(run_dir: Path) -> None:
    """Undo what is outside of the run directory, remove it and, last, the lock that guards it."""
    os.chdir("/")
    if not undo(run_dir):
        return
    remove_tree(run_dir)
    with contextlib.suppress(OSError):
        lock_file(run_dir).unlink()

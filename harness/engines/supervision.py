"""The harness's end of the keeper: start servers, send faults, and learn at once when one dies."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.engines.runs import sweep
from harness.errors import UserError

BOOT = """import sys
sys.path.insert(0, {root!r})
from harness.engines.keeper import Path, main
main(Path({run!r}), {keep})"""
ANSWER_SECONDS = 15.0


@dataclass(frozen=True)
class Exit:
    """A server's end, as the keeper reported it."""

    name: str
    status: int
    expected: bool
    tail: str

    @property
    def cause(self) -> str:
        """Return how it ended, in words."""
        return f"was killed by {signal.Signals(-self.status).name}" if self.status < 0 else f"ended with {self.status}"


class ServerDied(UserError):
    """A server of an engine ended by itself; `exit` tells which, and with what last lines."""

    def __init__(self, end: Exit, log: str) -> None:
        taken = re.search(r"listen[^\n]*?:(\d+)\S* bind: address already in use", end.tail)
        fix = None
        if disk_is_full(Path(log)):
            fix = "free disk space: the disk is full"
        elif taken:
            fix = f"port {taken[1]} is taken by another process: free it, or start again with another port"
        message = f"{end.name} {end.cause} while it was needed"
        super().__init__(message, where=log, fix=fix, details=end.tail)
        self.exit = end


class KeeperGone(UserError):
    """The keeper itself ended, and with it everything it ran."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__(
            f"the keeper of the engine {run_dir.name!r} is gone, and with it all its servers",
            fix="start the engine again; if it happens again, look for the kernel's out-of-memory messages (dmesg)",
        )


class AlreadyRunning(UserError):
    """An engine of that name runs already."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"an engine named {name!r} runs already",
            fix=f"use it (indigo status), stop it (indigo down --name {name}), or take another name (--name)",
        )


@dataclass(frozen=True)
class ServerInfo:
    """One server as the keeper knows it."""

    name: str
    pid: int
    running: bool
    status: int | None
    started: float
    log: str


@dataclass
class Supervisor:
    """A connection to a keeper; made by `start` or `attach`.

    Threads may share it. Once a server has ended without being told to, every `check` raises `ServerDied`.
    """

    run_dir: Path
    connection: socket.socket
    process: subprocess.Popen[bytes] | None = None
    pid: int = 0
    guard: int = 0
    exits: list[Exit] = field(default_factory=list)
    listeners: list[Callable[[Exit], None]] = field(default_factory=list)
    _answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _gone: bool = False
    _greeting: dict[str, Any] | None = None

    @classmethod
    def start(cls, run_dir: Path, keep: Sequence[int] = ()) -> Supervisor:
        """Start a keeper for a run directory, which it makes (mode 0700), and return the connection to it.

        Args:
            run_dir: absolute; its parent is made if need be. It must be in use by no other keeper.
            keep: descriptors that the keeper holds open as long as it lives.

        Raises:
            AlreadyRunning: a keeper holds the lock of that directory.
            UserError: the directory cannot be made (a full disk, say), or this is not Linux.
        """
        if not sys.platform.startswith("linux"):
            raise UserError("this engine needs Linux (it relies on prctl and /proc)", fix="use kind: CLUSTER=kind")
        try:
            run_dir.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make {run_dir.parent}: {error.strerror}", fix="set INDIGO_CACHE") from error
        ours, theirs = socket.socketpair()
        root = str(Path(__file__).resolve().parents[2])
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", BOOT.format(root=root, run=str(run_dir), keep=list(keep))],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=list(keep),
        )
        theirs.close()
        supervisor = cls(run_dir, ours, process)
        supervisor._listen()
        with supervisor._changed:
            supervisor._changed.wait_for(lambda: supervisor._greeting or supervisor._gone, ANSWER_SECONDS)
        greeting = supervisor._greeting or {}
        if greeting.get("event") != "ready":
            ours.close()
            if greeting.get("reason") == "running":
                raise AlreadyRunning(run_dir.name)
            raise UserError(
                f"the keeper cannot use the run directory {run_dir}: {greeting.get('detail', 'it did not answer')}",
                fix="free disk space, or set INDIGO_CACHE to a directory that can be written",
            )
        supervisor.pid, supervisor.guard = greeting["pid"], greeting["guard"]
        return supervisor

    @classmethod
    def attach(cls, run_dir: Path) -> Supervisor:
        """Return a connection to the keeper that runs in a directory; closing it does not end the engine.

        Raises:
            UserError: none runs there.
        """
        connection = socket.socket(socket.AF_UNIX)
        try:
            directory = os.open(run_dir, os.O_PATH | os.O_DIRECTORY)
            try:  # by way of the descriptor: a unix socket's path has at most 107 bytes
                connection.connect(f"/proc/self/fd/{directory}/keeper.sock")
            finally:
                os.close(directory)
        except OSError as error:
            connection.close()
            raise UserError(
                f"no engine named {run_dir.name!r} runs", fix=f"start it: indigo up --name {run_dir.name}"
            ) from error
        supervisor = cls(run_dir, connection)
        supervisor._listen()
        answer = supervisor.ask("list")
        supervisor.pid, supervisor.guard = answer["pid"], answer["guard"]
        return supervisor

    def _listen(self) -> None:
        threading.Thread(target=self._read, name=f"keeper of {self.run_dir.name}", daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError), self.connection.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                self._take(json.loads(line))
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        end = None
        with self._changed:
            if message.get("event") == "exit":
                end = Exit(message["name"], message["status"], message["expected"], message["tail"])
                self.exits.append(end)
            elif "event" in message:
                self._greeting = message
            else:
                self._answers[message["id"]] = message
            self._changed.notify_all()
        if end:
            for listener in self.listeners:
                listener(end)

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send one request and return the answer.

        Raises:
            KeeperGone: the keeper has ended.
            UserError: it cannot do it; the message is the keeper's.
        """
        number = next(self._numbers)
        try:
            self.connection.sendall(json.dumps({"id": number, "do": do, **arguments}).encode() + b"\n")
        except OSError as error:
            raise KeeperGone(self.run_dir) from error
        with self._changed:
            self._changed.wait_for(lambda: number in self._answers or self._gone, ANSWER_SECONDS)
            answer = self._answers.pop(number, None)
        if answer is None:
            raise KeeperGone(self.run_dir)
        if "error" in answer:
            name = arguments.get("name", "")
            raise UserError(
                f"the keeper cannot {do} {name}: {answer['error']}",
                fix="free disk space" if "No space" in answer["error"] else None,
            )
        return answer

    def start_server(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        order: int,
        once: bool = False,
    ) -> int:
        """Start a server and return its process id.

        Args:
            name: by which `kill`, `restart` and the events name it.
            argv: the program's absolute path and its arguments; no secrets.
            env: its whole environment.
            cwd: its working directory.
            log: file that its output is appended to.
            order: servers are killed in ascending order at the end.
            once: it does one thing and ends, which nothing minds (`run_once`).

        Raises:
            UserError: it cannot be executed, or its log cannot be opened.
        """
        request = {"name": name, "argv": list(argv), "env": dict(env), "cwd": str(cwd), "log": str(log)}
        return int(self.ask("start", **request, order=order, once=once)["pid"])

    def run_once(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path, seconds: float
    ) -> Exit:
        """Run a program below the keeper, so that it cannot outlive the engine, and return its end; see `start_server`.

        Raises:
            UserError: it has not ended after `seconds`; it goes on.
        """
        known = len(self.exits)
        self.start_server(name, argv, env=env, cwd=cwd, log=log, order=0, once=True)

        def ended() -> list[Exit]:
            return [end for end in self.exits[known:] if end.name == name]

        self.wait(lambda: bool(ended()), f"{name} has not ended", seconds)
        return ended()[0]

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a server; the exit that may follow is an expected one."""
        self.ask("kill", name=name, signal=int(number))

    def restart(self, name: str) -> int:
        """End a server, if it runs, and start it again as it was; returns the new process id.

        A death of it that nobody asked for is mended by that: `check` does not speak of it any more.
        """
        pid = int(self.ask("restart", name=name)["pid"])
        with self._changed:
            self.exits = [end for end in self.exits if end.expected or end.name != name]
        return pid

    def servers(self) -> list[ServerInfo]:
        """Return every server that was started, in the order of their start."""
        return [ServerInfo(**entry) for entry in self.ask("list")["servers"]]

    def check(self) -> None:
        """Raise `ServerDied` if a server ended by itself, `KeeperGone` if the keeper did; else nothing."""
        for end in list(self.exits):
            if not end.expected:
                raise ServerDied(end, self._log_of(end.name))
        if self._gone:
            raise KeeperGone(self.run_dir)

    def _log_of(self, name: str) -> str:
        with contextlib.suppress(UserError):
            return next((server.log for server in self.servers() if server.name == name), "")
        return ""

    def wait(self, reached: Callable[[], bool], what: str, seconds: float, pause: float = 0.05) -> None:
        """Wait until `reached` is true, asking every `pause` seconds and at once when a server dies.

        Raises:
            ServerDied, KeeperGone: meanwhile.
            UserError: not reached in `seconds`; `what` says it in words: "nodes are not ready".
        """
        end = time.monotonic() + seconds
        while True:
            self.check()
            if reached():
                return
            if time.monotonic() > end:
                raise UserError(f"{what} after {seconds:g} s")
            seen = len(self.exits)
            with self._changed:
                self._changed.wait_for(lambda seen=seen: len(self.exits) > seen or self._gone, pause)  # type: ignore[misc]

    def detach(self) -> None:
        """Let the engine live on without this process."""
        self.ask("detach")
        self.process = None

    def close(self) -> None:
        """Leave; an engine that was not detached ends by that."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def stop(self, seconds: float = 20.0) -> None:
        """End everything and return when its processes and the run directory are gone; a second call does nothing.

        Raises:
            UserError: something is left after `seconds`.
        """
        guard = _pidfd(self.guard)
        with contextlib.suppress(UserError, OSError):
            self.ask("stop")
        self.close()
        ended = True
        if self.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            ended = self.process.returncode is not None
        elif guard is not None:
            ended = bool(select.select([guard], [], [], seconds)[0])
        if guard is not None:
            os.close(guard)
        end = time.monotonic() + seconds
        while ended and not sweep(self.run_dir):  # the guard was killed and the keeper cleans up
            ended = time.monotonic() < end
            time.sleep(0.01)
        if not ended:
            raise UserError(f"the engine {self.run_dir.name!r} has not ended after {seconds:g} s")


def disk_is_full(path: Path) -> bool:
    """Return whether the file system of a path has less than 1 MiB, or no file, left for this user."""
    try:
        state = os.statvfs(path)
    except OSError:
        return False
    return state.f_bavail * state.f_frsize < 2**20 or (state.f_files > 0 and state.f_favail == 0)


def _pidfd(pid: int) -> int | None:
    """Return a descriptor that is readable when a process has ended, or None when it is gone or cannot be told."""
    try:
        return os.pidfd_open(pid) if pid else None
    except OSError:  # no such process, or a kernel before 5.3
        return None

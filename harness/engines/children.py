"""Processes below the keeper: start one, kill all, reap; locks and removal of run directories.

Standard library only: the keeper imports it before anything else exists.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
TAIL_BYTES = 32_000
TAIL_LINES = 20
AT_END = "at-end.json"
AT_END_SECONDS = 120.0
WRONG = ("Error: ", "error: ", "panic: ", "fatal error: ")
LAST_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int) -> None:
    """Call prctl(2); raises OSError where the kernel refuses."""
    if libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def lock(path: Path) -> int | None:
    """Return a descriptor that holds the exclusive lock of `path`, or None while another process holds it.

    The file may be unlinked by whoever held it before (the lock's end is the file's end): then it is opened anew.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            pass
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Remove a directory and what is below it, also where a directory's own mode forbids it (Argo CD's clones).

    Symbolic links are removed, never followed. What cannot be removed is left.
    """
    with contextlib.suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
        path.chmod(0o700)
        for entry in list(path.iterdir()):
            remove_tree(entry)
        path.rmdir()


def undo(run_dir: Path) -> bool:
    """Run what a run directory says must be undone outside of it; returns whether all of it succeeded.

    Its file `at-end.json` is a list of {"argv": [...], "env": {...}}, written before what they undo is made. Whoever
    removes a run directory calls this first, and keeps the directory where it fails: the next run tries again.
    """
    try:
        commands = json.loads((run_dir / AT_END).read_text())
    except (OSError, ValueError):
        return True
    import subprocess  # only the engines that own something outside of their processes come here

    done = True
    for command in commands:
        nothing = subprocess.DEVNULL
        try:
            end = subprocess.run(
                command["argv"], env=command["env"], cwd="/", stdin=nothing, stdout=nothing, stderr=nothing,
                timeout=AT_END_SECONDS, check=False,
            )  # fmt: skip
            done = end.returncode == 0 and done
        except (OSError, subprocess.SubprocessError):
            done = False
    return done


def children() -> list[int]:
    """Return the ids of this process's children, adopted orphans included."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and parent(pid) == os.getpid()]  # noqa: PTH208


def parent(pid: str) -> int | None:
    """Return the id of a process's parent, or None when the process is gone (proc(5), `stat`)."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None


def send(pid: int, number: int) -> None:
    """Send a signal; a process that is gone already is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_all_children(seconds: float = 10.0) -> None:
    """Kill and reap every child, and the orphans that fall to this process meanwhile, for at most `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for pid in children():
            send(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def tail(path: str) -> str:
    """Return the last lines of a log, after the line that says what was wrong if that is further up (a usage text).

    An empty string where there is no log.
    """
    try:
        with Path(path).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    wrong = [line for line in lines[:-TAIL_LINES] if line.startswith(WRONG)]
    return "\n".join([*wrong[-1:], *lines[-TAIL_LINES:]])


class Server:
    """One program that the keeper runs: how it was started, and how it is."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.name: str = request["name"]
        self.argv: list[str] = request["argv"]
        self.env: dict[str, str] = request["env"]
        self.cwd: str = request["cwd"]
        self.log: str = request["log"]
        self.order: int = request.get("order", 0)
        self.once: bool = request.get("once", False)
        self.pid = 0
        self.status: int | None = None
        self.started = 0.0
        self.expected = False

    @property
    def running(self) -> bool:
        """Whether it was started and has not been reaped."""
        return self.pid != 0 and self.status is None

    def start(self) -> None:
        """Fork and execute it, in a process group of its own; raises OSError where that fails.

        The child reports a failed exec through a pipe that a successful exec closes.
        """
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        reader, writer = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._child(parent, log, writer)
        os.close(log)
        os.close(writer)
        failed = os.read(reader, 32)
        os.close(reader)
        if failed:
            os.waitpid(pid, 0)
            code = int(failed)
            raise OSError(code, os.strerror(code), self.argv[0])
        self.pid, self.status, self.started, self.expected = pid, None, time.time(), self.once

    def _child(self, parent: int, log: int, writer: int) -> NoReturn:
        try:
            os.setsid()
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            for number in (*LAST_SIGNALS, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.chdir(self.cwd)
            os.execve(self.argv[0], self.argv, self.env)
        except OSError as error:
            os.write(writer, str(error.errno).encode())
        except BaseException:
            os.write(writer, str(errno.EINVAL).encode())
        os._exit(127)

    def kill(self, number: int) -> None:
        """Send a signal to its whole process group."""
        if self.running:
            self.expected = self.expected or number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def describe(self) -> dict[str, Any]:
        """Return what `list` says of it."""
        return {
            "name": self.name,
            "pid": self.pid,
            "running": self.running,
            "status": self.status,
            "started": self.started,
            "log": self.log,
        }

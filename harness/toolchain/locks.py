"""Locks between processes: one per tool, and one per temporary directory so that leftovers are told from work."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.toolchain.store import make, root

POLL_SECONDS = 0.2


@contextlib.contextmanager
def locked(name: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a tool; the kernel gives it back however this process ends.

    Args:
        name: the tool.
        waiting: told once, if another process holds the lock, which one and since when.
    """
    make(root() / ".locks")
    with (root() / ".locks" / f"{name}.lock").open("a+") as file:
        told = False
        while not _take(file.fileno()):
            if not told:
                told = True
                waiting(_holder(file.name))
            time.sleep(POLL_SECONDS)
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:3]])
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "command": command, "since": time.time()}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: str) -> str:
    try:
        data = json.loads(Path(path).read_text())
        since = time.strftime("%H:%M:%S", time.localtime(data["since"]))
        return f"process {data['pid']} ({data['command']}), since {since}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Provide a temporary directory beside the published tools; also remove those of processes that were killed."""
    base = root() / ".tmp"
    make(base)
    with (root() / ".tmp.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # nobody sweeps between making the directory and locking it
        _sweep(base)
        place = Path(tempfile.mkdtemp(dir=base))
        owner = (place / "lock").open("w")
        fcntl.flock(owner, fcntl.LOCK_EX)
    with owner:
        try:
            yield place
        finally:
            remove(place)


def _sweep(base: Path) -> None:
    for place in base.iterdir():
        with contextlib.suppress(OSError), (place / "lock").open("r+") as file:
            if _take(file.fileno()):
                remove(place)


def remove(path: Path) -> None:
    """Remove a directory with everything below it, write-protected directories too; no error if it is gone."""

    def writable(function: Callable[[str], object], name: str, _error: object) -> None:
        with contextlib.suppress(OSError):
            Path(name).parent.chmod(0o700)
            Path(name).chmod(0o700)
            function(name)

    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, onerror=writable)

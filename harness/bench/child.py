"""A program run to its end, and what it used: time, processor time, memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Used:
    """What a program and those it started took.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of processor time, of all of them.
        mebibytes: the most memory that one of them had (resident).
        status: its exit status.
    """

    seconds: float
    cpu_seconds: float
    mebibytes: float
    status: int


def used(argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None) -> Used:
    """Run a program without showing what it says, and return what it used."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in argv],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)  # with what it waited for itself: getrusage(2)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    return Used(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)

"""What else the machine does when a benchmark begins: times taken beside other work say little."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SECONDS = 1.0  # that is looked
SHARE = 0.5  # of a core: from there on another process disturbs
TICKS = os.sysconf("SC_CLK_TCK")  # per second, in /proc/PID/stat


@dataclass(frozen=True)
class Load:
    """The machine at the begin of a benchmark.

    Attributes:
        average: load averages over 1, 5 and 15 minutes (processes).
        busy: names of other processes that used more than half a core, and how many cores each.
    """

    average: tuple[float, float, float]
    busy: tuple[tuple[str, float], ...]

    @property
    def warning(self) -> str:
        """What to think of the times; empty where nothing disturbs."""
        if not self.busy:
            return ""
        names = ", ".join(f"{name} ({cores:.1f} cores)" for name, cores in self.busy)
        return f"the machine is busy with {names}: publish no times of this run, its ratios at most"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, with the warning."""
        return {**asdict(self), "warning": self.warning}


def load(seconds: float = SECONDS) -> Load:
    """Look for some seconds and return what the other processes did."""
    before = ticks()
    time.sleep(seconds)
    return Load(os.getloadavg(), busy(before, ticks(), seconds))


def busy(
    before: dict[int, tuple[str, int]], after: dict[int, tuple[str, int]], seconds: float
) -> tuple[tuple[str, float], ...]:
    """Return the processes that used more than half a core between two readings, this one left out, busiest first."""
    found = []
    for pid, (name, now) in after.items():
        # one that began meanwhile has used all its time meanwhile
        cores = (now - before.get(pid, (name, 0))[1]) / TICKS / seconds
        if pid != os.getpid() and cores > SHARE:
            found.append((name, round(cores, 2)))
    return tuple(sorted(found, key=lambda one: -one[1]))


def ticks() -> dict[int, tuple[str, int]]:
    """Return name and processor time (clock ticks, user and system) of every process; none where there is no /proc."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text(errors="replace")
        except OSError:  # it has ended
            continue
        before, _, after = text.rpartition(")")  # a name may hold brackets too
        rest = after.split()
        used = int(rest[11]) + int(rest[12])  # proc(5): utime is the 14th field, stime the 15th
        found[int(entry.parent.name)] = (before.partition("(")[2], used)
    return found

"""What a long build shows: how far it is, how long it took last time, what is left."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.console import err
from harness.toolchain.store import root

LINE_SECONDS = 15.0  # between two lines where there is no terminal
PACKAGE = re.compile(r"^[\w.~+-]+(/[\w.~+-]+)*$")
PACKAGE_OVERHEAD = 20_000  # bytes of source that starting the compiler costs as much as
LINK_WEIGHT = 5_000_000  # bytes of source that linking one program costs as much as


class Tracker:
    """Follows the output of `go build -v`, which names each package when its compilation starts.

    Packages count by the size of their sources: the largest take a minute, most take a tenth of a second.
    """

    def __init__(self, expected_seconds: float, programs: int) -> None:
        self.start = time.monotonic()
        self.expected_seconds = expected_seconds
        self.link_weight = programs * LINK_WEIGHT
        self.weights: dict[str, int] = {}
        self.planned: set[str] = set()
        self.started: dict[str, None] = {}
        self.downloads = 0
        self.other: list[str] = []

    def plan(self, weights: Mapping[str, int], stale: set[str]) -> None:
        """Take the sizes of all packages, and which of them are not compiled yet."""
        self.weights = {name: size + PACKAGE_OVERHEAD for name, size in weights.items()}
        self.planned = stale

    def feed(self, line: str) -> None:
        """Take one line of output."""
        if line.startswith("go: downloading "):
            self.downloads += 1
        elif PACKAGE.match(line):
            self.started[line] = None
        elif line.strip():
            self.other.append(line)

    @property
    def seconds(self) -> float:
        """Return how long it has run."""
        return time.monotonic() - self.start

    @property
    def packages(self) -> tuple[int, int]:
        """Return how many packages are done or begun, and how many there are to compile."""
        return len(self.started), len(self.planned | self.started.keys())

    @property
    def complete(self) -> bool:
        """Say whether most of the programs was compiled in this build, so that its duration means something."""
        return 2 * len(self.started) > len(self.weights) > 0

    def _weight(self, names: Iterable[str]) -> int:
        return sum(self.weights.get(name, PACKAGE_OVERHEAD) for name in names)

    def remaining(self) -> float:
        """Return an estimate of the seconds left: by the clock of earlier builds at first, by this one's pace later."""
        whole = self._weight(self.weights) + self.link_weight
        done = self._weight(list(self.started)[:-2])  # the last ones are being compiled
        to_do = max(0, self._weight(self.planned | self.started.keys()) - done) + self.link_weight
        if not self.weights:
            return max(self.expected_seconds - self.seconds, self.expected_seconds / 10)
        by_history = self.expected_seconds * to_do / whole
        if done < whole / 50:
            return by_history
        trust = min(1.0, 3 * done / whole)
        return self.seconds * to_do / done * trust + by_history * (1 - trust)

    def describe(self) -> str:
        """Return the state in words: `1204/2451 packages, 3:05, about 2 min left`."""
        done, total = self.packages
        if not self.weights:
            state = f"{self.downloads} modules to download" if self.downloads else "loading packages"
            state = f"{done} packages" if done else state
        elif self.planned <= self.started.keys():
            state = f"{done}/{total} packages, linking" if total else "linking"
        else:
            state = f"{done}/{total} packages"
        return f"{state}, {clock(self.seconds)}, about {rounded(self.remaining())} left"


@contextmanager
def shown(title: str) -> Iterator[Display]:
    """Provide a display for one build: a line redrawn on a terminal, else a plain line now and then."""
    if err.is_terminal:
        with err.status(title) as status:
            yield Display(title, status.update)
    else:
        yield Display(title, None)


class Display:
    """Prints what a tracker says, as often as suits the output."""

    def __init__(self, title: str, redraw: object) -> None:
        self.title = title
        self.redraw = redraw
        self.last = time.monotonic()

    def show(self, text: str) -> None:
        """Show the state; without a terminal only every 15 seconds."""
        if callable(self.redraw):
            self.redraw(f"{self.title} [dim]{text}[/]")
        elif time.monotonic() - self.last >= LINE_SECONDS:
            self.last = time.monotonic()
            err.print(f"  {self.title}: {text}")


def clock(seconds: float) -> str:
    """Return a duration as `m:ss`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def rounded(seconds: float) -> str:
    """Return a duration as a person says it: `40 s`, `3 min`."""
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} s"
    return f"{round(seconds / 60)} min"


def last_duration(name: str) -> float | None:
    """Return how long this took at the last time on this machine, None if it was never done here."""
    try:
        return float(json.loads(_file().read_text())[name])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_duration(name: str, seconds: float) -> None:
    """Keep a duration for `last_duration`; losing it would matter little, so a failure is passed over."""
    try:
        known = json.loads(_file().read_text())
    except (OSError, ValueError):
        known = {}
    try:
        _file().write_text(json.dumps({**known, name: round(seconds, 1)}))
    except OSError:
        return


def _file() -> Path:
    return root() / "durations.json"

"""What a benchmark gives: samples, medians, ratios, and the budgets they are held against."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One thing measured: wall-clock seconds of each run, and what they are held against.

    `budget` is in seconds, for a machine of 2 cores; `ratio_budget` is the most that the median of the pairwise
    ratios to the bare tool may be, on any machine.
    """

    name: str
    seconds: tuple[float, ...]
    budget: float | None = None
    bare: tuple[float, ...] = ()
    bare_name: str = ""
    ratio_budget: float | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def median(self) -> float:
        """Median of the runs, in seconds."""
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float | None:
        """Median of this run's seconds over the bare tool's of the same round; None where there is none."""
        if not self.bare:
            return None
        return statistics.median(ours / bare for ours, bare in zip(self.seconds, self.bare, strict=True))

    @property
    def over(self) -> list[str]:
        """What is over its budget, one sentence each."""
        found = []
        if self.budget is not None and self.median > self.budget:
            found.append(f"{self.name}: {self.median:.2f} s, budget {self.budget:g} s")
        if self.ratio is not None and self.ratio_budget is not None and self.ratio > self.ratio_budget:
            found.append(f"{self.name}: {self.ratio:.2f} times {self.bare_name}, budget {self.ratio_budget:g}")
        return found

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, medians and ratio included."""
        return {**asdict(self), "median": self.median, "ratio": self.ratio, "over": self.over}


def timed(action: Callable[[], object]) -> float:
    """Return the wall-clock seconds that an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turn(runs: int, ours: Callable[[], object], bare: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Measure two actions alternately, after one round that does not count; returns the seconds of each."""
    ours(), bare()
    first: list[float] = []
    second: list[float] = []
    for round_ in range(runs):
        order = [(ours, first), (bare, second)]
        for action, samples in order if round_ % 2 == 0 else reversed(order):
            samples.append(timed(action))
    return first, second

"""A benchmark says when it is over its budgets, and when the machine had something else to do."""

from __future__ import annotations

import os

import pytest

from harness.bench.load import TICKS, Load, busy, load, ticks
from harness.bench.model import Measure, in_turn


def test_a_ratio_is_the_median_of_pairs_and_has_a_budget() -> None:
    measure = Measure("sync", (4.0, 9.0, 8.0), bare=(1.0, 2.0, 2.0), bare_name="kubectl", ratio_budget=4.2)
    assert measure.ratio == 4.0
    assert measure.over == []
    slower = Measure("sync", (4.0, 9.0, 9.0), bare=(1.0, 2.0, 2.0), bare_name="kubectl", ratio_budget=4.2)
    assert slower.over == ["sync: 4.50 times kubectl, budget 4.2"]


def test_seconds_have_a_budget_of_their_own() -> None:
    assert Measure("up", (9.0, 11.0, 30.0), budget=10).over == ["up: 11.00 s, budget 10 s"]
    assert Measure("up", (9.0, 10.0, 30.0), budget=10).over == []


def test_both_sides_are_measured_in_turn_after_a_round_that_does_not_count() -> None:
    said: list[str] = []
    first, second = in_turn(2, lambda: said.append("ours"), lambda: said.append("bare"))
    assert said == ["ours", "bare", "ours", "bare", "bare", "ours"]
    assert (len(first), len(second)) == (2, 2)


def test_another_process_that_uses_over_half_a_core_is_named() -> None:
    before = {1: ("idle", 100), 2: ("compile (x86)", 100), 3: ("half", 0)}
    after = {1: ("idle", 101), 2: ("compile (x86)", 100 + 2 * TICKS), 3: ("half", TICKS), 4: ("new", 3 * TICKS)}
    found = busy(before, after, 2.0)
    assert found == (("new", 1.5), ("compile (x86)", 1.0))
    assert "new (1.5 cores), compile (x86) (1.0 cores)" in Load((2.0, 1.0, 0.5), found).warning


def test_this_process_disturbs_nobody() -> None:
    before, after = {os.getpid(): ("indigo", 0)}, {os.getpid(): ("indigo", 5 * TICKS)}
    assert busy(before, after, 1.0) == ()
    quiet = Load((0.1, 0.1, 0.1), ())
    assert quiet.warning == ""
    assert quiet.to_json() == {"average": (0.1, 0.1, 0.1), "busy": (), "warning": ""}


def test_processor_time_of_every_process_is_read() -> None:
    begun = ticks()[os.getpid()][1]
    while ticks()[os.getpid()][1] == begun:
        sum(range(100_000))
    assert load(0.01).average[0] >= 0


@pytest.mark.parametrize("field", ["average", "busy", "warning"])
def test_the_json_of_a_benchmark_holds_the_load(field: str) -> None:
    assert field in Load((0.0, 0.0, 0.0), ()).to_json()

"""Which profiles a run brings up: one each day, in turn."""

from __future__ import annotations

import datetime

import pytest

from harness.errors import UserError
from harness.model.trial import in_turn

NAMES = ["ha", "legacy", "minimal"]
FIRST = datetime.date(2026, 1, 1)


def test_every_profile_has_its_turn_within_as_many_days() -> None:
    days = [FIRST + datetime.timedelta(days=number) for number in range(len(NAMES))]
    assert sorted(name for day in days for name in in_turn(NAMES, "in-turn", day)) == NAMES
    assert in_turn(NAMES, "in-turn", FIRST) == in_turn(NAMES, "in-turn", FIRST)
    end = [FIRST - datetime.timedelta(days=number) for number in (1, 2, 3)]  # the turn does not begin anew with a year
    assert sorted(name for day in end for name in in_turn(NAMES, "in-turn", day)) == NAMES


def test_all_none_and_names_are_as_they_say() -> None:
    assert in_turn(NAMES, "all", FIRST) == NAMES
    assert in_turn(NAMES, "none", FIRST) == in_turn([], "in-turn", FIRST) == []
    assert in_turn(NAMES, "legacy, ha", FIRST) == ["legacy", "ha"]


def test_a_name_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match="no other profile huge") as caught:
        in_turn(NAMES, "huge", FIRST)
    assert "ha, legacy, minimal" in str(caught.value)

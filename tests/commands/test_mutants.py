"""The mutation test of the checks: a part of the corpora, others each day, and that it can fail (all: make mutants)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.paths import repository
from tests.mutants.__main__ import in_turn
from tests.mutants.corpus import Case, Edit, Mistake, correct, mistakes
from tests.mutants.judge import Bench

PART = 24  # of all, so that a day's part takes some ten seconds
ALL: list[Case] = [*mistakes(), *correct()]
HARMLESS = Edit(file="docs/how-to/run-the-tests.md", append="One line more.\n")
PRIVILEGED = Edit(file="charts/common/templates/_pod.tpl", replace="drop: [ALL]", by="drop: [NET_RAW]")


def mistake(identifier: str, edit: Edit, **wanted: str) -> Mistake:
    return Mistake.model_validate({"id": identifier, "what": "w", "source": "s", "edits": (edit,), **wanted})


def case(identifier: str, edit: Edit) -> Case:
    return Case(id=identifier, what="w", edits=(edit,))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("mutants"))


@pytest.mark.parametrize("edit", in_turn(ALL, PART, datetime.date.today()), ids=lambda edit: edit.id)
def test_an_edit_is_answered_as_the_corpus_says(bench: Bench, edit: Case) -> None:
    answer = bench.judge(edit)
    assert answer.right, f"{edit.what} Found by {', '.join(answer.by) or 'nothing'}: {answer.says}"


def test_every_edit_has_its_day() -> None:
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(days=number) for number in range(PART)]
    assert sorted(one.id for day in days for one in in_turn(ALL, PART, day)) == sorted(one.id for one in ALL)


def test_the_corpora_are_as_large_as_they_have_to_be() -> None:
    assert len(mistakes()) >= 80
    assert len(correct()) >= 20


def test_sources_are_pull_requests_and_issues_or_documents() -> None:
    cited = re.compile(r"[\w.-]+/[\w.-]+#\d+")
    assert sum(bool(cited.search(item.source)) for item in mistakes()) >= 40
    assert [item.id for item in mistakes() if not item.source.strip()] == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (mistake("a", HARMLESS, rule="names"), "nothing is found"),
        (mistake("b", PRIVILEGED, rule="names"), "does not hold ALL"),
        (mistake("c", HARMLESS, refused="x.yaml", says="y"), "nothing is found"),
        (mistake("d", PRIVILEGED, rule="contract-user", says="something else"), "does not hold ALL"),
        (case("e", PRIVILEGED), "does not hold ALL"),
        (case("f", Edit(file="values.yaml", append="valkey: {replica: 1}\n")), "no such key"),
        (case("g", Edit(file="charts/none.tpl", replace="x")), "there is no charts/none.tpl"),
        (case("h", Edit(file="values.yaml", replace="x y z")), "0 times, not 1"),
        (case("i", Edit(file="values.yaml", append="")), "changes nothing"),
    ],
    ids=lambda value: value.id if isinstance(value, Case) else None,
)
def test_what_is_not_as_it_should_be_is_said(bench: Bench, wrong: Case, says: str) -> None:
    answer = bench.judge(wrong)
    assert not answer.right
    assert says in answer.says


def test_the_checkout_is_left_alone_and_the_copy_is_mended(bench: Bench) -> None:
    before = (repository() / PRIVILEGED.file).read_bytes()
    assert bench.judge(mistake("a", PRIVILEGED, rule="contract-user")).right
    assert (repository() / PRIVILEGED.file).read_bytes() == before
    assert bench.judge(case("b", HARMLESS)).right


def entry(**changes: Any) -> str:
    found = {"id": "x", "what": "w", "source": "s", "rule": "names", "edits": [{"file": "f", "delete": True}]} | changes
    return f"  - {found}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (lambda: entry() + entry(), "two have this id"),
        (lambda: entry(rule="nonsense"), "no rule nonsense"),
        (lambda: entry(refused="f", says="s"), "exactly one of rule and refused"),
        (lambda: entry(rule=None, refused="f"), "what the refusal says"),
        (lambda: entry(edits=[{"file": "f", "delete": True, "append": "x"}]), "exactly one of replace"),
        (lambda: entry(wat="x"), "no such key"),
    ],
)
def test_a_wrong_corpus_is_refused(tmp_path: Path, text: Callable[[], str], says: str) -> None:
    written = text().replace("True", "true").replace("None", "null")
    (tmp_path / "some.yaml").write_text(f"mistakes:\n{written}", encoding="utf-8")
    with pytest.raises(UserError, match=says):
        mistakes(tmp_path)

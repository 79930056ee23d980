"""`make mutants`: make every mistake of the corpus, and every correct edit, and print what the checks say of each."""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import click
from rich.markup import escape

from harness.checks import rules
from harness.console import err, out
from harness.errors import UserError
from harness.paths import reports_dir
from tests.mutants.corpus import Case, Mistake, correct, mistakes
from tests.mutants.judge import Answer, Bench

Item = TypeVar("Item")
PROCESSES = 2
_bench: Bench | None = None


@click.command()
@click.argument("wanted", nargs=-1, metavar="[ID]...")
@click.option("--part", type=click.IntRange(min=2), help="Only one in so many of all, others each day.")
@click.option("--processes", default=PROCESSES, show_default=True, help="How many are made at once.")
def main(wanted: tuple[str, ...], part: int | None, processes: int) -> None:
    """Make the mistakes of tests/mutants one by one in a copy of the checkout, and say which rule finds which.

    The result is reports/mutants/mutants.json, too. Exit status 1 where a mistake survives or another rule than the
    wanted one finds it, or something is found in a correct edit.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the copies go, as after Ctrl-C
    start = time.monotonic()
    wrong, correctly = mistakes(), correct()
    known = [*unchanged([*wrong, *correctly]), *wrong, *correctly]
    unknown = sorted(set(wanted) - {case.id for case in known})
    if unknown:
        raise UserError(f"no edit {', '.join(unknown)}", where="tests/mutants/*.yaml")
    chosen = [case for case in known if not wanted or case.id in wanted]
    if part:
        chosen = in_turn(chosen, part, datetime.date.today())
    answers = {answer.case: answer for answer in _shown(judged(chosen, processes), {case.id: case for case in chosen})}
    failed = [name for name, answer in answers.items() if not answer.right]
    made = [case for case in chosen if isinstance(case, Mistake)]
    killed = sum(answers[case.id].right for case in made)
    quiet = sum(answers[case.id].right for case in chosen if not isinstance(case, Mistake))
    seconds = time.monotonic() - start
    out.print(
        f"{killed} of {len(made)} mistakes found as they should be, nothing found in {quiet} of "
        f"{len(chosen) - len(made)} correct edits; {seconds:.0f} s"
    )
    idle = sorted(set(rules()) - {case.rule for case in wrong})
    if idle and not wanted and not part:
        err.print(f"[yellow]rules that no mistake of the corpus needs:[/] {', '.join(idle)}")
    _write(answers.values(), seconds)
    for name in failed:
        out.print(f"[red]✗[/] {escape(name)}: {escape(answers[name].says)}", soft_wrap=True)
    sys.exit(1 if failed else 0)


def in_turn(cases: Sequence[Item], part: int, day: datetime.date) -> list[Item]:
    """Return one in `part` of some cases, in their order: others each day, all of them in `part` days."""
    return list(cases[day.toordinal() % part :: part])


def unchanged(cases: Sequence[Case]) -> list[Case]:
    """Return an edit of nothing for each stage of some cases: what is found there is found without any mistake."""
    stages = sorted({case.stage for case in cases})
    return [Case.model_construct(id=f"nothing-in-{stage}", what="Nothing.", stage=stage, edits=()) for stage in stages]


def judged(cases: Sequence[Case], processes: int = PROCESSES) -> Iterator[Answer]:
    """Yield what the checks say of edits, in the order given; several at once, each process in copies of its own."""
    with tempfile.TemporaryDirectory(prefix="indigo-mutants-") as folder:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(folder,)) as pool:
            try:
                yield from pool.map(_judge, sorted(cases, key=lambda case: case.stage))
            except BaseException:  # interrupted: what was begun ends, in seconds, and nothing else begins
                pool.shutdown(cancel_futures=True)
                raise


def _begin(folder: str) -> None:
    global _bench
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that began this one ends it
    _bench = Bench(Path(folder) / str(os.getpid()))


def _judge(case: Case) -> Answer:
    assert _bench is not None, "the process was not begun"
    return _bench.judge(case)


def _shown(answers: Iterator[Answer], cases: dict[str, Case]) -> Iterator[Answer]:
    for answer in answers:
        case = cases[answer.case]
        rule = case.rule if isinstance(case, Mistake) else None
        others = [name for name in answer.by if name != rule]
        by = ", ".join([*([rule] if rule in answer.by else []), *others]) or "nothing found"
        mark, colour = ("✓", "green") if answer.right else ("✗", "red")
        out.print(f"[{colour}]{mark}[/] {answer.seconds:5.1f} s  {answer.case:<52} {escape(by)}", soft_wrap=True)
        yield answer


def _write(answers: Collection[Answer], seconds: float) -> None:
    path = reports_dir() / "mutants" / "mutants.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [
        {"id": item.case, "right": item.right, "by": item.by, "says": item.says, "seconds": round(item.seconds, 2)}
        for item in answers
    ]
    path.write_text(json.dumps({"seconds": round(seconds, 1), "edits": entries}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        err.print(f"[red]{escape(str(error))}[/]")
        sys.exit(2)

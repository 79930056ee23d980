"""The loop of `indigo check --watch`: wait for a change, show what it brings, confirm it with a complete pass."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.markup import escape

from harness.checks.model import Finding, Severity
from harness.checks.output.terminal import finding_lines
from harness.checks.places import failure
from harness.checks.report import counted
from harness.checks.watching.complete import Complete
from harness.checks.watching.files import Files
from harness.checks.watching.session import Session
from harness.errors import UserError

QUIET = 0.5  # seconds without a change before the complete pass begins
LOOK = 0.2  # seconds between two looks at the complete pass
LONG = 3600.0
NAMED = 3  # files
Show = Callable[[str], None]


def watch(root: Path, environments: Collection[str], only: Collection[str], show: Show) -> None:
    """Check again after every change until somebody interrupts; nothing is left behind then.

    Args:
        root: the checkout.
        environments: those to look at; default: all, and every profile.
        only: ids of rules; default: all.
        show: prints a line with rich's markup.

    Raises:
        KeyboardInterrupt: always, at the end.
        UserError: no rule of an id.
    """
    session = Session(root, environments, only)
    complete = Complete(session.root, session.folder, environments, only)
    try:
        with _ending():
            _loop(session, complete, show)
    finally:
        complete.stop()
        session.close()


def _loop(session: Session, complete: Complete, show: Show) -> None:
    files = Files(session.root)
    show("[dim]reading and rendering everything once; Ctrl-C ends[/]")
    known = _look(session, set(), None, show)
    wanted = known is not None
    while True:
        changed = files.changed(LOOK if complete.running else QUIET if wanted else LONG)
        if changed:
            complete.stop()
            show(f"\n{time.strftime('%H:%M:%S')} [dim]{escape(_named(changed))}[/]")
            known = _look(session, changed, files.saved(changed), show)
            wanted = known is not None
        elif wanted:
            complete.start()
            wanted = False
        elif complete.ended:
            _confirmed(complete, known or [], show)


def _look(session: Session, changed: set[str], saved: float | None, show: Show) -> list[Finding] | None:
    """Show what is found after a change; None where something cannot be rendered."""
    told: set[tuple[str, ...]] = set()
    try:
        for subject in session.stages(changed):
            found = sorted(set(session.findings(subject)))
            for line in finding_lines([finding for finding in found if finding.identity not in told]):
                show(line)
            told |= {finding.identity for finding in found}
            if subject is not session.subject:
                first = ", ".join(subject.platforms)
                show(f"[dim]{escape(first)} first: {_number(found)}{_since(saved)}; the others follow[/]")
    except UserError as error:
        for line in finding_lines([failure(error)]):
            show(line)
        show(f"[bold red]cannot be rendered[/]{_since(saved)}")
        return None
    errors = any(finding.severity is Severity.ERROR for finding in found)
    colour = "red" if errors else "yellow" if found else "green"
    rules = f"{len(session.quick)} of {counted(len(session.rules), 'rule')}"
    show(f"[bold {colour}]{_number(found)}[/], {rules}{_since(saved)}")
    return found


def _confirmed(complete: Complete, known: list[Finding], show: Show) -> None:
    """Show what the complete pass found beyond what is known."""
    report = complete.answer()
    if report is None:
        show("[yellow]the complete pass ended without an answer: indigo check --profiles says why[/]")
        return
    told = {finding.identity for finding in known}
    for line in finding_lines([finding for finding in report.findings if finding.identity not in told]):
        show(line)
    show(f"[dim]complete: {_number(report.findings)}, {counted(report.rules, 'rule')}, {report.seconds:.1f} s[/]")


def _number(found: Collection[Finding]) -> str:
    return counted(len(found), "finding") if found else "no finding"


def _since(saved: float | None) -> str:
    return f", {time.time() - saved:.2f} s after saving" if saved is not None else ""


def _named(changed: Collection[str]) -> str:
    first = sorted(changed)[:NAMED]
    more = len(changed) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


@contextmanager
def _ending() -> Iterator[None]:
    """Let a request to end be as Ctrl-C, so that what was made is removed."""

    def end(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

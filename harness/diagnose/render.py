"""A diagnosis on a terminal: readable at 80 columns, with or without colours."""

from __future__ import annotations

import io
import re

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from harness.diagnose.model import Diagnosis, Reason, Verdict, Waiting
from harness.diagnose.objects import duration

WIDEST = 110  # characters; longer lines are hard to read
STYLES = {Verdict.BLOCKED: ("✕", "bold red"), Verdict.RUNNING: ("◐", "yellow"), Verdict.CONVERGED: ("✓", "green")}
SHOWN = 5  # further blockages


def to_text(diagnosis: Diagnosis, width: int) -> str:
    """Return a diagnosis as plain text."""
    stream = io.StringIO()
    _print(diagnosis, Console(file=stream, width=width, color_system=None, highlight=False, legacy_windows=False))
    return stream.getvalue()


def show(diagnosis: Diagnosis, console: Console) -> None:
    """Print a diagnosis, no wider than the terminal and never wider than is good to read."""
    _print(diagnosis, console)


def _print(diagnosis: Diagnosis, console: Console) -> None:
    width = min(console.width, WIDEST)
    options = console.options.update(width=width)
    for line in console.render_lines(renderable(diagnosis, width), options, pad=False):
        console.print(Segments([*_trimmed(line), Segment.line()]), end="", soft_wrap=True)


def _trimmed(line: list[Segment]) -> list[Segment]:
    """Return a line without spaces at its end: a broken command could not be copied with them."""
    kept = list(line)
    while kept:
        last = kept.pop()
        text = last.text.rstrip()
        if text:
            return [*kept, Segment(text, last.style)]
    return []


def renderable(diagnosis: Diagnosis, width: int) -> RenderableType:
    """Return a diagnosis as something that rich prints; commands are broken so that they can be copied."""
    mark, style = STYLES[diagnosis.verdict]
    parts: list[RenderableType] = [_hanging(Text(mark, style=style), Text(diagnosis.headline, style="bold"))]
    if diagnosis.verdict is not Verdict.CONVERGED:
        parts.append(_syncs(diagnosis))
    for title, lines in (
        ("Why", [_reason(number, reason) for number, reason in enumerate(diagnosis.reasons, 1)]),
        ("What waits for it", _waiting(diagnosis)),
        ("What to do", _fixes(diagnosis, width)),
        ("Not well either", [_bullet(other) for other in diagnosis.others[:SHOWN]] + _more(diagnosis)),
        ("Not looked at", [_bullet(gap) for gap in diagnosis.gaps]),
    ):
        if lines:
            parts += [Text(), Text(title, style="bold cyan"), *lines]
    return Group(*parts)


def _syncs(diagnosis: Diagnosis) -> RenderableType:
    rows = Table.grid(padding=(0, 2))
    for sync in diagnosis.syncs:
        since = f", for {duration(sync.seconds)}" if sync.seconds is not None else ""
        rows.add_row(Text(sync.application, style="dim"), Text(f"{sync}{since}", style="dim"))
    return Padding(rows, (0, 0, 0, 2))


def _reason(number: int, reason: Reason) -> RenderableType:
    body: list[RenderableType] = [Text(reason.text), Text(reason.source, style="dim italic")]
    if reason.lines:
        quoted = [Text(f"│ {line}", overflow="fold") for line in reason.lines]
        body = [Text(f"{reason.source}, {reason.text}:", style="dim italic"), *quoted]
    return _hanging(Text(f"{number}.", style="dim"), Group(*body))


def _waiting(diagnosis: Diagnosis) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if diagnosis.waiting:
        rows = Table.grid(padding=(0, 2))
        for item in diagnosis.waiting:
            rows.add_row(Text(f"wave {item.wave}", style="dim"), Text(named(item)), Text(_how(item), style="dim"))
        lines.append(Padding(rows, (0, 0, 0, 2)))
    if diagnosis.later:
        names = ", ".join(f"{named(item)} ({item.wave})" for item in diagnosis.later)
        lines.append(Padding(Text(f"later in the order, without needing it: {names}", style="dim"), (0, 0, 0, 2)))
    return lines


def named(item: Waiting) -> str:
    """Return a component, with the phase where that is not its workload."""
    return item.component if item.phase == "workload" else f"{item.component} ({item.phase} job)"


def _how(item: Waiting) -> str:
    through = f"needs {item.through}" if item.through else ""
    return ", ".join(part for part in (through, item.state) if part)


def _fixes(diagnosis: Diagnosis, width: int) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for fix in diagnosis.fixes:
        lines.append(_bullet(fix.text))
        if fix.command:
            lines += [Padding(Text(line, style="cyan"), (0, 0, 0, 4)) for line in broken(fix.command, width - 4)]
    return lines


def broken(command: str, width: int) -> list[str]:
    """Return a command as lines that a shell reads as one: broken at spaces outside quotes."""
    lines = [""]
    for word in re.findall(r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+", command):
        if lines[-1] and len(lines[-1]) + len(word) + 3 > width:
            lines[-1] += " \\"
            lines.append(f"  {word}")
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def _more(diagnosis: Diagnosis) -> list[RenderableType]:
    left = len(diagnosis.others) - SHOWN
    return [_bullet(f"and {left} more (see --json)")] if left > 0 else []


def _bullet(text: str) -> RenderableType:
    return _hanging(Text("-", style="dim"), Text(text))


def _hanging(mark: Text, body: RenderableType) -> RenderableType:
    rows = Table.grid(padding=(0, 1))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row(mark, body)
    return Padding(rows, (0, 0, 0, 0 if mark.plain in "✕◐✓" else 2))

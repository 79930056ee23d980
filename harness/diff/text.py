"""A difference for the terminal: grouped by what it means, the same in several environments said once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from rich.markup import escape

from harness.diff.model import TITLES, Change, Difference, Level, common_steps

DETAILS = 6  # lines of a change that are shown without --all
WIDTH = 150
_COLOURS = {Level.INFO: "default", Level.ATTENTION: "yellow", Level.DANGER: "bold red"}
_MARKS = {Level.INFO: "·", Level.ATTENTION: "!", Level.DANGER: "✗"}


def to_text(found: Difference, everything: bool = False) -> Iterator[str]:
    """Yield a difference as lines with rich's markup.

    Args:
        found: the difference.
        everything: whether all details are shown, in full length.
    """
    colour = _COLOURS[found.level] if found.level else "green"
    yield f"[{colour}]{escape(found.verdict)}[/]"
    yield f"[dim]{escape(f'{found.base} -> {found.target}')}[/]"
    for one in found.environments:
        if one.state == "unknown":
            yield f"[yellow]{escape(f'{one.name} is not compared: {one.note}')}[/]"
    yield from statements(found.changes, many=len(found.environments) > 1, everything=everything)
    same = [one.name for one in found.environments if one.state == "same"]
    if same and found.changes:
        yield ""
        yield f"[dim]no difference: {escape(', '.join(same))}[/]"


def statements(changes: Sequence[Change], *, many: bool = False, everything: bool = False) -> Iterator[str]:
    """Yield changes as lines with rich's markup, a section for each kind.

    Args:
        changes: in the order of `harness.diff.merge.order`.
        many: whether each says which environments it is about.
        everything: as `to_text`.
    """
    for kind, of_kind in itertools.groupby(changes, lambda change: change.kind):
        section = list(of_kind)
        yield ""
        yield f"[bold]{TITLES[kind]}[/] [dim]({len(section)})[/]"
        steps = common_steps(section)
        for change in section:
            yield from _change(change, many, everything, told=steps)
        yield from _steps(steps, "  ")


def _change(change: Change, many: bool, everything: bool, told: tuple[str, ...]) -> Iterator[str]:
    subject = change.object or change.component
    where = f" [dim]({escape(', '.join(change.environments))})[/]" if many and change.environments else ""
    name = f"[cyan]{escape(subject)}[/]  " if subject and not change.text.startswith(subject) else ""
    yield f"  [{_COLOURS[change.level]}]{_MARKS[change.level]}[/] {name}{escape(change.text)}{where}"
    shown = change.details if everything else change.details[:DETAILS]
    for line in shown:
        colour = "red" if line.startswith("-") else "green" if line.startswith("+") else "dim"
        text = line if everything or len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
        yield f"      [{colour}]{escape(text)}[/]"
    if len(shown) < len(change.details):
        yield f"      [dim]… {len(change.details) - len(shown)} more (--all)[/]"
    yield from _steps(change.steps if change.steps != told else (), "      ")


def _steps(steps: tuple[str, ...], indent: str) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        mark = f"{number}." if len(steps) > 1 else "do:"
        yield f"{indent}[bold]{mark}[/] {escape(step)}"

"""A difference as Markdown for a pull request: the verdict on the first line, the rest folded, short enough for one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from harness.diff.model import TITLES, Change, Difference, Kind, Level, common_steps

MARKER = "<!-- indigo diff -->"
"""The last line: by it a comment is found again, to be updated instead of written anew."""
MOST = 60_000  # characters; GitHub takes 65,536 in a comment
_MARKS = {Level.INFO: "", Level.ATTENTION: "**!** ", Level.DANGER: "**✗** "}


def to_markdown(found: Difference, most: int = MOST) -> str:
    """Return a difference as Markdown (GitHub's dialect) of at most that many characters.

    What is too long loses first the details of what happens by itself, then all details, then whole sections from the
    end; that it does is said. The verdict is never lost.
    """
    for keep in (set(Level), {Level.ATTENTION, Level.DANGER}, {Level.DANGER}, set[Level]()):
        text = _written(found, keep, found.changes)
        if len(text) <= most:
            return text
    changes = list(found.changes)
    while changes:
        changes = changes[: len(changes) * 2 // 3]
        text = _written(found, set(), changes)
        if len(text) <= most:
            break
    return text


def _written(found: Difference, keep: set[Level], changes: Sequence[Change]) -> str:
    lines = [f"**{plain(found.verdict)}**", "", f"{plain(str(found.base))} → {plain(str(found.target))}"]
    states = [f"{one.name}: {one.state}" for one in found.environments]
    if states:
        lines[-1] += f" · {plain(', '.join(states))}"
    lines += [f"\n> {plain(one.name)} is not compared: {plain(one.note)}" for one in found.environments if one.note]
    many = len(found.environments) > 1
    for kind, of_kind in itertools.groupby(changes, lambda change: change.kind):
        lines += ["", *_section(kind, list(of_kind), many, keep)]
    left_out = len(found.changes) - len(changes)
    if left_out or keep != set(Level):
        what = f"{left_out} of {len(found.changes)} changes" if left_out else "details"
        lines += ["", f"*Too long for a comment: {what} left out. All of it: `indigo diff {_asked(found)} --all`.*"]
    lines += ["", MARKER]
    return "\n".join(lines) + "\n"


def _asked(found: Difference) -> str:
    return f"{found.base.commit[:12]}..{found.target.commit[:12]}"


def _section(kind: Kind, changes: list[Change], many: bool, keep: set[Level]) -> list[str]:
    urgent = any(change.level is Level.DANGER for change in changes)
    lines = [f"<details{' open' if urgent else ''}><summary><b>{TITLES[kind]}</b> ({len(changes)})</summary>", ""]
    told = common_steps(changes)
    for change in changes:
        subject = change.object or change.component
        name = f"`{subject}` " if subject and not change.text.startswith(subject) else ""
        where = f" ({', '.join(change.environments)})" if many and change.environments else ""
        lines.append(f"- {_MARKS[change.level]}{name}{plain(change.text)}{where}")
        details = change.details if change.level in keep else ()
        if details:
            fence = "`" * max(3, 1 + max((len(run) for line in details for run in re.findall("`+", line)), default=0))
            language = "diff" if any(line.startswith(("-", "+")) for line in details) else "text"
            lines += ["", f"  {fence}{language}", *(f"  {line}" for line in details), f"  {fence}", ""]
        steps = change.steps if change.steps != told else ()
        lines += [f"  {number}. {_step(step)}" for number, step in enumerate(steps, 1)]
    lines += ["", *(f"{number}. {_step(step)}" for number, step in enumerate(told, 1))] if told else []
    return [*lines, "", "</details>"]


def _step(step: str) -> str:
    return f"`{step}`" if re.match(r"(kubectl|indigo) ", step) and ";" not in step else plain(step)


def plain(text: str) -> str:
    """Return a text in which nothing is markup: neither of Markdown nor of HTML, and no mention of a person."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~])", r"\\\1", text)
    return text.replace("@", "@\u200b")

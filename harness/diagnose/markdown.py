"""A diagnosis as Markdown: for the summary of a CI job, an issue, a chat."""

from __future__ import annotations

import re

from harness.diagnose.model import Diagnosis, Reason, Verdict
from harness.diagnose.render import named

WORDS = {Verdict.BLOCKED: "Blocked", Verdict.RUNNING: "Not converged yet", Verdict.CONVERGED: "Converged"}


def to_markdown(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as Markdown (GitHub's dialect)."""
    lines = [f"# {WORDS[diagnosis.verdict]}: {plain(diagnosis.headline)}", ""]
    facts = [f"Environment `{diagnosis.environment}`", f"namespace `{diagnosis.namespace}`", f"seen {diagnosis.taken}"]
    if diagnosis.kind:
        facts.append(f"kind `{diagnosis.kind}`")
    lines += [", ".join(facts) + ".", "", "| Application | state |", "|---|---|"]
    lines += [f"| {cell(sync.application)} | {cell(str(sync))} |" for sync in diagnosis.syncs]
    if diagnosis.reasons:
        lines += ["", "## Why", ""]
        for number, reason in enumerate(diagnosis.reasons, 1):
            lines += _reason(number, reason)
    lines += _waiting(diagnosis)
    if diagnosis.fixes:
        lines += ["", "## What to do", ""]
        for fix in diagnosis.fixes:
            lines.append(f"- {plain(fix.text)}")
            if fix.command:
                lines += ["", "  ```sh", f"  {fix.command}", "  ```", ""]
    for title, items in (("Not well either", diagnosis.others), ("Not looked at", diagnosis.gaps)):
        if items:
            lines += ["", f"## {title}", "", *(f"- {plain(item)}" for item in items)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _reason(number: int, reason: Reason) -> list[str]:
    if not reason.lines:
        return [f"{number}. {plain(reason.text)}  ", f"   *{plain(reason.source)}*"]
    fence = "`" * max(3, 1 + max((len(run) for line in reason.lines for run in re.findall("`+", line)), default=0))
    return [
        f"{number}. *{plain(reason.source)}, {plain(reason.text)}:*",
        "",
        f"   {fence}text",
        *(f"   {line}" for line in reason.lines),
        f"   {fence}",
        "",
    ]


def _waiting(diagnosis: Diagnosis) -> list[str]:
    lines: list[str] = []
    if diagnosis.waiting:
        lines += ["", "## What waits for it", "", "| wave | component | needs | now |", "|---|---|---|---|"]
        lines += [
            f"| {one.wave} | {cell(named(one))} | {cell(one.through)} | {one.state} |" for one in diagnosis.waiting
        ]
    if diagnosis.later:
        names = ", ".join(f"{named(one)} (wave {one.wave})" for one in diagnosis.later)
        lines += ["", f"Later in the order, without needing it: {names}."]
    return lines


def plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(text.split()))


def cell(text: str) -> str:
    """Return text for a cell of a table."""
    return plain(text) or " "

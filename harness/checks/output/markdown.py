"""The report for a pull request: the verdict in the first line, the findings as tables below."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Finding, Severity
from harness.checks.report import Report, counted, grouped

_HEADER = ("| | component | what | where | fix |", "|---|---|---|---|---|")
LIMIT = 60_000  # characters; GitHub takes 65,536 in a comment


def to_markdown(report: Report) -> str:
    """Return the report as Markdown; what does not fit into a comment is counted."""
    head = f"**`indigo check`: {_verdict(report)}**\n\n"
    foot = f"\n<sub>{report.summary()}</sub>\n"
    body: list[str] = []
    size, left = len(head) + len(foot), len(report.findings)
    for environment, components in grouped(report.findings).items():
        lines = [f"### {_plain(environment or 'the checkout')}", "", *_HEADER]
        for component, found in components.items():
            for finding in found:
                row = _row(component, finding)
                if size + len(row) > LIMIT:
                    break
                lines.append(row)
                size += len(row) + 1
                left -= 1
        body += [*lines, ""]
    if left:
        body.append(f"… and {counted(left, 'finding')} more: `indigo check` shows all of them.\n")
    return head + "\n".join(body) + foot


def _verdict(report: Report) -> str:
    if not report.findings:
        return "no finding"
    parts = [(report.errors, "error"), (report.warnings, "warning")]
    return ", ".join(counted(len(group), word) for group, word in parts if group)


def _row(component: str, finding: Finding) -> str:
    mark = "❌" if finding.severity is Severity.ERROR else "⚠️"
    what = " ".join(_cells(finding))
    where = f"`{_code(finding.where)}`" if finding.where else ""
    return f"| {mark} | {_plain(component)} | {what} | {where} | {_plain(finding.fix)} |"


def _cells(finding: Finding) -> Iterator[str]:
    yield f"`{finding.rule}`"
    place = " ".join(part for part in (finding.object, finding.path) if part)
    if place and place != finding.where:
        yield f"`{_code(place)}`"
    yield _plain(finding.message)


def _plain(text: str) -> str:
    """Return text that Markdown leaves as it is, in a table's cell."""
    for char in "\\|*_<>`[]~":
        text = text.replace(char, f"\\{char}" if char not in "<>" else {"<": "&lt;", ">": "&gt;"}[char])
    return "<br>".join(text.splitlines())


def _code(text: str) -> str:
    return " ".join(text.split()).replace("`", "'").replace("|", "\\|")

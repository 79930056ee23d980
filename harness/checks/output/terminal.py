"""The report for a terminal: grouped by environment and component, each finding with place and fix."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape

from harness.checks.model import Finding, Severity
from harness.checks.report import Report, grouped

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def lines(report: Report) -> Iterator[str]:
    """Yield the lines with rich's markup: the findings, then the summary."""
    yield from finding_lines(report.findings)
    yield escape(report.summary())


def finding_lines(findings: list[Finding]) -> Iterator[str]:
    """Yield findings as lines with rich's markup."""
    for environment, components in grouped(findings).items():
        yield f"[bold]{escape(environment or 'the checkout')}[/]"
        for component, found in components.items():
            yield f"  [bold cyan]{escape(component or 'as a whole')}[/]"
            for finding in found:
                yield from _one(finding)


def _one(finding: Finding) -> Iterator[str]:
    place = " ".join(part for part in (finding.object, finding.path) if part)
    warns = " (warning)" if finding.severity is Severity.WARNING else ""
    yield f"    [{_COLOURS[finding.severity]}]{finding.rule}{warns}[/] {escape(place)}"
    yield f"      {escape(finding.message)}"
    if finding.where and finding.where != finding.object:
        yield f"      [dim]where:[/] {escape(finding.where)}"
    yield f"      [dim]fix:[/] {escape(finding.fix)}"


def to_text(report: Report) -> str:
    """Return the report as a terminal without colours shows it."""
    text = io.StringIO()
    console = Console(file=text, highlight=False, soft_wrap=True, no_color=True, force_terminal=False)
    for line in lines(report):
        console.print(line)
    return text.getvalue()

"""The end of a run on the terminal, plain text."""

from __future__ import annotations

from pathlib import Path

from harness.report.charts import duration, excess
from harness.report.model import Report, Verdict

SLOWEST = 6


def lines(report: Report, page: Path | None = None) -> list[str]:
    """Return the summary: tiers with their counts, the slowest phases against budgets, where the page is.

    The last line is exactly `N passed, N failed, N skipped`; errors count as failed.
    """
    text = [""]
    for tier in report.tiers:
        counts = tier.counts
        numbers = f"{counts.passed} passed, {counts.failed + counts.error} failed, {counts.skipped} skipped"
        text.append(f"{tier.name:<8} {tier.status:<8} {numbers if counts.total else '':<34} {tier.reason}".rstrip())
    ended = sorted((p for p in report.phases if p.seconds is not None), key=lambda p: -(p.seconds or 0.0))
    # what is over its budget is shown however short it was
    shown = ended[:SLOWEST] + [phase for phase in ended[SLOWEST:] if phase.over]
    if shown:
        text += ["", "slowest phases"]
        width = max(len(phase.name) for phase in shown)
        for phase in shown:
            budget = f" of {duration(phase.budget)}" if phase.budget is not None else ""
            over = f"  OVER BUDGET by {excess(phase.over)}" if phase.over else ""
            text.append(f"  {phase.name:<{width}}  {duration(phase.seconds or 0.0):>11}{budget}{over}")
    text.append("")
    if report.verdict in (Verdict.INCOMPLETE, Verdict.EMPTY):
        why = {"incomplete": "the run did not come to its end", "empty": "no assertion passed"}[report.verdict.value]
        text.append(f"verdict: {report.verdict}, {why}")
    if page is not None:
        text.append(f"report: {page}")
    text.append(last_line(report))
    return text


def last_line(report: Report) -> str:
    """Return `N passed, N failed, N skipped`."""
    passed, failed, skipped = report.totals()
    return f"{passed} passed, {failed} failed, {skipped} skipped"

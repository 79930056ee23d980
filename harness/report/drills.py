"""The drills of a run as a table: what was broken, how long until it was mended, and who was missed meanwhile."""

from __future__ import annotations

from harness.report.charts import duration
from harness.report.markup import Html, el
from harness.report.model import DrillLine, Report

HEADS = (("verdict", ""), ("drill", ""), ("mended after", "number"), ("budget", "number"), ("measured by", ""),
         ("asked", "number"), ("failed", "number"), ("longest away", ""))  # fmt: skip


def drills_table(report: Report) -> Html | None:
    """Return the table, those that were refuted first; None where the run had no drills."""
    if not report.drills:
        return None
    ordered = sorted(report.drills, key=lambda one: one.held)
    refuted = sum(not one.held for one in ordered)
    return el(
        "table",
        el("caption", f"{len(ordered)} drills, {refuted} refuted; failed: requests, of all components"),
        el("thead", el("tr", [el("th", title, scope="col", class_=kind or None) for title, kind in HEADS])),
        el("tbody", [_row(one) for one in ordered]),
        class_="chart drills",
    )


def _row(one: DrillLine) -> Html:
    kind, sign, word = ("passed", "✓", "held") if one.held else ("failed", "✕", "refuted")
    away = ", ".join(f"{name} {duration(seconds)}" for name, seconds in one.away.items())
    requests = one.measure == "requests"
    cells = (
        "never" if one.recovery is None else duration(one.recovery),
        duration(one.budget),
        one.measure,
        str(one.asked),
        str(one.failed) if requests else "–",
        away or "nobody",
    )
    return el(
        "tr",
        el("td", el("span", el("span", sign, aria_hidden="true"), f" {word}", class_=f"pill {kind}")),
        el(
            "th",
            f"{one.drill} {one.component}".strip(),
            [el("div", note, class_="quiet") for note in one.notes],
            scope="row",
        ),
        [
            el("td", text, data_label=title, class_=kind or None)
            for text, (title, kind) in zip(cells, HEADS[2:], strict=True)
        ],
    )

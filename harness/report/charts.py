"""The phases against their budgets, and the waves of each sync, as rows of a table with a bar in each.

A bar is an SVG that fills its cell and measures in per cent, so that the page fits every width without scaling any
text, and the lines of the time axis run through all rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from harness.report.graphview import component_states
from harness.report.markup import Html, el, join
from harness.report.model import Item, Phase, Report, State, Sync

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
BAR = 12  # height of a bar in pixels


def duration(seconds: float) -> str:
    """Return a duration for people: `0.4 s`, `42.1 s`, `3 min 05 s`, `1 h 02 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def excess(seconds: float) -> str:
    """Return by how much a budget was passed, for people: as a duration, and never as 0.0 s."""
    return f"{seconds:.2f} s" if seconds < 0.05 else duration(seconds)


def ticks(total: float) -> list[float]:
    """Return round times from 0 to at most `total` seconds, six at most."""
    step = next((step for step in STEPS if total / step <= 5), STEPS[-1] * max(1, round(total / STEPS[-1] / 5)))
    return [step * i for i in range(int(total / step) + 1)]


def phases_table(report: Report) -> Html:
    """Return every phase with its bar, its duration and its budget; parts stand below the phase they belong to."""
    if not report.phases:
        return el("p", "This run recorded no phases.", class_="quiet")
    ends = [phase.start + max(phase.seconds or 0.0, phase.budget or 0.0) for phase in report.phases]
    total = max(report.seconds, *ends, 0.1) * 1.01
    rows = [_phase_row(phase, depth, total, report.seconds) for phase, depth in _nested(report.phases)]
    return el(
        "table",
        el("caption", "When each phase ran, from the start of the run; the upright mark is its budget"),
        el("thead", el("tr",
           el("th", "phase", scope="col"), el("th", _axis(total), scope="col", class_="bars"),
           el("th", "took", scope="col", class_="number"), el("th", "budget", scope="col", class_="number"))),
        el("tbody", rows),
        class_="chart phases",
    )  # fmt: skip


def _nested(phases: Sequence[Phase]) -> list[tuple[Phase, int]]:
    names = {phase.name for phase in phases}

    def below(parent: str | None, depth: int) -> list[tuple[Phase, int]]:
        inside = [p for p in phases if (p.parent if p.parent in names and p.parent != p.name else None) == parent]
        return [line for p in sorted(inside, key=lambda p: p.start) for line in ((p, depth), *below(p.name, depth + 1))]

    return below(None, 0)


def _phase_row(phase: Phase, depth: int, total: float, now: float) -> Html:
    ran = phase.seconds if phase.seconds is not None else max(0.0, now - phase.start)
    kind = "unended" if phase.seconds is None else "broken" if phase.failed else "done"
    within = ran if phase.budget is None else min(ran, phase.budget)
    shapes = [_bar(phase.start, within, total, kind)]
    if ran > within and phase.budget is not None:
        shapes.append(_bar(phase.start + within, ran - within, total, "over"))
    if phase.budget is not None:
        at = _percent(phase.start + phase.budget, total)
        shapes.append(el("line", x1=at, x2=at, y1=-10, y2=10, class_="budget"))
    words = {"unended": "did not end", "broken": "ended with an error", "done": ""}[kind]
    over = f"over by {excess(phase.over)}" if phase.over else ""
    if phase.budget is not None and phase.seconds is None and ran > phase.budget:
        over = "over budget"
    marks = [el("span", text, class_=f"flag {style}") for text, style in ((words, "bad"), (over, "warn")) if text]
    return el(
        "tr",
        el("th", phase.name, " ", marks, scope="row", class_=f"depth{min(depth, 3)}"),
        el("td", _track(shapes, total, f"from {duration(phase.start)} for {duration(ran)}"), class_="bars"),
        el("td", duration(ran), class_="number", data_label="took"),
        el("td", "–" if phase.budget is None else duration(phase.budget), class_="number", data_label="budget"),
        class_="part" if depth else None,
    )


def sync_tables(report: Report) -> Html:
    """Return one timeline for each sync."""
    if not report.syncs:
        return el("p", "This run recorded no sync.", class_="quiet")
    tables = []
    for number, sync in enumerate(report.syncs):
        table = _sync_table(sync, report.seconds)
        if len(report.syncs) > 2 and number and not sync.failed and sync.finished is not None:
            title = f"{sync.name}, {duration(sync.finished - sync.started)}"
            table = el("details", el("summary", title), table, class_="later")
        tables.append(table)
    return el("div", tables)


def _sync_table(sync: Sync, now: float) -> Html:
    end = sync.finished if sync.finished is not None else now
    stamps = [stamp for item in sync.items for stamp in (item.created, item.ready) if stamp is not None]
    total = max(end, *stamps, sync.started + 0.1) - sync.started
    ordered = sorted(sync.items, key=lambda item: (item.wave, item.component))
    states = Counter(component_states((sync,)).values())
    said = ", ".join(f"{number} {state}" for state, number in states.items()) or "no objects were recorded"
    how = "did not end" if sync.finished is None else "failed" if sync.failed else "ended"
    bodies = []
    for number, (wave, items) in enumerate(groupby(ordered, key=lambda item: item.wave)):
        bodies.append(_wave(wave, list(items), sync, end, total, number % 2 == 1))
    caption = [el("strong", sync.name), el("br"), f"{how} after {duration(end - sync.started)}; components: {said}"]
    return el(
        "table",
        el("caption", caption),
        el("thead", el("tr",
           el("th", "wave", scope="col"), el("th", "component and objects", scope="col"),
           el("th", _axis(total), scope="col", class_="bars"),
           el("th", "ready after", scope="col", class_="number"))),
        bodies,
        class_="chart sync",
    )  # fmt: skip


def _wave(wave: int, items: list[Item], sync: Sync, end: float, total: float, odd: bool) -> Html:
    begun = [item.created for item in items if item.created is not None]
    done = [item.ready if item.ready is not None else end for item in items if item.created is not None]
    band = (min(begun) - sync.started, max(done) - sync.started) if begun else None
    groups = [list(group) for _, group in groupby(items, key=lambda item: item.component)]
    groups.sort(key=lambda group: min((i.created for i in group if i.created is not None), default=end))
    head = el("th", f"wave {wave}", rowspan=len(groups), scope="rowgroup", class_="wave")
    rows = [
        el("tr", head if number == 0 else None, _group_cells(group, sync, end, total, band))
        for number, group in enumerate(groups)
    ]
    return el("tbody", rows, class_="odd" if odd else None)


def _group_cells(
    items: list[Item], sync: Sync, end: float, total: float, band: tuple[float, float] | None
) -> list[Html]:
    state = component_states((sync.model_copy(update={"items": tuple(items)}),))[items[0].component]
    begun = [item.created - sync.started for item in items if item.created is not None]
    finished = [item.ready - sync.started for item in items if item.ready is not None]
    start = min(begun, default=None)
    ready = max(finished) if finished and len(finished) == len(items) else None
    shapes: list[Html] = []
    behind = None
    if band:
        left, width = _percent(band[0], total), _percent(band[1] - band[0], total)
        behind = el("rect", x=left, width=width, y=0, height="100%", class_="band")
    if start is not None:
        until = ready if ready is not None else end - sync.started
        kind = "done" if state is State.HEALTHY else "broken" if state is State.DEGRADED else "unended"
        shapes.append(_bar(start, until - start, total, kind))
    waits = sorted({what for item in items for what in item.waits_for if item.state is not State.HEALTHY})
    kinds = Counter(item.kind for item in items)
    objects = ", ".join(kind if number == 1 else f"{number} {kind}" for kind, number in kinds.items())
    flag = None
    if state is not State.HEALTHY:
        said = state.value if not waits else f"waits for {', '.join(waits)}"
        said = f"{state}, {said}" if waits and state is not State.WAITING else said
        flag = el("span", said, class_=f"flag {'bad' if state is State.DEGRADED else 'warn'}")
    span = "not created" if start is None else f"created after {duration(start)}"
    span += f", ready after {duration(ready)}" if ready is not None else ", not ready"
    names = "\n".join(f"{item.kind} {item.name}: {item.state}" for item in items)
    return [
        el("th", el("span", items[0].component, class_="who"), " ", el("span", objects, class_="objects"), " ", flag,
           scope="row"),
        el("td", _track(shapes, total, span, names, behind), class_="bars"),
        el("td", duration(ready) if ready is not None else "not ready", class_="number"),
    ]  # fmt: skip


def _track(
    shapes: Sequence[Html], total: float, said: str, names: str | None = None, behind: Html | None = None
) -> Html:
    grid = [el("line", x1=_percent(at, total), x2=_percent(at, total), y1=0, y2="100%", class_="grid")
            for at in ticks(total)]  # fmt: skip
    tip = el("title", f"{said}\n{names}" if names else said)
    # the inner SVG puts zero at half the height of the cell, however tall its text makes it
    bars = el("svg", shapes, y="50%", overflow="visible")
    return el("svg", tip, behind, grid, bars, class_="track", role="img", aria_label=said)


def _axis(total: float) -> Html:
    marks = []
    for at in ticks(total):
        share = at / total
        anchor = "start" if share < 0.03 else "end" if share > 0.9 else "middle"
        marks.append(el("text", _short(at), x=_percent(at, total), y=13, text_anchor=anchor))
    return el("svg", marks, class_="axis", height=18, role="img",
              aria_label=f"time axis, 0 to {duration(total)}")  # fmt: skip


def _short(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    if seconds < 3600:
        return f"{seconds / 60:g} min"
    return f"{seconds / 3600:g} h"


def _bar(start: float, seconds: float, total: float, kind: str) -> Html:
    x = _percent(min(start, total * 0.996), total)
    width = _percent(max(seconds, total * 0.004), total)
    whole = el("rect", x=x, width=width, y=-BAR / 2, height=BAR, rx=2, class_=f"bar {kind}")
    if kind == "done":
        return whole
    return join([whole, el("rect", x=x, width=width, y=-BAR / 2, height=BAR, rx=2, fill="url(#hatch)")])


def _percent(value: float, total: float) -> str:
    return f"{max(0.0, min(1.0, value / total)) * 100:.3f}%"

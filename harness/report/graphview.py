"""The dependency graph as SVG, and the same as a table for those who cannot see it."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model.contract import Need
from harness.report.layout import HEAD, Box, Drawing, Line, lay_out, shown_name
from harness.report.markup import Html, el
from harness.report.model import Graph, State, Sync

GLYPHS = {
    State.HEALTHY: "M-4 0l3 3.2L4.5-3.2",
    State.DEGRADED: "M-3.5-3.5l7 7m0-7l-7 7",
    State.PROGRESSING: "M0-4v4.2h3.4",
    State.SYNCING: "M0-4v4.2h3.4",
    State.WAITING: "M-3.8 0h7.6",
}


def component_states(syncs: tuple[Sync, ...]) -> dict[str, State]:
    """Return how each component stood at the end of the last sync that touched it: its worst object decides."""
    worst = [State.DEGRADED, State.WAITING, State.SYNCING, State.PROGRESSING, State.HEALTHY]
    states: dict[str, State] = {}
    for sync in syncs:
        found: dict[str, State] = {}
        for item in sync.items:
            found[item.component] = min(found.get(item.component, State.HEALTHY), item.state, key=worst.index)
        states.update(found)
    return states


def graph_figure(graph: Graph, states: Mapping[str, State]) -> Html:
    """Return the drawing with its caption and its table; a sentence where there is no graph."""
    drawing = lay_out(graph)
    if not drawing.boxes:
        return el("p", "This run recorded no dependency graph.", class_="quiet")
    hard = sum(edge.need is Need.HARD for edge in graph.edges)
    summary = (
        f"{_many(len(graph.components), 'component')} on {_many(len(drawing.columns), 'level')}, "
        f"{hard} hard and {len(graph.edges) - hard} soft requirements."
    )
    return el(
        "figure",
        el("figcaption", summary, " What stands further left is synced first; an arrow points at what is needed."),
        el("div", _svg(graph, drawing, states, summary), class_="scroll", tabindex=0, role="region",
           aria_label="Dependency graph, scrolls sideways"),
        _legend(),
        el("details", el("summary", "The same as a table"), _table(graph)),
        class_="graph",
    )  # fmt: skip


def _svg(graph: Graph, drawing: Drawing, states: Mapping[str, State], summary: str) -> Html:
    columns = [
        el("g",
           el("text", f"level {level}", x=x + width / 2, y=22, text_anchor="middle", class_="level"),
           el("line", x1=x, x2=x + width, y1=HEAD - 12, y2=HEAD - 12, class_="rule"))
        for level, x, width in drawing.columns
    ]  # fmt: skip
    lines = sorted(drawing.lines, key=lambda line: line.need is Need.HARD)
    return el(
        "svg",
        el("title", "Dependency graph"),
        el("desc", summary),
        columns,
        el("g", [_line(line) for line in lines], class_="edges"),
        el("g", [_box(graph, box, states.get(box.component.name)) for box in drawing.boxes], class_="nodes"),
        width=round(drawing.width),
        height=round(drawing.height),
        viewBox=f"0 0 {drawing.width:.0f} {drawing.height:.0f}",
        role="img",
        aria_label=f"Dependency graph: {summary}",
    )


def _line(line: Line) -> Html:
    said = "\n".join(f"{edge.from_} needs {edge.to}, port {edge.port} ({edge.need})" for edge in line.edges)
    return el(
        "g",
        el("title", said),
        el("path", d=line.path, class_="hit"),
        el("path", d=line.path, class_="line"),
        el("path", d=line.arrow, class_="arrow"),
        class_=f"edge {line.need}",
        data_from=line.source,
        data_to=line.target,
    )


def _box(graph: Graph, box: Box, state: State | None) -> Html:
    component = box.component
    needs = [f"{edge.to}, port {edge.port} ({edge.need})" for edge in graph.edges if edge.from_ == component.name]
    by = sorted({edge.from_ for edge in graph.edges if edge.to == component.name})
    said = [
        f"{component.name}: level {component.level}, wave {component.wave}",
        *([f"state: {state}"] if state else []),
        f"needs {'; '.join(needs)}" if needs else "needs nothing",
        f"needed by {', '.join(by)}" if by else "needed by nobody",
    ]
    below = f"wave {component.wave}" + (f" · {component.tier}" if component.tier else "")
    glyph = None
    if state:
        at = f"translate({box.x + box.width - 16:.1f} {box.y + 15:.1f})"
        glyph = el("path", d=GLYPHS[state], transform=at, class_=f"glyph {state}")
    return el(
        "g",
        el("title", "\n".join(said)),
        el("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=7, class_="box"),
        el("text", shown_name(component.name), x=box.x + 13, y=box.y + 20, class_="name"),
        el("text", below, x=box.x + 13, y=box.y + 36, class_="below"),
        glyph,
        class_="node",
        data_name=component.name,
    )


def _legend() -> Html:
    def sample(need: str) -> Html:
        line = el("path", d="M8 6H40", class_="line")
        arrow = el("path", d="M0 6l8-4.5v9z", class_="arrow")
        return el("svg", el("g", line, arrow, class_=f"edge {need}"), width=40, height=12, aria_hidden="true")

    return el(
        "ul",
        el("li", sample("hard"), " hard: decides the order"),
        el("li", sample("soft"), " soft: opens the network only"),
        class_="legend",
    )


def _table(graph: Graph) -> Html:
    def needs(name: str, need: Need) -> str:
        found = [f"{edge.to}:{edge.port}" for edge in graph.edges if edge.from_ == name and edge.need is need]
        return ", ".join(found) or "–"

    rows = [
        el("tr",
           el("th", component.name, scope="row"),
           el("td", component.level, class_="number"),
           el("td", component.wave, class_="number"),
           el("td", needs(component.name, Need.HARD)),
           el("td", needs(component.name, Need.SOFT)))
        for component in sorted(graph.components, key=lambda component: (component.level, component.name))
    ]  # fmt: skip
    heads = [el("th", head, scope="col") for head in ("component", "level", "wave", "needs hard", "needs soft")]
    return el(
        "div",
        el("table", el("caption", "Components and what they need"), el("thead", el("tr", heads)), el("tbody", rows)),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label="Table of components",
    )


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"

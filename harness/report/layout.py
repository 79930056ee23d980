"""Lays out the dependency graph in columns, one per level, with few crossings and long edges led around the boxes.

The classical layered drawing (Sugiyama, Tagawa, Toda 1981): an edge over several levels gets a way point in every
column between, columns are ordered by the barycentre of their neighbours, and heights are the least-squares fit to the
neighbours' heights that keeps order and distances. Edges to the same component share their way points, so that what
everybody needs is one trunk with branches and not a bundle of lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.model.contract import Need
from harness.report.model import Component, Edge, Graph

BOX_HEIGHT = 46.0
CHARACTER = 8.4  # width of a character of a box's title, of a wide system font
LONGEST = 21  # characters of a name that are shown
BOX_GAP, WAY_GAP, WAY_HEIGHT = 18.0, 12.0, 6.0
MARGIN, HEAD = 14.0, 44.0
GAP_LEAST, GAP_MOST, WIDE = 48.0, 120.0, 1090.0
ARROW = 8.0

Key = tuple[str, str, int]  # a component: (name, "", -1); a way point: (component needed, need, column)


@dataclass(frozen=True)
class Box:
    """A component with its rectangle, in pixels from the top left."""

    component: Component
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """All edges from one component to another: the curve (SVG path data) and its arrow head at the one needed."""

    source: str
    target: str
    need: Need
    edges: tuple[Edge, ...]
    path: str
    arrow: str


@dataclass(frozen=True)
class Drawing:
    """A laid-out graph; `columns` are (level, left edge, width)."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    columns: tuple[tuple[int, float, float], ...]


def lay_out(graph: Graph) -> Drawing:
    """Return the drawing of a graph; empty for a graph without components. The same graph gives the same drawing."""
    return _Layout(graph).drawing()


def shown_name(name: str) -> str:
    """Return a component's name, shortened where a box cannot hold it."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


class _Layout:
    def __init__(self, graph: Graph) -> None:
        self.components = {c.name: c for c in graph.components}
        levels = sorted({c.level for c in graph.components})
        self.levels = levels
        self.column_of = {c.name: levels.index(c.level) for c in graph.components}
        self.columns: list[list[Key]] = [[] for _ in levels]
        for name in sorted(self.components):
            self.columns[self.column_of[name]].append((name, "", -1))
        merged: dict[tuple[str, str], list[Edge]] = {}
        for edge in graph.edges:
            if edge.from_ != edge.to:
                merged.setdefault((edge.from_, edge.to), []).append(edge)
        self.merged = merged
        self.right: dict[Key, set[Key]] = {}
        self.left: dict[Key, set[Key]] = {}
        self.chains: dict[tuple[str, str], list[Key]] = {pair: self._chain(*pair) for pair in sorted(merged)}

    def _need(self, pair: tuple[str, str]) -> Need:
        return Need.HARD if any(edge.need is Need.HARD for edge in self.merged[pair]) else Need.SOFT

    def _chain(self, source: str, target: str) -> list[Key]:
        """Return the way from the component needed to the one that needs it, and register its way points."""
        start, end = self.column_of[target], self.column_of[source]
        step = 1 if end >= start else -1
        ways = [(target, self._need((source, target)).value, at) for at in range(start + step, end, step)]
        for way in ways:
            if way not in self.columns[way[2]]:
                self.columns[way[2]].append(way)
        chain: list[Key] = [(target, "", -1), *ways, (source, "", -1)]
        if start != end:
            for a, b in pairwise(chain if step == 1 else chain[::-1]):
                self.right.setdefault(a, set()).add(b)
                self.left.setdefault(b, set()).add(a)
        return chain

    def _order(self) -> None:
        best, fewest = [list(column) for column in self.columns], self._crossings()
        for turn in range(24):
            forward = turn % 2 == 0
            span = range(1, len(self.columns)) if forward else range(len(self.columns) - 2, -1, -1)
            for at in span:
                there = self.columns[at - 1 if forward else at + 1]
                place = {key: index for index, key in enumerate(there)}
                near = self.left if forward else self.right
                self.columns[at] = _by_barycentre(self.columns[at], near, place)
            self._transpose()
            if (crossings := self._crossings()) < fewest:
                best, fewest = [list(column) for column in self.columns], crossings
        self.columns = best

    def _transpose(self) -> None:
        for at, column in enumerate(self.columns):
            for i in range(len(column) - 1):
                before = self._crossings_at(at)
                column[i], column[i + 1] = column[i + 1], column[i]
                if self._crossings_at(at) >= before:
                    column[i], column[i + 1] = column[i + 1], column[i]

    def _crossings(self) -> int:
        return sum(self._between(at) for at in range(len(self.columns) - 1))

    def _crossings_at(self, at: int) -> int:
        return (self._between(at - 1) if at else 0) + (self._between(at) if at < len(self.columns) - 1 else 0)

    def _between(self, at: int) -> int:
        place = {key: index for index, key in enumerate(self.columns[at + 1])}
        ends = [sorted(place[b] for b in self.right.get(a, ())) for a in self.columns[at]]
        return sum(b < a for i, first in enumerate(ends) for second in ends[i + 1 :] for a in first for b in second)

    def _heights(self) -> dict[Key, float]:
        """Return the vertical centre of every box and way point."""
        centre: dict[Key, float] = {}
        for column in self.columns:
            offsets = _offsets(column)
            centre.update({key: offset - offsets[-1] / 2 for key, offset in zip(column, offsets, strict=True)})
        for turn in range(40):
            for column in self.columns if turn % 2 else self.columns[::-1]:
                wanted = []
                for key in column:
                    near = [centre[other] for other in (*self.left.get(key, ()), *self.right.get(key, ()))]
                    wanted.append(math.fsum(near) / len(near) if near else centre[key])
                weights = [1.0 if key[1] == "" else 3.0 for key in column]
                centre.update(zip(column, _fit(wanted, weights, _offsets(column)), strict=True))
        return centre

    def drawing(self) -> Drawing:
        if not self.components:
            return Drawing(0, 0, (), (), ())
        self._order()
        centre = self._heights()
        top = min(centre[key] - _height(key) / 2 for column in self.columns for key in column)
        centre = {key: value - top + HEAD + MARGIN for key, value in centre.items()}
        bottom = max(centre[key] + _height(key) / 2 for column in self.columns for key in column)
        spans = self._spans()
        boxes = {
            key[0]: Box(self.components[key[0]], x, centre[key] - BOX_HEIGHT / 2, width, BOX_HEIGHT)
            for column, (_, x, width) in zip(self.columns, spans, strict=True)
            for key in column
            if key[1] == ""
        }
        lines = tuple(_Router(self, boxes, centre, spans).lines())
        beside = 40.0 if any(self.column_of[a] == self.column_of[b] for a, b in self.merged) else 0.0
        right = spans[-1][1] + spans[-1][2] + MARGIN + beside
        return Drawing(right, bottom + MARGIN, tuple(boxes.values()), lines, tuple(spans))

    def _spans(self) -> list[tuple[int, float, float]]:
        widths = []
        for column in self.columns:
            longest = max((len(shown_name(key[0])) for key in column if key[1] == ""), default=0)
            widths.append(max(112.0, longest * CHARACTER + 40))
        room = (WIDE - 2 * MARGIN - sum(widths)) / max(1, len(widths) - 1)
        gap = min(GAP_MOST, max(GAP_LEAST, room))
        spans, x = [], MARGIN
        for level, width in zip(self.levels, widths, strict=True):
            spans.append((level, x, width))
            x += width + gap
        return spans


class _Router:
    """Turns chains of way points into curves that leave and enter boxes at places of their own."""

    def __init__(
        self,
        layout: _Layout,
        boxes: dict[str, Box],
        centre: dict[Key, float],
        spans: Sequence[tuple[int, float, float]],
    ) -> None:
        self.layout, self.boxes, self.centre, self.spans = layout, boxes, centre, spans
        sides: dict[tuple[str, bool], dict[tuple[str, str, str], float]] = {}
        for pair, chain in layout.chains.items():
            need = layout._need(pair).value
            source, target = pair
            leaves_right = layout.column_of[source] >= layout.column_of[target]
            enters_left = layout.column_of[source] > layout.column_of[target]
            # one place for everybody who needs it this much, and one place for each component that is needed
            sides.setdefault((target, leaves_right), {})[("out", need, "")] = centre[chain[1]]
            sides.setdefault((source, not enters_left), {})[("in", need, target)] = centre[chain[-2]]
        self.places = {side: self._spread(side[0], ends) for side, ends in sides.items()}

    def _spread(self, name: str, ends: dict[tuple[str, str, str], float]) -> dict[tuple[str, str, str], float]:
        box = self.boxes[name]
        order = sorted(ends, key=lambda end: (ends[end], end))
        step = min(9.0, (box.height - 16) / max(1, len(order) - 1))
        middle = box.y + box.height / 2
        return {end: middle + (i - (len(order) - 1) / 2) * step for i, end in enumerate(order)}

    def lines(self) -> Iterator[Line]:
        for pair, chain in self.layout.chains.items():
            source, target = pair
            need = self.layout._need(pair)
            columns = self.layout.column_of
            forward = columns[source] > columns[target]
            same = columns[source] == columns[target]
            start, end = self.boxes[target], self.boxes[source]
            out = self.places[(target, forward or same)][("out", need.value, "")]
            into = self.places[(source, not forward)][("in", need.value, target)]
            sign = 1.0 if forward or same else -1.0
            edge = start.x + start.width if sign > 0 else start.x
            x, y = edge + sign * ARROW, out
            arrow = f"M{edge:.1f} {out:.1f}l{sign * ARROW:.1f} -4.5v9z"
            path = [f"M{x:.1f} {y:.1f}"]
            if same:
                bow = max(x, end.x + end.width) + 30
                path.append(f"C{bow:.1f} {y:.1f} {bow:.1f} {into:.1f} {end.x + end.width:.1f} {into:.1f}")
            else:
                for key in chain[1:-1]:
                    _, left, width = self.spans[key[2]]
                    near, far = (left, left + width) if forward else (left + width, left)
                    path.append(_curve(x, y, near, self.centre[key]))
                    path.append(f"H{far:.1f}")
                    x, y = far, self.centre[key]
                path.append(_curve(x, y, end.x if forward else end.x + end.width, into))
            yield Line(source, target, need, tuple(self.layout.merged[pair]), "".join(path), arrow)


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = (to_x - x) * 0.5
    return f"C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _height(key: Key) -> float:
    return BOX_HEIGHT if key[1] == "" else WAY_HEIGHT


def _offsets(column: Sequence[Key]) -> list[float]:
    """Return the least distance of each centre from the first one's."""
    offsets = [0.0]
    for above, below in pairwise(column):
        gap = BOX_GAP if above[1] == "" and below[1] == "" else WAY_GAP
        offsets.append(offsets[-1] + (_height(above) + _height(below)) / 2 + gap)
    return offsets


def _by_barycentre(column: list[Key], near: dict[Key, set[Key]], place: dict[Key, int]) -> list[Key]:
    """Return a column ordered by the mean place of the neighbours; a node without any keeps its place."""
    weights = {key: [place[other] for other in near.get(key, ())] for key in column}
    moving = sorted((key for key in column if weights[key]), key=lambda key: sum(weights[key]) / len(weights[key]))
    following = iter(moving)
    return [next(following) if weights[key] else key for key in column]


def _fit(wanted: Sequence[float], weights: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """Return the values nearest to those wanted (weighted least squares) that are at least `offsets` apart.

    With z = value - offset the condition is "z never falls", and pooling adjacent violators solves that exactly.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        pools.append((want - offset, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, wa, na), (b, wb, nb) = pools[-2:]
            pools[-2:] = [((a * wa + b * wb) / (wa + wb), wa + wb, na + nb)]
    flat = [mean for mean, _, number in pools for _ in range(number)]
    return [z + offset for z, offset in zip(flat, offsets, strict=True)]

"""The way of one request through the platform: what each component logs of it, in order of time, as a picture."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

HOP = re.compile(
    r"^double of (?P<component>[\w-]+): (?P<moment>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+) "
    r"hop (?P<id>[\w-]+): (?P<what>.*)$",
    re.MULTILINE,
)
ROW, LEFT, WIDTH, MARGIN = 22, 190, 620, 16
FONT = 'font-family="sans-serif" font-size="12"'


@dataclass(frozen=True)
class Hop:
    """A component that a request came by."""

    component: str
    moment: datetime
    what: str


def hops(request: str | Collection[str], logs: Iterable[str]) -> list[Hop]:
    """Return the hops of a request in some logs, in the order of their times (UTC).

    Args:
        request: the id that the platform gave it, or several: the gateway knows it by the client's `X-Request-Id`.
        logs: of whichever programs.
    """
    known = {request} if isinstance(request, str) else set(request)
    found = [
        Hop(
            line["component"],
            datetime.strptime(line["moment"], "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC),
            line["what"],
        )
        for log in logs
        for line in HOP.finditer(log)
        if line["id"] in known
    ]
    return sorted(found, key=lambda hop: hop.moment)


def seconds(way: list[Hop]) -> float:
    """Return the time from the first hop to the last."""
    return (way[-1].moment - way[0].moment).total_seconds() if way else 0.0


def table(way: list[Hop]) -> str:
    """Return the hops as lines: seconds since the first, component, what happened."""
    return "\n".join(f"{_since(way, hop):8.3f} s  {hop.component:24} {hop.what}" for hop in way)


def picture(way: list[Hop]) -> str:
    """Return the hops as an SVG: one row each, from the left as far as its time."""
    whole = max(seconds(way), 0.001)
    height = MARGIN * 2 + ROW * len(way)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 380}" height="{height}" role="img" '
        f'aria-label="the way of one request, {len(way)} hops in {seconds(way):.3f} s">',
    ]
    last = (float(LEFT), float(MARGIN))
    for index, hop in enumerate(way):
        x, y = LEFT + WIDTH * _since(way, hop) / whole, MARGIN + ROW * (index + 0.5)
        lines.append(f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + WIDTH}" y2="{y}" stroke="#ddd"/>')
        if index:
            lines.append(f'<line x1="{last[0]:.1f}" y1="{last[1]}" x2="{x:.1f}" y2="{y}" stroke="#4a7ab5"/>')
        lines.append(f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="#4a7ab5"/>')
        lines.append(f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end" {FONT}>{escape(hop.component)}</text>')
        said = f"{_since(way, hop):.3f} s  {hop.what}"
        lines.append(f'<text x="{LEFT + WIDTH + 12}" y="{y + 4}" {FONT}>{escape(said[:64])}</text>')
        last = (x, y)
    return "\n".join([*lines, "</svg>", ""])


def _since(way: list[Hop], hop: Hop) -> float:
    return (hop.moment - way[0].moment).total_seconds()

"""Connections that NetworkPolicies open or close, each said once although two policies hold it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.checks.flows import flows
from harness.checks.model import Platform
from harness.checks.pods import NAME, OPERATED
from harness.diff.model import Change, Kind, Level
from harness.diff.pairs import Pairs
from harness.render.objects import Object


@dataclass(frozen=True, order=True)
class Edge:
    """A permission: who connects to whom on which port."""

    source: str
    target: str
    port: str

    def __str__(self) -> str:
        """Return it as a person says it."""
        return f"{self.source} -> {self.target} on {self.port}"


def edges(platform: Platform | None) -> dict[Edge, set[str]]:
    """Return what is open in an environment, each with the sides that do so (from: the target's, to: the source's)."""
    found: dict[Edge, set[str]] = {}
    for item in platform.of_kind("NetworkPolicy") if platform else ():
        own = _selected(item)
        for flow in flows(item):
            peer = flow.peer.removeprefix("component ")
            ends = (peer, own) if flow.direction == "from" else (own, peer)
            found.setdefault(Edge(*ends, f"{flow.port}/{flow.protocol}"), set()).add(flow.direction)
    return found


def _selected(policy: Object) -> str:
    labels = (policy["spec"].get("podSelector") or {}).get("matchLabels") or {}
    return str(labels.get(NAME) or labels.get(OPERATED) or policy["metadata"]["name"])


def said(pairs: Pairs) -> Iterator[Change]:
    """Yield the connections that are opened or closed; those of a component that comes or goes together."""
    before, after = edges(pairs.before), edges(pairs.after)
    components = set(pairs.contracts)
    moved = came_or_gone(pairs)
    together: dict[tuple[str, str], list[Edge]] = {}
    for edge in sorted(before.keys() | after.keys()):
        word = _word(edge, len(before.get(edge, ())), len(after.get(edge, ())), components)
        if word is None:
            continue
        owner = next((end for end in (edge.source, edge.target) if end in moved), None)
        if owner is not None:
            together.setdefault((owner, word), []).append(edge)
            continue
        yield Change(
            kind=Kind.NETWORK,
            level=_level(edge, components) if word.startswith("opened") else Level.INFO,
            component=edge.source if edge.source in components else edge.target,
            text=f"{word}: {edge}",
            details=tuple(_why(pairs, edge)) if word.startswith("opened") else (),
        )
    for (owner, word), found in together.items():
        levels = [_level(edge, components) for edge in found] if word.startswith("opened") else [Level.INFO]
        yield Change(
            kind=Kind.NETWORK,
            level=max(levels, key=lambda level: level.rank),
            component=owner,
            text=f"{word} with {owner}: {len(found)} connections",
            details=tuple(map(str, found)),
        )


def came_or_gone(pairs: Pairs) -> set[str]:
    """Return the components that have objects on one side only."""
    return set(pairs.before.delivered if pairs.before else ()) ^ set(pairs.after.delivered if pairs.after else ())


def _word(edge: Edge, old: int, new: int, components: set[str]) -> str | None:
    """Return what happens to a connection that so many policies permit; None where nothing does."""
    both = 2 if {edge.source, edge.target} <= components else 1  # where both ends are ours, each has a policy
    if old < both <= new:
        return "opened"
    if new < both <= old:
        return "closed"
    if old == new or old >= both:
        return None
    return f"{'opened' if new > old else 'closed'} on one side only"


def _level(edge: Edge, components: set[str]) -> Level:
    """A way into the platform or out of it asks for a look; inside it follows from the contracts, as DNS does."""
    inside = {edge.source, edge.target} <= components or edge.port.startswith("53/")
    return Level.INFO if inside else Level.ATTENTION


def _why(pairs: Pairs, edge: Edge) -> Iterator[str]:
    if pairs.after is None or edge.source not in pairs.after.contracts:
        return
    for need in pairs.after.graph.requirements(edge.source):
        if need.provider == edge.target and f"{need.number}/TCP" == edge.port:
            yield need.why

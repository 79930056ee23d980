"""Judges the order in which an environment came up, against the dependency graph of the contracts."""

from __future__ import annotations

from collections.abc import Iterable

from harness.e2e.observe import Seen
from harness.model.contract import Need
from harness.model.graph import Graph

SERVES = ("Deployment", "StatefulSet", "Job")  # what another component waits for


def violations(seen: Iterable[Seen], graph: Graph) -> list[str]:
    """Return one sentence per object that came too early; nothing where the order is right.

    Rules: (1) every object of a component is created after everything that serves (workload and Jobs) of each
    component it needs hard was ready; (2) within the whole, an object of a later wave is created after every workload
    and Job of an earlier wave was ready (Argo CD documentation, sync waves). Nothing seen is a violation too: a test
    must not pass on an empty list.
    """
    objects = [item for item in seen if item.component in graph.contracts]
    if not objects:
        return ["no object of any component was seen"]
    serving = {name: [i for i in objects if i.component == name and i.kind in SERVES] for name in graph.contracts}
    problems = []
    for item in objects:
        for edge in graph.requirements(item.component):
            if edge.need is not Need.HARD:
                continue
            for needed in serving[edge.provider]:
                if needed.ready is None or item.created < needed.ready:
                    problems.append(
                        f"{item.component}: {item.key} was created before {needed.key}, which it needs, was ready"
                    )
        for other in objects:
            early = other.kind in SERVES and other.wave is not None and item.wave is not None
            if early and other.wave < item.wave and (other.ready is None or item.created < other.ready):  # type: ignore[operator]
                problems.append(
                    f"{item.component}: {item.key} (wave {item.wave}) was created before {other.key} "
                    f"(wave {other.wave}) was ready"
                )
    return sorted(set(problems))

"""Who cannot go on before a component is there: everything that needs it hard, through others too."""

from __future__ import annotations

from collections import deque

from harness.diagnose.health import health
from harness.diagnose.model import Waiting
from harness.diagnose.snapshot import View
from harness.model.contract import Need
from harness.model.graph import Graph

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


def needed_by(graph: Graph, component: str) -> set[str]:
    """Return every component that one needs hard, through others too."""
    found: set[str] = set()
    left = [component] if component in graph.contracts else []
    while left:
        for edge in graph.requirements(left.pop()):
            if edge.need is Need.HARD and edge.provider not in found:
                found.add(edge.provider)
                left.append(edge.provider)
    return found - {component}


def dependants(graph: Graph, component: str) -> dict[str, str]:
    """Return every component that needs one hard, with the component of the chain that it needs itself."""
    found: dict[str, str] = {}
    left = deque([component] if component in graph.contracts else [])
    while left:
        provider = left.popleft()
        for edge in graph.dependants(provider):
            if edge.need is Need.HARD and edge.consumer not in found and edge.consumer != component:
                found[edge.consumer] = provider
                left.append(edge.consumer)
    return found


def waiting(view: View, component: str, wave: int | None) -> tuple[tuple[Waiting, ...], tuple[Waiting, ...]]:
    """Return what waits for a component, by wave, and what only comes later in the order.

    Args:
        view: the snapshot and the graph.
        component: the one that blocks; empty where the whole environment does.
        wave: sync wave of the object that blocks.
    """
    here = view.tracked() or set(view.graph.contracts)
    needs = {name: through for name, through in dependants(view.graph, component).items() if name in here}
    held = [_entry(view, name, through) for name, through in needs.items()]
    if component and wave is not None:
        held += [
            Waiting(
                component=component, wave=own, phase=phase, state=_state(view, component) if phase == "workload" else ""
            )
            for phase, own in view.graph.phases(component).items()
            if own > wave
        ]
    rest = here - set(needs) - {component}
    later = [_entry(view, name, "") for name in rest if wave is None or _workload(view.graph, name) > wave]
    if not component:
        held, later = later, []
    return _sorted(held), _sorted(later)


def _entry(view: View, component: str, through: str) -> Waiting:
    return Waiting(
        component=component, wave=_workload(view.graph, component), through=through, state=_state(view, component)
    )


def _workload(graph: Graph, component: str) -> int:
    return graph.phases(component)["workload"]


def _state(view: View, component: str) -> str:
    """Return how the component's workload is now: what ran before goes on running."""
    found = [view.live(kind, component, view.namespace) for kind in WORKLOADS]
    live = [item for item in found if item is not None]
    if not live:
        return "not created"
    return "healthy" if all(health(item).well for item in live) else "not healthy"


def _sorted(items: list[Waiting]) -> tuple[Waiting, ...]:
    return tuple(sorted(items, key=lambda item: (item.wave, item.component, item.phase)))

"""`docs/reference/availability.md`: for every component, what happens when its pod, its node or its stores die."""

from __future__ import annotations

from harness.generate.reference import NOTE, link
from harness.generate.text import cell, page, section, table
from harness.model.contract import Contract, Effect
from harness.model.graph import Graph

HEADER = ("when", "what happens", "how it comes back, and in what time", "what is lost")


def render(graph: Graph) -> str:
    """Return the page."""
    contracts = {name: item for name, item in graph.contracts.items() if not item.like}
    rows = [
        (
            link(graph, name),
            item.tier,
            _replicas(item),
            f"{item.availability.budget} s",
            cell(item.availability.replicated.by) if item.availability.replicated else cell(item.replicas.why),
        )
        for name, item in contracts.items()
    ]
    header = ("component", "tier", "pods: usual, at most", "a killed pod is back within", "more pods")
    intro = [
        "# Availability",
        "",
        NOTE,
        "",
        "What a failure does to each component, by its contract. Times that a drill has measured stand in the report",
        "of that drill; the others come from upstream's documents or are inferred, and say so. An instance of a",
        "component (`mariadb-iam` of `mariadb`) fails as the component does, by itself.",
        "",
    ]
    return page(intro, table(header, rows), *(section(cell(item.title), _effects(item)) for item in contracts.values()))


def effects(contract: Contract) -> list[tuple[str, Effect]]:
    """Return what is stated, each with when it happens; with several pods last."""
    state = contract.availability
    stated: list[tuple[str, Effect | None]] = [
        ("its pod dies", state.pod),
        ("its node dies", state.node),
        ("its stores die", state.stores),
    ]
    if state.replicated:
        stated += [
            ("with several pods, one dies", state.replicated.pod),
            ("with several pods, a node dies", state.replicated.node),
        ]
    return [(when, effect) for when, effect in stated if effect]


def _effects(contract: Contract) -> list[str]:
    rows = [(when, cell(item.happens), cell(item.recovery), cell(item.lost)) for when, item in effects(contract)]
    return table(HEADER, rows)


def _replicas(contract: Contract) -> str:
    if contract.workload.kind == "CronJob":
        return "a run at a time"
    most = "any" if contract.replicas.max is None else str(contract.replicas.max)
    own = f"{contract.replicas.default}, {most}"
    return own if contract.operator is None else f"{own}; mode operator {contract.operator.replicas.default}"

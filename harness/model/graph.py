"""The dependency graph over all contracts: levels, sync waves and consumers.

A contract is checked by itself in `harness.model.contract`; what two say of each other: `harness.model.contradictions`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from harness.model.contract import Contract, Database, Need, Requirement, Secret, Topic
from harness.model.contradictions import hard, refuse

WAVE = 10  # sync waves per level: room for the phases below (docs/explanation/architecture.md, Order)
PREPARE, WORKLOAD, PROVIDE = 1, 2, 3


@dataclass(frozen=True)
class Edge:
    """One component's need of a port of another one."""

    consumer: str
    provider: str
    port: str
    number: int
    need: Need
    why: str
    path: str | None
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class OwnedDatabase:
    """A database on a server, and the component that owns it."""

    name: str
    owner: str
    database: Database


@dataclass(frozen=True)
class Graph:
    """All contracts and the edges between them; made by `build`, which refuses what does not fit."""

    contracts: Mapping[str, Contract]
    edges: tuple[Edge, ...]
    levels: Mapping[str, int]

    @classmethod
    def build(cls, contracts: Mapping[str, Contract]) -> Graph:
        """Return the graph of the contracts.

        Raises:
            UserError: the contracts contradict each other; every problem is named once, with file, key and fix.
        """
        ordered = dict(sorted(contracts.items()))
        refuse(ordered)
        edges = tuple(
            Edge(
                name, need.component, need.port, ordered[need.component].ports[need.port].port, need.need, need.why,
                need.path, need.secrets,
            )
            for name, contract in ordered.items()
            for need in sorted(contract.requires, key=lambda need: (need.component, need.port))
        )  # fmt: skip
        return cls(ordered, edges, _levels(ordered))

    def wave(self, component: str) -> int:
        """Return the sync wave of a component's first objects: ten times its level."""
        return WAVE * self.levels[component]

    def phases(self, component: str) -> dict[str, int]:
        """Return the sync waves of a component's jobs and workload, of those it has, in the order they run."""
        jobs = {job.when for job in self.contracts[component].jobs.values()}
        wave = self.wave(component)
        phases = {"prepare": wave + PREPARE} if "prepare" in jobs else {}
        phases["workload"] = wave + (WORKLOAD if "prepare" in jobs else 0)
        if "provide" in jobs:
            phases["provide"] = wave + PROVIDE
        return phases

    def requirements(self, component: str) -> tuple[Edge, ...]:
        """Return what a component needs, by component and port."""
        return tuple(edge for edge in self.edges if edge.consumer == component)

    def dependants(self, component: str) -> tuple[Edge, ...]:
        """Return the edges that end at a component, by consumer."""
        return tuple(edge for edge in self.edges if edge.provider == component)

    def consumers(self, component: str, port: str) -> list[str]:
        """Return the components that connect to a port of a component, sorted."""
        return sorted({edge.consumer for edge in self.dependants(component) if edge.port == port})

    def databases(self, server: str) -> list[OwnedDatabase]:
        """Return the databases that other components own on a server, by name."""
        return sorted(
            (
                OwnedDatabase(name, owner, database)
                for owner, contract in self.contracts.items()
                for name, database in contract.databases.items()
                if database.server == server
            ),
            key=lambda owned: owned.name,
        )

    def topics(self) -> dict[str, tuple[str, Topic]]:
        """Return every Kafka topic with its owner and declaration, by name."""
        declared = {
            name: (owner, topic)
            for owner, contract in self.contracts.items()
            for name, topic in contract.topics.items()
        }
        return dict(sorted(declared.items()))

    def secrets(self) -> dict[str, tuple[str, Secret]]:
        """Return every Secret id with its owner and declaration, by id."""
        declared = {
            identifier: (owner, secret)
            for owner, contract in self.contracts.items()
            for identifier, secret in contract.secrets.items()
        }
        return dict(sorted(declared.items()))

    def waves(self) -> dict[int, list[str]]:
        """Return the components by wave, in the order Argo CD syncs them."""
        waves: dict[int, list[str]] = defaultdict(list)
        for component in self.contracts:
            waves[self.wave(component)].append(component)
        return dict(sorted(waves.items()))

    def to_json(self) -> dict[str, Any]:
        """Return the graph as plain data: waves, and per component what it needs and who needs it."""
        return {
            "waves": [{"wave": wave, "components": names} for wave, names in self.waves().items()],
            "components": {name: self._component_json(name) for name in self.contracts},
        }

    def _component_json(self, name: str) -> dict[str, Any]:
        contract = self.contracts[name]
        return {
            "title": contract.title,
            "tier": contract.tier,
            "level": self.levels[name],
            "wave": self.wave(name),
            "phases": self.phases(name),
            "ports": {port: item.port for port, item in contract.ports.items()},
            "requires": [
                {
                    "component": edge.provider,
                    "port": edge.port,
                    "number": edge.number,
                    "need": edge.need.value,
                    "why": edge.why,
                    "path": edge.path,
                    "secrets": list(edge.secrets),
                }
                for edge in self.requirements(name)
            ],
            "requiredBy": [
                {"component": edge.consumer, "port": edge.port, "need": edge.need.value}
                for edge in self.dependants(name)
            ],
            "secrets": {identifier: sorted(secret.keys) for identifier, secret in sorted(contract.secrets.items())},
            "databases": [
                {"name": owned.name, "owner": owned.owner, "user": owned.database.user}
                for owned in self.databases(name)
            ],
        }

    def to_mermaid(self) -> str:
        """Return a Mermaid flow chart: one box per wave, solid arrows for hard needs, dotted ones for soft needs."""
        lines = ["flowchart LR"]
        for wave, names in self.waves().items():
            lines.append(f'  subgraph wave{wave}["wave {wave}"]')
            lines += [f'    {_node(name)}["{_text(self.contracts[name].title)}"]' for name in names]
            lines.append("  end")
        for edge in self.edges:
            arrow = "-->" if edge.need is Need.HARD else "-.->"
            lines.append(f'  {_node(edge.consumer)} {arrow}|"{edge.port} {edge.number}"| {_node(edge.provider)}')
        return "\n".join(lines) + "\n"


def settled(contracts: Mapping[str, Contract], shared: Collection[str]) -> dict[str, Contract]:
    """Return the contracts of an environment in which some instances are served by the component they are one of.

    Those instances are gone; what requires them, or has a database there, requires the component instead.
    """
    names = {name: contract.like for name, contract in contracts.items() if name in shared and contract.like}

    def served(need: Requirement) -> Requirement:
        return need.model_copy(update={"component": names.get(need.component, need.component)})

    result = {}
    for name, contract in contracts.items():
        if name in names:
            continue
        if any(need.component in names for need in contract.requires):
            requires = {(need.component, need.port): need for need in reversed([*map(served, contract.requires)])}
            databases = {
                title: item.model_copy(update={"server": names.get(item.server, item.server)})
                for title, item in contract.databases.items()
            }
            contract = contract.model_copy(
                update={"requires": tuple(reversed(requires.values())), "databases": databases}
            )
        result[name] = contract
    return result


def _node(component: str) -> str:
    # a prefix, because a node called `end` or one that begins with `x` or `o` breaks Mermaid's arrows
    return "c_" + component.replace("-", "_")


def _text(title: str) -> str:
    return title.replace('"', "#quot;")


def _levels(contracts: Mapping[str, Contract]) -> dict[str, int]:
    """Return each component's level: one more than the highest level of what it needs hard; 0 without."""
    levels: dict[str, int] = {}

    def level(component: str) -> int:
        if component not in levels:
            levels[component] = max((1 + level(other) for other in hard(contracts, component)), default=0)
        return levels[component]

    return {component: level(component) for component in contracts}

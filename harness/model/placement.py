"""The contracts as one environment has them: where each component runs, and what serves in an instance's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.model.contract import Contract
from harness.model.environment import Mode, modes
from harness.model.graph import Graph, settled


@dataclass(frozen=True)
class Placement:
    """Where everything runs.

    Attributes:
        graph: of the contracts without the instances that are shared: edges end at what serves in their place.
        modes: of every component, instances that are shared included.
        provisioned: components that run elsewhere and on which a Job of ours makes what others need.
    """

    graph: Graph
    modes: Mapping[str, Mode]
    provisioned: frozenset[str]

    def here(self) -> list[str]:
        """Return the components whose pods run in the environment's namespace, sorted."""
        return sorted(name for name in self.graph.contracts if self.modes[name].here)


def place(contracts: Mapping[str, Contract], values: Mapping[str, Any]) -> Placement:
    """Return where everything runs by an environment's merged values.

    Raises:
        UserError: a mode that there is not, or contracts that contradict each other.
    """
    found = modes(values, contracts)
    shared = [name for name, mode in found.items() if mode is Mode.SHARED]
    entries = (values.get("global") or {}).get("components") or {}
    provisioned = frozenset(
        name for name, mode in found.items() if mode is Mode.EXTERNAL and (entries.get(name) or {}).get("provision")
    )
    return Placement(Graph.build(settled(contracts, shared)), found, provisioned)

"""The clients that components are of the platform's IAM."""

from __future__ import annotations

from harness.errors import UserError
from harness.model.contract import Client
from harness.model.graph import Graph


def clients(graph: Graph, server: str) -> dict[str, tuple[str, Client]]:
    """Return the clients that components are of an IAM, by name, with their owners.

    Raises:
        UserError: two components have a client of the same name.
    """
    found: dict[str, tuple[str, Client]] = {}
    for owner, contract in graph.contracts.items():
        for name, client in contract.clients.items():
            if client.server != server:
                continue
            if name in found:
                raise UserError(
                    f"clients.{name} is declared by {found[name][0]}, too",
                    where=contract.file,
                    fix="give it another name",
                )
            found[name] = (owner, client)
    return dict(sorted(found.items()))

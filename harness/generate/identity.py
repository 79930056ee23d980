"""`docs/reference/identity.md`: whose tokens each component believes, and which groups have which role in it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.generate.reference import NOTE, link
from harness.generate.text import cell, code, page, table
from harness.model.contract import ROLES, Contract
from harness.model.graph import Graph

ABOUT = [
    "# Issuers and roles",
    "",
    NOTE,
    "",
    "`global.issuers` and `global.groups` are the one place for both ([how-to](../how-to/issuers-and-roles.md)); "
    "a component's own value takes the place of the platform's.",
    "",
]
FURTHER = ("component", "where they are listed", "source")
ONE = ("component", "why it knows the platform's IAM alone", "source")


def render(graph: Graph) -> str:
    """Return the page."""
    found = list(graph.contracts.values())
    return page(
        ABOUT,
        [
            "## Further issuers are believed by",
            "",
            *table(FURTHER, [(o, code(w), s) for o, w, s in _issuers(graph, found)]),
        ],
        ["", "## One issuer is known to", "", *table(ONE, list(_one(graph, found)))],
        ["", "## Roles", "", *table(("component", *ROLES), list(_roles(graph, found)))],
    )


def _issuers(graph: Graph, found: list[Contract]) -> Iterator[tuple[str, str, str]]:
    for item in found:
        if item.issuers and item.issuers.setting:
            yield link(graph, item.component), item.issuers.setting, cell(item.issuers.source)


def _one(graph: Graph, found: list[Contract]) -> Iterator[tuple[str, str, str]]:
    for item in found:
        if item.issuers and item.issuers.one:
            yield link(graph, item.component), cell(item.issuers.one), cell(item.issuers.source)


def _roles(graph: Graph, found: list[Contract]) -> Iterator[tuple[str, ...]]:
    for item in found:
        if item.roles:
            where = [item.roles.get(role) for role in ROLES]
            yield link(graph, item.component), *(code(name) if name else "-" for name in where)

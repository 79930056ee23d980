"""`docs/reference/*.md`: tables over all components."""

from __future__ import annotations

from harness.generate.rotation import readers
from harness.generate.text import cell, code, page, section, sentence, table
from harness.model.graph import Graph

NOTE = "Written by `indigo generate` from the contracts (`charts/*/contract.yaml`): do not edit."


def secrets(graph: Graph) -> str:
    """Return the page that lists every Secret and key: what for, shape, who may change it, what happens then."""
    lines: list[str] = []
    for identifier, (owner, secret) in graph.secrets().items():
        read = ", ".join(link(graph, name) for name in readers(graph, identifier))
        about = [f"{sentence(cell(secret.purpose))} Belongs to {link(graph, owner)}; read by {read}."]
        if secret.optional:
            about += ["", f"Optional: {sentence(cell(secret.optional))}"]
        rows = [
            (
                code(key),
                cell(item.purpose),
                f"always {code(item.value)}" if item.value else item.shape,
                "`indigo secrets apply`" if item.generate else "a person",
                cell(item.changedBy),
                cell(item.onChange),
            )
            for key, item in sorted(secret.keys.items())
        ]
        header = ("key", "what for", "shape", "made by", "changed by", "on change")
        lines += [*section(f"`{identifier}`", about, [""]), *table(header, rows)]
    intro = [
        "# Secrets",
        "",
        NOTE,
        "",
        "The heading is the id: the name of the Kubernetes Secret, unless `global.secrets.<id>` of the environment",
        "names another one. `indigo secrets plan`, `apply` and `verify` work on this list; no value is ever in Git.",
        "",
    ]
    return page(intro, lines)


def graph_page(graph: Graph) -> str:
    """Return the page with the dependency graph and the sync waves."""
    rows = [
        (
            str(wave),
            link(graph, name),
            ", ".join(f"{phase} {at}" for phase, at in graph.phases(name).items()),
            ", ".join(f"{edge.provider}:{edge.port} ({edge.need})" for edge in graph.requirements(name)) or "-",
            ", ".join(sorted({edge.consumer for edge in graph.dependants(name)})) or "-",
        )
        for wave, names in graph.waves().items()
        for name in names
    ]
    edges = [
        (edge.consumer, f"{edge.provider}:{edge.port} {edge.number}", edge.need, cell(edge.why)) for edge in graph.edges
    ]
    return page(
        ["# Dependency graph", "", NOTE, ""],
        ["A solid arrow is a hard need (the component does not start without it), a dotted one a soft need.", ""],
        ["```mermaid", *graph.to_mermaid().splitlines(), "```", ""],
        section("Sync waves", table(("wave", "component", "its phases", "needs", "needed by"), rows)),
        section("Edges", table(("component", "connects to", "need", "why"), edges)),
    )


def traps(graph: Graph) -> str:
    """Return the page of the known ways to get it wrong, and what the charts do about each."""
    return page(
        ["# Traps", "", NOTE, ""],
        *(
            section(
                cell(contract.title),
                table(
                    ("trap", "what goes wrong", "what the chart does", "source"),
                    [(code(trap.id), cell(trap.text), cell(trap.answer), cell(trap.source)) for trap in contract.traps],
                ),
            )
            for contract in graph.contracts.values()
            if not contract.like
        ),
    )


def link(graph: Graph, component: str) -> str:
    """Return a link to a component's page; for an instance, to the page of what it is one of."""
    return f"[{component}](../../charts/{graph.contracts[component].chart}/README.md)"

"""`docs/reference/rotation.md`: for every key of every Secret, who reads it and what a new value takes."""

from __future__ import annotations

from collections.abc import Iterator

from harness.generate.text import cell, code, page, section, table
from harness.model.contract import Rotate, Secret
from harness.model.graph import Graph
from harness.secrets.shapes import Origin, origin

NOTE = "Written by `indigo generate` from the contracts (`charts/*/contract.yaml`): do not edit."
HEADER = ("Secret and key", "read by", "changed by", "new value from", "on change")
TITLES = {
    Rotate.ROLL: "The readers start anew, and that is all",
    Rotate.STEPS: "Something else has to be done first",
    Rotate.NEVER: "Never",
}
ABOUT = {
    Rotate.ROLL: "`indigo secrets rotate SECRET` does it; `--from-file KEY=FILE` where a person supplies the value.",
    Rotate.STEPS: "Do what the last column says, then `indigo secrets rotate SECRET --key KEY --prepared`.",
    Rotate.NEVER: "Data or logins are lost with the old value; the command refuses.",
}
FROM = {
    Origin.FIXED: "the contract",
    Origin.MADE: "the command",
    Origin.SIGNED: "the command, signed by `platform-ca`",
    Origin.PERSON: "a person",
}


def render(graph: Graph) -> str:
    """Return the page; keys are in groups by what a new value takes."""
    return page(
        [
            "# Rotation",
            "",
            NOTE,
            "",
            "A new value of a Secret is not in Git, and pods do not notice it. `indigo secrets rotate` writes it to",
            "the cluster and `global.secretRevisions.<Secret>` to the environment's values; committed, that rolls",
            "exactly the pods that read the Secret and runs the Jobs again that do",
            "([how-to](../how-to/rotate-a-secret.md), [decision](../adr/0007-rotation-by-revision.md)).",
            "",
        ],
        *(section(TITLES[kind], [ABOUT[kind], ""], table(HEADER, _rows(graph, kind))) for kind in Rotate),
    )


def readers(graph: Graph, identifier: str) -> list[str]:
    """Return the components whose pods may read a Secret: its owner, those that say so, servers of its databases."""
    owner, _ = graph.secrets()[identifier]
    told = [edge.consumer for edge in graph.dependants(owner) if identifier in edge.secrets]
    servers = [item.server for item in graph.contracts[owner].databases.values() if item.secret == identifier]
    return sorted({owner, *told, *servers})


def _rows(graph: Graph, kind: Rotate) -> Iterator[tuple[str, ...]]:
    for identifier, (_, secret) in graph.secrets().items():
        yield from _of_secret(graph, identifier, secret, kind)


def _of_secret(graph: Graph, identifier: str, secret: Secret, kind: Rotate) -> Iterator[tuple[str, ...]]:
    for key, spec in sorted(secret.keys.items()):
        if spec.rotate is kind:
            yield (
                code(f"{identifier} {key}"),
                ", ".join(readers(graph, identifier)),
                cell(spec.changedBy),
                FROM[origin(spec)],
                cell(spec.onChange),
            )

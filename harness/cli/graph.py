"""`indigo graph`: the dependency graph of the contracts, for people, for Mermaid, for programs."""

from __future__ import annotations

import json

import click
from rich.markup import escape

from harness.console import out
from harness.model.contract import Need
from harness.model.graph import Edge, Graph
from harness.model.load import load_contracts
from harness.paths import repository


@click.command()
@click.option(
    "--format", "form", type=click.Choice(["text", "mermaid", "json"]), default="text", show_default=True,
    help="How to print it.",
)  # fmt: skip
def graph(form: str) -> None:
    """Show the dependency graph: waves, what each component waits for, who waits for it, its Secrets.

    Read from charts/*/contract.yaml; contracts that contradict each other are refused with every problem named.

    \b
    Examples:
      indigo graph
      indigo graph --format json | jq '.components.iam.wave'
    """
    built = Graph.build(load_contracts(repository() / "charts"))
    if form == "json":
        click.echo(json.dumps(built.to_json(), indent=2))
    elif form == "mermaid":
        click.echo(built.to_mermaid(), nl=False)
    else:
        for line in text(built):
            out.print(line)


def text(built: Graph) -> list[str]:
    """Return the graph as lines with rich's markup, in the order Argo CD syncs."""
    lines: list[str] = []
    for wave, names in built.waves().items():
        lines.append(f"[bold]wave {wave}[/]")
        for name in names:
            lines += [f"  [bold cyan]{name}[/]  {escape(built.contracts[name].title)}", *_component(built, name)]
    return lines


def _component(built: Graph, name: str) -> list[str]:
    requirements = built.requirements(name)
    hard = [edge for edge in requirements if edge.need is Need.HARD]
    soft = [edge for edge in requirements if edge.need is Need.SOFT]
    phases = built.phases(name)
    waiting = [f"{edge.consumer} ({edge.port}, {edge.need})" for edge in built.dependants(name)]
    contract = built.contracts[name]
    facts = [
        ("phases", ", ".join(f"{phase} at {wave}" for phase, wave in phases.items()) if len(phases) > 1 else ""),
        ("waits for", ", ".join(_target(edge) for edge in hard)),
        ("uses", ", ".join(_target(edge) for edge in soft)),
        ("needed by", ", ".join(waiting)),
        (
            "Secrets",
            ", ".join(f"{key} ({', '.join(sorted(secret.keys))})" for key, secret in sorted(contract.secrets.items())),
        ),
        ("reads", ", ".join(f"{secret} of {edge.provider}" for edge in requirements for secret in edge.secrets)),
        ("databases", ", ".join(f"{owned.name} of {owned.owner}" for owned in built.databases(name))),
    ]
    return [f"    [dim]{title:<10}[/] {escape(words)}" for title, words in facts if words]


def _target(edge: Edge) -> str:
    return f"{edge.provider}:{edge.number} ({edge.port})"

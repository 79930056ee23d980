"""`indigo images`: the list of container images, and bringing them to a registry of one's own."""

from __future__ import annotations

import json
import shlex

import click
from rich.markup import escape

from harness import images as mirroring
from harness.console import err, out, step
from harness.generate.text import to_yaml
from harness.model.environment import load_environment, read_values
from harness.model.graph import Graph
from harness.model.images import Listed, catalogue, load_shared
from harness.model.load import load_contracts
from harness.model.placement import place
from harness.paths import repository

_environment = click.option(
    "--environment", "-e", help="Only what this environment runs, as its values say; else all images of all contracts."
)


@click.group()
def images() -> None:
    """List every container image, and point an environment at a registry of your own.

    \b
    Examples:
      indigo images list                                     name, tag, digest, licence, who uses it
      indigo images mirror --registry registry.example.org   the commands that copy all of them, and the value to set
    """


@images.command("list")
@_environment
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(environment: str | None, as_json: bool) -> None:
    """Show the images with licence, source and users; digests are `unknown` where nobody asked a registry."""
    listed = _listed(environment)
    if as_json:
        click.echo(json.dumps([image.to_json() for image in listed], indent=2))
        return
    names = [f"{image.reference.full}:{image.reference.tag}" for image in listed]
    width = max(map(len, names), default=0)
    for name, image in zip(names, listed, strict=True):
        digest = image.reference.digest[:19] or "digest unknown"
        users = ", ".join(image.used_by) if len(image.used_by) < 4 else f"{len(image.used_by)} components"
        out.print(f"{escape(name):<{width}}  {digest:<19}  [cyan]{escape(users)}[/]  [dim]{escape(image.licence)}[/]")
    pinned = sum(1 for image in listed if image.reference.digest)
    out.print(f"{len(listed)} images, {pinned} pinned by digest")


@images.command()
@_environment
@click.option("--registry", required=True, metavar="HOST[:PORT][/PATH]", help="Where the images are brought to.")
@click.option(
    "--tool", type=click.Choice(sorted(mirroring.TOOLS)), default="skopeo", show_default=True, help="What copies."
)
@click.option("--execute", is_flag=True, help="Copy now, with the tool on PATH; else only print the commands.")
def mirror(environment: str | None, registry: str, tool: str, execute: bool) -> None:
    """Print the commands that copy the images to REGISTRY and the values that make an environment use it.

    Credentials are those of the tool (`skopeo login`, `crane auth login`); none is read, asked for or printed here.
    With --execute the digests found in the registry are part of the values, which pins every image of a component.

    \b
    Examples:
      indigo images mirror --registry registry.example.org/indigo > mirror.sh
      indigo images mirror --registry registry.example.org/indigo -e prod --tool crane --execute
    """
    copies = mirroring.plan(_listed(environment), registry)
    program = mirroring.TOOLS[tool]
    if not execute:
        for copy in copies:
            click.echo(shlex.join(copy.command(program)))
        _values(mirroring.values(registry), environment, comment="# ")
        return
    copied = []
    todo = mirroring.carry_out(copies, program)
    for copy in copies:
        with step(f"{copy.source} to {copy.target}"):
            copied.append(next(todo))
    _values(mirroring.values(registry, copied), environment)


def _values(values: dict[str, object], environment: str | None, comment: str = "") -> None:
    err.print(f"then write into argocd/environments/{environment or '<environment>'}/values.yaml:", markup=False)
    for line in to_yaml(values):
        click.echo(comment + line)


def _listed(environment: str | None) -> list[Listed]:
    root = repository()
    graph = Graph.build(load_contracts(root / "charts"))
    shared = load_shared(root)
    if environment is None:
        return catalogue(graph, shared)
    values = read_values(root, load_environment(root, environment))
    placed = place(graph.contracts, values)
    return catalogue(placed.graph, shared, values, placed.modes)

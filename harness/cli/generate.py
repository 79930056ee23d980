"""`indigo generate`: write the files that are derived from the contracts, or say which are not as they must be."""

from __future__ import annotations

import difflib
import sys

import click
from rich.markup import escape

from harness.console import out
from harness.generate import Output, write
from harness.generate import generate as derive
from harness.paths import repository

DIFF_LINES = 12


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; list stale files with a short diff and exit 1.")
@click.argument("components", nargs=-1, metavar="[COMPONENT]...")
def generate(check: bool, components: tuple[str, ...]) -> None:
    """Write the files that are derived from charts/*/contract.yaml.

    Values, schemas and README of every chart, the index for templates, the umbrella's schema, schemas/ and
    docs/reference/. With COMPONENT, only the files in the folders of these charts. A file that is right is not touched.

    \b
    Examples:
      indigo generate                  after a contract changed
      indigo generate iam              only charts/iam
      indigo generate --check          in CI: exit 1 where something was forgotten
    """
    root = repository()
    outputs = derive(root, components)
    if not check:
        written = write(root, outputs)
        for output in written:
            out.print(f"wrote {escape(str(output.path))}")
        out.print(f"{len(written)} of {len(outputs)} files written")
        return
    stale = [output for output in outputs if output.stale]
    for output in stale:
        out.print(f"[bold]{escape(str(output.path))}[/] {'is missing' if output.found is None else 'is stale'}")
        for line in short_diff(output):
            out.print(f"  {escape(line)}", style="dim")
    if stale:
        out.print(f"{len(stale)} of {len(outputs)} files are stale; run: indigo generate")
        sys.exit(1)
    out.print(f"{len(outputs)} files are fresh")


def short_diff(output: Output) -> list[str]:
    """Return the first lines of the difference between a file and what it must hold; none for a missing file."""
    if output.found is None:
        return []
    lines = [
        line
        for line in difflib.unified_diff(output.found.splitlines(), output.wanted.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++"))
    ]
    more = len(lines) - DIFF_LINES
    return [*lines[:DIFF_LINES], f"... {more} more lines"] if more > 0 else lines

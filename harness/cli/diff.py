"""`indigo diff`: what a change does to every environment, before anything is deployed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType

import click
from rich.text import Text

from harness.console import err, out
from harness.diff import Difference, Level, difference
from harness.diff.markdown import MOST, to_markdown
from harness.diff.text import to_text
from harness.paths import repository

_FAILS: dict[str, set[Level]] = {
    "never": set(),
    "danger": {Level.DANGER},
    "attention": {Level.DANGER, Level.ATTENTION},
    "any": set(Level),
}


@click.command()
@click.argument("revisions", required=False, metavar="[BASE | BASE..TARGET]")
@click.option("--environment", "-e", "environments", multiple=True, help="Only this environment (repeatable).")
@click.option(
    "--profiles",
    is_flag=True,
    help="Every profile too (full, ha, legacy), with the example of a site. `make diff` does.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "json"]),
    default="terminal",
    show_default=True,
    help="How to show it: for people, for a pull request, for programs (schemas/diff.schema.json).",
)
@click.option("--all", "everything", is_flag=True, help="On the terminal: every field, every line of a file, in full.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file instead.")
@click.option("--max-characters", default=MOST, show_default=True, help="Of the Markdown; GitHub takes 65536.")
@click.option(
    "--fail-on",
    type=click.Choice(list(_FAILS)),
    default="never",
    show_default=True,
    help="Exit status 1 where a change is that bad.",
)
def diff(
    revisions: str | None,
    environments: tuple[str, ...],
    profiles: bool,
    form: str,
    everything: bool,
    output: Path | None,
    max_characters: int,
    fail_on: str,
) -> None:
    """Say what a change does to every environment: what differs, and what that means for what runs.

    Both revisions are rendered as Argo CD would, each with its own charts (a pinned environment with those of its
    commit), and compared object by object. Left out is what makes no difference: order, 500m and 0.5, defaults of the
    API server, checksums and version labels that follow from something else. A change that several environments share
    is said once. Nothing is deployed, and no cluster is asked: drift is not seen here.

    \b
    BASE is a commit, branch or tag; without one it is where your branch left main (on main: HEAD). It is compared with
    the working tree, uncommitted and untracked files included; BASE..TARGET compares two commits, BASE...TARGET what
    TARGET changed since it left BASE.

    \b
    Examples:
      indigo diff                                 what your branch and your uncommitted edits would do
      indigo diff v1.2.0 -e prod                  what an upgrade from a release does to prod
      indigo diff --profiles                      components that no environment here switches on, too
      indigo diff main..HEAD --format markdown    for the pull request
      indigo diff HEAD~1..HEAD --format json | jq '.changes[] | select(.level == "danger")'
      indigo diff --fail-on danger                for CI: status 1 if the sync would fail or data is at stake

    \b
    How bad a change is:
      danger     the sync fails (a field that cannot be changed in place), or data is lost
      attention  something is away for a while, pruned, needed first (a Secret), opened to the outside
      info       the rest: it happens by itself

    Exit status 0 (also where much changes), 1 where --fail-on says so, 2 where a revision is not there or cannot be
    rendered, 130 interrupted.
    """
    signal.signal(signal.SIGTERM, _stop)
    found = difference(repository(), revisions, environments, profiles=profiles)
    text = _written(found, form, max_characters)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        lines = [Text.from_markup(line).plain for line in to_text(found, everything)]
        output.write_text(text or "\n".join(lines) + "\n", encoding="utf-8")
        err.print(f"written: {output}")
    elif text is not None:
        click.echo(text, nl=False)
    else:
        for line in to_text(found, everything):
            out.print(line)
        err.print(f"[dim]{found.seconds:.1f} s[/]")
    if _FAILS[fail_on] & {change.level for change in found.changes}:
        sys.exit(1)


def _written(found: Difference, form: str, most: int) -> str | None:
    if form == "json":
        return found.model_dump_json(indent=2) + "\n"
    return to_markdown(found, most) if form == "markdown" else None


def _stop(number: int, frame: FrameType | None) -> None:
    """End as after Ctrl-C, so that the folder with the files of the base goes, too."""
    raise KeyboardInterrupt

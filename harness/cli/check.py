"""`indigo check`: render every environment, hold every rule against it, and say what is wrong and where."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.markup import escape

from harness.checks import Report, rules, subject
from harness.checks import check as hold
from harness.checks.output import FORMATS
from harness.checks.output.terminal import lines
from harness.checks.places import failure
from harness.checks.report import failed
from harness.checks.watching import watch
from harness.cli.explain import rule_table
from harness.console import err, out
from harness.errors import UserError
from harness.paths import repository


def _targets(_: click.Context, __: click.Parameter, values: Sequence[str]) -> list[tuple[str, Path]]:
    """Return format and file of each `--output`."""
    found = []
    for value in values:
        kind, equals, file = value.partition("=")
        if kind not in FORMATS or not equals or not file:
            raise click.BadParameter(f"{value}: write FORMAT=FILE, FORMAT one of {', '.join(FORMATS)}")
        found.append((kind, Path(file)))
    return found


@click.command()
@click.option("--environment", "-e", "environments", multiple=True, help="Only this environment (repeatable).")
@click.option("--rule", "-r", "only", multiple=True, help="Only this rule (repeatable).")
@click.option("--profiles", is_flag=True, help="Every profile too, with the example of a site (argocd/examples).")
@click.option(
    "--format", "shown", type=click.Choice(list(FORMATS)), default="terminal", show_default=True, help="How to show it."
)
@click.option(
    "--output",
    "-o",
    "targets",
    multiple=True,
    callback=_targets,
    metavar="FORMAT=FILE",
    help="Write it to a file too (repeatable).",
)
@click.option("--watch", "watching", is_flag=True, help="Check again after every change, until Ctrl-C.")
@click.option("--list", "listing", is_flag=True, help="Print the rules and stop.")
@click.option("--times", is_flag=True, help="Print how long each rule took.")
def check(
    environments: tuple[str, ...],
    only: tuple[str, ...],
    profiles: bool,
    shown: str,
    targets: list[tuple[str, Path]],
    watching: bool,
    listing: bool,
    times: bool,
) -> None:
    """Render every environment and check it; nothing is deployed.

    \b
    Examples:
      indigo check                               everything, in seconds
      indigo check -e prod                       one environment
      indigo check --rule graph-policies         one rule
      indigo check --profiles                    the profiles full, ha and legacy too, as CI does
      indigo check --format json | jq .findings  for a program (schemas/check.schema.json)
      indigo check --watch                       while you write: what changed, at once (with the profiles)
      indigo check -o sarif=check.sarif -o junit=check.xml -o markdown=check.md
                                                 for CI: files beside what the terminal shows
      indigo explain graph-policies              what a rule is for

    Exit status 0 without errors (warnings are shown), 1 with some, 2 where something cannot be read or rendered at all
    (the files are written all the same, with that as the one finding of the rule `render`), 130 interrupted.
    """
    if listing:
        _list(shown)
        return
    if watching:
        if shown != "terminal" or targets:
            raise UserError("--watch shows what it finds on the terminal", fix="leave --format and --output out")
        watch(repository(), environments, only, _print)
    try:
        report = run(environments, only, profiles=profiles)
    except UserError as error:
        _write(failed(failure(error)), shown if shown != "terminal" else "", targets)
        raise
    _write(report, shown, targets)
    if times:
        for name, took in sorted(
            {"(render)": report.render_seconds, **report.seconds}.items(), key=lambda one: -one[1]
        ):
            err.print(f"{took * 1000:7.1f} ms  {escape(name)}")
    sys.exit(0 if report.ok else 1)


def _print(line: str) -> None:
    out.print(line)
    out.file.flush()


def run(environments: Sequence[str] = (), only: Sequence[str] = (), *, profiles: bool = False) -> Report:
    """Return what the rules find in environments (default: all), and in the profiles where that is wished.

    Raises:
        UserError: something cannot be read or rendered, or there is no such environment or rule.
    """
    start = time.perf_counter()
    looked_at = subject(environments or None, profiles=profiles)
    rendered = time.perf_counter() - start
    return dataclasses.replace(hold(looked_at, only), render_seconds=rendered)


def _write(report: Report, shown: str, targets: Sequence[tuple[str, Path]]) -> None:
    """Write the report to files, and show it in a format (empty: not at all)."""
    for kind, path in targets:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FORMATS[kind](report), encoding="utf-8")
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}", where="--output") from None
    if shown == "terminal":
        for line in lines(report):
            out.print(line)
    elif shown:
        click.echo(FORMATS[shown](report), nl=False)


def _list(shown: str) -> None:
    known = rules().values()
    if shown == "json":
        fields = ("id", "title", "why", "fix", "source", "severity")
        click.echo(json.dumps([{name: str(getattr(rule, name)) for name in fields} for rule in known], indent=2))
        return
    out.print(rule_table(known))

"""`indigo check`: render every environment, hold every rule against it, and say what is wrong and where."""

from __future__ import annotations

import itertools
import json
import sys
import time

import click
from rich.markup import escape
from rich.table import Table

from harness.checks import Finding, Report, Severity, rules, subject
from harness.checks import check as hold
from harness.console import err, out


@click.command()
@click.option("--environment", "-e", "environments", multiple=True, help="Only this environment (repeatable).")
@click.option("--rule", "-r", "only", multiple=True, help="Only this rule (repeatable).")
@click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to show it."
)
@click.option("--list", "listing", is_flag=True, help="Print the rules and stop.")
@click.option("--times", is_flag=True, help="Print how long each rule took.")
def check(environments: tuple[str, ...], only: tuple[str, ...], output: str, listing: bool, times: bool) -> None:
    """Render every environment and check it; nothing is deployed.

    \b
    Examples:
      indigo check                               everything, in seconds
      indigo check -e prod                       one environment
      indigo check --rule graph-policies         one rule
      indigo check --output json | jq .findings  for a program
      indigo check --list                        what is checked, and why

    Exit status 0 without findings, 1 with some, 2 where something cannot be rendered at all.
    """
    if listing:
        _list(output)
        return
    start = time.monotonic()
    looked_at = subject(environments or None)
    rendered = time.monotonic() - start
    report = hold(looked_at, only)
    if output == "json":
        data = {
            "environments": list(looked_at.platforms),
            "rules": list(report.seconds),
            "seconds": {"render": round(rendered, 3)} | {name: round(took, 3) for name, took in report.seconds.items()},
            "findings": [finding.to_json() for finding in report.findings],
        }
        click.echo(json.dumps(data, indent=2))
    else:
        _show(report)
        objects = sum(len(platform.objects) for platform in looked_at.platforms.values())
        names = ", ".join(looked_at.platforms) or "none"
        out.print(
            f"{_count(len(report.findings), 'finding')}; {len(report.seconds)} rules, {objects} objects, environments: "
            f"{escape(names)}; {time.monotonic() - start:.1f} s"
        )
    if times:
        for name, took in sorted({"(render)": rendered, **report.seconds}.items(), key=lambda item: -item[1]):
            err.print(f"{took * 1000:7.1f} ms  {escape(name)}")
    sys.exit(0 if report.ok else 1)


def _show(report: Report) -> None:
    for environment, in_environment in itertools.groupby(report.findings, lambda finding: finding.environment):
        out.print(f"[bold]{escape(environment or 'the checkout')}[/]")
        for component, findings in itertools.groupby(in_environment, lambda finding: finding.component):
            out.print(f"  [bold cyan]{escape(component or 'as a whole')}[/]")
            for finding in findings:
                _show_one(finding)


def _show_one(finding: Finding) -> None:
    colour = "red" if finding.severity is Severity.ERROR else "yellow"
    place = " ".join(part for part in (finding.object, finding.path) if part)
    out.print(f"    [{colour}]{finding.rule}[/] {escape(place)}")
    out.print(f"      {escape(finding.message)}")
    out.print(f"      [dim]fix:[/] {escape(finding.fix)}")


def _list(output: str) -> None:
    known = rules().values()
    if output == "json":
        fields = ("id", "title", "fix", "source")
        click.echo(json.dumps([{name: getattr(rule, name) for name in fields} for rule in known], indent=2))
        return
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
    table.add_column("rule", no_wrap=True)
    table.add_column("what holds")
    for rule in known:
        table.add_row(rule.id, escape(rule.title))
    out.print(table)


def _count(number: int, word: str) -> str:
    return f"no {word}" if number == 0 else f"{number} {word}{'' if number == 1 else 's'}"

"""`indigo explain`: what a rule of `indigo check` is for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import click
from rich.markup import escape
from rich.table import Table

from harness.checks import Rule, rules
from harness.checks.explain import facts
from harness.checks.report import RENDER
from harness.console import out
from harness.errors import UserError


@click.command()
@click.argument("rule", required=False)
def explain(rule: str | None) -> None:
    """Say what RULE holds, why, what it refuses and how to mend it; without RULE, list all rules.

    \b
    Examples:
      indigo explain                   the rules, a line each
      indigo explain graph-policies    one of them
      indigo check --rule names        hold one of them against the checkout
    """
    known = {RENDER.id: RENDER, **rules()}
    if rule is None:
        out.print(rule_table(known.values()))
        return
    if rule not in known:
        near = difflib.get_close_matches(rule, known, n=3)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise UserError(f"no rule {rule}", fix=f"{meant}indigo explain lists all of them")
    out.print(f"[bold]{rule}[/]")
    for name, words in facts(known[rule]).items():
        out.print(f"  [dim]{name:<9}[/] {escape(words.replace('`', ''))}")


def rule_table(known: Iterable[Rule]) -> Table:
    """Return rules as a table for a terminal."""
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
    table.add_column("rule", no_wrap=True)
    table.add_column("what holds")
    for rule in known:
        table.add_row(rule.id, escape(rule.title))
    return table

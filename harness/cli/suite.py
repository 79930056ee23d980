"""`indigo e2e` and `indigo test`: pytest with the report, so that every run ends in the same summary."""

from __future__ import annotations

import sys

import click

from harness.paths import repository

TIERS = ("unit", "static", "gitops")


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--engine", type=click.Choice(["embedded"]), default="embedded", show_default=True, help="Runs on this.")
@click.option("--keep", is_flag=True, help="Leave the engine running at the end; `indigo status` finds it.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def e2e(engine: str, keep: bool, pytest_args: tuple[str, ...]) -> None:
    """Deploy the working tree through a real Argo CD and assert that it behaves.

    The working tree, uncommitted files included, becomes a Git repository made for the run; Argo CD on a real
    Kubernetes control plane follows it. Nodes and pods are simulated, the rest is real. No Docker, no root.

    \b
    Examples:
      indigo e2e                       the whole story
      indigo e2e -k drift              only what heals
      indigo e2e --keep -x             stop at the first failure and look around

    Exit status 0 when every assertion holds, 1 otherwise. The report is reports/e2e/report.html.
    """
    from harness import suite
    from harness.report.plugin import command

    del engine  # one engine for now; the option is the interface that Makefile and CI use
    extra = ("--indigo-keep",) if keep else ()
    sys.exit(suite.run(suite.Selection((), (suite.STORY,), (*extra, *pytest_args)), "e2e", command()))


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--tier", "tiers", type=click.Choice(TIERS), multiple=True, help="Only this tier (repeatable). Default: all."
)
@click.option("--no-style", is_flag=True, help="Leave out style and types (ruff, mypy).")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def test(tiers: tuple[str, ...], no_style: bool, pytest_args: tuple[str, ...]) -> None:
    """Run all tests that need no container engine: style and types, unit, static, and the embedded tier.

    \b
    Examples:
      indigo test                      everything
      indigo test --tier static        seconds; needs Helm only
      indigo test --tier unit -k graph
      indigo test tests/static/test_iam.py -x

    Tests without an engine run in as many processes as there are cores (pytest's -n says otherwise), beside those of
    the embedded tier; ruff and mypy run beside them too, unless only some tests are asked for.
    Exit status 0 when all pass, 1 otherwise. The report is reports/test/report.html.
    """
    from harness import suite
    from harness.report.plugin import command

    selection = suite.select(tiers, pytest_args, repository())
    name = "-".join(("test", *tiers))
    sys.exit(suite.run(selection, name, command(), style=selection.whole and not no_style))

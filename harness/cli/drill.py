"""`indigo drill`: faults on purpose, on the engine that is kept, measured against what was said beforehand."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from harness.console import err, out
from harness.errors import UserError
from harness.paths import reports_dir, repository

if TYPE_CHECKING:
    from harness.drills.model import Result


OURS = ("embedded", "kind")
"""Kinds of engines that are made for one person and end with them."""


@click.group()
def drill() -> None:
    """Break something on purpose and see whether what was said of it is true.

    A drill has a hypothesis, an injection, and a budget for the recovery, which for a component is in its contract
    (availability.budget). On kind every component is sent requests, seven a second; where pods are simulated, their
    readiness is asked for. Each drill begins with a platform that is well, and leaves it well.

    \b
    Examples:
      indigo up && indigo deploy && indigo drill run kill-pod
      indigo drill list
      indigo drill run                                 all that the engine can do
      indigo drill run kill-store --component mariadb
    """


@drill.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(as_json: bool) -> None:
    """List the drills: what each one holds, and what it needs of an engine."""
    from harness.drills import catalogue

    drills = catalogue().values()
    if as_json:
        rows = [{"id": one.id, "hypothesis": one.hypothesis, "needs": sorted(one.needs)} for one in drills]
        click.echo(json.dumps(rows, indent=2))
        return
    for one in drills:
        needs = f" [dim](needs an engine with {', '.join(sorted(one.needs))})[/]" if one.needs else ""
        out.print(f"[bold]{one.id}[/]{needs}\n  {escape(one.hypothesis.format(component='a component'))}")


@drill.command("run")
@click.argument("drills", nargs=-1, metavar="[DRILL]...")
@click.option("--component", "components", multiple=True, help="Only this target (repeatable).")
@click.option("--environment", default="dev", show_default=True, help="A folder of argocd/environments.")
@click.option("--name", default="default", show_default=True, help="Name of the engine (indigo status).")
@click.option("--json", "as_json", is_flag=True, help="Print the results for programs; schemas/drills.schema.json.")
def run(drills: tuple[str, ...], components: tuple[str, ...], environment: str, name: str, as_json: bool) -> None:
    """Run drills on the engine that `indigo up` keeps; the working tree is deployed to it first.

    \b
    Examples:
      indigo drill run kill-pod kill-store
      indigo drill run bad-image-tag --component iam --json

    Exit status 0 when every hypothesis held, 1 when one was refuted, 2 for wrong input. The results are
    reports/drills/drills.json and reports/drills/report.html.
    """
    from harness.argo.pacer import Pacer
    from harness.argo.source import WorkingTreeSource
    from harness.drills.run import chosen
    from harness.drills.session import Session
    from harness.drills.watch import asking
    from harness.e2e.deploy import deploy
    from harness.e2e.platform import NotConverged, Platform
    from harness.engines import choice
    from harness.engines.base import Ability
    from harness.report.ending import conclude
    from harness.report.model import Engine, Tier
    from harness.report.recorder import Recorder

    engine = choice.attach(name)
    if engine.kind not in OURS:
        raise UserError(
            f"the engine {name} is of the kind {engine.kind}: drills break things, and that cluster may be somebody's",
            fix="indigo up --name drills --engine kind, and name that one",
        )
    directory = reports_dir() / "drills"
    tier = Tier.KIND if Ability.REAL_PODS in engine.abilities else Tier.GITOPS
    recorder = Recorder(
        directory, command="indigo drill run", root=repository(), engine=Engine(name=engine.kind, tier=tier)
    )
    if Ability.SIMULATED_PODS in engine.abilities:
        recorder.simulated(
            "Nodes and pods are simulated by kwok: recovery is that of the controllers, not of software."
        )
    session: Session | None = None
    status, complete = 0, False
    try:
        with recorder.phase("deploy"):
            deploy(engine, environment, recorder)
        platform = Platform(engine, WorkingTreeSource(engine.source_dir, repository()), recorder, environment)
        with Pacer(engine.cluster()), asking(platform) as askers:
            session = Session(platform, directory, askers)
            for one, target in chosen(platform, drills, components):
                for line in text(session.run(one, target)):
                    err.print(line)
        status, complete = int(bool(session.refuted)), True
    except NotConverged as error:
        err.print(escape(str(error)))
        status = 1
    finally:
        _, lines = conclude(recorder, status, complete=complete, root=repository())
    if as_json and session:
        click.echo(session.data().model_dump_json(indent=2))
    else:
        out.print(escape("\n".join(lines)))
    sys.exit(status)


def text(result: Result) -> Iterator[str]:
    """Yield a result as lines with rich's markup."""
    from harness.drills.session import figures

    sign = "[green]✓ held[/]" if result.verdict.value == "held" else "[bold red]✕ refuted[/]"
    yield f"{sign} [bold]{result.drill}[/] {escape(result.component)}"
    for line in (*result.reasons, *figures(result), *result.notes):
        yield f"    [dim]{escape(line)}[/]"

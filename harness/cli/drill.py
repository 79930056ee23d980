"""`indigo drill`: faults on purpose, on the engine that is kept, measured against what was said beforehand."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from harness.console import err, out
from harness.paths import reports_dir, repository

if TYPE_CHECKING:
    from harness.drills.model import Result
    from harness.report.model import Assertion, Tier


@click.group()
def drill() -> None:
    """Break something on purpose and see whether what was said of it is true.

    A drill has a hypothesis, an injection, and a budget for the recovery, which for a component is in its contract
    (availability.budget). Which component answers is asked ten times a second. Each drill begins with a platform that
    is well, and leaves it well.

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
    from harness.drills.model import Drills, Verdict
    from harness.drills.run import chosen
    from harness.drills.run import run as run_one
    from harness.e2e.deploy import deploy
    from harness.e2e.platform import NotConverged, Platform
    from harness.engines import choice
    from harness.engines.base import Ability
    from harness.report.ending import conclude
    from harness.report.model import Engine, Tier
    from harness.report.recorder import Recorder

    engine = choice.attach(name)
    directory = reports_dir() / "drills"
    tier = Tier.KIND if Ability.REAL_PODS in engine.abilities else Tier.GITOPS
    recorder = Recorder(
        directory, command="indigo drill run", root=repository(), engine=Engine(name=engine.kind, tier=tier)
    )
    if Ability.SIMULATED_PODS in engine.abilities:
        recorder.simulated(
            "Nodes and pods are simulated by kwok: recovery is that of the controllers, not of software."
        )
    results: list[Result] = []
    status, complete = 0, False
    try:
        with recorder.phase("deploy"):
            deploy(engine, environment, recorder)
        with Pacer(engine.cluster()):
            platform = Platform(engine, WorkingTreeSource(engine.source_dir, repository()), recorder, environment)
            for one, target in chosen(platform, drills, components):
                begun = time.monotonic()
                with recorder.phase(f"{one.id} {target}".strip()):
                    result = run_one(platform, one, target)
                results.append(result)
                recorder.assertion(_assertion(result, tier, time.monotonic() - begun))
                for line in text(result):
                    err.print(line)
        status, complete = int(any(result.verdict is Verdict.REFUTED for result in results)), True
    except NotConverged as error:
        err.print(escape(str(error)))
        status = 1
    finally:
        found = Drills(engine=engine.kind, environment=environment, revision=recorder.snapshot().revision.commit or "",
                       results=tuple(results))  # fmt: skip
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "drills.json").write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _, lines = conclude(recorder, status, complete=complete, root=repository())
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        out.print(escape("\n".join(lines)))
    sys.exit(status)


def _assertion(result: Result, tier: Tier, seconds: float) -> Assertion:
    from harness.drills.model import Verdict
    from harness.report.model import Assertion, Outcome

    held = result.verdict is Verdict.HELD
    return Assertion(
        id=f"drill {result.drill} {result.component}".strip(),
        sentence=result.hypothesis,
        tier=tier,
        outcome=Outcome.PASSED if held else Outcome.FAILED,
        seconds=seconds,
        message="; ".join(result.reasons),
        refutes="; ".join(_figures(result)),
    )


def _figures(result: Result) -> Iterator[str]:
    took = "never" if result.recovery is None else f"after {result.recovery:.1f} s"
    yield f"mended {took}, budget {result.budget:g} s"
    for one in result.away:
        yield f"{one.component} away for {one.longest:.1f} s{'' if one.allowed else ', and should not have been'}"
    yield f"{result.samples} questions, {result.rate:g} a second, about the {result.probed}"


def text(result: Result) -> Iterator[str]:
    """Yield a result as lines with rich's markup."""
    sign = "[green]✓ held[/]" if result.verdict.value == "held" else "[bold red]✕ refuted[/]"
    yield f"{sign} [bold]{result.drill}[/] {escape(result.component)}"
    for line in (*result.reasons, *_figures(result), *result.notes):
        yield f"    [dim]{escape(line)}[/]"

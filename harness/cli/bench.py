"""`indigo bench`: measure against the budgets and the bare tools."""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Callable, Iterator

import click
from rich.table import Table

from harness.bench.model import Measure
from harness.console import err, out
from harness.errors import UserError
from harness.paths import reports_dir


@click.command()
@click.option("--runs", default=5, show_default=True, help="Runs of the static side; medians count.")
@click.option("--engine-runs", default=3, show_default=True, help="Runs of the engine side; 0 leaves it out.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON too.")
@click.option("--scale", metavar="N,N,...", help="Instead: what so many environments cost to check and to sync.")
@click.option(
    "--seconds", type=click.FloatRange(min=1), help="With --scale: end the syncs then, and say how far they came."
)
@click.option("--only", metavar="NAME,...", help="With --scale: sync environments of these components alone.")
def bench(
    runs: int, engine_runs: int, as_json: bool, scale: str | None, seconds: float | None, only: str | None
) -> None:
    """Measure the phases against their budgets and against the bare tools on the same input.

    Budgets in seconds belong to a machine of 2 cores with nothing else to do; ratios hold anywhere. Where another
    process is busy when it begins, it says so. The result is reports/bench/bench.json.

    \b
    Examples:
      indigo bench                    everything, a few minutes
      indigo bench --engine-runs 0    the static side alone, seconds
      indigo bench --scale 1,10,50    reports/bench/scale.json; docs/explanation/costs.md has such figures
      indigo bench --scale 1,10,50 --seconds 540    the same, and the syncs end after nine minutes, wherever they are
      indigo bench --scale 50 --only valkey         50 environments of one component

    Exit status 1 when a budget is exceeded.
    """
    from harness.bench import engine, passing, static
    from harness.bench.load import load
    from harness.report.machine import machine

    begun = load()
    if begun.warning:
        err.print(f"[yellow]warning:[/] {begun.warning}")
    if scale is not None:
        _scale(scale, seconds or math.inf, _components(only), engine=engine_runs > 0)
        return
    found = [*_shown(static.measures, runs), *_shown(passing.measures, runs)]
    if engine_runs:
        found += _shown(engine.measures, engine_runs)
    out.print(_table(found))
    result = {
        "machine": machine().model_dump(),
        "load": begun.to_json(),
        "measures": [measure.to_json() for measure in found],
    }
    path = reports_dir() / "bench" / "bench.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    if as_json:
        click.echo(json.dumps(result, indent=2))
    over = [sentence for measure in found for sentence in measure.over]
    for sentence in over:
        err.print(f"[bold red]over budget:[/] {sentence}")
    sys.exit(1 if over else 0)


def _scale(counts: str, seconds: float, only: list[str], *, engine: bool) -> None:
    """Measure what environments cost and write reports/bench/scale.json."""
    from harness.bench import scale
    from harness.report.machine import machine

    try:
        wanted = sorted({int(count) for count in counts.split(",")})
    except ValueError:
        wanted = []
    if not wanted or wanted[0] < 1:
        raise UserError(f"{counts!r} are no numbers of environments", where="--scale", fix="write 1,10,50")
    found = []
    for cost in itertools.chain(scale.check(wanted), scale.sync(wanted, seconds, only) if engine else ()):
        err.print(
            f"{cost.environments:4} {cost.what}: {cost.seconds:.1f} s, {cost.cpu_seconds:.1f} s of processor time"
            + (f", {cost.mebibytes:.0f} MiB" if cost.mebibytes else "")
        )
        found.append(cost.to_json())
    path = reports_dir() / "bench" / "scale.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine().model_dump(), "costs": found}, indent=2) + "\n")
    out.print(f"written: {path.relative_to(reports_dir().parent)}")


def _components(names: str | None) -> list[str]:
    """Return the names of an option.

    Raises:
        UserError: there is no such component.
    """
    from harness.model.load import load_contracts
    from harness.paths import repository

    wanted = names.split(",") if names else []
    known = load_contracts(repository() / "charts")
    for name in wanted:
        if name not in known:
            raise UserError(f"no component {name!r}", where="--only", fix=f"write one of {', '.join(sorted(known))}")
    return wanted


def _shown(measures: Callable[[int], Iterator[Measure]], runs: int) -> Iterator[Measure]:
    for measure in measures(runs):
        notes = f" ({'; '.join(measure.notes)})" if measure.notes else ""
        err.print(f"[dim]{measure.name}: {measure.median:.2f} s{notes}[/]")
        yield measure


def _table(found: list[Measure]) -> Table:
    table = Table("what", "median", "min", "max", "budget", "bare tool", "ratio", "at most")
    for measure in found:
        ratio = f"{measure.ratio:.2f}" if measure.ratio is not None else ""
        table.add_row(
            measure.name,
            f"{measure.median:.2f} s",
            f"{min(measure.seconds):.2f}",
            f"{max(measure.seconds):.2f}",
            f"{measure.budget:g} s" if measure.budget else "",
            measure.bare_name,
            ratio,
            f"{measure.ratio_budget:g}" if measure.ratio_budget else "",
            style="red" if measure.over else "",
        )
    return table

"""The static side: one render against bare `helm template`, and the whole check."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from harness import toolchain
from harness.bench.model import Measure, in_turn, timed
from harness.paths import repository
from harness.process import run
from harness.render import cache, render_environment
from harness.render.helm import template


def measures(runs: int, environment: str = "dev") -> Iterator[Measure]:
    """Yield the measures of the static side."""
    helm = toolchain.tool("helm")
    name = f"indigo-{environment}"
    rendered = render_environment(environment)
    inputs, key = rendered.inputs[name], rendered.keys[name]

    def ours() -> None:
        cache.drop(key)
        template(inputs)

    seconds, bare = in_turn(runs, ours, lambda: run(helm, *inputs.arguments(), cwd=inputs.chart))
    yield Measure(
        f"render {environment}",
        tuple(seconds),
        budget=1.5,
        bare=tuple(bare),
        bare_name="helm template",
        ratio_budget=1.2,
        notes=("nothing cached; reading the objects included",),
    )
    yield _command("indigo check", "check", runs=runs, budget=10)
    yield _command("indigo --help", "--help", runs=runs, budget=0.5)


def _command(name: str, *arguments: str, runs: int, budget: float) -> Measure:
    def once() -> None:
        run(sys.executable, "-m", "harness", *arguments, cwd=repository())

    once()  # what is measured is the second run of a developer's day
    return Measure(name, tuple(timed(once) for _ in range(runs)), budget=budget, notes=("warm",))

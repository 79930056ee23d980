"""The static side: one render against bare `helm template`, and the whole check."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import toolchain
from harness.bench.model import Measure, in_turn, timed
from harness.model.trial import trial
from harness.paths import repository
from harness.process import run
from harness.render import Rendered, cache, render_environment
from harness.render.helm import template


def measures(runs: int, environment: str = "dev") -> Iterator[Measure]:
    """Yield the measures of the static side."""
    yield _render(render_environment(environment), runs)
    with everything() as (root, name):
        yield _render(render_environment(name, root), runs)
    yield _command("indigo check", "check", runs=runs, budget=10)
    yield _command("indigo --help", "--help", runs=runs, budget=0.5)


@contextmanager
def everything() -> Iterator[tuple[Path, str]]:
    """Yield a checkout with the environment in which the profile `full` is tried, and that one's name."""
    with tempfile.TemporaryDirectory(prefix="indigo-bench-") as folder:
        root = Path(folder)
        for name in ("argocd", "charts"):
            shutil.copytree(repository() / name, root / name, symlinks=True)
        tried = trial(repository(), "full")
        tried.write(root)
        yield root, tried.environment


def _render(rendered: Rendered, runs: int) -> Measure:
    helm = toolchain.tool("helm")
    (name,) = rendered.applications  # delivered as a whole: one render
    inputs, key = rendered.inputs[name], rendered.keys[name]

    def ours() -> None:
        cache.drop(key)
        template(inputs)

    seconds, bare = in_turn(runs, ours, lambda: run(helm, *inputs.arguments(), cwd=inputs.chart))
    return Measure(
        f"render {rendered.environment.name}",
        tuple(seconds),
        budget=1.5,
        bare=tuple(bare),
        bare_name="helm template",
        ratio_budget=1.2,
        notes=("nothing cached; reading the objects included",),
    )


def _command(name: str, *arguments: str, runs: int, budget: float) -> Measure:
    def once() -> None:
        run(sys.executable, "-m", "harness", *arguments, cwd=repository())

    once()  # what is measured is the second run of a developer's day
    return Measure(name, tuple(timed(once) for _ in range(runs)), budget=budget, notes=("warm",))

"""The static pass over every environment and profile, against the bare renders that it needs."""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import toolchain
from harness.bench.child import Used, used
from harness.bench.model import Measure, in_turn
from harness.bench.scale import copy_checkout
from harness.errors import UserError
from harness.process import run
from harness.render import REPO, argocd, render_all
from harness.render.helm import WORKERS, Inputs
from harness.render.trials import render_trials

ROUNDS = 3
LIBRARY = Path("charts") / "common" / "templates" / "_meta.tpl"


def measures(runs: int) -> Iterator[Measure]:
    """Yield what the pass takes, the first time (nothing of it in any cache) and again."""
    with tempfile.TemporaryDirectory(prefix="indigo-pass-") as folder:
        root = copy_checkout(Path(folder))
        found: list[Used] = []
        helm = toolchain.tool("helm")
        wanted = needed(root)

        def ours() -> None:
            renew(root)
            found.append(check(root))

        def bare() -> None:
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(lambda one: run(helm, *one.arguments(), cwd=one.chart, stdin=one.inline), wanted))

        seconds, alone = in_turn(min(runs, ROUNDS), ours, bare)
        yield Measure(
            "indigo check --profiles, nothing rendered yet",
            tuple(seconds),
            budget=30,
            bare=tuple(alone),
            bare_name=f"helm template, {len(wanted)} times",
            ratio_budget=3,
            notes=(_memory(found),),
        )
        again = [check(root) for _ in range(min(runs, ROUNDS))]
        yield Measure(
            "indigo check --profiles, again",
            tuple(one.seconds for one in again),
            budget=10,
            notes=("warm", _memory(again)),
        )


def needed(root: Path) -> list[Inputs]:
    """Return what Helm is given for every environment and profile, each once."""
    here = render_all(None, root, pinned=False)
    place, tried = render_trials(root)
    found = [
        [argocd.inputs(rendered.delivered_by, where, REPO), *rendered.inputs.values()]
        for where, group in ((root, here), (place, tried))
        for rendered in group.values()
    ]
    return list(dict.fromkeys(itertools.chain.from_iterable(found)))


def renew(root: Path) -> None:
    """Change the library so that everything is rendered anew, and the same comes out."""
    path = root / LIBRARY
    path.write_text(path.read_text(encoding="utf-8") + f"{{{{- /* {time.time_ns()} */ -}}}}\n", encoding="utf-8")


def check(root: Path) -> Used:
    """Run the pass in a process of its own.

    Raises:
        UserError: it finds something: a pass that ends early would be no measure.
    """
    argv = [sys.executable, "-m", "harness", "check", "--profiles"]
    done = used(argv, root, {"INDIGO_REPOSITORY": str(root)})
    if done.status != 0:
        raise UserError(
            f"indigo check --profiles ended with status {done.status}", fix="run it, and mend what it finds"
        )
    return done


def _memory(found: list[Used]) -> str:
    most = max(one.mebibytes for one in found)
    cpu = sorted(one.cpu_seconds for one in found)[len(found) // 2]
    return f"at most {most:.0f} MiB of memory in one process, {cpu:.1f} s of processor time"

"""Runs drills: each begins with a platform that is well, is measured from its injection, and leaves it well."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from harness.drills import catalogue
from harness.drills.model import Away, Drill, Recovered, Result, Scene, Verdict
from harness.drills.pods import all_answer
from harness.drills.probe import Probe, serving
from harness.e2e.platform import Platform, converged
from harness.engines.base import Ability
from harness.errors import UserError

CALM = 1.0  # seconds of questions before the injection, and after the recovery
LONGER = 2.0  # how many times its budget a drill is waited for


def chosen(platform: Platform, names: Sequence[str], components: Sequence[str] = ()) -> list[tuple[Drill, str]]:
    """Return the drills that are asked for, each with its target.

    Args:
        platform: what they are run on.
        names: ids; none: all that the engine can do.
        components: only these targets.

    Raises:
        UserError: there is no such drill or component, or the engine cannot do it.
    """
    known = catalogue()
    for name in names:
        if name not in known:
            raise UserError(f"no drill {name}", fix=f"write one of: {', '.join(known)}")
        missing = known[name].needs - platform.engine.abilities
        if missing:
            raise UserError(
                f"the engine {platform.engine.kind} cannot do {name}: it has no {', '.join(sorted(missing))}",
                fix="indigo up --engine kind --nodes 3",
            )
    for component in components:
        if component not in platform.components:
            raise UserError(f"{component} does not run here", fix=f"write one of: {', '.join(platform.components)}")
    drills = [known[name] for name in names] or [
        drill for drill in known.values() if drill.needs <= platform.engine.abilities
    ]
    found = [
        (drill, target)
        for drill in drills
        for target in drill.targets(platform)
        if not components or not target or target in components
    ]
    if not found:
        raise UserError("nothing is left to do", fix="indigo drill list shows which drill can be done to what")
    return found


def run(platform: Platform, drill: Drill, component: str) -> Result:
    """Run one drill on one target and return what came of it.

    Raises:
        UserError: the platform is not well before it.
        NotConverged: it is not well again after it; says what blocks.
    """
    with contextlib.ExitStack() as undo:
        scene = Scene(platform, component, undo)
        platform.wait(converged(platform.source.head), "Synced and Healthy before the drill", 60)
        platform.until(lambda: all_answer(scene), "every component has a pod that is ready before the drill", 60)
        budget, suffers = drill.budget(scene), drill.suffers(scene)
        with Probe(serving(platform.cluster, platform.namespace)) as probe:
            time.sleep(CALM)
            begun = probe.now
            mended = drill.inject(scene)
            recovery = _wait(mended, probe, begun, budget)
            time.sleep(CALM)
        undo.close()
    platform.wait(converged(platform.source.head), "Synced and Healthy after the drill", 180)
    platform.until(lambda: all_answer(scene), "every component has a pod that is ready after the drill", 180)
    away = tuple(
        Away(component=name, samples=count, longest=longest, allowed=name in suffers)
        for name, (count, longest) in probe.away(list(platform.components), begun).items()
    )
    reasons = tuple(_reasons(recovery, budget, away, probe.rate))
    return Result(
        drill=drill.id,
        component=component,
        hypothesis=drill.hypothesis.format(component=component),
        verdict=Verdict.REFUTED if reasons else Verdict.HELD,
        reasons=reasons,
        recovery=round(recovery, 2) if recovery is not None else None,
        budget=budget,
        samples=len(probe.samples),
        rate=round(probe.rate, 1),
        away=away,
        probed="readiness of pods, as the API server knows it"
        + (" (simulated by kwok)" if Ability.SIMULATED_PODS in platform.engine.abilities else ""),
        notes=tuple(scene.notes),
    )


def _limit(budget: float) -> float:
    """Return how many seconds a drill is waited for."""
    return max(budget * LONGER, 30.0)


def _wait(mended: Recovered, probe: Probe, begun: float, budget: float) -> float | None:
    while (passed := probe.now - begun) < _limit(budget):
        if mended():
            return passed
        time.sleep(0.1)
    return None


def _reasons(recovery: float | None, budget: float, away: Sequence[Away], rate: float) -> Iterator[str]:
    """Yield what speaks against the hypothesis."""
    if recovery is None:
        yield f"not mended within {_limit(budget):g} s"
    elif recovery > budget:
        yield f"mended after {recovery:.1f} s, budget {budget:g} s"
    for one in away:
        if not one.allowed:
            yield f"{one.component} was away for {one.longest:.1f} s and should not have been"
    if rate < 5:
        yield f"only {rate:.1f} questions a second were asked: nothing is known of what was in between"

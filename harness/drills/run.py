"""Runs drills: each begins with a platform that is well, is measured from its injection, and leaves it well."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Sequence

from harness.drills import catalogue
from harness.drills.askers import Askers
from harness.drills.model import Away, Drill, Measure, Recovered, Result, Scene, Verdict
from harness.drills.pods import all_answer
from harness.drills.watch import Watch
from harness.e2e.platform import Platform, converged
from harness.errors import UserError

CALM = 1.0  # seconds of questions before the injection, and after the recovery
LONGER = 2.0  # how many times its budget a drill is waited for
LEAST = 5.0  # questions a second
SLOW = 1.0  # seconds: requests that fail for less than that, on a busy machine, are told and are no outage
FIRST = 20.0  # seconds for the first answers


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


def run(platform: Platform, drill: Drill, component: str, askers: Askers | None = None) -> Result:
    """Run one drill on one target and return what came of it.

    Args:
        platform: is up.
        drill: of the catalogue.
        component: one of its targets.
        askers: who sends requests; without them readiness is the measure.

    Raises:
        UserError: the platform is not well before it.
        NotConverged: it is not well again after it; says what blocks.
    """
    with contextlib.ExitStack() as undo:
        scene = Scene(platform, component, undo)
        _well(scene, "before the drill", 60)
        drill.prepare(scene)
        _well(scene, "before the injection", 180)
        budget, suffers, noticed = drill.budget(scene), drill.suffers(scene), drill.noticed(scene)
        with Watch(platform, askers) as watch:
            _answers_at_first(watch)
            begun = time.monotonic()
            time.sleep(CALM)
            injected = time.monotonic()
            mended = drill.inject(scene)
            recovery = _wait(mended, watch, scene, injected, budget)
            time.sleep(CALM)
            ended = time.monotonic()
        undo.close()
    _well(scene, "after the drill", 180)
    away = tuple(watch.away(injected, suffers))
    rate = watch.rate(begun, ended)
    reasons = tuple(_reasons(recovery, budget, away, rate, _unnoticed(watch, noticed, away), watch.ends))
    return Result(
        drill=drill.id,
        component=component,
        hypothesis=drill.hypothesis.format(component=component),
        verdict=Verdict.REFUTED if reasons else Verdict.HELD,
        reasons=reasons,
        measure=watch.measure,
        recovery=round(recovery, 2) if recovery is not None else None,
        budget=budget,
        samples=round(rate * (ended - begun)),
        rate=round(rate, 1),
        failed=sum(one.samples for one in away if one.measure is Measure.REQUESTS),
        away=away,
        probed=watch.probed(),
        notes=tuple(scene.notes),
    )


def _well(scene: Scene, when: str, seconds: float) -> None:
    """Wait until everything is Synced and Healthy, and every component has a pod that is ready."""
    platform = scene.platform
    platform.wait(converged(platform.source.head), f"Synced and Healthy {when}", seconds)
    platform.until(lambda: all_answer(scene), f"every component has a pod that is ready {when}", seconds)


def _answers_at_first(watch: Watch) -> None:
    """Wait until every component answers whoever asks it: what was never heard cannot be missed.

    Raises:
        UserError: one does not, or nobody asks.
    """
    begun = time.monotonic()
    while silent := watch.silent(begun):
        if watch.ends:
            raise UserError(f"a pod that asks has ended: {watch.ends[0]}")
        if time.monotonic() - begun > FIRST:
            raise UserError(
                f"before the drill, {', '.join(silent)} answers no request within {FIRST:g} s",
                fix="indigo why, and docs/how-to/run-a-drill.md: who asks, and what",
            )
        time.sleep(0.1)


def _limit(budget: float) -> float:
    """Return how many seconds a drill is waited for."""
    return max(budget * LONGER, 30.0)


def _wait(mended: Recovered, watch: Watch, scene: Scene, injected: float, budget: float) -> float | None:
    """Return the seconds until it was mended, and every component had answered a request that was sent after that."""
    since: float | None = None
    while (now := time.monotonic()) - injected < _limit(budget):
        if not mended():
            since = None
        elif since is None:
            since = now
        if since is not None and not watch.silent(since, scene.waived):
            return time.monotonic() - injected
        time.sleep(0.1)
    return None


def _unnoticed(watch: Watch, noticed: set[str], away: Sequence[Away]) -> set[str]:
    """Return who should have been missed by requests, and was not."""
    asked = set(watch.requests.components) if watch.requests else set()
    return (noticed & asked) - {one.component for one in away}


def _reasons(
    recovery: float | None,
    budget: float,
    away: Sequence[Away],
    rate: float,
    unnoticed: Collection[str] = (),
    ends: Sequence[str] = (),
) -> Iterator[str]:
    """Yield what speaks against the hypothesis."""
    if recovery is None:
        yield f"not mended within {_limit(budget):g} s"
    elif recovery > budget:
        yield f"mended after {recovery:.1f} s, budget {budget:g} s"
    for one in away:
        if not one.allowed and (one.measure is Measure.READINESS or one.longest > SLOW):
            yield f"{one.component} was away for {one.longest:.1f} s and should not have been"
    for name in sorted(unnoticed):
        yield f"no request to {name} failed: the fault was none, or whoever asks is blind"
    for end in ends:
        yield f"who sends the requests ended before the drill: {end}"
    if rate < LEAST:
        yield f"only {rate:.1f} questions a second were asked: nothing is known of what was in between"

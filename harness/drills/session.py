"""Drills one after the other on one platform: each is told to the report, and all of them stand in one JSON file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from harness.drills.askers import Askers
from harness.drills.model import Drill, Drills, Measure, Result, Verdict
from harness.drills.run import run
from harness.e2e.platform import Platform
from harness.engines.base import Ability
from harness.report.model import Assertion, DrillLine, Outcome, Tier

FILE = "drills.json"
REFUTES = "a recovery beyond the budget, a component missed that may not be, or a fault that nobody notices"


class Session:
    """The drills of one platform.

    Args:
        platform: is up; its recorder is told of each drill.
        directory: where the results go after each drill (`schemas/drills.schema.json`); None: nowhere.
        askers: who sends requests; without them readiness is the measure.
    """

    def __init__(self, platform: Platform, directory: Path | None, askers: Askers | None) -> None:
        self.platform, self.directory, self.askers = platform, directory, askers
        self.results: list[Result] = []
        self.write()

    def run(self, drill: Drill, component: str) -> Result:
        """Run one drill on one target, and return what came of it; raises as `harness.drills.run.run` does."""
        begun = time.monotonic()
        with self.platform.recorder.phase(f"{drill.id} {component}".strip()):
            result = run(self.platform, drill, component, self.askers)
        self.results.append(result)
        tier = Tier.KIND if Ability.REAL_PODS in self.platform.engine.abilities else Tier.GITOPS
        self.platform.recorder.assertion(assertion(result, tier, time.monotonic() - begun))
        self.platform.recorder.drill(line(result))
        self.write()
        return result

    @property
    def refuted(self) -> list[Result]:
        """The results whose hypothesis was refuted."""
        return [result for result in self.results if result.verdict is Verdict.REFUTED]

    def data(self) -> Drills:
        """Return all results."""
        revision = self.platform.recorder.snapshot().revision.commit or ""
        return Drills(
            engine=self.platform.engine.kind,
            environment=self.platform.environment.name,
            revision=revision,
            results=tuple(self.results),
        )

    def write(self) -> None:
        """Write the results."""
        if self.directory:
            self.directory.mkdir(parents=True, exist_ok=True)
            (self.directory / FILE).write_text(self.data().model_dump_json(indent=2) + "\n", encoding="utf-8")


def assertion(result: Result, tier: Tier, seconds: float) -> Assertion:
    """Return a result as one of the report's assertions."""
    held = result.verdict is Verdict.HELD
    return Assertion(
        id=f"drill {result.drill} {result.component}".strip(),
        sentence=result.hypothesis,
        tier=tier,
        outcome=Outcome.PASSED if held else Outcome.FAILED,
        seconds=seconds,
        message="" if held else "\n".join((*result.reasons, *figures(result), *result.notes)),
        refutes=REFUTES,
    )


def line(result: Result) -> DrillLine:
    """Return a result as the report's table of drills has it."""
    return DrillLine(
        drill=result.drill,
        component=result.component,
        held=result.verdict is Verdict.HELD,
        measure=result.measure.value,
        recovery=result.recovery,
        budget=result.budget,
        asked=result.samples,
        failed=result.failed,
        away={one.component: one.longest for one in result.away},
        notes=result.notes,
    )


def figures(result: Result) -> Iterator[str]:
    """Yield what was measured, in words."""
    took = "never" if result.recovery is None else f"after {result.recovery:.1f} s"
    yield f"mended {took}, budget {result.budget:g} s"
    for one in result.away:
        how = f"{one.samples} requests failed" if one.measure is Measure.REQUESTS else "by readiness"
        errors = f": {', '.join(one.errors)}" if one.errors else ""
        yield f"{one.component} away for {one.longest:.1f} s ({how}{errors})" + (
            "" if one.allowed else ", and should not have been"
        )
    yield f"{result.samples} questions to each, {result.rate:g} a second, about the {result.probed}"

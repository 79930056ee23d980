"""What a drill is, and what came of one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from harness.e2e.platform import Platform
from harness.engines.base import Ability
from harness.model.contract.base import Closed

Recovered = Callable[[], bool]


@dataclass(frozen=True)
class Scene:
    """Where a drill happens; `undo` is worked off at its end, whatever comes, the last entry first."""

    platform: Platform
    component: str
    undo: contextlib.ExitStack
    notes: list[str] = field(default_factory=list)
    waived: set[str] = field(default_factory=set)
    """Components that cannot answer before the end of the drill, as what it does implies."""

    @property
    def namespace(self) -> str:
        """Return the platform's namespace."""
        return self.platform.namespace


def whole(_: Platform) -> Sequence[str]:
    """Return the one empty target of a drill that is about all components."""
    return [""]


def everybody(scene: Scene) -> set[str]:
    """Return all components: whoever is away meanwhile, it is expected."""
    return set(scene.platform.components)


def nobody(_: Scene) -> set[str]:
    """Return no component: what a drill does is to be noticed by none."""
    return set()


def nothing(_: Scene) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Drill:
    """One fault, and what is held to be true of it.

    Attributes:
        id: for the command line.
        hypothesis: a sentence that the run holds or refutes; `{component}` stands for the target.
        targets: the components that it can be done to, one at a time; one empty name where it is about all of them.
        inject: does it, and returns the question whether what it broke is mended.
        budget: seconds within which that has to be so.
        suffers: the components that may be away meanwhile.
        needs: what the engine must be able to do.
        noticed: of those that are asked by requests, the components that must be seen away: a fault that nobody
            notices was none, or whoever asks is blind.
        prepare: what has to be otherwise before it, not measured; the platform is well again before the injection.
    """

    id: str
    hypothesis: str
    targets: Callable[[Platform], Sequence[str]]
    inject: Callable[[Scene], Recovered]
    budget: Callable[[Scene], float]
    suffers: Callable[[Scene], set[str]] = nobody
    needs: frozenset[Ability] = frozenset()
    noticed: Callable[[Scene], set[str]] = nobody
    prepare: Callable[[Scene], None] = nothing


class Verdict(StrEnum):
    """What a drill said of its hypothesis."""

    HELD = "held"
    REFUTED = "refuted"


class Measure(StrEnum):
    """What was asked: the software itself, or the API server for what probes have said."""

    REQUESTS = "requests"
    READINESS = "readiness"


class Away(Closed):
    """A component that did not answer, or that no pod was ready for."""

    component: str
    measure: Annotated[Measure, Field(description="readiness where nobody may send requests to it, or nothing runs.")]
    samples: Annotated[int, Field(description="How often it was asked and failed, or no pod was ready.")]
    longest: Annotated[float, Field(description="Seconds of the longest time in one piece.")]
    allowed: Annotated[bool, Field(description="Whether the drill expects it to be away.")]
    errors: Annotated[tuple[str, ...], Field(description="What failed requests ended with, most frequent first.")] = ()


class Result(Closed):
    """One run of one drill; times in seconds."""

    drill: str
    component: Annotated[str, Field(description="The target; empty where it is about all of them.")]
    hypothesis: str
    verdict: Verdict
    reasons: Annotated[tuple[str, ...], Field(description="Why it is refuted.")] = ()
    measure: Annotated[Measure, Field(description="requests where components were asked themselves.")]
    recovery: Annotated[float | None, Field(description="From the injection until it was mended; null: never.")]
    budget: float
    samples: Annotated[int, Field(description="How often every component was asked.")]
    rate: Annotated[float, Field(description="Questions a second to a component, of that which was asked least.")]
    failed: Annotated[int, Field(description="Requests that failed, of all components; 0 for readiness.")] = 0
    away: tuple[Away, ...] = ()
    probed: Annotated[str, Field(description="What was asked, and what of it is simulated.")]
    notes: tuple[str, ...] = ()


class Drills(Closed):
    """Results of one call of `indigo drill run`."""

    engine: str
    environment: str
    revision: str
    results: tuple[Result, ...]

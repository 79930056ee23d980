"""What a run leaves behind: the model of `report.json`, from which the page and the JUnit file are made.

The model refuses to say more than was seen: a tier passes only where one of its assertions passed and none failed, a
skipped tier gives its reason, and a verdict that does not follow from the assertions is no valid report. Every offset
is in seconds from the start of the run.
"""

from __future__ import annotations

import enum
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from harness.model.contract import Closed, Need


def _utc(value: AwareDatetime) -> AwareDatetime:
    if value.utcoffset() != timedelta(0):
        raise ValueError("a time in a report is in UTC")
    return value


NOT_SELECTED = "not asked: no test of this tier was selected"
Seconds = Annotated[float, Field(ge=0)]
Utc = Annotated[AwareDatetime, AfterValidator(_utc)]


class Tier(enum.StrEnum):
    """Which engine answers; `unit` is what needs none of them: tests of the harness itself."""

    UNIT = "unit"
    STATIC = "static"
    GITOPS = "gitops"
    KIND = "kind"
    CLUSTER = "cluster"


class Outcome(enum.StrEnum):
    """How an assertion ended; `error` is a fault around it (a fixture), which counts as failed."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"


class Status(enum.StrEnum):
    """How a tier ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Verdict(enum.StrEnum):
    """The run in one word."""

    PASSED = "passed"
    FAILED = "failed"
    EMPTY = "empty"  # it came to its end and nothing was asserted
    INCOMPLETE = "incomplete"  # it runs still, was interrupted, or was killed


class State(enum.StrEnum):
    """Where one object of a sync stands."""

    WAITING = "waiting"
    SYNCING = "syncing"
    PROGRESSING = "progressing"
    HEALTHY = "healthy"
    DEGRADED = "degraded"


class Revision(Closed):
    """The working tree that was deployed."""

    commit: Annotated[str | None, Field(description="None: no commit yet, or not a Git checkout.")] = None
    dirty: Annotated[bool, Field(description="Whether uncommitted changes were part of it.")] = False


class Engine(Closed):
    """What the run was deployed on."""

    name: str
    tier: Annotated[Tier, Field(description="Never `unit`, which needs no engine.")]


class Machine(Closed):
    """The machine that the durations were measured on; no name and no address of it."""

    cores: Annotated[int, Field(ge=1, description="Cores that this process may use.")]
    memory_bytes: Annotated[int, Field(ge=0)]
    os: str
    python: str


class Counts(Closed):
    """Assertions of a tier by outcome; `not_run` are those of the skipped that the run did not reach."""

    passed: Annotated[int, Field(ge=0)] = 0
    failed: Annotated[int, Field(ge=0)] = 0
    skipped: Annotated[int, Field(ge=0)] = 0
    error: Annotated[int, Field(ge=0)] = 0
    not_run: Annotated[int, Field(ge=0)] = 0

    @property
    def total(self) -> int:
        """All assertions of the tier."""
        return self.passed + self.failed + self.skipped + self.error


class TierResult(Closed):
    """What one tier answered."""

    name: Tier
    status: Status
    reason: Annotated[str, Field(description="Why it was skipped; empty otherwise.")] = ""
    counts: Counts = Counts()

    @model_validator(mode="after")
    def _honest(self) -> TierResult:
        bad = self.counts.failed + self.counts.error
        if self.status is Status.SKIPPED and not self.reason:
            raise ValueError(f"tier {self.name}: skipped without a reason")
        if self.status is Status.PASSED and (bad or not self.counts.passed or self.counts.not_run):
            raise ValueError(f"tier {self.name}: passed needs a passed assertion, none failed and none left out")
        if self.status is not Status.FAILED and bad:
            raise ValueError(f"tier {self.name}: has failed assertions and is not failed")
        return self


class Phase(Closed):
    """A stretch of the run with a duration, and a budget where one was set."""

    name: str
    start: Seconds
    seconds: Annotated[Seconds | None, Field(description="None: it did not end.")] = None
    budget: Seconds | None = None
    parent: Annotated[str | None, Field(description="Name of the phase it is a part of.")] = None
    failed: Annotated[bool, Field(description="Whether it ended with an exception.")] = False

    @property
    def over(self) -> float:
        """Seconds beyond the budget; 0 where there is none or it was kept."""
        return max(0.0, (self.seconds or 0.0) - self.budget) if self.budget is not None else 0.0


class Assertion(Closed):
    """One test: a sentence, and what it found."""

    id: str
    sentence: str
    tier: Tier
    outcome: Outcome
    seconds: Seconds = 0.0
    message: Annotated[str, Field(description="Failure or reason of a skip; secrets masked.")] = ""
    refutes: Annotated[str, Field(description="The fault that makes it fail.")] = ""
    file: Annotated[str, Field(description="`path:line` from the root of the checkout.")] = ""
    ran: Annotated[bool, Field(description="false: selected, and the run ended before it.")] = True

    @model_validator(mode="after")
    def _ran(self) -> Assertion:
        if not self.ran and self.outcome is not Outcome.SKIPPED:
            raise ValueError(f"{self.id}: did not run, so its outcome is skipped, not {self.outcome}")
        return self


class Item(Closed):
    """One object of a sync, and when it came and became ready."""

    component: str
    kind: str
    name: str
    wave: int
    created: Seconds | None = None
    ready: Seconds | None = None
    state: State = State.WAITING
    waits_for: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies it inside its sync."""
        return (self.component, self.kind, self.name)


class Sync(Closed):
    """One sync of the platform by Argo CD."""

    name: str
    started: Seconds
    finished: Annotated[Seconds | None, Field(description="None: it did not end.")] = None
    failed: bool = False
    items: tuple[Item, ...] = ()

    def later(self, seconds: float) -> Sync:
        """Return the same sync in a run that began so many seconds earlier."""

        def moved(at: float | None) -> float | None:
            return None if at is None else at + seconds

        items = tuple(
            item.model_copy(update={"created": moved(item.created), "ready": moved(item.ready)}) for item in self.items
        )
        times = {"started": self.started + seconds, "finished": moved(self.finished), "items": items}
        return self.model_copy(update=times)


class Component(Closed):
    """A node of the dependency graph."""

    name: str
    level: Annotated[int, Field(ge=0)]
    wave: int
    tier: Annotated[str, Field(description="Slice it belongs to: data, core, services, batch.")] = ""


class Edge(Closed):
    """`from` needs a port of `to`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: Annotated[str, Field(alias="from")]
    to: str
    port: str
    need: Need


class Graph(Closed):
    """Who needs whom."""

    components: tuple[Component, ...] = ()
    edges: tuple[Edge, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Graph:
        names = [component.name for component in self.components]
        if twice := sorted(name for name, count in Counter(names).items() if count > 1):
            raise ValueError(f"components named twice: {', '.join(twice)}")
        ends = {end for edge in self.edges for end in (edge.from_, edge.to)}
        if lost := sorted(ends - set(names)):
            raise ValueError(f"edges name components that are not in the graph: {', '.join(lost)}")
        return self


class Artefact(Closed):
    """A file or directory that the run left, relative to the directory of the report."""

    title: str
    path: Annotated[str, Field(pattern=r"^[^/]", description="Relative to the report.")]


class DrillLine(Closed):
    """A drill: a fault on purpose, and what of it was seen (`schemas/drills.schema.json` has all of it)."""

    drill: str
    component: Annotated[str, Field(description="The target; empty where it is about all of them.")] = ""
    held: Annotated[bool, Field(description="Whether what was said of it beforehand was true.")]
    measure: Annotated[str, Field(description="requests or readiness: what verdict and times are from.")]
    recovery: Annotated[Seconds | None, Field(description="None: it was not mended.")] = None
    budget: Seconds
    asked: Annotated[int, Field(ge=0, description="How often each component was asked.")]
    failed: Annotated[int, Field(ge=0, description="Requests that failed.")] = 0
    away: dict[str, Seconds] = Field(
        default_factory=dict, description="Longest time of each component that was missed."
    )
    notes: tuple[str, ...] = ()


class Report(Closed):
    """A whole run."""

    api_version: Literal["indigo-paas/report-v1"] = "indigo-paas/report-v1"
    id: str
    verdict: Verdict
    complete: Annotated[bool, Field(description="false: it runs still, was interrupted, or was killed.")]
    exit_status: Annotated[int | None, Field(description="Of the test run; None while it runs.")] = None
    started: Utc
    seconds: Annotated[Seconds, Field(description="From the start to the last change of this file.")]
    command: str
    revision: Revision = Revision()
    engine: Engine
    simulated: Annotated[tuple[str, ...], Field(description="What was not real in this run.")] = ()
    machine: Machine
    versions: Annotated[dict[str, str], Field(default_factory=dict)]
    tiers: tuple[TierResult, ...] = ()
    phases: tuple[Phase, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    syncs: tuple[Sync, ...] = ()
    graph: Graph = Graph()
    drills: tuple[DrillLine, ...] = ()
    notes: tuple[str, ...] = ()
    artefacts: tuple[Artefact, ...] = ()

    @model_validator(mode="after")
    def _follows(self) -> Report:
        counted = count(self.assertions)
        for tier in self.tiers:
            if tier.counts != counted.pop(tier.name, Counts()):
                raise ValueError(f"tier {tier.name}: its counts are not those of its assertions")
        if counted:
            raise ValueError(f"assertions of tiers that are not listed: {', '.join(sorted(counted))}")
        right = verdict(self.tiers, complete=self.complete, exit_status=self.exit_status)
        if self.verdict is not right:
            raise ValueError(f"verdict: {self.verdict} does not follow from the assertions; it is {right}")
        return self

    def to_json(self) -> str:
        """Return the text of `report.json`."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"

    def totals(self) -> tuple[int, int, int]:
        """Return how many assertions passed, failed (errors included) and were skipped."""
        by = Counter(assertion.outcome for assertion in self.assertions)
        return by[Outcome.PASSED], by[Outcome.FAILED] + by[Outcome.ERROR], by[Outcome.SKIPPED]


def count(assertions: Iterable[Assertion]) -> dict[Tier, Counts]:
    """Return the counts of every tier that has an assertion."""
    found: dict[Tier, Counter[str]] = {}
    for assertion in assertions:
        by = found.setdefault(assertion.tier, Counter())
        by[assertion.outcome.value] += 1
        by["not_run"] += not assertion.ran
    return {tier: Counts(**by) for tier, by in found.items()}


def tier_results(assertions: Iterable[Assertion], reasons: Mapping[Tier, str]) -> tuple[TierResult, ...]:
    """Return what each tier answered, in the order of `Tier`; `unit` only where it was asked.

    Args:
        assertions: all of the run.
        reasons: why a tier did not run, where somebody knows.
    """
    listed = tuple(assertions)
    counted = count(listed)
    results = []
    for tier in Tier:
        counts = counted.get(tier, Counts())
        if tier is Tier.UNIT and not counts.total:
            continue
        reason = ""
        if counts.failed or counts.error:
            status = Status.FAILED
        elif counts.passed and not counts.not_run:
            status = Status.PASSED
        else:
            status = Status.SKIPPED
            reason = reasons.get(tier, "") or _why_skipped(tier, counts, listed)
        results.append(TierResult(name=tier, status=status, reason=reason, counts=counts))
    return tuple(results)


def _why_skipped(tier: Tier, counts: Counts, assertions: tuple[Assertion, ...]) -> str:
    if not counts.total:
        return NOT_SELECTED
    if counts.not_run:
        return f"not answered: the run ended before {counts.not_run} of its {counts.total} assertions"
    said = Counter(a.message for a in assertions if a.tier is tier and a.message)
    return said.most_common(1)[0][0] if said else "every test of this tier was skipped, without a reason"


def verdict(tiers: Iterable[TierResult], *, complete: bool, exit_status: int | None) -> Verdict:
    """Return the verdict that follows; 5 is pytest's status for "nothing was selected"."""
    listed = tuple(tiers)
    if not complete:
        return Verdict.INCOMPLETE
    if exit_status not in (None, 0, 5) or any(tier.status is Status.FAILED for tier in listed):
        return Verdict.FAILED
    return Verdict.PASSED if any(tier.counts.passed for tier in listed) else Verdict.EMPTY


def schema_text() -> str:
    """Return the text of `schemas/report.schema.json`, made of the models above."""
    schema = Report.model_json_schema(by_alias=True, mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Report of a run"}
    return json.dumps({**head, **{key: value for key, value in schema.items() if key != "title"}}, indent=2) + "\n"

"""What is said of the difference of two revisions, as data; `schemas/diff.schema.json` is made of these models."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from harness.model.contract.base import Closed


class Level(enum.StrEnum):
    """How much a change asks of a person."""

    INFO = "info"  # it happens by itself
    ATTENTION = "attention"  # somebody should know: something stops for a while, is deleted, opened, needed first
    DANGER = "danger"  # the sync fails, or data is at stake

    @property
    def rank(self) -> int:
        """Return a number that is higher the worse it is."""
        return list(Level).index(self)


class Kind(enum.StrEnum):
    """What a change means; the order is that of the output."""

    IMMUTABLE = "immutable"
    DATA = "data"
    SECRET = "secret"
    ENVIRONMENT = "environment"
    COMPONENT = "component"
    REPLACED = "replaced"
    REMOVED = "removed"
    KEPT = "kept"
    DOWNTIME = "downtime"
    ROLL = "roll"
    JOB = "job"
    STALE = "stale"
    NETWORK = "network"
    IMAGE = "image"
    SETTING = "setting"
    SCALE = "scale"
    DELIVERY = "delivery"
    OBJECT = "object"


TITLES: dict[Kind, str] = {
    Kind.IMMUTABLE: "Cannot be changed in place",
    Kind.DATA: "Data",
    Kind.SECRET: "Secrets needed before the sync",
    Kind.ENVIRONMENT: "Environments",
    Kind.COMPONENT: "Components",
    Kind.REPLACED: "Objects that are replaced",
    Kind.REMOVED: "Objects that are pruned",
    Kind.KEPT: "Objects that stay although nothing renders them any more",
    Kind.DOWNTIME: "Away for a while",
    Kind.ROLL: "Pods that are replaced, and why",
    Kind.JOB: "Jobs that run",
    Kind.STALE: "Changed, but not noticed by the pods that read it",
    Kind.NETWORK: "Network",
    Kind.IMAGE: "Images",
    Kind.SETTING: "Settings",
    Kind.SCALE: "Numbers of pods",
    Kind.DELIVERY: "Delivery: namespaces, projects, Applications",
    Kind.OBJECT: "Other objects",
}


class Change(Closed):
    """One statement, said once for all environments in which it is the same."""

    kind: Kind
    level: Level = Level.INFO
    environments: Annotated[tuple[str, ...], Field(description="Sorted; empty: what an operator applies once.")] = ()
    component: Annotated[str, Field(description="Empty where it belongs to none.")] = ""
    object: Annotated[str, Field(description="Kind/name; empty where it is about more than one.")] = ""
    text: Annotated[str, Field(description="One sentence.")]
    details: Annotated[
        tuple[str, ...], Field(description="Further lines: fields with old and new value, reasons.")
    ] = ()
    steps: Annotated[tuple[str, ...], Field(description="What to do, in this order.")] = ()


class Side(Closed):
    """One of the two revisions."""

    name: Annotated[str, Field(description="As it was asked for, or `working tree`.")]
    commit: Annotated[str, Field(description="Full id; of a working tree, the commit that it is based on.")]
    dirty: Annotated[bool, Field(description="Whether files differ from the commit (working tree only).")] = False

    def __str__(self) -> str:
        """Return it as a person says it."""
        short = self.commit[:12]
        if self.name == WORKING_TREE:
            return f"{WORKING_TREE} ({short}{', with changes' if self.dirty else ''})"
        return short if self.commit.startswith(self.name) else f"{self.name} ({short})"


WORKING_TREE = "working tree"


def common_steps(changes: Sequence[Change]) -> tuple[str, ...]:
    """Return the steps that all changes with any have in common, which are then said once; empty where they differ."""
    found = {change.steps for change in changes if change.steps}
    return found.pop() if len(found) == 1 and sum(bool(change.steps) for change in changes) > 1 else ()


State = Literal["same", "changed", "added", "removed", "unknown"]


class Compared(Closed):
    """How an environment comes out of it."""

    name: str
    state: State
    note: Annotated[str, Field(description="Why it is unknown: the base cannot be rendered.")] = ""
    objects: Annotated[int, Field(ge=0, description="Objects that differ, are new or are gone.")] = 0


class Difference(Closed):
    """The difference of two revisions."""

    version: Literal[1] = 1
    base: Side
    target: Side
    verdict: Annotated[str, Field(description="One short sentence: the worst first.")]
    level: Annotated[Level | None, Field(description="The worst of the changes; null without any.")]
    environments: tuple[Compared, ...]
    changes: Annotated[tuple[Change, ...], Field(description="By kind, component and object.")]
    seconds: Annotated[float, Field(ge=0)]

    def of(self, kind: Kind) -> list[Change]:
        """Return the changes of a kind."""
        return [change for change in self.changes if change.kind is kind]

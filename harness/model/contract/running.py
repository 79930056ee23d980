"""How the component runs: workload, replicas, Jobs, resources, what its failures do."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.model.contract.base import Closed, Name, Sentence


class Workload(Closed):
    """What runs it, and how it is replaced and stopped."""

    kind: Literal["Deployment", "StatefulSet", "CronJob"]
    strategy: Annotated[
        Literal["Recreate", "RollingUpdate", "Forbid"], Field(description="Forbid: runs of a CronJob never overlap.")
    ]
    why: Sentence
    schedule: Annotated[str, Field(description="Of a CronJob, unless the site says otherwise.")] = ""
    deadline: Annotated[int, Field(ge=30, description="Seconds after which a run of a CronJob has failed.")] = 3600
    gracePeriod: Annotated[int, Field(ge=1, description="Seconds from SIGTERM to SIGKILL.")]
    preStop: Annotated[int, Field(ge=0, description="Seconds of sleep before SIGTERM: endpoints drain.")] = 0
    minReady: Annotated[
        int, Field(ge=0, description="Seconds a pod is ready before the next one is replaced: peers have to accept it.")
    ] = 0


class Replicas(Closed):
    """How many pods the software survives."""

    default: Annotated[int, Field(ge=1)] = 1
    max: Annotated[int | None, Field(ge=1, description="None: as many as wanted.")] = None
    why: Sentence
    source: str


class Job(Closed):
    """A Job of the component: `prepare` runs before its workload (migrations), `provide` after it (provisioning)."""

    when: Literal["prepare", "provide"]
    purpose: Sentence
    image: Annotated[
        str, Field(description="Shared image that it runs (charts/common/images.yaml); empty for the component's own.")
    ] = ""
    deadline: Annotated[int, Field(ge=30, description="Seconds after which it has failed.")] = 600
    retries: Annotated[int, Field(ge=0)] = 6


class Resources(Closed):
    """CPU and memory asked for and allowed, as Kubernetes quantities."""

    requests: dict[Literal["cpu", "memory"], str]
    limits: dict[Literal["cpu", "memory"], str]
    why: str = ""


class Effect(Closed):
    """What a failure does."""

    happens: Sentence
    recovery: Annotated[str, Field(description="How and in about how long it comes back, without hands or with.")]
    lost: str


class Replicated(Closed):
    """The same with several pods, where the software bears them."""

    by: Annotated[Sentence, Field(description="What to write for it: replicas, mode operator, and what belongs to it.")]
    pod: Effect
    node: Effect


class Availability(Closed):
    """High availability, stated: what happens when its pod, its node, its stores die."""

    pod: Effect
    node: Effect
    stores: Effect | None = None
    replicated: Replicated | None = None
    budget: Annotated[int, Field(ge=1, description="Seconds within which a killed pod is ready again.")]


class Trap(Closed):
    """A known way to get it wrong, and what the chart does about it; each has a test named after its id."""

    id: Name
    text: Sentence
    answer: Sentence
    source: str

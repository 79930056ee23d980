"""The contract of a component: what the upstream software at one version demands and offers.

`charts/<component>/contract.yaml` is the only hand-written description of a component. The templates derive ports,
probes, waits, NetworkPolicies and sync waves from it; values, schemas and documents are generated from it; the checks
use it as their oracle. The models below are also the source of `schemas/contract.schema.json` (`indigo generate`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from harness.model.closed import Closed, Name, Sentence
from harness.model.running import Availability, External, Instance, Operator, Replicas


Tier = Literal["data", "core", "services", "batch"]
TIERS: tuple[Tier, ...] = get_args(Tier)


class Need(enum.StrEnum):
    """How much a component needs another one."""

    HARD = "hard"  # it does not start or does not become ready without it: decides sync waves and waits
    SOFT = "soft"  # it starts without it and some requests fail until it is there: opens the network only


class Type(enum.StrEnum):
    """Types of settings; `SETTING_PATTERNS` says how each is written."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    YES_NO = "yes-no"
    URL = "url"
    URL_SLASH = "url-with-slash"
    URL_NO_SLASH = "url-without-slash"
    HOST_PORT = "host-port"
    PATH = "path"
    LIST = "list"
    JSON = "json"
    DURATION = "duration"


SETTING_PATTERNS: dict[Type, str] = {
    Type.INTEGER: r"^-?[0-9]+$",
    Type.NUMBER: r"^-?[0-9]+(\.[0-9]+)?$",
    Type.BOOLEAN: r"^(true|false|True|False)$",
    Type.YES_NO: r"^(yes|no)$",
    Type.URL: r"^[a-z][a-z0-9+.:-]*:(//)?\S+$",
    Type.URL_SLASH: r"^https?://\S+/$",
    Type.URL_NO_SLASH: r"^https?://\S*[^/\s]$",
    Type.HOST_PORT: r"^[^:/\s]+:[0-9]+$",
    Type.PATH: r"^\S+$",
}


class Image(Closed):
    """The upstream image and what is known of the user it runs as."""

    repository: Annotated[str, Field(description="Name without registry, as upstream publishes it.")]
    tag: Annotated[str, Field(pattern=r"^[\w][\w.-]*$", description="A version, never a moving tag.")]
    digest: Annotated[str | None, Field(pattern=r"^sha256:[0-9a-f]{64}$")] = None
    uid: Annotated[int, Field(ge=0, description="Numeric user the pod runs as; 0 needs `security.exception`.")]
    gid: Annotated[int, Field(ge=0)]
    note: Annotated[str, Field(description="What is unknown or surprising about the image.")] = ""
    source: str


class Upstream(Closed):
    """Where the software comes from."""

    name: str
    version: str
    licence: str
    repository: str


class Port(Closed):
    """A port that the container listens on; unless `service` is false the Service offers it under the same number."""

    port: Annotated[int, Field(ge=1, le=65535)]
    protocol: Literal["http", "https", "tcp", "grpc"] = "tcp"
    purpose: Sentence
    service: bool = True


class Check(Closed):
    """How a probe asks: exactly one of an HTTP path, a TCP port or a command in the container."""

    path: str | None = None
    port: Name | None = None
    command: tuple[str, ...] | None = None
    headers: dict[str, str] = Field(default={})

    @model_validator(mode="after")
    def _one_way(self) -> Check:
        if self.command is None and self.port is None:
            raise ValueError("a check names a port (with a path for HTTP) or a command")
        if self.command is not None and (self.port or self.path):
            raise ValueError("a check is either a command or a port, not both")
        return self


class Probe(Check):
    """A Kubernetes probe; seconds throughout."""

    period: Annotated[int, Field(ge=1)] = 10
    timeout: Annotated[int, Field(ge=1)] = 3
    failures: Annotated[int, Field(ge=1)] = 3
    why: str = ""
    source: str


class Probes(Closed):
    """Readiness tells the truth about serving; liveness never asks anything outside the pod."""

    startup: Probe | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None
    none: Annotated[str, Field(description="Why there is no probe of a kind that is absent.")] = ""


class Security(Closed):
    """Which PodSecurity profile the image bears, and how it deviates from our default of restricted, read-only root."""

    profile: Literal["restricted", "baseline"] = "restricted"
    readOnlyRootFilesystem: bool = True
    exception: Annotated[str, Field(description="Why the default is not borne; required where it is not.")] = ""

    @model_validator(mode="after")
    def _explained(self) -> Security:
        if (self.profile != "restricted" or not self.readOnlyRootFilesystem) and not self.exception:
            raise ValueError("a deviation from restricted with a read-only root needs `exception`: the reason")
        return self


class Writable(Closed):
    """A path that the software writes to."""

    name: Name
    path: Annotated[str, Field(pattern=r"^/")]
    keep: Annotated[bool, Field(description="true: a volume claim; false: an emptyDir, lost with the pod.")] = False
    size: Annotated[str, Field(pattern=r"^[0-9]+(Mi|Gi|Ti)$")]
    purpose: Sentence


class Setting(Closed):
    """One setting of the software: an environment variable, or a key of a file."""

    where: Annotated[str, Field(description="`env`, or the path of the file that holds the key.")] = "env"
    type: Type = Type.STRING
    required: bool = False
    secret: bool = False
    default: Annotated[Any, Field(description="What the software does without it; never a secret of upstream.")] = None
    allowed: tuple[str, ...] = ()
    meaning: Sentence
    trap: Annotated[str, Field(description="What goes wrong when it is written carelessly.")] = ""
    unset: Annotated[str, Field(description="Why this project leaves it alone; empty where it is set.")] = ""
    placeholder: Annotated[
        bool, Field(description="A variable of ours that a file of the software refers to, not one it reads itself.")
    ] = False
    source: str


class SecretKey(Closed):
    """One key of a Secret."""

    shape: Annotated[
        Literal["password", "fernet", "jwks", "base64-32", "username", "client-id", "text", "pem"],
        Field(description="What a valid value looks like; decides how `indigo secrets` makes it."),
    ]
    purpose: Sentence
    value: Annotated[str | None, Field(description="A fixed, harmless value (a user name); None where random.")] = None
    generate: Annotated[bool, Field(description="false: only a person can supply it (an outside account).")] = True
    changedBy: Annotated[str, Field(description="Who may change it.")]
    onChange: Annotated[str, Field(description="What happens, and what to do, when it changes.")]


class Secret(Closed):
    """A Kubernetes Secret that this component owns; others may read it where they require the component."""

    purpose: Sentence
    keys: Annotated[dict[str, SecretKey], Field(min_length=1)]
    optional: Annotated[str, Field(description="When it is not needed; empty where it always is.")] = ""


class Database(Closed):
    """A database that this component owns on a server of another component."""

    server: Name
    user: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=32)]
    secret: Annotated[Name, Field(description="Secret of this contract whose key `password` is the user's.")]
    charset: str = "utf8mb4"
    collation: str = "utf8mb4_general_ci"
    xa: Annotated[bool, Field(description="Takes part in XA transactions: never on Galera.")] = False
    purpose: Sentence


class Topic(Closed):
    """A Kafka topic that this component writes to, and therefore owns; whoever reads it names it in `consumes`."""

    server: Name = "kafka"
    partitions: Annotated[int, Field(ge=1)] = 1
    retentionHours: Annotated[int, Field(ge=1, description="Consumers rebuild their state from topics.")]
    maxMessageBytes: Annotated[int, Field(ge=1)]
    purpose: Sentence
    source: str


class Bucket(Closed):
    """An S3 bucket that this component owns."""

    server: Name
    secret: Annotated[Name, Field(description="Secret of this contract with the keys access-key and secret-key.")]
    purpose: Sentence


class Requirement(Closed):
    """An edge of the dependency graph: this component connects to a port of another one."""

    component: Name
    port: Name
    need: Need
    why: Sentence
    path: Annotated[str | None, Field(description="HTTP path that answers 200 once the other one serves.")] = None
    secrets: Annotated[tuple[Name, ...], Field(description="Secrets of the other one that this one reads.")] = ()
    source: str


class Egress(Closed):
    """Traffic to the outside of the platform."""

    to: Annotated[Literal["internet", "gateway"], Field(description="gateway: the platform's own public URLs.")]
    ports: Annotated[tuple[int, ...], Field(min_length=1)]
    why: Sentence


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


class Job(Closed):
    """A Job of the component: `prepare` runs before its workload (migrations), `provide` after it (provisioning)."""

    when: Literal["prepare", "provide"]
    purpose: Sentence
    deadline: Annotated[int, Field(ge=30, description="Seconds after which it has failed.")] = 600
    retries: Annotated[int, Field(ge=0)] = 6


class Resources(Closed):
    """CPU and memory asked for and allowed, as Kubernetes quantities."""

    requests: dict[Literal["cpu", "memory"], str]
    limits: dict[Literal["cpu", "memory"], str]
    why: str = ""


class Option(Closed):
    """A value of the chart (not of the software) from which it derives several settings."""

    schema_: Annotated[dict[str, Any], Field(alias="schema", description="JSON Schema of the value.")]
    default: Any = None
    meaning: Sentence


class Trap(Closed):
    """A known way to get it wrong, and what the chart does about it; each has a test named after its id."""

    id: Name
    text: Sentence
    answer: Sentence
    source: str


class Contract(Closed):
    """Everything above for one component."""

    apiVersion: Literal["indigo-paas/v1"]
    component: Name
    title: str
    summary: Sentence
    tier: Annotated[Tier, Field(description="Slice it belongs to.")]
    upstream: Upstream
    image: Image
    workload: Workload
    replicas: Replicas
    ports: dict[Name, Port] = Field(default={})
    exposed: Annotated[Name | None, Field(description="Port that the gateway routes to; None: inside only.")] = None
    peers: Annotated[bool, Field(description="Whether pods of the component connect to each other.")] = False
    probes: Probes
    security: Security = Security()
    writable: tuple[Writable, ...] = ()
    settings: dict[str, Setting] = Field(default={})
    options: dict[str, Option] = Field(default={})
    secrets: dict[Name, Secret] = Field(default={})
    databases: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Database] = Field(default={})
    topics: dict[Annotated[str, Field(pattern=r"^[a-z0-9][-a-z0-9_.]*$")], Topic] = Field(default={})
    consumes: Annotated[tuple[str, ...], Field(description="Topics of other components that this one reads.")] = ()
    buckets: dict[Name, Bucket] = Field(default={})
    requires: tuple[Requirement, ...] = ()
    egress: tuple[Egress, ...] = ()
    jobs: dict[Name, Job] = Field(default={})
    resources: Resources
    availability: Availability
    operator: Operator | None = None
    external: External | None = None
    instances: Annotated[
        dict[Name, Instance], Field(description="Further instances, by name; others require them by that name.")
    ] = Field(default={})
    like: Annotated[
        Name | None, Field(description="Of an instance: the component it is one of. Never written by hand.")
    ] = None
    traps: tuple[Trap, ...] = ()
    unknown: Annotated[tuple[str, ...], Field(description="What upstream's public sources do not say.")] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Contract:
        needed = {edge.component for edge in self.requires}
        owned: list[tuple[str, Mapping[str, Database | Topic | Bucket]]] = [
            ("databases", self.databases),
            ("topics", self.topics),
            ("buckets", self.buckets),
        ]
        problems = [
            f"probes.{kind}.port: {probe.port} is not one of ports"
            for kind, probe in self.all_probes()
            if probe.port and probe.port not in self.ports
        ]
        for key, things in owned:
            for name, thing in things.items():
                if thing.server not in needed:
                    problems.append(f"{key}.{name}.server: {thing.server} is not among requires")
                if not isinstance(thing, Topic) and thing.secret not in self.secrets:
                    problems.append(f"{key}.{name}.secret: {thing.secret} is not one of secrets")
        cron = self.workload.kind == "CronJob"
        if cron != bool(self.workload.schedule) or cron != (self.workload.strategy == "Forbid"):
            problems.append("workload: a CronJob has a schedule and the strategy Forbid, nothing else has")
        if self.exposed is not None and self.exposed not in self.ports:
            problems.append(f"exposed: {self.exposed} is not one of ports")
        if self.replicas.max is not None and self.replicas.default > self.replicas.max:
            problems.append(f"replicas.default: {self.replicas.default} is more than replicas.max {self.replicas.max}")
        if self.image.uid == 0 and self.security.profile == "restricted":
            problems.append("image.uid: 0 is refused by the restricted profile; set security.profile and exception")
        if (
            self.workload.kind == "Deployment"
            and any(w.keep for w in self.writable)
            and (self.workload.strategy != "Recreate")
        ):
            problems.append("workload.strategy: a Deployment with a kept volume must be Recreate")
        if self.external and self.external.provision and self.external.provision not in self.jobs:
            problems.append(f"external.provision: {self.external.provision} is not one of jobs")
        if self.like is not None:
            problems.append("like: is derived from `instances` of another contract, nobody writes it")
        if self.instances:
            problems += [
                f"secrets.{identifier}: begins with {self.component}-, so that each instance has one of its own"
                for identifier in self.secrets
                if not identifier.startswith(f"{self.component}-")
            ]
            if self.databases or self.topics or self.buckets:
                problems.append("instances: a component that owns databases, topics or buckets has none")
        for kind in ("startup", "readiness", "liveness"):
            if getattr(self.probes, kind) is None and not self.probes.none:
                problems.append(f"probes.{kind}: absent without a reason in probes.none")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def chart(self) -> str:
        """Return the folder below charts/ that renders it."""
        return self.like or self.component

    def expanded(self) -> list[Contract]:
        """Return the contract, and one like it for each of its instances.

        An instance has Secrets of its own: `mariadb-root` of mariadb is `mariadb-iam-root` of its instance mariadb-iam.
        """
        return [self, *(self._instance(name, instance) for name, instance in self.instances.items())]

    def _instance(self, name: str, instance: Instance) -> Contract:
        secrets = {name + identifier.removeprefix(self.component): item for identifier, item in self.secrets.items()}
        summary = f"{instance.title}: {instance.why}"
        changed = {"component": name, "title": instance.title, "summary": summary, "secrets": secrets}
        return self.model_copy(update={**changed, "instances": {}, "like": self.component})

    def all_probes(self) -> list[tuple[str, Probe]]:
        """Return the probes that exist, with their kind."""
        kinds = ("startup", "readiness", "liveness")
        return [(kind, probe) for kind in kinds if (probe := getattr(self.probes, kind)) is not None]

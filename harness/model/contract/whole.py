"""The contract as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.model.contract.base import Closed, Name, Role, Sentence, Tier
from harness.model.contract.exposure import Metrics, Route
from harness.model.contract.modes import External, Instance, Operator
from harness.model.contract.relations import Bucket, Client, Database, Egress, Issuers, Requirement, Topic, Trust
from harness.model.contract.running import Availability, Job, Replicas, Resources, Trap, Workload
from harness.model.contract.secret import Secret
from harness.model.contract.settings import Option, Setting
from harness.model.contract.software import Image, Port, Probe, Probes, Security, Upstream, Writable


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
    ports: dict[Name, Port] = {}
    exposed: Annotated[Name | None, Field(description="Port that the gateway routes to; None: inside only.")] = None
    route: Annotated[Route | None, Field(description="What that port asks of the gateway.")] = None
    metrics: Metrics
    peers: Annotated[bool, Field(description="Whether pods of the component connect to each other.")] = False
    probes: Probes
    security: Security = Security()
    writable: tuple[Writable, ...] = ()
    settings: dict[str, Setting] = {}
    ignored: Annotated[
        dict[str, Sentence],
        Field(
            description="Names that upstream's documents, another version or another program of the image use and that "
            "this software does not read, each with the reason; they are refused as settings."
        ),
    ] = {}
    options: dict[str, Option] = {}
    secrets: dict[Name, Secret] = {}
    databases: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Database] = {}
    topics: dict[Annotated[str, Field(pattern=r"^[a-z0-9][-a-z0-9_.]*$")], Topic] = {}
    consumes: Annotated[tuple[str, ...], Field(description="Topics of other components that this one reads.")] = ()
    buckets: dict[Name, Bucket] = {}
    clients: dict[Name, Client] = {}
    requires: tuple[Requirement, ...] = ()
    egress: tuple[Egress, ...] = ()
    jobs: dict[Name, Job] = {}
    trust: Trust | None = None
    issuers: Annotated[
        Issuers | None, Field(description="Whose tokens are believed; of every component that asks IAM.")
    ] = None
    roles: Annotated[
        dict[Role, str],
        Field(
            description="Roles that groups have in it (`global.groups`): setting, or path of a file, with the groups."
        ),
    ] = {}
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
        problems += [
            f"requires[{index}].tls.setting: {edge.tls.setting} is not one of settings"
            for index, edge in enumerate(self.requires)
            if edge.tls and edge.tls.setting and edge.tls.setting not in self.settings
        ]
        for name, client in self.clients.items():
            if client.server not in needed:
                problems.append(f"clients.{name}.server: {client.server} is not among requires")
            if client.secret not in self.secrets or not {client.id, client.key} <= set(
                self.secrets[client.secret].keys
            ):
                problems.append(
                    f"clients.{name}.secret: {client.secret} is no Secret with {client.id} and {client.key}"
                )
            if client.redirects and self.exposed is None:
                problems.append(f"clients.{name}.redirects: there is no public URL, `exposed` is not set")
        if self.trust is not None:
            for name in (*self.trust.bundle, *self.trust.own):
                if name not in self.settings:
                    problems.append(f"trust: {name} is not one of settings")
            if not (self.trust.bundle or self.trust.own or self.trust.java):
                problems.append("trust: says no way in which the software takes authorities")
        if self.issuers is None and self.component != "iam" and "iam" in needed:
            problems.append("issuers: it asks IAM, so it says whose tokens it believes besides")
        told = [("issuers", self.issuers.setting)] if self.issuers else []
        told += [(f"roles.{role}", name) for role, name in self.roles.items()]
        problems += [
            f"{key}: {name} is not one of settings"
            for key, name in told
            if name and not name.startswith("/") and name not in self.settings
        ]
        cron = self.workload.kind == "CronJob"
        if cron != bool(self.workload.schedule) or cron != (self.workload.strategy == "Forbid"):
            problems.append("workload: a CronJob has a schedule and the strategy Forbid, nothing else has")
        if self.exposed is not None and self.exposed not in self.ports:
            problems.append(f"exposed: {self.exposed} is not one of ports")
        if (self.exposed is None) != (self.route is None):
            problems.append("route: an exposed component says what its port asks of the gateway, no other does")
        if self.route is not None and self.route.forwarded.setting not in (None, *self.settings):
            problems.append(f"route.forwarded.setting: {self.route.forwarded.setting} is not one of settings")
        if self.metrics.port is not None and self.metrics.port not in self.ports:
            problems.append(f"metrics.port: {self.metrics.port} is not one of ports")
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
        if self.external:
            unknown = sorted(set(self.external.secrets) - set(self.secrets))
            problems += [f"external.secrets: {identifier} is not one of secrets" for identifier in unknown]
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
        problems += [f"ignored.{name}: is one of settings" for name in self.ignored if name in self.settings]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def chart(self) -> str:
        """Return the folder below charts/ that renders it."""
        return self.like or self.component

    @property
    def file(self) -> str:
        """Return the file that a person wrote it in: an instance has none of its own."""
        return f"charts/{self.chart}/contract.yaml"

    def place_of_secret(self, identifier: str) -> str:
        """Return file and key where one of its Secrets is written, by the id that it has there."""
        written = self.chart + identifier.removeprefix(self.component) if self.like else identifier
        return f"{self.file} secrets.{written}"

    def expanded(self) -> list[Contract]:
        """Return the contract, and one like it for each of its instances.

        An instance has Secrets of its own: `mariadb-root` of mariadb is `mariadb-iam-root` of its instance mariadb-iam.
        """
        return [self, *(self._instance(name, instance) for name, instance in self.instances.items())]

    def _instance(self, name: str, instance: Instance) -> Contract:
        def own(identifier: str) -> str:
            return name + identifier.removeprefix(self.component)

        external = self.external
        if external:
            external = external.model_copy(update={"secrets": tuple(map(own, external.secrets))})
        secrets = {own(identifier): item for identifier, item in self.secrets.items()}
        summary = f"{instance.title}: {instance.why}"
        changed = {
            "component": name,
            "title": instance.title,
            "summary": summary,
            "secrets": secrets,
            "external": external,
        }
        return self.model_copy(update={**changed, "instances": {}, "like": self.component})

    def all_probes(self) -> list[tuple[str, Probe]]:
        """Return the probes that exist, with their kind."""
        kinds = ("startup", "readiness", "liveness")
        return [(kind, probe) for kind in kinds if (probe := getattr(self.probes, kind)) is not None]

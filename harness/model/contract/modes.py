"""Where else a component may run than in the chart's own workload: made by an operator, elsewhere, or several times."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.model.contract.base import Closed, Name, Sentence
from harness.model.contract.exposure import Alert, OwnAlert
from harness.model.contract.running import Replicas


class OperatorChart(Closed):
    """A Helm chart of an operator, as its Application names it (argocd/bootstrap)."""

    repository: Annotated[str, Field(description="OCI registry without scheme, as Argo CD wants it, or an HTTPS URL.")]
    name: str
    version: str


class OperatedMetrics(Closed):
    """Metrics of the pods that an operator makes, where a site watches the platform (`global.monitoring`)."""

    port: Annotated[int, Field(ge=1, le=65535, description="Prometheus may reach it, in all pods of the component.")]
    name: Annotated[
        str, Field(description="Name of the port in the pods, for a monitor of ours; empty: the operator writes one.")
    ] = ""
    why: Annotated[Sentence, Field(description="Which program offers them, and what switching it on does.")]
    alerts: Annotated[dict[Alert, OwnAlert], Field(description="Alerts on them, where the monitor is ours.")] = {}
    source: str

    @model_validator(mode="after")
    def _ours(self) -> OperatedMetrics:
        if self.alerts and not self.name:
            raise ValueError("alerts: the labels of a monitor that the operator writes are its own")
        return self


class Operator(Closed):
    """Mode `operator`: the chart writes custom resources, and an operator that is there already makes all the rest."""

    name: Name
    version: str
    licence: str
    repository: str
    charts: Annotated[tuple[OperatorChart, ...], Field(min_length=1, description="In the order they are installed.")]
    kinds: Annotated[dict[str, str], Field(min_length=1, description="Kinds that are written, with their apiVersion.")]
    provides: Annotated[
        tuple[str, ...], Field(description="Those of the kinds that need the server: they come in the phase `provide`.")
    ] = ()
    service: Annotated[str, Field(pattern=r"\{name\}", description="Service of the server; {name} is the component's.")]
    reached: Annotated[tuple[int, ...], Field(description="Ports of the pods that the operator itself connects to.")]
    between: Annotated[tuple[int, ...], Field(description="Ports on which the pods reach each other.")]
    replicas: Replicas
    pods: Annotated[str, Field(pattern=r"\{name\}", description="Pattern of the names of its pods.")]
    claims: Annotated[str, Field(pattern=r"\{name\}", description="Pattern of the names of their claims.")]
    metrics: OperatedMetrics
    source: str


class External(Closed):
    """Mode `external`: what a site has to give for one that runs elsewhere."""

    gives: Annotated[Sentence, Field(description="What must be there: version, databases, users, topics, rights.")]
    url: Annotated[bool, Field(description="true: it is found by global.urls; false: by host and port.")] = False
    tls: Annotated[str, Field(description="How the connection is encrypted and who checks the certificate.")]
    encryption: Annotated[
        Literal["always", "url", "value", "never"],
        Field(description="What decides: nothing, the scheme of the URL, `tls` of the entry, or it is not possible."),
    ]
    provision: Annotated[
        Name | None, Field(description="Job that also runs against it, where the site says `provision: true`.")
    ] = None
    secrets: Annotated[tuple[Name, ...], Field(description="Secrets of this contract that the Job reads.")] = ()
    admin: Annotated[str, Field(description="User that the Job logs in as, unless the site names another.")] = ""
    source: str


class Instance(Closed):
    """A further instance of the same software: data, Secrets and name of its own, so that it fails by itself.

    The umbrella has the chart once more under the instance's name (`alias` in its Chart.yaml), and
    `global.components.<name>` says where it runs; `shared`, the default, means that the component itself serves in its
    place (ADR 10).
    """

    title: str
    why: Annotated[Sentence, Field(description="What is to fail by itself.")]

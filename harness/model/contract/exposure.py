"""How a component is reached from outside, and how it is watched."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.model.contract.base import Closed, Name, Sentence

Alert = Annotated[str, Field(pattern=r"^Indigo[A-Z][A-Za-z]+$", max_length=60)]


class Forwarded(Closed):
    """What the software makes of the headers with which a gateway says how a request came."""

    reads: Annotated[
        tuple[Literal["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix"], ...],
        Field(description="Headers that it needs; empty where its links come from a setting alone."),
    ]
    setting: Annotated[str | None, Field(description="Setting that makes it believe them.")] = None
    distrusts: Annotated[tuple[str, ...], Field(description="Values of that setting with which it does not.")] = ()
    why: Sentence
    source: str

    @model_validator(mode="after")
    def _whole(self) -> Forwarded:
        if (self.setting is None) != (not self.distrusts):
            raise ValueError("setting and distrusts belong together: the setting, and the values that do not do")
        if self.setting is not None and not self.reads:
            raise ValueError("setting: nothing is read, so there is nothing to believe")
        return self


class Limit(Closed):
    """A limit that everything in front of the software has to allow for."""

    value: Annotated[int, Field(ge=1, description="Seconds, or bytes.")]
    why: Sentence
    source: str


class Prefix(Closed):
    """Whether the software can be reached below a path of a shared host name."""

    mode: Annotated[
        Literal["strip", "keep", "none"],
        Field(description="strip: the gateway cuts it off; keep: the software knows it; none: it needs a host name."),
    ]
    why: Sentence
    source: str


class Route(Closed):
    """What the exposed port asks of the gateway in front of it."""

    forwarded: Forwarded
    prefix: Prefix
    timeout: Annotated[Limit | None, Field(description="Seconds that an answer may take.")] = None
    body: Annotated[Limit | None, Field(description="Bytes of the largest request.")] = None
    headers: Annotated[Limit | None, Field(description="Bytes that all headers of an answer may have.")] = None


class OwnAlert(Closed):
    """An alert on a metric that the software itself offers; `[[own]]` stands for the labels of its targets."""

    expr: Annotated[str, Field(pattern=r"\[\[own\]\]")]
    minutes: Annotated[int, Field(ge=1, description="How long it must hold.")]
    severity: Literal["critical", "warning"]
    summary: Sentence
    source: str


class Series(Closed):
    """A metric worth looking at, for the dashboards; `[[own]]` stands for the labels of its targets."""

    title: Sentence
    expr: Annotated[str, Field(pattern=r"\[\[own\]\]")]
    unit: Annotated[str, Field(description="Unit as Grafana names it.")] = "short"
    source: str


class Metrics(Closed):
    """What Prometheus can ask the software: a page of a port, or nothing, with the reason."""

    port: Name | None = None
    path: Annotated[str, Field(pattern=r"^/\S*$")] = "/metrics"
    params: dict[str, str] = {}
    none: Annotated[str, Field(description="Why there is nothing to ask; empty where there is a port.")] = ""
    alerts: dict[Alert, OwnAlert] = {}
    series: tuple[Series, ...] = ()
    source: str

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Metrics:
        if (self.port is None) == (not self.none):
            raise ValueError("metrics have a port, or `none`: the reason why the software offers nothing")
        if self.port is None and (self.alerts or self.series or self.params):
            raise ValueError("without a port there is nothing to alert on or to show")
        return self

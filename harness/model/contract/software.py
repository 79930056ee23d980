"""The software, its image and what the image demands of the pod."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.model.contract.base import Closed, Name, Sentence


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
    headers: dict[str, str] = {}

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

"""Secrets in a contract: their keys, what a valid value looks like, and the certificates among them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.model.contract.base import Closed, Sentence

CERTIFICATE_SHAPES = ("authorities", "certificate", "private-key")


class Rotate(enum.StrEnum):
    """What a new value of a key takes."""

    ROLL = "roll"  # the pods that read it must start anew, and nothing else
    STEPS = "steps"  # something else has to be done before or with it, which `onChange` says
    NEVER = "never"  # data or logins are lost with the old value


class SecretKey(Closed):
    """One key of a Secret."""

    shape: Annotated[
        Literal[
            "password",
            "fernet",
            "jwks",
            "base64-32",
            "username",
            "client-id",
            "text",
            "pem",
            "binary",
            "authorities",
            "certificate",
            "private-key",
        ],
        Field(
            description="What a valid value looks like; decides how `indigo secrets` makes it. binary: bytes that are "
            "no text (a Java key store); authorities, certificate, private-key: PEM, made together (`certificate`)."
        ),
    ]
    purpose: Sentence
    value: Annotated[str | None, Field(description="A fixed, harmless value (a user name); None where random.")] = None
    generate: Annotated[bool, Field(description="false: only a person can supply it (an outside account).")] = True
    changedBy: Annotated[str, Field(description="Who may change it.")]
    onChange: Annotated[str, Field(description="What happens, and what to do, when it changes.")]
    rotate: Annotated[
        Rotate,
        Field(
            description="roll: `indigo secrets rotate` does it alone; steps: after what onChange says; never: refused."
        ),
    ] = Rotate.STEPS


DNS_NAME = r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


class Certificate(Closed):
    """A certificate whose key is in the same Secret; `indigo secrets apply` has the platform's authority sign it."""

    use: Annotated[
        Literal["server", "client", "authority"],
        Field(description="Extended key usage. authority: signs the others; only the platform's own is one."),
    ]
    name: Annotated[str, Field(min_length=1, max_length=64, description="Common name of the subject.")]
    names: Annotated[
        tuple[Annotated[str, Field(pattern=DNS_NAME)], ...],
        Field(
            description="DNS names of a server: those of Services. Each is also written with the namespace, .svc and "
            ".svc.cluster.local behind it."
        ),
    ] = ()
    days: Annotated[int, Field(ge=1, description="How long it is valid; nothing renews it by itself.")] = 730

    @model_validator(mode="after")
    def _server_has_names(self) -> Certificate:
        if (self.use == "server") != bool(self.names):
            raise ValueError("the certificate of a server has names, and no other has any")
        return self


class Secret(Closed):
    """A Kubernetes Secret that this component owns; others may read it where they require the component."""

    purpose: Sentence
    keys: Annotated[dict[str, SecretKey], Field(min_length=1)]
    optional: Annotated[str, Field(description="When it is not needed; empty where it always is.")] = ""
    neededWith: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[\w.-]+(: \S+)?$")], ...],
        Field(
            description="Of an optional one: values of the component of which any makes it needed; a path that holds "
            "something, or `path: item` for an entry of a list."
        ),
    ] = ()
    certificate: Annotated[
        Certificate | None,
        Field(
            description="What the keys of shape authorities, certificate and private-key hold; they are made together."
        ),
    ] = None

    @model_validator(mode="after")
    def _whole_certificate(self) -> Secret:
        counts = {shape: len(self.of(shape)) for shape in CERTIFICATE_SHAPES}
        if self.certificate is not None and set(counts.values()) != {1}:
            raise ValueError(f"certificate: needs one key of each of the shapes {', '.join(CERTIFICATE_SHAPES)}")
        if self.neededWith and not self.optional:
            raise ValueError("neededWith: only an optional Secret can become needed")
        if self.certificate is None and any(self.keys[key].generate for shape in counts for key in self.of(shape)):
            raise ValueError("keys of a certificate need `certificate` (what it is for), or `generate: false`")
        return self

    def needed(self, values: Mapping[str, Any]) -> bool:
        """Return whether a component with these values (its own, without `global`) cannot do without the Secret."""
        return not self.optional or any(_holds(values, path) for path in self.neededWith)

    def of(self, shape: str) -> list[str]:
        """Return the keys of a shape."""
        return [key for key, spec in self.keys.items() if spec.shape == shape]

    def certificate_keys(self) -> tuple[str, str, str] | None:
        """Return the keys that hold authorities, certificate and private key; None without a certificate."""
        if self.certificate is None:
            return None
        authorities, certificate, private = (self.of(shape)[0] for shape in CERTIFICATE_SHAPES)
        return authorities, certificate, private


def _holds(values: Any, path: str) -> bool:
    keys, _, item = path.partition(": ")
    for key in keys.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return item in (values or ()) if item else bool(values)

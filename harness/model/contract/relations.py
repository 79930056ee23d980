"""What a component needs of others and owns on them: edges of the graph, databases, topics, buckets."""

from __future__ import annotations

import enum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.model.contract.base import Closed, Name, Sentence


class Need(enum.StrEnum):
    """How much a component needs another one."""

    HARD = "hard"  # it does not start or does not become ready without it: decides sync waves and waits
    SOFT = "soft"  # it starts without it and some requests fail until it is there: opens the network only


class Encryption(Closed):
    """How a consumer encrypts the way to a store that runs elsewhere (`global.components.<name>.tls`)."""

    setting: Annotated[str, Field(description="Setting by which the wiring switches it on.")] = ""
    checks: Annotated[str, Field(description="What of the server's certificate is checked, and what is not.")] = ""
    cannot: Annotated[str, Field(description="Why the software cannot, where it cannot.")] = ""
    source: str

    @model_validator(mode="after")
    def _either(self) -> Encryption:
        if bool(self.setting) == bool(self.cannot) or bool(self.setting) != bool(self.checks):
            raise ValueError("tls: either `setting` and `checks` say how, or `cannot` why not")
        return self


class Requirement(Closed):
    """An edge of the dependency graph: this component connects to a port of another one."""

    component: Name
    port: Name
    need: Need
    why: Sentence
    path: Annotated[str | None, Field(description="HTTP path that answers 200 once the other one serves.")] = None
    secrets: Annotated[tuple[Name, ...], Field(description="Secrets of the other one that this one reads.")] = ()
    tls: Annotated[
        Encryption | None, Field(description="Of one whose `external.encryption` is `value`: whether this one can.")
    ] = None
    source: str


class Egress(Closed):
    """Traffic to the outside of the platform."""

    to: Annotated[Literal["internet", "gateway"], Field(description="gateway: the platform's own public URLs.")]
    ports: Annotated[tuple[int, ...], Field(min_length=1)]
    why: Sentence


class Trust(Closed):
    """How the software takes certificate authorities of a site (`global.trustedCa`); the library gives them to it."""

    bundle: Annotated[
        tuple[str, ...], Field(description="Settings that name a file which takes the place of the usual authorities.")
    ] = ()
    own: Annotated[
        tuple[str, ...], Field(description="Settings that name a file whose authorities are added to the usual ones.")
    ] = ()
    java: Annotated[bool, Field(description="The wiring imports them into a trust store (common.trust.split).")] = False
    source: str


class Issuers(Closed):
    """Whose tokens the software believes besides the platform's IAM (`global.issuers`)."""

    setting: Annotated[
        str, Field(description="Setting, or path of a file, that lists them; empty: it knows one issuer alone.")
    ] = ""
    one: Annotated[str, Field(description="Why it knows one issuer alone.")] = ""
    source: str

    @model_validator(mode="after")
    def _either(self) -> Issuers:
        if bool(self.setting) == bool(self.one):
            raise ValueError("either `setting` says where issuers are listed, or `one` why there can be one alone")
        return self


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


class Client(Closed):
    """A client of the platform's IAM that this component is; a Job of that IAM registers it."""

    server: Name = "iam"
    secret: Annotated[Name, Field(description="Secret of this contract that holds id and secret of the client.")]
    id: Annotated[str, Field(description="Key of the id in that Secret.")] = "client-id"
    key: Annotated[str, Field(description="Key of the client's secret in that Secret.")] = "client-secret"
    title: Annotated[str, Field(min_length=4, max_length=256, description="What users read when they are asked.")]
    redirects: Annotated[
        tuple[Annotated[str, Field(pattern=r"^/[^\s#]*$")], ...], Field(description="Paths below the public URL.")
    ] = ()
    grants: Annotated[
        tuple[
            Literal[
                "authorization_code",
                "client_credentials",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ],
            ...,
        ],
        Field(min_length=1),
    ]
    scopes: tuple[Annotated[str, Field(pattern=r"^\S+$")], ...] = ()
    idTokenSeconds: Annotated[int, Field(ge=0, description="Life of ID tokens; 0 for the IAM's own.")] = 0
    purpose: Sentence
    source: str

    @model_validator(mode="after")
    def _returns(self) -> Client:
        if ("authorization_code" in self.grants) != bool(self.redirects):
            raise ValueError("authorization_code needs redirects, and nothing else does (IAM ValidGrantTypeValidator)")
        return self


class Bucket(Closed):
    """An S3 bucket that this component owns."""

    server: Name
    secret: Annotated[Name, Field(description="Secret of this contract with the keys access-key and secret-key.")]
    purpose: Sentence

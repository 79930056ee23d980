"""Settings of the software, options of the chart."""

from __future__ import annotations

import enum
from typing import Annotated, Any

from pydantic import Field

from harness.model.contract.base import Closed, Sentence


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


class Option(Closed):
    """A value of the chart (not of the software) from which it derives several settings."""

    schema_: Annotated[dict[str, Any], Field(alias="schema", description="JSON Schema of the value.")]
    default: Any = None
    meaning: Sentence

"""Wrong values, made from a JSON Schema: for each place in it, what a person might write there by mistake."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema

Schema = Mapping[str, Any]
ITEM = "[]"  # step of a path: an entry of a list
ANY = "*"  # step of a path: a key that the person chooses
_BY_TYPE: dict[str, Any] = {"string": "text", "integer": 3, "boolean": True, "array": [1], "object": {"a": 1}}
_TEXTS = ("two\nlines", "with blanks", "ünïcode", "UPPER/../case", "-", "")
_DESCRIBING = ("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref")


@dataclass(frozen=True)
class Place:
    """A place in a schema: the steps that lead to it, and what it says there."""

    path: tuple[str, ...]
    schema: Schema

    @property
    def shown(self) -> str:
        """Return the path as a person writes it."""
        return ".".join(self.path).replace(f".{ITEM}", ITEM)


def places(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[Place]:
    """Yield every place of a schema, its root first, in order."""
    yield Place(path, schema)
    for key, inner in sorted((schema.get("properties") or {}).items()):
        yield from places(inner, (*path, key))
    further = [schema.get("additionalProperties"), *(schema.get("patternProperties") or {}).values()]
    for inner in further:
        if isinstance(inner, Mapping):
            yield from places(inner, (*path, ANY))
    if isinstance(schema.get("items"), Mapping):
        yield from places(schema["items"], (*path, ITEM))


def open_place(schema: Schema) -> str:
    """Return why a place takes what nobody declared; empty where it does not.

    An object without properties is free on purpose: what Kubernetes defines (affinity), what a site names itself.
    """
    if not any(key in schema for key in _DESCRIBING):
        return "takes anything: it has no type"
    if schema.get("properties") and schema.get("additionalProperties", True) is True:
        return "takes unknown keys, so that a misspelt one is lost without a word"
    return ""


def wrong(schema: Schema) -> list[tuple[Any, str]]:
    """Return values that a place has to refuse, each with what is wrong with it."""
    found: list[tuple[Any, str]] = []
    written = schema.get("type")
    types = {written} if isinstance(written, str) else set(written or ())
    if types & {"number", "integer"}:
        types |= {"integer"}
    if types:
        found += [(value, f"is {name}") for name, value in _BY_TYPE.items() if name not in types]
    if "enum" in schema or "const" in schema:
        found.append(("no-such-choice", "is not among the choices"))
    if "string" in types:
        found += _texts(schema)
    if "minimum" in schema:
        found.append((schema["minimum"] - 1, "is too small"))
    if "maximum" in schema:
        found.append((schema["maximum"] + 1, "is too large"))
    if schema.get("additionalProperties") is False and "object" in types:
        found.append(({"no-such-key": 1}, "has an unknown key"))
    if schema.get("required"):
        found.append(({}, "lacks what is required"))
    if schema.get("minItems"):
        found.append(([], "is empty"))
    return found


def _texts(schema: Schema) -> list[tuple[Any, str]]:
    """Return texts of another form; of a pattern that every text meets, the first one, which is then found."""
    found: list[tuple[Any, str]] = []
    if "pattern" in schema:
        bad = [text for text in _TEXTS if not valid({"pattern": schema["pattern"]}, text)]
        found.append((bad[0] if bad else _TEXTS[0], "is not of the form"))
    if schema.get("minLength"):
        found.append(("", "is empty"))
    if "maxLength" in schema:
        found.append(("x" * (schema["maxLength"] + 1), "is too long"))
    return found


def valid(schema: Schema, value: Any) -> bool:
    """Return whether a schema takes a value."""
    return bool(_validator(json.dumps(schema, sort_keys=True)).is_valid(value))


@lru_cache(maxsize=2048)
def _validator(text: str) -> Any:
    return jsonschema.Draft7Validator(json.loads(text))


def instance(path: Sequence[str], value: Any) -> Any:
    """Return values with this value in one place, and nothing beside it."""
    for step in reversed(path):
        value = [value] if step == ITEM else {"own" if step == ANY else step: value}
    return value

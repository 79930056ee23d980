"""Small parts of JSON Schemas."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def closed(properties: Schema) -> Schema:
    """Return the schema of an object with these properties and no others."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def string(description: str, pattern: str) -> Schema:
    """Return the schema of a text."""
    return {"type": "string", "pattern": pattern, "description": description}


def texts(pattern: str = "") -> Schema:
    """Return the schema of a map from names to texts."""
    value: Schema = {"type": "string"} | ({"pattern": pattern} if pattern else {})
    return {"type": "object", "additionalProperties": value}

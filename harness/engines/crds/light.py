"""CustomResourceDefinitions, made light for an API server that lives for minutes.

As shipped, Argo CD's cost it 2.5 s of processor time and 160 MB: the ApplicationSet's schema holds every generator
three times, one inside the other. What is created here is the same but for two things. Descriptions are left out
(`kubectl explain` shows them, nothing else reads them), and a generator inside a `matrix` or `merge` generator is any
object: its fields are checked by Argo CD's controller, not at admission. The result is kept in the user's cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

FORMAT = "1"
NESTED = ("matrix", "merge")
ANY_OBJECT = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def prepared(files: Iterable[Path], cache: Path) -> dict[str, bytes]:
    """Return the definitions as JSON by the name of their object, from the cache where it has them.

    Args:
        files: YAML, one definition in each.
        cache: directory that may keep the result; whether it can be written does not matter.

    Raises:
        OSError: a definition cannot be read.
    """
    definitions: dict[str, bytes] = {}
    for file in files:
        text = file.read_bytes()
        kept = cache / f"{hashlib.sha256(FORMAT.encode() + text).hexdigest()[:24]}.json"
        try:
            content = kept.read_bytes()
        except FileNotFoundError:
            content = json.dumps(lighten(yaml.load(text, _loader())), separators=(",", ":")).encode()
            with contextlib.suppress(OSError):
                cache.mkdir(parents=True, exist_ok=True)
                fresh = kept.with_suffix(f".{os.getpid()}")
                fresh.write_bytes(content)
                fresh.rename(kept)
        definitions[json.loads(content)["metadata"]["name"]] = content
    return definitions


def lighten(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a definition without descriptions and with open generators inside generators."""
    for version in definition["spec"]["versions"]:
        schema = _without_descriptions(version["schema"]["openAPIV3Schema"])
        version["schema"]["openAPIV3Schema"] = schema
        if definition["spec"]["names"]["kind"] == "ApplicationSet":
            generators = schema["properties"]["spec"]["properties"]["generators"]["items"]["properties"]
            for name in NESTED:
                generators[name]["properties"]["generators"]["items"] = ANY_OBJECT
    return definition


def _without_descriptions(schema: Any, fields: bool = False) -> Any:
    """Return a schema without its descriptions; `fields`: these are names of fields, one may be `description`."""
    if isinstance(schema, list):
        return [_without_descriptions(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_descriptions(value, fields=key == "properties" and not fields)
        for key, value in schema.items()
        if fields or key != "description"
    }


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)

"""Strict validation of objects: the JSON Schemas of the Kubernetes API, from the package kubernetes-validate.

Kinds of other projects are held against upstream's own definitions (harness/engines/crds).
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

from harness.checks.argocd_schema import SCHEMAS
from harness.engines.crds import strict_schema
from harness.errors import UserError
from harness.render.objects import Object

Violation = tuple[str, str]  # path, message


def violations(item: Object, kubernetes: str) -> Iterator[Violation]:
    """Yield where an object breaks its schema, unknown fields included.

    Args:
        item: the object.
        kubernetes: version of Kubernetes (1.37.2 or 1.37); the schemas are those of its minor version.

    Raises:
        UserError: there are no schemas for that version.
    """
    minor = ".".join(kubernetes.removeprefix("v").split(".")[:2])
    yield from _violations(json.dumps(item, sort_keys=True, default=str), minor)


@functools.lru_cache(maxsize=4096)
def _violations(text: str, minor: str) -> tuple[Violation, ...]:
    item = json.loads(text)
    validator = _validator(str(item.get("apiVersion")), str(item.get("kind")), minor)
    if validator is None:
        return (("apiVersion", f"Kubernetes {minor} knows no {item.get('kind')} of {item.get('apiVersion')}"),)
    found = [(_path(error), _message(error)) for error in _leaves(validator.iter_errors(item))]
    return tuple(sorted(set(found)))


def _leaves(errors: Any) -> Iterator[Any]:
    for error in errors:
        if error.context:
            yield from _leaves(error.context)
        else:
            yield error


def _path(error: Any) -> str:
    path = ""
    for step in error.absolute_path:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return path


def _message(error: Any) -> str:
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        return f"unknown field {', '.join(sorted(set(error.instance) - set(known)))}"
    text = str(error.message)
    return text if len(text) < 300 else f"{text[:300]} …"


@functools.cache
def _validator(api_version: str, kind: str, minor: str) -> Any:
    if api_version == "argoproj.io/v1alpha1" and kind in SCHEMAS:
        return jsonschema.Draft202012Validator(SCHEMAS[kind])
    if (schema := strict_schema(api_version, kind)) is not None:
        return jsonschema.Draft202012Validator(schema)
    folder = _folder(minor)
    # apps/v1 -> apps-v1, networking.k8s.io/v1 -> networking-v1: how the package names its files
    version = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    path = folder / f"{kind.lower()}-{version}.json"
    if not path.is_file():
        return None
    schema = json.loads(path.read_text(encoding="utf-8"))
    registry: Any = Resource.from_contents(schema) @ _definitions(folder)
    return jsonschema.Draft202012Validator(schema, registry=registry)


@functools.cache
def _definitions(folder: Path) -> Any:
    definitions = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))
    return Resource.from_contents(definitions) @ Registry()


def _folder(minor: str) -> Path:
    found = importlib.util.find_spec("kubernetes_validate")
    if found is None or found.origin is None:
        raise UserError("the package kubernetes-validate is not installed", fix="run: make setup")
    schemas = Path(found.origin).parent / "kubernetes-json-schema"
    folder = schemas / f"v{minor}.0-local-strict"
    if not folder.is_dir():
        known = sorted(path.name.split("-")[0][1:] for path in schemas.glob("*-local-strict"))
        raise UserError(f"no schemas of Kubernetes {minor}", fix=f"use one of: {', '.join(known)}")
    return folder

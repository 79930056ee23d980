"""Strict validation of objects: the JSON Schemas of the Kubernetes API, from the package kubernetes-validate.

Kinds of other projects are held against upstream's own definitions (harness/engines/crds), Argo CD's against those in
`argocd_schema.py`; both are the same for every version of Kubernetes. What was found of an object is kept in the user's
cache, by everything that decides it.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

from harness.checks import argocd_schema
from harness.checks.versions import minor
from harness.engines.crds import strict_schema
from harness.errors import UserError
from harness.render import cache
from harness.render.objects import Object

Violation = tuple[str, str]  # path, message
FOUND = "schema"  # kind of the cache's entries


def violations(item: Object, kubernetes: str) -> Iterator[Violation]:
    """Yield where an object breaks its schema, unknown fields included.

    Args:
        item: the object.
        kubernetes: version of Kubernetes (1.37.2 or 1.37); the schemas are those of its minor version.

    Raises:
        UserError: there are no schemas for that version.
    """
    for path, message, _ in violations_in(item, minor(kubernetes)):
        yield path, message


def violations_in(item: Object, *minors: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return where an object breaks its schema: path, message, and in which of some minor versions of Kubernetes.

    Raises:
        UserError: as `violations`.
    """
    found: dict[Violation, tuple[str, ...]] = {}
    for name, wrong in _kept(json.dumps(item, sort_keys=True, default=str), minors):
        for path, message in wrong:
            found[path, message] = (*found.get((path, message), ()), name)
    return sorted((path, message, names) for (path, message), names in found.items())


@functools.lru_cache(maxsize=4096)
def _kept(text: str, minors: tuple[str, ...]) -> list[tuple[str, list[Violation]]]:
    """Return what is wrong with an object in each version, from the cache where it was looked at before."""
    for name in minors:
        _folder(name)  # a version that there is not is refused, whatever the object
    key = cache.Key()
    key.add("schemas", _schemas())
    key.add("minors", " ".join(minors))
    key.add("object", text)
    found = cache.load(key.text(), FOUND)
    if found is None:
        item = json.loads(text)
        found = [(name, _violations(item, name)) for name in minors]
        cache.store(key.text(), found, FOUND)
    return [(name, [(path, message) for path, message in wrong]) for name, wrong in found]


@functools.cache
def _schemas() -> str:
    """Return a hash of what decides which schema an object is held against, and how."""
    from harness.engines import crds
    from harness.toolchain import catalog

    key = cache.Key()
    for package in ("kubernetes-validate", "jsonschema"):
        key.add(package, version(package))
    here = Path(__file__)
    definitions = Path(crds.__file__).parent
    upstream = [catalog.HERE / "go-crds" / "go.mod", *sorted((definitions / "kept").glob("*.json"))]
    for file in (here, Path(argocd_schema.__file__), *sorted(definitions.glob("*.py")), *upstream):
        key.add(file.name, cache.read(file))
    return key.text()


def _violations(item: Object, name: str) -> list[Violation]:
    validator = _validator(str(item.get("apiVersion")), str(item.get("kind")), name)
    if validator is None:
        return [("apiVersion", f"Kubernetes knows no {item.get('kind')} of {item.get('apiVersion')}")]
    return sorted({(_path(error), _message(error)) for error in _leaves(validator.iter_errors(item))})


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


def _validator(api_version: str, kind: str, name: str) -> Any:
    return _of_a_project(api_version, kind) or _of_kubernetes(api_version, kind, name)


@functools.cache
def _of_a_project(api_version: str, kind: str) -> Any:
    """Return what validates a kind that is not Kubernetes' own; None: it is."""
    if api_version == "argoproj.io/v1alpha1" and kind in argocd_schema.SCHEMAS:
        return jsonschema.Draft202012Validator(argocd_schema.SCHEMAS[kind])
    if (schema := strict_schema(api_version, kind)) is not None:
        return jsonschema.Draft202012Validator(schema)
    return None


@functools.cache
def _of_kubernetes(api_version: str, kind: str, name: str) -> Any:
    """Return what validates a kind as a minor version of Kubernetes knows it; None: it knows none."""
    folder = _folder(name)
    # apps/v1 -> apps-v1, networking.k8s.io/v1 -> networking-v1: how the package names its files
    file = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    path = folder / f"{kind.lower()}-{file}.json"
    if not path.is_file():
        return None
    schema = json.loads(path.read_text(encoding="utf-8"))
    registry: Any = Resource.from_contents(schema) @ _definitions(folder)
    return jsonschema.Draft202012Validator(schema, registry=registry)


@functools.cache
def _definitions(folder: Path) -> Any:
    definitions = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))
    return Resource.from_contents(definitions) @ Registry()


@functools.cache
def _folder(name: str) -> Path:
    found = importlib.util.find_spec("kubernetes_validate")
    if found is None or found.origin is None:
        raise UserError("the package kubernetes-validate is not installed", fix="run: make setup")
    schemas = Path(found.origin).parent / "kubernetes-json-schema"
    folder = schemas / f"v{name}.0-local-strict"
    if not folder.is_dir():
        known = sorted(path.name.split("-")[0][1:] for path in schemas.glob("*-local-strict"))
        raise UserError(f"no schemas of Kubernetes {name}", fix=f"use one of: {', '.join(known)}")
    return folder

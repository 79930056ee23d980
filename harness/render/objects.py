"""Kubernetes objects as plain data, read and written as Helm, Argo CD and kubectl read and write YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

try:
    from yaml import CSafeDumper as _BaseDumper
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeDumper as _BaseDumper  # type: ignore[assignment]
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]

Object = dict[str, Any]

_TAG = "tag:yaml.org,2002:"
# Plain scalars as sigs.k8s.io/yaml (goyaml.v2, resolve.go) sees them: y and n are booleans, 1e3 is a number, and there
# are neither dates nor base 60, both of which PyYAML knows.
_RESOLVERS = [
    ("bool", r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$", "yYnNtTfFoO"),
    ("int", r"^[-+]?(?:0|[1-9][0-9_]*|0o?[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$", "-+0123456789."),
]


class Loader(_BaseLoader):
    """Reads YAML as Kubernetes does; a key written twice is refused instead of silently overwritten."""


class Dumper(_BaseDumper):
    """Writes YAML that Kubernetes reads back as the same data; text of several lines is a block."""


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    kept = {f"{_TAG}{name}" for name in ("bool", "int", "float", "timestamp", "value", "merge")}
    table = {
        first: [entry for entry in entries if entry[0] not in kept]
        for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    table["<"] = [(f"{_TAG}merge", re.compile("^(?:<<)$"))]
    for name, pattern, firsts in _RESOLVERS:
        for first in firsts:
            table.setdefault(first, []).append((f"{_TAG}{name}", re.compile(pattern)))
    return table


def _boolean(loader: Any, node: yaml.ScalarNode) -> bool:
    return str(loader.construct_scalar(node)).lower() in ("y", "yes", "true", "on")


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    result: dict[Any, Any] = yaml.SafeLoader.construct_mapping(loader, node, deep=True)
    if len(result) != len(node.value) and not any(key.tag == f"{_TAG}merge" for key, _ in node.value):
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = loader.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is written twice", key_node.start_mark
                )
            seen.add(key)
    return result


def _text(dumper: Any, value: str) -> yaml.Node:
    block = "\n" in value and not re.search(r"[ \t]\n|\t", value)
    node: yaml.Node = dumper.represent_scalar(f"{_TAG}str", value, style="|" if block else None)
    return node


for _class in (Loader, Dumper):
    _class.yaml_implicit_resolvers = _resolvers()
Loader.add_constructor(f"{_TAG}bool", _boolean)
Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
Dumper.add_representer(str, _text)


def parse_objects(text: str) -> list[Object]:
    """Return the Kubernetes objects in a stream of YAML documents, in its order; empty documents are left out.

    Raises:
        yaml.YAMLError: it is not YAML, or a key is written twice in one map.
        ValueError: a document is not an object with apiVersion, kind and a name.
    """
    objects = [document for document in yaml.load_all(text, Loader=Loader) if document is not None]
    for item in objects:
        if not isinstance(item, dict) or not all(key in item for key in ("apiVersion", "kind", "metadata")):
            raise ValueError(f"not an object of Kubernetes: {str(item)[:200]}")
    return objects


def to_yaml(objects: Iterable[Object]) -> str:
    """Return objects as a stream of YAML documents that `kubectl apply -f -` takes."""
    return "".join(
        "---\n" + yaml.dump(item, Dumper=Dumper, sort_keys=False, default_flow_style=False, width=10_000)
        for item in objects
    )


def title(item: Object) -> str:
    """Return `Kind/name` of an object."""
    return f"{item.get('kind', '?')}/{(item.get('metadata') or {}).get('name', '?')}"

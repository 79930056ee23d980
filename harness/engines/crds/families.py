"""The families of kinds, which of them a set of objects needs, and their definitions."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.engines.crds.light import prepared
from harness.errors import UserError
from harness.paths import cache_dir

HERE = Path(__file__).resolve().parent
DEFINED = {
    "", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apps", "autoscaling", "batch", "networking.k8s.io",
    "policy", "rbac.authorization.k8s.io", "scheduling.k8s.io", "storage.k8s.io",
    "argoproj.io",  # an engine brings Argo CD's definitions itself
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """An API group of another project.

    Attributes:
        name: as the project is called.
        group: the API group of its kinds.
        tool: of the toolchain: the directory of upstream's definitions; empty where there is none.
        kept: whether upstream's definitions are kept here (`upstream.py`), of the kinds that this project writes.
        version: of the API, of an open family.
        kinds: of an open family: singular kind -> plural name; all are namespaced.
    """

    name: str
    group: str
    tool: str = ""
    kept: bool = False
    version: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)


FAMILIES = (
    Family("gateway-api", "gateway.networking.k8s.io", tool="gateway-api-crds"),
    Family("prometheus-operator", "monitoring.coreos.com", tool="prometheus-operator-crds"),
    Family("mariadb-operator", "k8s.mariadb.com", kept=True),
    Family("strimzi", "kafka.strimzi.io", kept=True),
)


def family(name: str) -> Family:
    """Return the family of that name.

    Raises:
        UserError: there is none.
    """
    for entry in FAMILIES:
        if entry.name == name:
            return entry
    raise UserError(f"no family of kinds is called {name!r}", fix=f"one of: {', '.join(f.name for f in FAMILIES)}")


def families_of(objects: Iterable[Mapping[str, Any]]) -> tuple[Family, ...]:
    """Return the families that objects are of, in the order of `FAMILIES`.

    Raises:
        UserError: a kind of a group that is neither Kubernetes' own nor a family: nobody would define it.
    """
    groups = {str(item["apiVersion"]).rpartition("/")[0]: f"{item['kind']} of {item['apiVersion']}" for item in objects}
    known = {entry.group for entry in FAMILIES} | DEFINED
    for group, example in groups.items():
        if group not in known:
            raise UserError(
                f"{example}: no family of kinds defines the group {group}",
                where=str(Path("harness/engines/crds/families.py")),
                fix="add a family: a pinned module with its definitions, or an open one",
            )
    return tuple(entry for entry in FAMILIES if entry.group in groups)


def definitions(family: Family) -> dict[str, bytes]:
    """Return the CustomResourceDefinitions of a family as JSON, by the name of their object.

    Raises:
        UserError: upstream's cannot be fetched.
    """
    if family.tool:
        from harness import toolchain

        files = sorted(toolchain.tool(family.tool).glob("*.yaml"))
        return prepared(files, cache_dir() / "crds")
    if family.kept:
        from harness.engines.crds import upstream  # a program of its own, too

        return {name: json.dumps(item).encode() for name, item in upstream.kept(family.name)["definitions"].items()}
    return {
        f"{plural}.{family.group}": json.dumps(_open_definition(family, kind, plural)).encode()
        for kind, plural in family.kinds.items()
    }


def stages(family: Family) -> str:
    """Return kwok's stages for a family as YAML: what its operator would write into the status; empty: nothing.

    An object of an open or kept family becomes Ready, unless it is annotated `simulation.indigo-paas/never-ready:
    "true"`. In a family's own file $KIND and the like stand for each of its kinds, as in `open.yaml`.
    """
    path = HERE / "stages" / f"{family.name}.yaml"
    if not path.is_file():
        path = HERE / "stages" / "open.yaml"
    template = path.read_text(encoding="utf-8")
    if "$KIND" not in template:
        return template
    parts = []
    for body in definitions(family).values():
        spec = json.loads(body)["spec"]
        kind, version = spec["names"]["kind"], spec["versions"][0]["name"]
        words = {
            "GROUP_VERSION": f"{family.group}/{version}",
            "FAMILY": family.name,
            "SINGULAR": kind.lower(),
            "KIND": kind,
        }
        text = template
        for word, value in words.items():
            text = text.replace(f"${word}", value)
        parts.append(text)
    return "---\n".join(parts)


def _open_definition(family: Family, kind: str, plural: str) -> dict[str, Any]:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": family.version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{family.group}"},
        "spec": {
            "group": family.group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [version],
        },
    }


@functools.cache
def strict_schema(api_version: str, kind: str) -> dict[str, Any] | None:
    """Return upstream's JSON Schema of a kind, closed: a field that it does not know is refused.

    None where no family with upstream's definitions has that kind in that version. Rules in CEL
    (`x-kubernetes-validations`) are the API server's to check.
    """
    offered = _offered(api_version, kind)
    if offered is None or not offered["served"]:
        return None
    schema = copy.deepcopy(offered["schema"]["openAPIV3Schema"])
    return {**_closed(schema), "required": ["apiVersion", "kind", "metadata", "spec"]}


@functools.cache
def deprecated(api_version: str, kind: str) -> bool:
    """Return whether upstream's definition says that this version of a kind is deprecated."""
    offered = _offered(api_version, kind)
    return offered is not None and bool(offered.get("deprecated"))


def _offered(api_version: str, kind: str) -> dict[str, Any] | None:
    """Return what upstream's definition says of one version of a kind."""
    group, _, version = api_version.rpartition("/")
    for entry in FAMILIES:
        if entry.group == group and (entry.tool or entry.kept):
            return _versions(entry.name).get((kind, version))
    return None


@functools.cache
def _versions(name: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what a family's definitions say of each kind and version."""
    specs = [json.loads(body)["spec"] for body in definitions(family(name)).values()]
    return {(spec["names"]["kind"], offered["name"]): offered for spec in specs for offered in spec["versions"]}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for value in properties.values():
            _closed(value)
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            _closed(schema[key])
    return schema

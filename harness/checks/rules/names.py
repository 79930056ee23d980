"""Names and labels that Kubernetes takes, also once it has added its own endings; every object is in its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import NAME
from harness.render.objects import Object

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_PORT = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
# What is added to a name, and has to fit into a label of 63: -0123456789 (revision of a StatefulSet), -abcde (pod of a
# Job), -0123456789-abcde (pod of a Deployment).
_LONGEST = {"StatefulSet": 52, "Job": 57, "Deployment": 46}
_LABELS = (
    NAME, "app.kubernetes.io/part-of", "app.kubernetes.io/version", "app.kubernetes.io/managed-by",
    "indigo-paas/environment",
)  # fmt: skip


def _check(platform: Platform) -> Iterator[Problem]:
    everything = [*platform.objects, *platform.delivery]
    for item in everything:
        yield from _name(item)
        for key, value in (item["metadata"].get("labels") or {}).items():
            if not isinstance(value, str) or len(value) > 63 or not _VALUE.fullmatch(value):
                yield Problem(item, f"metadata.labels.{key}", f"{value!r} is no value of a label")
    for item in platform.objects:
        yield from _place(item, platform)
    seen = Counter(
        (item["apiVersion"].split("/")[0], item["kind"], _namespace(item), item["metadata"]["name"])
        for item in everything
    )
    for (_, kind, _, name), times in seen.items():
        if times > 1:
            twice = next(item for item in everything if (item["kind"], item["metadata"]["name"]) == (kind, name))
            yield Problem(
                twice, "metadata.name", f"is rendered {times} times", "render it once, or give one another name"
            )
    for pod in platform.pods:
        for container in pod.containers:
            if len(container.name) > 63 or not _LABEL.fullmatch(container.name):
                yield Problem(pod.owner, f"{container.path}.name", f"{container.name!r} is no name of a container")
            for port in container.data.get("ports") or ():
                yield from _port(pod.owner, f"{container.path}.ports", port.get("name"))


def _name(item: Object) -> Iterator[Problem]:
    kind, name = item["kind"], str(item["metadata"]["name"])
    longest = _LONGEST.get(kind, 63 if kind in ("Service", "Namespace") else 253)
    pattern = _SERVICE if kind == "Service" else _LABEL if kind in (*_LONGEST, "Namespace") else _DOMAIN
    if not pattern.fullmatch(name):
        yield Problem(item, "metadata.name", f"{name!r} is no DNS name")
    elif len(name) > longest:
        yield Problem(item, "metadata.name", f"has {len(name)} characters, a {kind} takes {longest}")
    if kind == "ConfigMap":
        for key in item.get("data") or {}:
            if len(key) > 253 or not _KEY.fullmatch(key):
                yield Problem(item, "data", f"{key!r} is no key of a ConfigMap")
    if kind == "Service":
        for port in item["spec"].get("ports") or ():
            yield from _port(item, "spec.ports", port.get("name"))


def _port(item: Object, path: str, name: str | None) -> Iterator[Problem]:
    if name is not None and (len(name) > 15 or not _PORT.fullmatch(name)):
        yield Problem(item, path, f"{name!r} is no name of a port (15 characters, letters, digits and dashes)")


def _place(item: Object, platform: Platform) -> Iterator[Problem]:
    if _namespace(item) != platform.namespace:
        yield Problem(item, "metadata.namespace", f"is {_namespace(item)!r}, the environment is {platform.namespace}")
    labels: Mapping[str, str] = item["metadata"].get("labels") or {}
    missing = [label for label in _LABELS if label not in labels]
    if missing:
        yield Problem(item, "metadata.labels", f"lacks {', '.join(missing)}")
    elif labels["indigo-paas/environment"] != platform.name:
        yield Problem(
            item,
            "metadata.labels.indigo-paas/environment",
            f"is {labels['indigo-paas/environment']}, this is {platform.name}",
            f"write global.environment: {platform.name} in argocd/environments/{platform.name}/values.yaml",
        )


def _namespace(item: Object) -> str:
    return str(item["metadata"].get("namespace", ""))


RULE = Rule(
    id="names",
    title="Names and labels are valid and short enough, unique, and in the environment's namespace",
    fix="shorten or mend the name; let common.metadata write names and labels",
    source="Kubernetes documentation, object names and labels; docs/explanation/architecture.md, Names",
    why="Kubernetes adds endings to names and puts them into labels of 63 characters: a name that is just short "
    "enough for itself makes pods that cannot be created. A second object of the same name overwrites the "
    "first.",
    example=Example(
        given="an object in a namespace that is not the environment's",
        says="the environment is indigo-dev",
    ),
    environment=_check,
)

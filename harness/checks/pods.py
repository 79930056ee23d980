"""The pods that objects make, and the containers in them, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.render.objects import Object

NAME = "app.kubernetes.io/name"
OPERATED = "indigo-paas/component"  # on the pods that an operator makes (charts/common/templates/_operated.tpl)
ROLE = "indigo-paas/role"
SERVER = "server"
WAIT_FOR = (
    "wait-for-"  # init containers of charts/common/templates/_wait.tpl; the others have the component's own image
)
_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True)
class Container:
    """A container of a pod."""

    data: Mapping[str, Any]
    group: str  # containers or initContainers
    path: str

    @property
    def name(self) -> str:
        """Return its name."""
        return str(self.data.get("name", ""))

    @property
    def init(self) -> bool:
        """Whether it runs before the others."""
        return self.group == "initContainers"

    @property
    def security(self) -> Mapping[str, Any]:
        """Return its security context; empty without one."""
        return self.data.get("securityContext") or {}


@dataclass(frozen=True)
class Pod:
    """A pod template of an object, or a Pod itself."""

    owner: Object
    template: Mapping[str, Any]
    path: str  # of the pod's spec in the owner

    @property
    def spec(self) -> Mapping[str, Any]:
        """Return the pod's spec."""
        return self.template.get("spec") or {}

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Return the pod's metadata."""
        return self.template.get("metadata") or {}

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the pod's labels."""
        return self.metadata.get("labels") or {}

    @property
    def component(self) -> str:
        """Return the component that the pod says it belongs to."""
        return self.labels.get(NAME, "")

    @property
    def server(self) -> bool:
        """Whether it serves; otherwise it is a Job's."""
        return self.labels.get(ROLE) == SERVER

    @cached_property
    def containers(self) -> list[Container]:
        """Return its containers, those that run first before the others."""
        return [
            Container(data, group, f"{self.path}.{group}[{index}]")
            for group in ("initContainers", "containers")
            for index, data in enumerate(self.spec.get(group) or ())
        ]

    @property
    def main(self) -> Container | None:
        """Return the component's own container: the one that has its name."""
        named = [item for item in self.containers if not item.init and item.name == self.component]
        return named[0] if named else None


def pods_of(item: Object) -> Iterator[Pod]:
    """Yield the pod that an object makes, if it makes one."""
    if item.get("kind") == "Pod":
        yield Pod(item, item, "spec")
        return
    steps = _TEMPLATES.get(str(item.get("kind")))
    if steps:
        template: Any = item
        for step in steps:
            template = (template or {}).get(step)
        if isinstance(template, Mapping):
            yield Pod(item, template, ".".join((*steps, "spec")))


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector (or a Service's plain map) selects these labels; an empty one selects all."""
    selector = selector or {}
    plain = selector if not ({"matchLabels", "matchExpressions"} & set(selector)) else selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in plain.items()) and all(
        _expression(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    return bool(
        {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[expression["operator"]]
    )

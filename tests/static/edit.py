"""A copy of all that the rules look at, to be made wrong in one place."""

from __future__ import annotations

import dataclasses
import functools
import pickle
from typing import Any

from harness.checks import Platform, Subject
from harness.checks.pods import NAME, Pod, pods_of
from harness.model.contract import Contract
from harness.model.graph import Graph
from harness.model.placement import place
from harness.render import Object, Rendered

BASE = {"app.kubernetes.io/part-of": "indigo-paas", "app.kubernetes.io/managed-by": "Helm"}


class Edit:
    """One environment of a subject, copied: change objects, values or contracts, then take `subject()`."""

    def __init__(self, committed: Subject, environment: str = "dev") -> None:
        platform = committed.platforms[environment]
        self._committed = committed
        self._rendered = platform.rendered
        self._images = platform.images
        self.name = environment
        self.namespace = platform.namespace
        self.applications: dict[str, list[Object]]
        self.delivery: list[Object]
        self.delivered_by: Object
        self.bootstrap: list[Object]
        self.values: dict[str, Any]
        copied = map(pickle.loads, _pickled(_Same(committed), environment))
        self.applications, self.delivery, self.delivered_by, self.bootstrap, self.values = copied
        self.objects = next(iter(self.applications.values()))
        self.contracts: dict[str, Contract] = dict(committed.contracts)

    def subject(self) -> Subject:
        """Return the copy, with this environment alone."""
        rendered: Rendered = dataclasses.replace(
            self._rendered,
            applications=self.applications,
            delivery=self.delivery,
            delivered_by=self.delivered_by,
        )
        placed = place(self.contracts, self.values)
        graph = placed.graph
        platform = Platform(rendered, graph.contracts, graph, self.values, placed.modes, self._images)
        return dataclasses.replace(
            self._committed,
            contracts=graph.contracts,
            graph=graph,
            platforms={self.name: platform},
            bootstrap=self.bootstrap,
        )

    def get(self, kind: str, name: str) -> Any:
        """Return one object, wherever it is."""
        everything = [*self.objects, *self.delivery, *self.bootstrap]
        found = [item for item in everything if (item["kind"], item["metadata"]["name"]) == (kind, name)]
        assert len(found) == 1, f"{kind}/{name}: {len(found)} objects"
        return found[0]

    def workload(self, component: str) -> Any:
        """Return a component's Deployment or StatefulSet."""
        return self.get(self.contracts[component].workload.kind, component)

    def pod(self, component: str) -> Any:
        """Return the pod template of a component's workload."""
        return self.workload(component)["spec"]["template"]

    def container(self, component: str) -> Any:
        """Return the component's own container."""
        return self.pod(component)["spec"]["containers"][0]

    def job(self, component: str) -> Any:
        """Return the first Job of a component."""
        return next(
            item for item in self.objects if item["kind"] == "Job" and item["metadata"]["labels"][NAME] == component
        )

    def env(self, component: str, name: str) -> Any:
        """Return an entry of a component's environment."""
        return next(entry for entry in self.container(component)["env"] if entry["name"] == name)

    def policy(self, component: str) -> Any:
        """Return the spec of a component's NetworkPolicy."""
        return self.get("NetworkPolicy", component)["spec"]

    def contract(self, component: str, **changes: Any) -> None:
        """Replace parts of a contract."""
        self.contracts[component] = self.contracts[component].model_copy(update=changes)

    def add(self, component: str, kind: str, name: str, api_version: str = "v1", **content: Any) -> Object:
        """Add an object of a component, with the labels that all have, and return it."""
        version = self.contracts[component].upstream.version
        labels = {NAME: component, **BASE, "app.kubernetes.io/version": version, "indigo-paas/environment": self.name}
        wave = Graph.build(self.contracts).wave(component)
        item: Object = {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": labels,
                "annotations": {
                    "argocd.argoproj.io/sync-wave": str(wave),
                    "indigo-paas/source": f"charts/{self.contracts[component].chart}",
                },
            },
            **content,
        }
        self.objects.append(item)
        return item

    def allow(self, group: str, kind: str) -> None:
        """Let the environment's project have a kind, so that only the rule in question finds something."""
        kinds = self.get("AppProject", f"indigo-{self.name}")["spec"]["namespaceResourceWhitelist"]
        if {"group": group, "kind": kind} not in kinds:
            kinds.append({"group": group, "kind": kind})

    def budget(self, component: str) -> Object:
        """Add a disruption budget as the library chart writes it."""
        self.allow("policy", "PodDisruptionBudget")
        spec = {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow", "selector": self.selector(component)}
        return self.add(component, "PodDisruptionBudget", component, "policy/v1", spec=spec)

    def selector(self, component: str) -> dict[str, Any]:
        """Return the label selector of a component's serving pods."""
        return {"matchLabels": {NAME: component, "indigo-paas/role": "server"}}

    def spread(self, component: str) -> None:
        """Spread a component's pods over nodes as the library chart does."""
        self.pod(component)["spec"]["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": self.selector(component),
            }
        ]

    def scale(self, component: str, replicas: int) -> None:
        """Give a component more pods, with all that belongs to it."""
        self.workload(component)["spec"]["replicas"] = replicas
        self.budget(component)
        self.spread(component)


@dataclasses.dataclass(frozen=True)
class _Same:
    """A subject that is equal to itself alone."""

    subject: Subject

    def __hash__(self) -> int:
        return id(self.subject)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.subject is self.subject


@functools.lru_cache(maxsize=8)
def _pickled(committed: _Same, environment: str) -> list[bytes]:
    """Return the parts that an edit copies, made ready once: reading them back takes a fifth of `copy.deepcopy`."""
    subject = committed.subject
    rendered = subject.platforms[environment].rendered
    values = dict(subject.platforms[environment].values)
    parts = (rendered.applications, rendered.delivery, rendered.delivered_by, subject.bootstrap, values)
    return [pickle.dumps(part) for part in parts]


def minimal_pod(**spec: Any) -> Pod:
    """Return a pod that the restricted profile lets pass, with changes to its spec."""
    container = {
        "name": "main",
        "image": "example:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    item = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "minimal"},
        "spec": {"securityContext": security, "containers": [container], **spec},
    }
    return next(pods_of(item))

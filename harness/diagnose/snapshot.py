"""What a diagnosis is made from: a plain dict that may be recorded as JSON, and questions about it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import Required, TypedDict

from harness.diagnose.objects import (
    COMPONENT,
    Object,
    Objects,
    labels_of,
    moment,
    name_of,
    namespace_of,
    owned_by,
    seconds_between,
)
from harness.model.graph import Graph


class Snapshot(TypedDict, total=False):
    """One look at a cluster: Kubernetes objects as the API server gives them, never a Secret."""

    taken: Required[str]  # ISO 8601, with zone
    application: Required[str]  # the one that was asked for
    namespace: Required[str]  # of the platform
    environment: str
    applications: Objects  # outermost first: root, environment, platform
    applicationsets: Objects
    resources: Objects  # what the Applications track, and claims and quotas of the namespace
    replicasets: Objects
    pods: Objects
    events: Objects
    secrets: dict[str, list[str]] | None  # names and keys, no values; None: may not be read
    logs: dict[str, str]  # "pod/container", and "pod/container/previous"
    gaps: list[str]  # what could not be read, a sentence each
    masked: bool  # whether secrets were masked already


class View:
    """Questions about a snapshot and the graph of the contracts."""

    def __init__(self, snapshot: Snapshot, graph: Graph) -> None:
        self.snapshot = snapshot
        self.graph = graph
        self.now = moment(snapshot["taken"]) or datetime.now(UTC)
        self.namespace = snapshot["namespace"]
        self.environment = snapshot.get("environment", "")
        self.applications = snapshot.get("applications", [])
        self.pods = snapshot.get("pods", [])
        self.secrets = snapshot.get("secrets")

    @cached_property
    def _live(self) -> dict[tuple[str, str, str], Object]:
        sources = (self.applications, self.snapshot.get("applicationsets", []), self.snapshot.get("resources", []))
        items = [item for items in (*sources, self.pods) for item in items]
        return {(item.get("kind", ""), namespace_of(item), name_of(item)): item for item in items}

    def live(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """Return an object that is in the cluster, or None."""
        return self._live.get((kind, namespace, name))

    def of_kind(self, kind: str) -> Objects:
        """Return the live objects of a kind."""
        return [item for (found, _, _), item in self._live.items() if found == kind]

    def replicasets_of(self, owner: Object) -> Objects:
        """Return a Deployment's ReplicaSets, the newest first."""
        owned = [item for item in self.snapshot.get("replicasets", []) if owned_by(item, owner)]
        return sorted(owned, key=_created, reverse=True)

    def pods_of(self, owner: Object) -> Objects:
        """Return the pods of a workload or Job, the newest first; of a Deployment those of its newest ReplicaSet."""
        if owner.get("kind") == "Pod":
            return [owner]
        owners = [owner]
        if owner.get("kind") == "Deployment":
            owners = self.replicasets_of(owner)[:1]
        pods = [pod for pod in self.pods if any(owned_by(pod, one) for one in owners)]
        return sorted(pods, key=_created, reverse=True)

    def events_of(self, *items: Object) -> Objects:
        """Return the events about objects, the oldest first; not those of an earlier object of the same name."""
        found = []
        for event in self.snapshot.get("events", []):
            about = event.get("involvedObject") or {}
            for item in items:
                uid, other = item.get("metadata", {}).get("uid"), about.get("uid")
                same = (about.get("kind"), about.get("name")) == (item.get("kind"), name_of(item))
                if same and not (uid and other and uid != other):
                    found.append(event)
                    break
        return sorted(found, key=last_seen)

    def log(self, pod: str, container: str, *, previous: bool = False) -> str:
        """Return the end of a container's log, empty where there is none."""
        return self.snapshot.get("logs", {}).get(f"{pod}/{container}{'/previous' if previous else ''}", "")

    def age(self, time: object) -> int | None:
        """Return the seconds from a Kubernetes time to the look, or None."""
        return seconds_between(time, self.now)

    def component(self, kind: str, name: str, namespace: str = "") -> str:
        """Return the component that an object belongs to: its label says so, or its name; empty where neither does."""
        item = self.live(kind, name, namespace)
        label = labels_of(item).get(COMPONENT, "") if item else ""
        if label in self.graph.contracts:
            return label
        fitting = [one for one in self.graph.contracts if name == one or name.startswith(f"{one}-")]
        return max(fitting, key=len, default="")

    def maker(self, kind: str, name: str) -> str:
        """Return the Application that tracks an object; where none does, the one of the environment's namespace."""
        for application in self.applications:
            entries = (application.get("status") or {}).get("resources") or []
            if any((entry.get("kind"), entry.get("name")) == (kind, name) for entry in entries):
                return name_of(application)
        return f"indigo-{self.environment or '<environment>'}-namespace"

    def tracked(self) -> set[str]:
        """Return the components of which an Application tracks at least one object (mode embedded)."""
        found = {
            self.component(entry.get("kind", ""), entry.get("name", ""), entry.get("namespace", ""))
            for application in self.applications
            for entry in (application.get("status") or {}).get("resources") or []
            if entry.get("namespace") == self.namespace
        }
        return found - {""}


def _created(item: Object) -> str:
    return str(item.get("metadata", {}).get("creationTimestamp", ""))


def last_seen(event: Object) -> str:
    """Return when an event happened last, as text that sorts by time."""
    series = event.get("series") or {}
    for time in (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime")):
        if time:
            return str(time)
    return _created(event)


def times_seen(event: Object) -> int:
    """Return how often an event happened."""
    return int((event.get("series") or {}).get("count") or event.get("count") or 1)

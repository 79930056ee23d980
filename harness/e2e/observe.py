"""Watches the objects of an environment and remembers when each was created and when it became ready.

The order of events is told by resource versions: the API server gives them out in the order of its writes, and they may
be compared (Kubernetes 1.35, KEP-5504), so no clock is involved. Seconds are kept too, for people.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from harness.cluster import Cluster, Object

KINDS = (
    "ServiceAccount",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Service",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Job",
    "Deployment",
    "StatefulSet",
)
WAVE = "argocd.argoproj.io/sync-wave"


@dataclass(frozen=True)
class Seen:
    """What was seen of one object: resource versions order events, `_at` are seconds since the observer began."""

    kind: str
    name: str
    component: str
    wave: int | None
    created: int
    created_at: float
    ready: int | None = None
    ready_at: float | None = None
    deleted_at: float | None = None
    state: str = ""

    @property
    def key(self) -> str:
        """Kind and name, as people write it."""
        return f"{self.kind}/{self.name}"


def ready_state(item: Object) -> tuple[bool, str]:
    """Return whether an object does its work, and otherwise what it waits for."""
    spec, status = item.get("spec", {}), item.get("status", {})
    kind = item["kind"]
    if kind in ("Deployment", "StatefulSet"):
        wanted = spec.get("replicas", 1)
        current = status.get("observedGeneration", 0) >= item["metadata"].get("generation", 0)
        updated, ready = status.get("updatedReplicas", 0), status.get("readyReplicas", 0)
        left = status.get("replicas", 0) - updated
        done = current and updated >= wanted and ready >= wanted and left <= 0
        return done, "" if done else f"{ready}/{wanted} pods ready, {updated} updated"
    if kind == "Job":
        conditions = {c["type"]: c for c in status.get("conditions", []) if c.get("status") == "True"}
        if "Failed" in conditions:
            return False, f"failed: {conditions['Failed'].get('message', '')}"
        done = "Complete" in conditions
        return done, "" if done else "the Job runs"
    if kind == "PersistentVolumeClaim":
        done = status.get("phase") == "Bound"
        return done, "" if done else f"claim is {status.get('phase', 'Pending')}"
    return True, ""


@dataclass
class Observer:
    """Begins with `with Observer(...)`; `seen()` may be asked at any time, from any thread."""

    cluster: Cluster
    namespace: str
    on_change: Callable[[Seen], None] | None = None
    _seen: dict[tuple[str, str], Seen] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _start: float = field(default_factory=time.monotonic)

    def __enter__(self) -> Observer:
        for kind in KINDS:
            thread = threading.Thread(target=self._watch, args=(kind,), name=f"watch-{kind}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def forget(self) -> None:
        """Begin anew: what is seen from now on counts as created now (for the timeline of the next sync)."""
        with self._lock:
            self._seen.clear()
            self._start = time.monotonic()

    def seen(self) -> list[Seen]:
        """Return everything seen so far, in the order of creation."""
        with self._lock:
            return sorted(self._seen.values(), key=lambda item: item.created)

    def _watch(self, kind: str) -> None:
        while not self._stop.is_set():
            try:
                for event, item in self.cluster.watch(kind, self.namespace, seconds=3600):
                    if self._stop.is_set():
                        return
                    self._take(event, {**item, "kind": kind})
            except Exception:  # the control plane goes away at the end of a run
                if self._stop.wait(0.2):
                    return

    def _take(self, event: str, item: Object) -> None:
        metadata = item["metadata"]
        labels = metadata.get("labels", {})
        if labels.get("app.kubernetes.io/part-of") != "indigo-paas" or "app.kubernetes.io/name" not in labels:
            return
        key = (item["kind"], metadata["uid"])
        version, now = int(metadata["resourceVersion"]), time.monotonic() - self._start
        done, state = ready_state(item)
        with self._lock:
            before = self._seen.get(key)
            if event == "DELETED":
                if before is not None:
                    self._seen[key] = replace(before, deleted_at=now)
                return
            wave = metadata.get("annotations", {}).get(WAVE)
            now_seen = before or Seen(
                item["kind"],
                metadata["name"],
                labels["app.kubernetes.io/name"],
                int(wave) if wave else None,
                version,
                now,
            )
            if done and now_seen.ready is None:
                now_seen = replace(now_seen, ready=version, ready_at=now)
            elif not done and now_seen.ready is not None and item["kind"] != "Job":
                now_seen = replace(now_seen, ready=None, ready_at=None)
            now_seen = replace(now_seen, state=state)
            self._seen[key] = now_seen
        if before != now_seen and self.on_change:
            self.on_change(now_seen)

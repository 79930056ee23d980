"""Watches the objects of an environment and remembers when each was created and when it became ready.

The order of events is told by resource versions: the API server gives them out in the order of its writes, and they may
be compared (Kubernetes 1.35, KEP-5504), so no clock is involved. Seconds are kept too, for people.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from harness.background import Background
from harness.cluster import Cluster, Object
from harness.diagnose.health import HEALTHY, Health, health

KINDS = (
    "ServiceAccount",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Service",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Job",
    "CronJob",
    "Deployment",
    "StatefulSet",
)
WAVE = "argocd.argoproj.io/sync-wave"
PULSE = 10.0  # seconds


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
    health: Health = HEALTHY

    @property
    def waits_for(self) -> str:
        """What it waits for, in Argo CD's words; empty where it does its work."""
        if self.health.well:
            return ""
        return self.health.message.removeprefix("Waiting for ") or "its end"  # Argo CD says nothing of a Job that runs

    @property
    def key(self) -> str:
        """Kind and name, as people write it."""
        return f"{self.kind}/{self.name}"


class Observer(Background):
    """Begins with `with Observer(...)`; `seen()` may be asked at any time, from any thread.

    Args:
        cluster: its API.
        namespace: of the environment.
        on_change: is told of each change.
        kinds: what is watched.
    """

    patience = 0.0  # each waits for the server's next word, or for the next pulse

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        on_change: Callable[[Seen], None] | None = None,
        kinds: tuple[str, ...] = KINDS,
    ) -> None:
        super().__init__()
        self.cluster, self.namespace, self.on_change, self.kinds = cluster, namespace, on_change, kinds
        self._seen: dict[tuple[str, str], Seen] = {}
        self._lock = threading.Lock()
        self._start = time.monotonic()

    def _work(self) -> Mapping[str, Callable[[], None]]:
        return {f"watch-{kind}": partial(self._watch, kind) for kind in self.kinds}

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
        while not self._ended.is_set():
            try:
                # each pulse opens the connection anew: seldom, and it is there that the thread notices its end
                for event, item in self.cluster.watch(kind, self.namespace, seconds=3600, pulse=PULSE):
                    if self._ended.is_set():
                        return
                    if item:
                        self._take(event, {**item, "kind": kind})
            except Exception:  # the control plane goes away at the end of a run
                if self._ended.wait(0.2):
                    return

    def _take(self, event: str, item: Object) -> None:
        metadata = item["metadata"]
        labels = metadata.get("labels", {})
        if labels.get("app.kubernetes.io/part-of") != "indigo-paas" or "app.kubernetes.io/name" not in labels:
            return
        key = (item["kind"], metadata["uid"])
        version, now = int(metadata["resourceVersion"]), time.monotonic() - self._start
        found = health(item)
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
            if found.well and now_seen.ready is None:
                now_seen = replace(now_seen, ready=version, ready_at=now)
            elif not found.well and now_seen.ready is not None and item["kind"] != "Job":
                now_seen = replace(now_seen, ready=None, ready_at=None)
            now_seen = replace(now_seen, health=found)
            self._seen[key] = now_seen
        if before != now_seen and self.on_change:
            self.on_change(now_seen)

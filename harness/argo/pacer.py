"""A pacer: lets Argo CD look again at a running sync as soon as something got ready, not after 5 s.

Argo CD 3.6 looks at a running operation when its Application changes, or 5 s after a resource of it did
(`appOperationRequeueDelay` in controller/appcontroller.go, a constant). Waiting for a hook or for a wave's pods changes
no Application, so each such wave costs 5 s. The pacer changes an annotation of Applications with a running operation
when an object in their namespace became healthy or failed, an Application that others wait for among them, and now and
then besides, for what it does not watch: kinds of operators, and what is pruned. Order, health and results are Argo
CD's own; only idle time goes.

Each look costs Argo CD a comparison of the whole Application: that is why it is not made without a reason more often
than IDLE.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import urllib3

from harness.argo.applications import API_VERSION, KIND, Application
from harness.background import Background
from harness.cluster import ApiError, Cluster, Object
from harness.diagnose.health import State, health

ANNOTATION = "indigo-paas/pace"
KINDS = ("DaemonSet", "Deployment", "Ingress", "Job", "PersistentVolumeClaim", "StatefulSet")
"""What a wave waits for, of Kubernetes' own kinds (harness/diagnose/health.py)."""
IDLE = 2.0
"""Seconds after which a running operation is looked at without a reason."""
LOOKS = (0.05, 0.4)
"""Seconds after a change of health: Argo CD sees it about when the pacer does, and may be a little later."""


@dataclass
class Pace:
    """When the Applications with a running operation are to be looked at; times are of `time.monotonic`.

    Attributes:
        idle: seconds after which one is looked at without a reason.
        touched: when each was last; those without a running operation are not here.
        places: the namespace that each delivers to.
        changed: when health last changed in a namespace.
    """

    idle: float
    touched: dict[str, float] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    changed: dict[str, float] = field(default_factory=dict)

    def due(self, now: float) -> list[str]:
        """Return the Applications that are to be looked at now, and count them as looked at."""
        found = [name for name, last in self.touched.items() if now - last >= self.idle or self._reason(name, now)]
        self.touched.update(dict.fromkeys(found, now))
        return found

    def _reason(self, name: str, now: float) -> bool:
        changed = self.changed.get(self.places.get(name, ""), float("-inf"))
        return any(self.touched[name] < changed + after <= now for after in LOOKS)


class Pacer(Background):
    """Paces the Applications of one namespace between `with` and its end.

    Args:
        cluster: where the Applications are, and what they deliver.
        namespace: of the Applications.
        seconds: how long an operation may be idle before its Application is touched.
    """

    patience = 0.0  # a watch notices the end when it next hears something

    def __init__(self, cluster: Cluster, namespace: str = "argocd", seconds: float = IDLE) -> None:
        super().__init__()
        self.cluster = cluster
        self.namespace = namespace
        self._pace = Pace(seconds)
        self._lock = threading.Lock()
        self._annotated: set[str] = set()
        self._known: dict[str, object] = {}

    def _work(self) -> Mapping[str, Callable[[], None]]:
        watches: dict[str, Callable[[], None]] = {
            f"pacer-{kind}": partial(self._follow, kind, None, None, self._object) for kind in KINDS
        }
        applications = partial(self._follow, KIND, self.namespace, API_VERSION, self._application)
        return {**watches, "pacer-applications": applications, "pacer": self._run}

    def _follow(
        self, kind: str, namespace: str | None, api_version: str | None, take: Callable[[str, Object], None]
    ) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(ApiError, urllib3.exceptions.HTTPError, OSError):
                # each pulse opens the connection anew: seldom, and it is there that the thread notices its end
                for event, item in self.cluster.watch(
                    kind, namespace, seconds=3600, pulse=20.0, api_version=api_version
                ):
                    if self._ended.is_set():
                        return
                    if item:
                        take(event, {**item, "kind": kind})
            self._ended.wait(0.2)

    def _object(self, event: str, item: Object) -> None:
        """Note an object's health; one that is new, and that a wave may have waited for, is a reason to look."""
        metadata = item["metadata"]
        state = None if event == "DELETED" else health(item).state
        with self._lock:
            if self._is_news(metadata["uid"], state) and state is not State.PROGRESSING:
                self._pace.changed[metadata["namespace"]] = time.monotonic()

    def _is_news(self, key: str, state: object) -> bool:
        """Note a state, and return whether it is another one than before."""
        before, self._known[key] = self._known.get(key), state
        return before != state

    def _application(self, event: str, item: Object) -> None:
        app = Application(item)
        running = event != "DELETED" and app.operation_requested
        # what the health check of Applications reads (argocd/bootstrap/templates/settings.yaml)
        said = () if event == "DELETED" else (app.health, app.sync, app.operation.phase if app.operation else "")
        with self._lock:
            if self._is_news(app.name, said):
                self._pace.changed[self.namespace] = time.monotonic()
            self._pace.places[app.name] = item.get("spec", {}).get("destination", {}).get("namespace", "")
            if running:
                self._pace.touched.setdefault(app.name, time.monotonic())
            else:
                self._pace.touched.pop(app.name, None)
        if not running and app.name in self._annotated:
            self._annotated.discard(app.name)
            if event != "DELETED":
                self._annotate(app.name, None)

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            with self._lock:
                due = self._pace.due(time.monotonic())
            for name in due:
                self._annotated.add(name)
                self._annotate(name, str(round(time.monotonic(), 3)))
                self._annotated.add(name)  # its operation may have ended in between

    def _annotate(self, name: str, value: str | None) -> None:
        with contextlib.suppress(ApiError, urllib3.exceptions.HTTPError, OSError):
            patch = {"metadata": {"annotations": {ANNOTATION: value}}}
            self.cluster.patch(KIND, name, patch, self.namespace, api_version=API_VERSION)

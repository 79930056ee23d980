"""A pacer: lets Argo CD look again at a running sync as soon as something has changed, not after 5 s.

Argo CD 3.6 looks at a running operation when its Application changes, or 5 s after a resource of it did
(`appOperationRequeueDelay` in controller/appcontroller.go, a constant). Waiting for a hook or for a wave's pods changes
no Application, so each such wave costs 5 s. The pacer changes an annotation of every Application with a running
operation, a few times a second. Order, health and results are Argo CD's own; only idle time goes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping

import urllib3

from harness.argo.applications import API_VERSION, KIND, Application
from harness.background import Background
from harness.cluster import ApiError, Cluster

ANNOTATION = "indigo-paas/pace"


class Pacer(Background):
    """Paces the Applications of one namespace between `with` and its end.

    Args:
        cluster: where the Applications are.
        namespace: of the Applications.
        seconds: how long an operation may be idle before its Application is touched.
    """

    def __init__(self, cluster: Cluster, namespace: str = "argocd", seconds: float = 0.3) -> None:
        super().__init__()
        self.cluster = cluster
        self.namespace = namespace
        self.seconds = seconds
        self._touched: dict[str, float] = {}
        self._running: set[str] = set()

    def _work(self) -> Mapping[str, Callable[[], None]]:
        return {"pacer": self._run}

    def _run(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(ApiError, urllib3.exceptions.HTTPError, OSError):
                self._follow()
            self._ended.wait(0.2)

    def _follow(self) -> None:
        for kind, item in self.cluster.watch(
            KIND, self.namespace, seconds=3600, pulse=self.seconds / 2, api_version=API_VERSION
        ):
            if self._ended.is_set():
                return
            if item:
                app = Application(item)
                if kind != "DELETED" and app.operation_requested:
                    self._running.add(app.name)
                else:
                    self._running.discard(app.name)
                    if kind != "DELETED" and app.name in self._touched:
                        del self._touched[app.name]
                        self._annotate(app.name, None)
            now = time.monotonic()
            for name in self._running:
                if now - self._touched.get(name, 0.0) >= self.seconds:
                    self._touched[name] = now
                    self._annotate(name, str(round(now, 3)))

    def _annotate(self, name: str, value: str | None) -> None:
        with contextlib.suppress(ApiError):
            patch = {"metadata": {"annotations": {ANNOTATION: value}}}
            self.cluster.patch(KIND, name, patch, self.namespace, api_version=API_VERSION)

"""One engine with the timing that Argo CD is shipped with, which waits for its poll while the other tests run.

Only the polling interval and its jitter, two parameters of the same code, are a quarter of what is shipped: with
120 s and 60 s the test would take up to five minutes (see `WITHIN`), longer than all others together. It begins with
the first test of the tier, in a thread, and is asked for its result last, so that even this minute costs nothing.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from harness.argo.applications import Applications, is_healthy
from harness.engines.embedded import EmbeddedEngine
from harness.engines.embedded.settings import ArgoSettings, Settings
from tests.gitops.engine.support import application, chart_source

SHIPPED = ArgoSettings.production()
ARGO = replace(
    SHIPPED, reconciliation=SHIPPED.reconciliation // 4, reconciliation_jitter=SHIPPED.reconciliation_jitter // 4
)
WITHIN = 2 * ARGO.reconciliation + ARGO.reconciliation_jitter
"""Seconds until a commit is noticed, at most. Every interval Argo CD looks at each Application, and compares it if the
last comparison is an interval ago: one that was compared for another reason meanwhile waits for the next look (argo-cd
v3.6.1, controller/appcontroller.go: the informer's resync period, and needRefreshAppStatus)."""
NAME = "demo"


@dataclass(frozen=True)
class Measured:
    """Seconds: from a commit to its sync's begin, and how long that sync took (three waves, one with a hook)."""

    noticed: float
    synced: float


class Stopped(Exception):
    """The session ended first."""


class Production(threading.Thread):
    """Deploys a chart, commits a change, and tells nobody."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__(name="production timing", daemon=True)
        self._folder, self._settings = folder, settings
        self._stop_asked = threading.Event()
        self._measured: Measured | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Measure; what goes wrong is raised in the test."""
        try:
            self._measured = self._measure()
        except BaseException as error:
            self._error = error

    def _measure(self) -> Measured:
        with EmbeddedEngine(f"production-{os.getpid()}", self._settings) as engine:

            def check() -> None:
                engine.check()
                if self._stop_asked.is_set():
                    raise Stopped

            source = chart_source(engine.run_dir, self._folder)
            apps = Applications(engine.cluster(), check=check)
            apps.apply(application(NAME, source))
            apps.wait_for(NAME, is_healthy, 120)
            sha = source.commit("replicas: 2", {"chart/values.yaml": "replicas: 2\nfail: ''\n"})
            begun = time.monotonic()
            apps.wait_for(
                NAME,
                lambda app: app.operation is not None and app.operation.revision == sha,
                WITHIN + 60,
                what="syncing the new commit",
            )
            noticed = time.monotonic()
            apps.wait_for(NAME, lambda app: is_healthy(app) and app.revision == sha, 120)
            return Measured(noticed - begun, time.monotonic() - noticed)

    def result(self) -> Measured:
        """Return what was measured, once it is there; raises what went wrong."""
        self.join()
        if self._error is not None:
            raise self._error
        assert self._measured is not None
        return self._measured

    def stop(self) -> None:
        """End it within seconds, wherever it is."""
        self._stop_asked.set()
        self.join()

"""Writes the files of a report: each as a whole, and while the run is under way a few times a second at most."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from harness.report.html import page
from harness.report.junit import junit
from harness.report.model import Report

JSON, JUNIT, HTML = "report.json", "junit.xml", "report.html"
JSON_EVERY = 0.25  # seconds between two writes of a running report
HTML_EVERY = 5.0
SHARE = 20  # a write that took long is followed by a pause so many times as long: reporting is no load of its own


class Writer:
    """Writes at once when it was quiet, and else when the interval is over; one timer at most.

    Args:
        snapshot: returns the report as it stands.
        directory: where the files go.
    """

    def __init__(self, snapshot: Callable[[], Report], directory: Path) -> None:
        self._snapshot = snapshot
        self._directory = directory
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._timer: threading.Timer | None = None
        self._last = {JSON: float("-inf"), HTML: float("-inf")}
        self._pause = JSON_EVERY
        self._stopped = False
        for name in (JSON, JUNIT, HTML):  # of an earlier run: this one may be killed before it writes its own
            (directory / name).unlink(missing_ok=True)

    def soon(self) -> None:
        """Write within a quarter of a second, or later where writing takes long, in another thread."""
        with self._lock:
            if self._stopped or self._timer is not None:
                return
            wait = self._last[JSON] + self._pause - time.monotonic()
            self._timer = threading.Timer(max(0.0, wait), self._fire)
            self._timer.daemon = True
            self._timer.start()

    def _fire(self) -> None:
        with self._lock:
            self._timer = None
            if self._stopped:
                return
            self._last[JSON] = time.monotonic()
        # a disk that cannot be written is told by the last write, which raises
        with self._writing, contextlib.suppress(OSError):
            if self._stopped:
                return
            begun = time.monotonic()
            report = self._snapshot()
            replace(self._directory / JSON, report.to_json())
            if begun - self._last[HTML] >= HTML_EVERY:
                self._last[HTML] = begun
                replace(self._directory / HTML, page(report))
            self._pause = max(JSON_EVERY, SHARE * (time.monotonic() - begun))

    def stop(self) -> None:
        """Write no more; a write that is under way is waited for."""
        with self._lock:
            self._stopped = True
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        with self._writing:
            pass


def write(report: Report, directory: Path) -> None:
    """Write report.json, junit.xml and report.html, each at once as a whole.

    Raises:
        OSError: the directory cannot be written.
    """
    replace(directory / JSON, report.to_json())
    replace(directory / JUNIT, junit(report))
    replace(directory / HTML, page(report))


def replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new text, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

"""The complete pass beside the watch: `indigo check` as a process of its own, of low priority, that a change ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from harness.checks.model import Finding, Severity

NICE = "10"


@dataclass(frozen=True)
class Answer:
    """What the complete pass found, how many rules it asked, and how many seconds it took."""

    findings: list[Finding]
    rules: int
    seconds: float


class Complete:
    """One complete pass at a time.

    Args:
        root: the checkout.
        folder: for what it writes; whoever gives it removes it.
        environments: those to look at; default: all, and every profile.
        only: ids of rules; default: all.
    """

    def __init__(self, root: Path, folder: Path, environments: Collection[str], only: Collection[str]) -> None:
        self._root = root
        self._folder = folder / "complete"
        self._answer = folder / "complete.json"
        self._arguments = [f"--environment={name}" for name in environments] or ["--profiles"]
        self._arguments += [f"--rule={name}" for name in only]
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = 0.0

    @property
    def running(self) -> bool:
        """Whether it was begun, and its answer not taken."""
        return self._process is not None

    @property
    def ended(self) -> bool:
        """Whether there is an answer to take."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Begin anew."""
        self.stop()
        self._folder.mkdir(exist_ok=True)
        self._begun = time.monotonic()
        self._process = subprocess.Popen(
            [
                "nice",
                "-n",
                NICE,
                sys.executable,
                "-m",
                "harness",
                "check",
                f"--output=json={self._answer}",
                *self._arguments,
            ],
            cwd=self._root,
            # what is killed leaves its temporary folders: they are removed with this one
            env={**os.environ, "INDIGO_REPOSITORY": str(self._root), "TMPDIR": str(self._folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a group of its own, which is killed with Helm in it
        )

    def stop(self) -> None:
        """End it, without an answer."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        self._answer.unlink(missing_ok=True)

    def answer(self) -> Answer | None:
        """Return what it found, once it has ended; None where it could not look at everything."""
        seconds = time.monotonic() - self._begun
        self._process = None
        try:
            data = json.loads(self._answer.read_bytes())
        except (OSError, ValueError):
            return None
        if data["rules"] == ["render"]:
            return None
        findings = [Finding(**{**item, "severity": Severity(item["severity"])}) for item in data["findings"]]
        return Answer(findings, len(data["rules"]), seconds)

"""Programs that run beside the tests of this process; whatever ends this process ends them."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from harness.report.model import Assertion, Outcome, Report, Tier
from harness.report.recorder import Recorder
from harness.report.writer import JSON
from harness.toolchain.child import Child

EVERY = 20.0  # seconds between two lines that say how far the others are
ENDED = (0, 1, 5)  # statuses with which pytest came to its end: all passed, some failed, none selected
_DOTS = re.compile(r"^([.FEsxX]+)\s+\[\s*(\d+)%\]$")
_FAILURES = re.compile(r"^=+ (?:FAILURES|ERRORS) =+$")
_COUNTS = re.compile(r"^\d+ \w+.* in [\d.]+s")


class Beside(threading.Thread):
    """One program after the other, until one fails; `status` is that one's, or 0, and None while they run.

    Args:
        name: of the thread.
        commands: programs with their arguments.
        cwd: working directory.
        on_line: hears every line of output.
        nice: how far it stands back behind what runs here.
    """

    def __init__(
        self,
        name: str,
        commands: Sequence[Sequence[str]],
        cwd: Path,
        on_line: Callable[[str], None] | None = None,
        nice: int = 5,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.status: int | None = None
        self.output: list[str] = []
        self._commands, self._cwd, self._on_line, self._nice = commands, cwd, on_line, nice
        self._end = threading.Event()

    def run(self) -> None:
        """Run the programs."""
        for command in self._commands:
            status = self._run(command)
            if status:
                break
        self.status = status

    def _run(self, command: Sequence[str]) -> int:
        kind = ["nice", "-n", str(self._nice)] if self._nice and shutil.which("nice") else []
        with Child([*kind, *command], cwd=self._cwd, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as child:
            for line in child.lines(pause=0.2):
                if self._end.is_set():
                    return 130
                if line is not None:
                    self.output.append(line)
                    if self._on_line:
                        self._on_line(line)
            return child.wait()

    def stop(self) -> None:
        """End it, if it still runs, and return when nothing of it is left."""
        self._end.set()
        self.join()


class Pytest(Beside):
    """A pytest of its own; what it reports is taken over by `collect`.

    Args:
        title: what its tests are, for the user; its phase in the report.
        arguments: of pytest.
        recorder: of the whole run.
        directory: for its report; what an earlier run left there is removed.
        cwd: the checkout.
        says: writes a line for the user.
        nice: as `Beside`.
    """

    def __init__(
        self,
        title: str,
        arguments: Sequence[str],
        recorder: Recorder,
        directory: Path,
        cwd: Path,
        says: Callable[[str], None],
        nice: int = 5,
    ) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        command = [sys.executable, "-m", "pytest", "-q", f"--indigo-report={directory}", *arguments]
        super().__init__(title, [command], cwd, self._hear, nice)
        self._recorder, self._directory, self._say = recorder, directory, says
        self._spoke, self._failed, self._stopped = time.monotonic(), 0, False

    def run(self) -> None:
        """Run pytest, as a phase of the whole run."""
        try:
            with self._recorder.phase(self.name):
                super().run()
                if self.status not in (0, 5):
                    raise _Failed
        except _Failed:
            pass

    def stop(self) -> None:
        """End it; that it did not come to its end is then no failure."""
        self._stopped = self.is_alive()
        super().stop()

    @property
    def broke(self) -> bool:
        """Whether it has ended, and not well."""
        return self.status not in (None, 0, 5)

    def _hear(self, line: str) -> None:
        if found := _DOTS.match(line):
            self._failed += sum(found[1].count(letter) for letter in "FE")
            if time.monotonic() - self._spoke >= EVERY:
                self._spoke = time.monotonic()
                self._say(f"{self.name}: {found[2]}% done, {self._failed} failed")

    def collect(self) -> int:
        """Take its report over, once it has ended, and return its status; a crash is a failure that names itself."""
        report: Report | None = None
        wrong = ""
        try:
            report = Report.model_validate_json((self._directory / JSON).read_bytes())
        except (OSError, ValidationError) as error:
            wrong = f"it left no report ({type(error).__name__})"
        if report:
            self._recorder.merge(report)
            wrong = "" if report.complete else "its report is not complete"
        status = self.status if self.status is not None else 1
        if self._stopped or (status in ENDED and not wrong):
            return status
        said = "\n".join(self.output[-30:])
        crash = Assertion(
            id=self.name,
            sentence=f"The {self.name} come to their end.",
            tier=Tier.UNIT,
            outcome=Outcome.ERROR,
            message=f"pytest ended with status {status}; {wrong or 'it did not say why'}. Its last words:\n{said}",
        )
        self._recorder.assertion(crash)
        return status or 1

    def failures(self) -> str:
        """Return what its pytest said of failures; its last lines where it did not get so far; empty if all is well."""
        if self.status in (0, 5) or self._stopped:
            return ""
        begin = next((number for number, line in enumerate(self.output) if _FAILURES.match(line)), None)
        if begin is None:
            return "\n".join(self.output[-30:])
        end = next((n for n, line in enumerate(self.output) if n > begin and _COUNTS.match(line)), len(self.output))
        return "\n".join(self.output[begin:end])


class _Failed(Exception):
    """Marks the phase as failed."""

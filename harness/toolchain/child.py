"""A long-running program whose output is read line by line, and of which nothing is left over afterwards."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

SUPERVISE = Path(__file__).with_name("supervise.py")
GRACE_SECONDS = 3.0


class Child:
    """A program in a process group of its own; leaving the `with` block ends the whole group.

    If this process is killed instead, the group ends too (see supervise.py).
    """

    def __init__(self, argv: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str]) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISE), *map(str, argv)],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stdout:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def lines(self, pause: float) -> Iterator[str | None]:
        """Yield each line of output until the program has ended; None whenever `pause` seconds pass without one."""
        while True:
            try:
                line = self._lines.get(timeout=pause)
            except queue.Empty:
                yield None
                continue
            if line is None:
                return
            yield line

    def wait(self) -> int:
        """Return the program's status (128 + n after signal n) once it has ended."""
        return self.process.wait()

    def __enter__(self) -> Child:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the group, kindly first when the program still runs, and return when it is gone."""
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE_SECONDS)
        end = time.monotonic() + GRACE_SECONDS
        while self._signal(signal.SIGKILL) and time.monotonic() < end:
            self.process.poll()  # the leader's end is ours to take note of, that of the others init's
            time.sleep(0.005)
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def _signal(self, number: int) -> bool:
        """Send a signal to the group, and return whether there was anybody left of it."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

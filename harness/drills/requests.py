"""What the pods that ask are told, and what they answer, while it is asked."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.background import Background
from harness.drills.probe import Gap, gap

PERIOD, TIMEOUT = 0.15, 2.0  # seconds between two requests to a component, and until one has failed


@dataclass(frozen=True)
class Answer:
    """When a component was asked (seconds on this machine's monotonic clock), and what went wrong; empty: nothing."""

    component: str
    at: float
    error: str


class Requests(Background):
    """Takes the answers from `with` to its end, and those that are still on their way then.

    Args:
        parts: by asker, the command that reads what to ask from its standard input and prints a line per answer, and
            what to ask.
    """

    patience = TIMEOUT + 5  # seconds: the last question may get no answer

    def __init__(self, parts: Mapping[str, tuple[Sequence[str], Sequence[Mapping[str, Any]]]]) -> None:
        super().__init__()
        self.components = sorted(str(one["name"]) for _, asked in parts.values() for one in asked)
        self._parts = parts
        self._programs: list[subprocess.Popen[str]] = []
        self._answers: dict[str, list[Answer]] = {name: [] for name in self.components}
        self._lock = threading.Lock()
        self._clock = time.time() - time.monotonic()
        self.ends: list[str] = []
        """What the programs said that ended by themselves."""

    def _work(self) -> Mapping[str, Callable[[], None]]:
        return {f"drill-as-{name}": partial(self._take, *part) for name, part in self._parts.items()}

    def __exit__(self, *ending: Any) -> None:
        self._ended.set()
        for program in self._programs:
            if program.stdin:  # its end is the end of the program inside, and of kubectl
                with contextlib.suppress(OSError):
                    program.stdin.close()
        super().__exit__(*ending)
        for program in self._programs:
            program.kill()
            program.wait()

    def _take(self, command: Sequence[str], asked: Sequence[Mapping[str, Any]]) -> None:
        pipe = subprocess.PIPE
        program = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True)
        self._programs.append(program)
        assert program.stdin and program.stdout
        content = {"milliseconds": int(PERIOD * 1000), "timeout": int(TIMEOUT * 1000), "targets": list(asked)}
        with contextlib.suppress(OSError):
            program.stdin.write(json.dumps(content) + "\n")
            program.stdin.flush()
        said = ""
        for line in program.stdout:
            try:
                heard = json.loads(line)
                answer = Answer(heard["name"], heard["at"] / 1000 - self._clock, heard["error"])
            except (ValueError, KeyError, TypeError):
                said = line.strip() or said
                continue
            with self._lock:
                self._answers[answer.component].append(answer)
        if not self._ended.is_set():
            self.ends.append(said or "it ended without a word")

    # ------------------------------------------------------------------- answers

    def answers(self, component: str, since: float) -> list[Answer]:
        """Return the answers of a component that were asked for since a moment, in that order."""
        found = []
        with self._lock:
            for answer in reversed(self._answers[component]):
                if answer.at < since - 2 * TIMEOUT:  # they come in the order of their ends
                    break
                if answer.at >= since:
                    found.append(answer)
        return sorted(found, key=lambda answer: answer.at)

    def silent(self, since: float, but: Iterable[str] = ()) -> list[str]:
        """Return the components that have not answered well to anything that they were asked since a moment."""
        return [
            name
            for name in self.components
            if name not in set(but) and not any(not answer.error for answer in self.answers(name, since))
        ]

    def gap(self, component: str, since: float) -> Gap:
        """Return how often a component has failed since a moment, and the longest while."""
        return gap(((answer.at, not answer.error) for answer in self.answers(component, since)), since)

    def errors(self, component: str, since: float) -> tuple[str, ...]:
        """Return what went wrong, without the addresses, most frequent first; three at most."""
        found = Counter(_told(answer.error) for answer in self.answers(component, since) if answer.error)
        return tuple(text for text, _ in found.most_common(3))

    def rate(self, since: float, until: float) -> float:
        """Return how often a second the component was asked that was asked least; true once all answers are there."""
        if not self.components or until <= since:
            return 0.0
        counts = [sum(answer.at < until for answer in self.answers(name, since)) for name in self.components]
        return min(counts) / (until - since)


def _told(error: str) -> str:
    """Return what an error of Go's network packages says, without addresses."""
    for end in ("connection refused", "i/o timeout", "connection reset by peer", "deadline exceeded", "EOF"):
        if end in error:
            return "no answer in time" if end in ("i/o timeout", "deadline exceeded") else end
    return error[-120:]

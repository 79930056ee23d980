"""Asks, ten times a second, which components have a pod that is ready; what was asked in between cannot be known."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from harness.cluster import Cluster, Object

HERTZ = 10.0


@dataclass(frozen=True)
class Sample:
    """Seconds since the probe began, and the components that answered; None where the question was not answered."""

    at: float
    answering: frozenset[str] | None


def answering(pods: list[Object]) -> frozenset[str]:
    """Return the components that have a serving pod which is ready and not about to end."""
    return frozenset(
        pod["metadata"]["labels"]["app.kubernetes.io/name"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in pod.get("status", {}).get("conditions", [])
        )
    )


def serving(cluster: Cluster, namespace: str) -> Callable[[], list[Object]]:
    """Return the question for the pods that serve requests."""
    return lambda: cluster.list("Pod", namespace, labels="indigo-paas/role=server")


class Probe:
    """Asks from `with` to its end, in a thread of its own.

    Args:
        ask: returns the pods; whatever it raises is a sample without an answer.
        hertz: questions a second.
    """

    def __init__(self, ask: Callable[[], list[Object]], hertz: float = HERTZ) -> None:
        self.samples: list[Sample] = []
        self._ask, self._period = ask, 1 / hertz
        self._zero = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drill-probe", daemon=True)

    def __enter__(self) -> Self:
        self._zero = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(10.0)

    @property
    def now(self) -> float:
        """Return the seconds since it began."""
        return time.monotonic() - self._zero

    @property
    def rate(self) -> float:
        """Return how many questions a second were really asked."""
        return len(self.samples) / self.samples[-1].at if self.samples and self.samples[-1].at > 0 else 0.0

    def away(self, components: list[str], since: float) -> Mapping[str, tuple[int, float]]:
        """Return how often each component did not answer since a time, and the longest while, where it ever did not."""
        found: dict[str, tuple[int, float]] = {}
        taken = [sample for sample in list(self.samples) if sample.at >= since and sample.answering is not None]
        for component in components:
            count, longest, begun, last = 0, 0.0, None, since
            for sample in taken:
                if sample.answering is not None and component not in sample.answering:
                    count += 1
                    begun = last if begun is None else begun
                    longest = max(longest, sample.at - begun)
                else:
                    begun = None
                last = sample.at
            if count:
                found[component] = (count, round(longest, 2))
        return found

    def _run(self) -> None:
        due = self._zero
        while not self._ended.is_set():
            try:
                found: frozenset[str] | None = answering(self._ask())
            except Exception:  # the API server may be what a drill ends: that is no answer, and no reason to stop
                found = None
            self.samples.append(Sample(self.now, found))
            due = max(due + self._period, time.monotonic() - self._period)
            self._ended.wait(max(0.0, due - time.monotonic()))

"""Asks, ten times a second, which components have a pod that is ready; what was asked in between cannot be known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.background import Background
from harness.cluster import Cluster, Object

HERTZ = 10.0


@dataclass(frozen=True)
class Sample:
    """When it was asked (seconds, monotonic), and the components that were ready; None where nothing was answered."""

    at: float
    answering: frozenset[str] | None


@dataclass(frozen=True)
class Gap:
    """How often something failed, and the longest while in one piece in seconds."""

    count: int
    longest: float


def gap(points: Iterable[tuple[float, bool]], since: float) -> Gap:
    """Return the gaps in a row of moments, each with whether it was well; a gap begins with the last that was."""
    count, longest, begun, last = 0, 0.0, None, since
    for at, well in points:
        if well:
            begun = None
        else:
            count += 1
            begun = last if begun is None else begun
            longest = max(longest, at - begun)
        last = at
    return Gap(count, round(longest, 2))


def component_of(pod: Object) -> str:
    """Return the component that a pod is of, by its label."""
    return str(pod["metadata"]["labels"]["app.kubernetes.io/name"])


def answering(pods: list[Object]) -> frozenset[str]:
    """Return the components that have a serving pod which is ready and not about to end."""
    return frozenset(
        component_of(pod)
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


class Probe(Background):
    """Asks from `with` to its end.

    Args:
        ask: returns the pods; whatever it raises is a sample without an answer.
        hertz: questions a second.
    """

    patience = 10.0

    def __init__(self, ask: Callable[[], list[Object]], hertz: float = HERTZ) -> None:
        super().__init__()
        self.samples: list[Sample] = []
        self._ask, self._period = ask, 1 / hertz

    def rate(self, since: float, until: float) -> float:
        """Return how many questions a second were really asked."""
        asked = sum(since <= sample.at < until for sample in list(self.samples))
        return asked / (until - since) if until > since else 0.0

    def gap(self, component: str, since: float) -> Gap:
        """Return how often a component was not ready since a moment, and the longest while."""
        taken = [(sample.at, sample.answering) for sample in list(self.samples) if sample.at >= since]
        return gap(((at, component in found) for at, found in taken if found is not None), since)

    def _work(self) -> Mapping[str, Callable[[], None]]:
        return {"drill-probe": self._run}

    def _run(self) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            at = time.monotonic()
            try:
                found: frozenset[str] | None = answering(self._ask())
            except Exception:  # the API server may be what a drill ends: that is no answer, and no reason to stop
                found = None
            self.samples.append(Sample(at, found))
            due = max(due + self._period, time.monotonic() - self._period)
            self._ended.wait(max(0.0, due - time.monotonic()))

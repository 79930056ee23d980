"""What is asked during a drill: readiness on every engine, and requests where real pods can send them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.drills.askers import Askers
from harness.drills.machines import mend
from harness.drills.model import Away, Measure
from harness.drills.probe import Probe, serving
from harness.drills.requests import Requests
from harness.e2e.platform import Platform
from harness.engines.base import Ability
from harness.engines.kind.engine import KindEngine
from harness.engines.kind.nodes import CONTROL_PLANE


@contextlib.contextmanager
def asking(platform: Platform) -> Iterator[Askers | None]:
    """Have the pods that ask in the cluster for a while; None where pods are simulated and nothing can be asked."""
    engine = platform.engine
    if Ability.REAL_PODS not in engine.abilities or not isinstance(engine, KindEngine):
        yield None
        return
    from harness import toolchain
    from harness.doubles import image

    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "probe.tar"
        image.write_archive(archive, toolchain.tool("double"), {})
        engine.load(archive)
    mend(engine, [node["metadata"]["name"] for node in platform.cluster.list("Node")])
    (node, *_) = [node["metadata"]["name"] for node in platform.cluster.list("Node", labels=CONTROL_PLANE)]
    with Askers(platform, toolchain.tool("kubectl"), str(node)) as askers:
        yield askers


class Watch:
    """Asks from `with` to its end."""

    def __init__(self, platform: Platform, askers: Askers | None) -> None:
        self.platform = platform
        contracts = platform.graph.contracts
        self.serving = [name for name in platform.components if contracts[name].workload.kind != "CronJob"]
        """Who can be away: what runs now and then only is no server."""
        self.readiness = Probe(serving(platform.cluster, platform.namespace))
        self.requests: Requests | None = askers.asking() if askers else None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.readiness)
            if self.requests:
                stack.enter_context(self.requests)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def measure(self) -> Measure:
        """What verdicts are given by."""
        return Measure.REQUESTS if self.requests else Measure.READINESS

    @property
    def ends(self) -> list[str]:
        """What the programs said that ask and ended by themselves."""
        return self.requests.ends if self.requests else []

    def silent(self, since: float, but: Iterable[str] = ()) -> list[str]:
        """Return the components that have answered no request since a moment; none where no requests are sent."""
        return self.requests.silent(since, but) if self.requests else []

    def away(self, since: float, allowed: set[str]) -> Iterator[Away]:
        """Yield who was away since a moment: by its requests, or where there are none, by its pods' readiness."""
        asked = set(self.requests.components) if self.requests else set()
        for name in self.serving:
            if self.requests and name in asked:
                found, errors, measure = (
                    self.requests.gap(name, since),
                    self.requests.errors(name, since),
                    Measure.REQUESTS,
                )
            else:
                found, errors, measure = self.readiness.gap(name, since), (), Measure.READINESS
            if found.count:
                yield Away(
                    component=name,
                    measure=measure,
                    samples=found.count,
                    longest=found.longest,
                    allowed=name in allowed,
                    errors=errors,
                )

    def rate(self, since: float, until: float) -> float:
        """Return how often a second every component was asked, at the least; by requests where they are the measure.

        Readiness lags behind by the period of the kubelet's probes, which is a second and more: beside requests it is
        asked as often as the machine bears.
        """
        if self.requests and self.requests.components:
            return self.requests.rate(since, until)
        return self.readiness.rate(since, until)

    def probed(self) -> str:
        """Return what was asked, in words."""
        readiness = "readiness of pods, as the API server knows it"
        if self.requests:
            others = [name for name in self.serving if name not in self.requests.components]
            less = f", of {', '.join(others)} the {readiness}" if others else ""
            return f"requests through Services, from pods that NetworkPolicies let through{less}"
        simulated = Ability.SIMULATED_PODS in self.platform.engine.abilities
        return readiness + (" (simulated by kwok)" if simulated else "")

"""The engine side: up, the first sync through Argo CD against a bare `kubectl apply` of the same objects, and down."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from harness import toolchain
from harness.argo.source import WorkingTreeSource
from harness.bench.model import Measure, timed
from harness.cluster import Object
from harness.diagnose.health import health
from harness.e2e.platform import Platform, converged
from harness.engines.embedded.engine import EmbeddedEngine
from harness.engines.supervision import Supervisor
from harness.paths import repository
from harness.process import run
from harness.report.recorder import Recorder

BARE = "bare"
SYNC_RATIO = 6.0
"""First sync over bare apply, at most: Argo CD waits for each wave to be healthy (docs/explanation/costs.md)."""


def measures(runs: int) -> Iterator[Measure]:
    """Yield the measures of the engine side; each run has an engine of its own."""
    toolchain.ensure("helm", "kubernetes", "argocd", "valkey-server")
    yield _keeper(runs)
    up, sync, bare, down = [], [], [], []
    for number in range(runs):
        engine = EmbeddedEngine(f"bench-{os.getpid()}-{number}")
        up.append(timed(engine.up))
        try:
            recorder = Recorder(None, command="indigo bench")
            platform = Platform(engine, WorkingTreeSource(engine.run_dir, repository()), recorder)
            sync.append(timed(lambda platform=platform: _first_sync(platform)))  # type: ignore[misc]
            bare.append(timed(lambda platform=platform: _bare(platform)))  # type: ignore[misc]
        finally:
            down.append(timed(engine.down))
    yield Measure("engine up", tuple(up), budget=10)
    yield Measure(
        "first sync, from bootstrap to Healthy",
        tuple(sync),
        budget=60,
        bare=tuple(bare),
        bare_name="kubectl apply --server-side",
        ratio_budget=SYNC_RATIO,
        notes=("the bare tool applies all at once, in no order, and waits until everything is ready",),
    )
    yield Measure("engine down", tuple(down), budget=2)


def _keeper(runs: int) -> Measure:
    def once(folder: Path, number: int) -> float:
        begin = time.perf_counter()
        supervisor = Supervisor.start(folder / str(number))
        took = time.perf_counter() - begin
        supervisor.stop()
        return took

    with tempfile.TemporaryDirectory() as name:
        return Measure("keeper up", tuple(once(Path(name), number) for number in range(runs)), budget=0.1)


def _first_sync(platform: Platform) -> None:
    platform.bootstrap()
    platform.create_secrets()
    platform.wait(converged(platform.source.head), "the first sync", 120)


def _bare(platform: Platform) -> None:
    cluster = platform.cluster
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": BARE}})
    objects = [_moved(item) for item in platform.rendered()]
    text = yaml.safe_dump_all(objects)
    kubectl = toolchain.tool("kubectl")
    flags = ("apply", "--server-side", "--kubeconfig", str(platform.engine.kubeconfig), "-n", BARE, "-f", "-")
    run(kubectl, *flags, stdin=text)
    end = time.monotonic() + 120
    kinds = {item["kind"] for item in objects}
    while not all(health(item).well for kind in kinds for item in cluster.list(kind, BARE)):
        if time.monotonic() > end:
            raise TimeoutError("the objects applied by kubectl are not ready after 120 s")
        time.sleep(0.05)


def _moved(item: Object) -> Object:
    return {**item, "metadata": {**item["metadata"], "namespace": BARE}}

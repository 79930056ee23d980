"""One platform for the whole story: brought up once, and each test leaves it Synced and Healthy."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from harness.argo.pacer import Pacer
from harness.argo.source import WorkingTreeSource
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform, converged
from harness.engines.crds import families_of
from harness.engines.embedded.engine import EmbeddedEngine, Tools
from harness.engines.embedded.settings import Settings
from harness.paths import repository
from harness.render import render_environment
from harness.report import model as report
from harness.report.recorder import Recorder
from harness.toolchain import catalog
from tests.ending import leave

ENVIRONMENT = "dev"


def describe(recorder: Recorder) -> None:
    """Tell the report what the run is on and what is not real in it."""
    recorder.engine_is(report.Engine(name="embedded", tier=report.Tier.GITOPS))
    recorder.simulated("Nodes and pods are simulated by kwok: nothing runs in a pod, and its readiness is a timer.")
    recorder.simulated("Argo CD is nudged to look at a running sync at once; by itself it looks 5 s after a change.")
    recorder.simulated("NetworkPolicies are checked as objects; no network enforces them here.")


def draw(platform: Platform) -> None:
    """Give the report the graph of the components that run in the environment."""
    graph, here = platform.graph, set(platform.components)
    platform.recorder.graph_is(
        report.Graph(
            components=tuple(
                report.Component(name=name, level=graph.levels[name], wave=graph.wave(name), tier=contract.tier)
                for name, contract in graph.contracts.items()
                if name in here
            ),
            edges=tuple(
                report.Edge(from_=edge.consumer, to=edge.provider, port=edge.port, need=edge.need)
                for edge in graph.edges
                if {edge.consumer, edge.provider} <= here
            ),
        )
    )


@pytest.fixture(scope="session")
def platform(recorder: Recorder, pytestconfig: pytest.Config) -> Iterator[Platform]:
    """The working tree, deployed from an empty cluster by Argo CD."""
    describe(recorder)
    logs = recorder.directory / "logs" if recorder.directory else None
    tools = Tools.pinned()
    for entry in catalog.TOOLS:
        if entry.name in tools.programs:
            recorder.version(entry.name, entry.version)
    if logs:
        recorder.artefact("Logs of the engine's servers", logs)
    families = tuple(family.name for family in families_of(render_environment(ENVIRONMENT).objects()))
    engine = EmbeddedEngine(f"e2e-{os.getpid()}", Settings(logs=logs, families=families), tools=tools)
    with recorder.phase("engine up", budget=10):
        engine.up()
    try:
        source = WorkingTreeSource(engine.run_dir, repository())
        with Pacer(engine.cluster()):
            platform = Platform(engine, source, recorder, ENVIRONMENT)
            draw(platform)
            yield platform
    finally:
        leave(engine, recorder, pytestconfig, budget=2)


@pytest.fixture(scope="session")
def first_sync(platform: Platform) -> list[Seen]:
    """What was seen while the platform came up from nothing."""
    with platform.recorder.phase("first sync", budget=60), platform.watching("first sync") as observer:
        platform.bootstrap()
        platform.create_secrets()
        platform.wait(converged(platform.source.head), "first sync: Synced and Healthy", seconds=120)
        return observer.seen()


@pytest.fixture
def running(platform: Platform, first_sync: list[Seen]) -> Platform:
    """The platform, Synced and Healthy, with whatever an earlier test committed last."""
    return platform


@pytest.fixture
def settled(running: Platform) -> Platform:
    """The platform, Synced and Healthy at the working tree."""
    before = running.source.head
    back = running.source.take(running.source.working_tree, "back to the working tree")
    if back != before:
        running.deliver(back, "back to the working tree")
    return running

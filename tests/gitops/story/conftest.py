"""One platform for the whole story: brought up once, and each test leaves it Synced and Healthy."""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.argo.pacer import Pacer
from harness.argo.source import WorkingTreeSource
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform, converged
from harness.engines.base import Engine
from harness.engines.crds import families_of
from harness.engines.embedded.engine import EmbeddedEngine, Tools
from harness.model.trial import in_turn, profiles, trial
from harness.paths import repository
from harness.render import render_environment
from harness.report import model as report
from harness.report.recorder import Recorder
from harness.toolchain import catalog
from tests.ending import leave
from tests.gitops.conftest import settings


def describe(recorder: Recorder) -> None:
    """Tell the report what the run is on and what is not real in it."""
    recorder.engine_is(report.Engine(name="embedded", tier=report.Tier.GITOPS))
    recorder.simulated("Nodes and pods are simulated by kwok: nothing runs in a pod, and its readiness is a timer.")
    recorder.simulated("Argo CD is nudged to look at a running sync at once; by itself it looks 5 s after a change.")
    recorder.simulated("NetworkPolicies are checked as objects; no network enforces them here.")


def processor_seconds(engine: Engine) -> float:
    """Return the processor time that the engine's servers have used since their start."""
    return sum(process.cpu for process in engine.status().processes)


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
def profile(request: pytest.FixtureRequest) -> str:
    """The profile that the story is told with (`indigo e2e --profile`)."""
    return str(request.config.getoption("--indigo-profile")) or "minimal"


@pytest.fixture(scope="session")
def others(request: pytest.FixtureRequest, recorder: Recorder, profile: str) -> list[str]:
    """The profiles that are brought up beside it (`indigo e2e --others`)."""
    rest = [name for name in profiles(repository()) if name != profile]
    chosen = in_turn(rest, str(request.config.getoption("--indigo-others")), datetime.date.today())
    recorder.note(f"profile {profile}; beside it {', '.join(chosen) or 'none'} of {', '.join(rest)}")
    return chosen


def families_needed(wanted: list[str]) -> tuple[str, ...]:
    """Return the families of kinds (harness/engines/crds) that the environments of some profiles render."""
    objects = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in wanted:
            tried = trial(repository(), name)
            source = WorkingTreeSource(Path(scratch) / name, repository(), tried.files)
            tree = source.checkout(source.working_tree, Path(scratch) / name / "tree")
            objects += render_environment(tried.environment, tree).objects()
    return tuple(family.name for family in families_of(objects))


@pytest.fixture(scope="session")
def platform(recorder: Recorder, profile: str, others: list[str], pytestconfig: pytest.Config) -> Iterator[Platform]:
    """The working tree, deployed from an empty cluster by Argo CD."""
    describe(recorder)
    logs = recorder.directory / "logs" if recorder.directory else None
    tools = Tools.pinned()
    for entry in catalog.TOOLS:
        if entry.name in tools.programs:
            recorder.version(entry.name, entry.version)
    if logs:
        recorder.artefact("Logs of the engine's servers", logs)
    tried = trial(repository(), profile)
    families = families_needed([profile, *others])
    engine = EmbeddedEngine(f"e2e-{os.getpid()}", settings(pytestconfig, logs=logs, families=families), tools=tools)
    with recorder.phase("engine up", budget=10):
        engine.up()
    try:
        source = WorkingTreeSource(engine.run_dir, repository(), tried.files)
        with Pacer(engine.cluster()):
            platform = Platform(engine, source, recorder, tried.environment)
            draw(platform)
            yield platform
            recorder.note(f"processor time of the engine, whole run: {processor_seconds(engine):.0f} s")
    finally:
        leave(engine, recorder, pytestconfig, budget=2)


@pytest.fixture(scope="session")
def first_sync(platform: Platform) -> list[Seen]:
    """What was seen while the platform came up from nothing."""
    with platform.recorder.phase("first sync", budget=90), platform.watching("first sync") as observer:
        platform.bootstrap()
        platform.create_secrets()
        platform.wait(converged(platform.source.head), "first sync: Synced and Healthy")
        spent = processor_seconds(platform.engine)
        platform.recorder.note(
            f"processor time of the engine from its start to the end of the first sync: {spent:.0f} s"
        )
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

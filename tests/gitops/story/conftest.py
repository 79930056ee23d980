"""One platform for the whole story: brought up once, and each test leaves it Synced and Healthy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.argo.source import WorkingTreeSource
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform, converged
from harness.engines.embedded import EmbeddedEngine
from harness.engines.embedded.settings import Settings
from harness.paths import repository
from harness.report.recorder import Recorder


@pytest.fixture(scope="session")
def platform(indigo_recorder: Recorder) -> Iterator[Platform]:
    """The working tree, deployed from an empty cluster by Argo CD."""
    recorder = indigo_recorder
    logs = recorder.directory / "logs" if recorder.directory else None
    engine = EmbeddedEngine("e2e", Settings(logs=logs))
    with recorder.phase("engine up", budget=10):
        engine.up()
    try:
        source = WorkingTreeSource(engine.run_dir, repository())
        yield Platform(engine, source, recorder)
    finally:
        with recorder.phase("engine down", budget=2):
            engine.down()


@pytest.fixture(scope="session")
def first_sync(platform: Platform) -> list[Seen]:
    """What was seen while the platform came up from nothing."""
    with platform.recorder.phase("first sync", budget=60), platform.watching("first sync") as observer:
        platform.bootstrap()
        platform.create_secrets()
        platform.wait(converged(platform.source.head), "first sync: Synced and Healthy", seconds=120)
        return observer.seen()


@pytest.fixture
def settled(platform: Platform, first_sync: list[Seen]) -> Iterator[Platform]:
    """The platform, Synced and Healthy before the test and brought back to the working tree after it."""
    yield platform
    source = platform.source
    before = source.head
    if source.take(source.working_tree, "back to the working tree") != before:
        platform.deliver(source.head, "back to the working tree")

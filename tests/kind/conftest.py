"""One cluster in Docker for the whole tier; without a Docker the tests are skipped, and say so."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from harness.cluster import Cluster
from harness.engines.kind.docker import Docker
from harness.engines.kind.engine import KindEngine
from harness.engines.kind.settings import KindSettings
from harness.errors import UserError
from harness.report import model as report
from harness.report.recorder import Recorder
from tests.ending import leave

NODES = int(os.environ.get("NODES", "1"))


@pytest.fixture(scope="session")
def docker() -> Docker:
    """The Docker of this machine."""
    try:
        found = Docker.find()
        found.host()
    except UserError as error:
        pytest.skip(error.message)
    return found


@pytest.fixture(scope="session")
def engine(docker: Docker, recorder: Recorder, pytestconfig: pytest.Config) -> Iterator[KindEngine]:
    """A cluster with an Argo CD beside it."""
    recorder.engine_is(report.Engine(name="kind", tier=report.Tier.KIND))
    logs = recorder.directory / "logs" if recorder.directory else None
    engine = KindEngine(f"e2e-{os.getpid()}", KindSettings(nodes=NODES, logs=logs))
    with recorder.phase("engine up", budget=90):
        engine.up()
    for note in engine.notes:
        recorder.simulated(note)
    try:
        yield engine
    finally:
        leave(engine, recorder, pytestconfig, budget=15)


@pytest.fixture(scope="session")
def cluster(engine: KindEngine) -> Cluster:
    """Its API."""
    return engine.cluster()

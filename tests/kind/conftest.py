"""One cluster in Docker for the whole tier; without a Docker the tests are skipped, and say so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import toolchain
from harness.argo.pacer import Pacer
from harness.argo.source import WorkingTreeSource
from harness.cluster import Cluster
from harness.doubles import describe, image
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform, converged
from harness.engines.kind import images
from harness.engines.kind.docker import Docker
from harness.engines.kind.engine import KindEngine
from harness.engines.kind.settings import KindSettings
from harness.errors import UserError
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.paths import repository
from harness.report import model as report
from harness.report.recorder import Recorder
from tests.ending import leave
from tests.gitops.story.conftest import draw

NODES = int(os.environ.get("NODES", "1"))
REAL = ("mariadb", "valkey")
WAIT = "busybox:1.36"
SMALL = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
# Doubles need less than what they stand for, and a node of two cores is to hold all of it
VALUES = {
    "global": {"images": {"source": "doubles"}},
    **{name: {"resources": SMALL} for name in describe.names()},
    "mariadb": {"resources": {"requests": {"cpu": "100m", "memory": "1Gi"}}},
}


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
def graph() -> Graph:
    """All contracts."""
    return Graph.build(load_contracts(repository() / "charts"))


@pytest.fixture(scope="session")
def third_party(docker: Docker, graph: Graph) -> images.Images:
    """Images of servers that are never doubled: those of the smallest platform."""
    declared = [graph.contracts[name].image for name in REAL]
    return images.collect(docker, [WAIT, *(f"{one.repository}:{one.tag}" for one in declared)])


@pytest.fixture(scope="session")
def engine(
    docker: Docker,
    graph: Graph,
    third_party: images.Images,
    recorder: Recorder,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Iterator[KindEngine]:
    """A cluster with an Argo CD beside it, and the images that the tests need."""
    recorder.engine_is(report.Engine(name="kind", tier=report.Tier.KIND))
    logs = recorder.directory / "logs" if recorder.directory else None
    archive = tmp_path_factory.mktemp("images") / "doubles.tar"
    with recorder.phase("doubles", budget=30):
        program = toolchain.tool("double")
        image.write_archive(archive, program, {name: graph.contracts[name] for name in describe.names()})
    settings = KindSettings(nodes=NODES, logs=logs, images=tuple(third_party.present), archives=(archive,))
    engine = KindEngine(f"e2e-{os.getpid()}", settings)
    with recorder.phase("engine up", budget=90):
        engine.up()
    for note in engine.notes:
        recorder.simulated(note)
    for name in describe.names():
        recorder.simulated(f"{name} is a contract double: {' '.join(describe.load(name).different)}")
    try:
        yield engine
    finally:
        leave(engine, recorder, pytestconfig, budget=15)


@pytest.fixture(scope="session")
def cluster(engine: KindEngine) -> Cluster:
    """Its API."""
    return engine.cluster()


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """The pinned kubectl."""
    return toolchain.tool("kubectl")


@pytest.fixture(scope="session")
def platform(engine: KindEngine, third_party: images.Images, recorder: Recorder) -> Iterator[Platform]:
    """The working tree with doubles, followed by Argo CD; nothing is deployed yet."""
    third_party.require()
    source = WorkingTreeSource(engine.source_dir, repository())
    with Pacer(engine.cluster()):
        platform = Platform(engine, source, recorder)
        platform.values(VALUES, "doubles")
        draw(platform)
        yield platform


@pytest.fixture(scope="session")
def running(platform: Platform) -> tuple[Platform, list[Seen]]:
    """The platform, Synced and Healthy, and what was seen on the way."""
    with platform.recorder.phase("first sync", budget=360), platform.watching("first sync") as observer:
        platform.bootstrap()
        platform.create_secrets()
        platform.wait(converged(platform.source.head), "first sync: Synced and Healthy", seconds=360)
        return platform, observer.seen()

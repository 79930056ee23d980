"""One engine for all the tests of this folder, and a namespace for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cluster import Cluster
from harness.engines.embedded import EmbeddedEngine
from harness.engines.leftovers import leftovers
from tests.gitops.engine.support import eventually


@pytest.fixture(scope="package")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="package")
def engine(runs_dir: Path) -> Iterator[EmbeddedEngine]:
    """Yield the engine that most tests share; afterwards nothing of it may be left."""
    with EmbeddedEngine("shared", runs=runs_dir) as engine:
        ports = [port for process in engine.status().processes for port in process.ports]
        yield engine
    assert leftovers(engine.run_dir, ports) == []


@pytest.fixture(scope="package")
def cluster(engine: EmbeddedEngine) -> Cluster:
    return engine.cluster()


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """Make a namespace for one test."""
    name = f"t-{abs(hash(request.node.name)) % 10**8}"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    eventually(lambda: cluster.find("ServiceAccount", "default", name), "the ServiceAccount controller works")
    return name

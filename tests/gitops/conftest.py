"""The engines that several files share, and what begins with the first test of the tier, whichever that is.

A start costs five seconds of processor time, and a first sync fifteen: who can leave an engine as it was takes
`engine`, who needs foreign kinds or a whole environment `peopled`, and only who ends one starts one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cluster import Cluster
from harness.engines.crds import FAMILIES
from harness.engines.embedded import EmbeddedEngine, Settings
from harness.engines.leftovers import leftovers
from tests.gitops.production import Production

BYTES = pytest.StashKey[int]()
"""The memory of the shared engine when it was up, before any test used it."""


@pytest.fixture(scope="session", autouse=True)
def production(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production | None]:
    """The engine with production's timing; None where no test that asks for it is selected."""
    asked = any(item.path.name == "test_production.py" for item in request.session.items)
    if not asked:
        yield None
        return
    begun = Production(tmp_path_factory.mktemp("production"))
    begun.start()
    yield begun
    begun.stop()


@pytest.fixture(scope="session")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest, runs_dir: Path) -> Iterator[EmbeddedEngine]:
    """Yield the engine that most tests share; afterwards nothing of it may be left."""
    with EmbeddedEngine("shared", runs=runs_dir) as engine:
        processes = engine.status().processes
        request.config.stash[BYTES] = sum(process.pss for process in processes)
        ports = [port for process in processes for port in process.ports]
        yield engine
    assert leftovers(engine.run_dir, ports) == []


@pytest.fixture(scope="session")
def cluster(engine: EmbeddedEngine) -> Cluster:
    return engine.cluster()


@pytest.fixture(scope="session")
def peopled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """Yield an engine that knows every family of kinds; the environment dev is deployed to it, by whoever is first."""
    settings = Settings(families=tuple(family.name for family in FAMILIES))
    with EmbeddedEngine("peopled", settings, runs=tmp_path_factory.mktemp("runs")) as engine:
        yield engine

"""The engines that several files share, and what begins with the first test of the tier, whichever that is.

A start costs five seconds of processor time, and a first sync fifteen: who can leave an engine as it was takes
`engine`, who needs foreign kinds or a whole environment `peopled`, and only who ends one starts one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cluster import Cluster
from harness.engines.crds import FAMILIES
from harness.engines.embedded import EmbeddedEngine, Settings
from harness.engines.embedded.settings import ROOMY
from harness.engines.leftovers import leftovers
from tests.gitops.production import ARGO, Production


def settings(config: pytest.Config, **wanted: Any) -> Settings:
    """Return settings of an engine; where several run at once they take more memory, and less time of the machine's."""
    return Settings(**(wanted | {"go": ROOMY} if config.getoption("--indigo-roomy") else wanted))


@pytest.fixture(scope="session", autouse=True)
def production(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production | None]:
    """The engine with production's timing; None where no test that asks for it is selected."""
    asked = any(item.path.name == "test_production.py" for item in request.session.items)
    if not asked:
        yield None
        return
    begun = Production(tmp_path_factory.mktemp("production"), settings(request.config, argocd=ARGO))
    begun.start()
    yield begun
    begun.stop()


@pytest.fixture(scope="session")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config, runs_dir: Path) -> Iterator[EmbeddedEngine]:
    """Yield the engine that most tests share; afterwards nothing of it may be left."""
    with EmbeddedEngine("shared", settings(pytestconfig), runs=runs_dir) as engine:
        processes = engine.status().processes
        ports = [port for process in processes for port in process.ports]
        yield engine
    assert leftovers(engine.run_dir, ports) == []


@pytest.fixture(scope="session")
def cluster(engine: EmbeddedEngine) -> Cluster:
    return engine.cluster()


@pytest.fixture(scope="session")
def peopled(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """Yield an engine that knows every family of kinds; the environment dev is deployed to it, by whoever is first."""
    wanted = settings(pytestconfig, families=tuple(family.name for family in FAMILIES))
    with EmbeddedEngine("peopled", wanted, runs=tmp_path_factory.mktemp("runs")) as engine:
        yield engine

"""One cluster in Docker for the whole tier; without a Docker the tests are skipped, and say so."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import toolchain
from harness.argo.pacer import Pacer
from harness.argo.source import WorkingTreeSource
from harness.cluster import Cluster
from harness.doubles import describe, image
from harness.doubles.image import REGISTRY
from harness.e2e import gateway
from harness.e2e.hands import Gate, Hands
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform, converged
from harness.engines.kind import images
from harness.engines.kind.docker import Docker
from harness.engines.kind.engine import KindEngine
from harness.engines.kind.settings import KindSettings
from harness.errors import UserError
from harness.model.environment import load_environment, read_values
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.model.placement import place
from harness.model.trial import trial
from harness.paths import repository
from harness.report import model as report
from harness.report.recorder import Recorder
from tests.ending import leave
from tests.gitops.story.conftest import draw

NODES = int(os.environ.get("NODES", "1"))
WAIT = "busybox:1.36"
SMALL = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
LESS = {"requests": {"cpu": "50m", "memory": "128Mi"}}
BELOW = "/orchestrator"
OWN_TAG = {"federation-manager-dashboard": "double"}  # its chart bears no tag that moves, and its contract's is one


def values(components: Iterable[str], urls: Mapping[str, str]) -> dict[str, Any]:
    """Return what the run has otherwise than the example of a site: doubles, less processor and memory, and routes.

    Doubles need less than what they stand for, servers less than in production, and a node of two cores is to hold all.
    A site may have no routes, or a gateway with a certificate that everybody trusts; here are both, a gateway and an
    authority of its own. The Orchestrator is below a path, which its gateway cuts off.
    """
    doubles = describe.names()
    own: dict[str, dict[str, Any]] = {name: {"resources": SMALL if name in doubles else LESS} for name in components}
    for name, tag in OWN_TAG.items():
        if name in own:
            own[name] |= {"image": {"repository": f"{REGISTRY}/doubles/{name}", "tag": tag, "digest": ""}}
    site = {
        "images": {"source": "doubles"},
        "routes": gateway.ROUTES,
        "trustedCa": {"configMap": gateway.AUTHORITY},
        "urls": {"orchestrator": urls["orchestrator"] + BELOW},
    }
    return {"global": site, **own}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those be first that need no platform: its images are loaded meanwhile; and the drills last: they break it."""
    items.sort(key=lambda item: (item.path.name == "test_drills.py", "running" in getattr(item, "fixturenames", ())))


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


@dataclass(frozen=True)
class Chosen:
    """The profile of the run, and the images that it takes from this machine or a registry."""

    profile: str
    images: images.Images


def real_images(graph: Graph, profile: str) -> list[str]:
    """Return the images of a profile that are never doubled."""
    tried = trial(repository(), profile)
    with tempfile.TemporaryDirectory() as scratch:
        source = WorkingTreeSource(Path(scratch) / "source", repository(), tried.files)
        tree = source.checkout(source.working_tree, Path(scratch) / "tree")
        placed = place(graph.contracts, read_values(tree, load_environment(tree, tried.environment)))
    real = [placed.graph.contracts[name].image for name in placed.here() if name not in describe.names()]
    return [WAIT, *(f"{image.repository}:{image.tag}" for image in real)]


@pytest.fixture(scope="session")
def chosen(docker: Docker, graph: Graph, recorder: Recorder, pytestconfig: pytest.Config) -> Chosen:
    """Profile full where the images of its servers are to be had, else the smallest one; or what `--profile` says."""
    wanted = str(pytestconfig.getoption("--indigo-profile"))
    found = images.collect(docker, real_images(graph, wanted or "full"))
    if found.missing and not wanted:
        why = f"{', '.join(sorted(found.missing))} cannot be had ({found.reason})"
        recorder.note(f"Profile minimal instead of full, and no test of what is beyond it: {why}.")
        return Chosen("minimal", images.collect(docker, real_images(graph, "minimal")))
    return Chosen(wanted or "full", found)


@pytest.fixture(scope="session")
def engine(
    docker: Docker,
    graph: Graph,
    chosen: Chosen,
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
        image.write_archive(archive, program, {name: graph.contracts[name] for name in describe.names()}, OWN_TAG)
    settings = KindSettings(nodes=NODES, logs=logs, images=tuple(chosen.images.present), archives=(archive,))
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
        leave(engine, recorder, pytestconfig, budget=60)


@pytest.fixture(scope="session")
def cluster(engine: KindEngine) -> Cluster:
    """Its API."""
    return engine.cluster()


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """The pinned kubectl."""
    return toolchain.tool("kubectl")


@pytest.fixture(scope="session")
def platform(engine: KindEngine, chosen: Chosen, recorder: Recorder) -> Iterator[Platform]:
    """The working tree with doubles, followed by Argo CD; nothing is deployed yet."""
    chosen.images.require()
    tried = trial(repository(), chosen.profile)
    source = WorkingTreeSource(engine.source_dir, repository(), tried.files)
    with Pacer(engine.cluster()):
        platform = Platform(engine, source, recorder, tried.environment)
        platform.values(values(platform.components, urls(platform)), "doubles")
        draw(platform)
        yield platform


def urls(platform: Platform) -> dict[str, str]:
    """Return the public URLs of the environment as it is committed."""
    found: dict[str, str] = read_values(platform.tree, platform.environment)["global"]["urls"]
    return found


@pytest.fixture(scope="session")
def authority(platform: Platform, cluster: Cluster) -> str:
    """The authority (PEM) of the gateway's certificate; the gateway serves, and nothing is behind it yet."""
    platform.recorder.simulated(gateway.SIMULATED)
    with platform.recorder.phase("gateway", budget=60):
        names = gateway.hosts(urls(platform).values())
        return gateway.install(cluster, image.GATEWAY, names, platform.until)


@pytest.fixture(scope="session")
def gate(hands: Hands, authority: str) -> Iterator[Gate]:
    """The way that users take."""
    with hands.gate(gateway.NAME, gateway.NAMESPACE, authority) as gate:
        yield gate


@pytest.fixture(scope="session")
def running(platform: Platform, engine: KindEngine, authority: str) -> tuple[Platform, list[Seen]]:
    """The platform, Synced and Healthy, and what was seen on the way."""
    with platform.recorder.phase("images in the nodes", budget=180):
        engine.wait_for_images(seconds=600)
    with platform.recorder.phase("first sync", budget=360), platform.watching("first sync") as observer:
        platform.bootstrap()
        platform.create_secrets()
        gateway.trusted(platform.cluster, platform.namespace, authority)
        platform.wait(converged(platform.source.head), "first sync: Synced and Healthy", seconds=420)
        return platform, observer.seen()


@pytest.fixture(scope="session")
def hands(cluster: Cluster, kubectl: Path, running: tuple[Platform, list[Seen]]) -> Hands:
    """What an operator does with kubectl in the running platform."""
    return Hands(cluster, kubectl, running[0].namespace)

"""Somebody's cluster (`indigo e2e --engine cluster`); without one that is named, these tests are skipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.argo.pacer import Pacer
from harness.argo.source import WorkingTreeSource
from harness.cluster import Cluster
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform, converged
from harness.engines.existing import removal
from harness.engines.existing.engine import ExistingCluster
from harness.engines.existing.settings import ClusterSettings
from harness.model.trial import MINIMAL
from harness.paths import repository
from harness.report import model as report
from harness.report.recorder import Recorder
from tests.ending import leave
from tests.gitops.story.conftest import draw


def agreed(_: object) -> None:
    """Agree: the command has asked (`harness.cli.suite`)."""


@pytest.fixture(scope="session")
def engine(recorder: Recorder, pytestconfig: pytest.Config) -> Iterator[ExistingCluster]:
    """A headless Argo CD for the cluster; at the end nothing of it may be left there."""
    named, context = (str(pytestconfig.getoption(f"--indigo-{name}")) for name in ("kubeconfig", "context"))
    if not named:
        pytest.skip("no cluster is named: indigo e2e --engine cluster")
    run = str(pytestconfig.getoption("--indigo-run"))
    logs = recorder.directory / "logs" if recorder.directory else None
    settings = ClusterSettings(Path(named), context or None, agreed, run, logs)
    engine = ExistingCluster(f"e2e-{os.getpid()}", settings)
    recorder.engine_is(report.Engine(name="cluster", tier=report.Tier.CLUSTER))
    recorder.note(
        f"In {Cluster(settings.kubeconfig, settings.context).transport.server}, with the suffix {engine.run}."
    )
    with recorder.phase("engine up", budget=120):
        engine.up()
    try:
        yield engine
    finally:
        run = engine.run
        leave(engine, recorder, pytestconfig, budget=150)
    if not pytestconfig.getoption("--indigo-keep"):
        assert removal.left_of(Cluster(settings.kubeconfig, settings.context), run) == []


@pytest.fixture(scope="session")
def running(engine: ExistingCluster, recorder: Recorder) -> Iterator[tuple[Platform, list[Seen]]]:
    """The smallest platform, Synced and Healthy, in a namespace of the run; images are upstream's."""
    root = repository()
    source = WorkingTreeSource(engine.source_dir, root, engine.tree_files(root, MINIMAL))
    with Pacer(engine.cluster(), engine.argocd_namespace):
        platform = Platform(engine, source, recorder, MINIMAL)
        draw(platform)
        with recorder.phase("first sync", budget=600), platform.watching("first sync") as observer:
            platform.bootstrap()
            platform.create_secrets()
            platform.wait(converged(source.head), "first sync: Synced and Healthy", seconds=900)
            seen = observer.seen()
        yield platform, seen

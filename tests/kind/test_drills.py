"""Drills with real pods: what a failure does is seen by requests, and held against what was said of it beforehand.

The components that a drill is about are those of the profile, or the ones named here, of those that it has. The nodes'
own drills need several of them (NODES=3, `make drills`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.cluster import Cluster
from harness.drills import Drill, Result, Verdict, catalogue
from harness.drills.askers import MARK
from harness.drills.model import Measure, nobody
from harness.drills.run import run
from harness.drills.session import FILE, Session
from harness.drills.watch import asking
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform
from harness.engines.kind.engine import KindEngine
from harness.report.recorder import Recorder
from tests.kind.conftest import NODES

BUDGET = 20 * 60  # seconds for all drills of a run
EVICTED = 20  # seconds until the pods of a lost node are started elsewhere; Kubernetes' 300 only take longer
TOLD = 5.0  # questions a second
# Of each kind one store and one that serves is enough, where a drill is not about what the component itself does
CASES: list[tuple[str, tuple[str, ...]]] = [
    ("kill-pod", ()),
    ("kill-store", ()),
    ("cut-network", ("mariadb", "kafka", "dashboard", "federation-manager")),
    ("full-disk", ("mariadb", "valkey")),
    ("corrupt-configmap", ("mariadb",)),
    ("delete-secret", ("iam",)),
    ("delete-networkpolicies", ()),
    ("bad-image-tag", ("iam",)),
    ("kill-argocd", ()),
]


@pytest.fixture(scope="module")
def session(running: tuple[Platform, list[Seen]], cluster: Cluster, recorder: Recorder) -> Iterator[Session]:
    """The platform that runs, and the pods that ask it; afterwards nothing of a drill is left."""
    platform, _ = running
    with recorder.phase("drills", budget=BUDGET):
        with asking(platform) as askers:
            yield Session(platform, recorder.directory, askers)
        assert not cluster.list("Pod", labels=f"app.kubernetes.io/managed-by={MARK}")
    if recorder.directory:
        recorder.artefact("drills, as JSON", recorder.directory / FILE)


def done(session: Session, drill: Drill, only: tuple[str, ...] = ()) -> list[Result]:
    targets = [name for name in drill.targets(session.platform) if not name or not only or name in only]
    if not targets:
        pytest.skip(f"the profile has none of: {', '.join(only) or 'its targets'}")
    return [session.run(drill, target) for target in targets]


@pytest.mark.parametrize(("name", "only"), CASES, ids=[name for name, _ in CASES])
def test_what_a_drill_holds_is_true(session: Session, name: str, only: tuple[str, ...]) -> None:
    results = done(session, catalogue()[name], only)
    assert not [(one.component, *one.reasons) for one in results if one.verdict is Verdict.REFUTED]
    assert all(one.measure is Measure.REQUESTS and one.rate >= TOLD for one in results)


def test_a_drill_whose_sufferers_were_not_foreseen_is_refuted(session: Session) -> None:
    """The requests themselves: IAM is missed when the server of its database dies, whatever was said of it."""
    drill = replace(catalogue()["kill-store"], suffers=lambda scene: {scene.component})
    result = run(session.platform, drill, "mariadb", session.askers)
    assert result.verdict is Verdict.REFUTED
    assert any(reason.startswith("iam was away for ") for reason in result.reasons)


def test_a_drill_that_does_nothing_is_refuted(session: Session) -> None:
    drill = replace(catalogue()["cut-network"], inject=lambda scene: lambda: True, suffers=nobody)
    result = run(session.platform, drill, "mariadb", session.askers)
    assert result.reasons == ("no request to mariadb failed: the fault was none, or whoever asks is blind",)


@pytest.fixture(scope="module")
def several(session: Session, engine: KindEngine) -> Session:
    """The same on several nodes, with pods that do not wait for a lost node for long."""
    if NODES < 3:
        pytest.skip("one node: the drills on nodes need three (NODES=3, make drills)")
    assert set(engine.nodes().values()) == {"running"}
    platform = session.platform
    sooner = {"global": {"nodeFailure": {"evictAfterSeconds": EVICTED}}}
    revision = platform.values(sooner, "pods leave a lost node sooner", platform.source.head)
    platform.deliver(revision, "pods leave a lost node sooner")
    return session


@pytest.mark.parametrize("name", ["drain-node", "stop-node"])
def test_what_a_drill_on_nodes_holds_is_true(several: Session, engine: KindEngine, name: str) -> None:
    (result,) = done(several, catalogue()[name])
    assert result.verdict is Verdict.HELD, result.reasons
    assert any(note.startswith(("drained: ", "stopped: ")) for note in result.notes)
    assert set(engine.nodes().values()) == {"running"}

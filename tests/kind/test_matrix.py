"""The live network matrix: every pair of components and every port, egress and DNS, against the graph."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.doubles.image import PROBE
from harness.e2e.matrix import OUTSIDE, Matrix, open_edge
from harness.engines.kind.engine import KindEngine
from harness.errors import UserError
from harness.model.graph import Graph
from harness.paths import repository
from harness.render import Object, helm_template, render_environment
from harness.report.recorder import Recorder

SITE = Path(__file__).with_name("everything.yaml")
LEAST, SECONDS = 500, 60


@pytest.fixture(scope="module")
def rendered(graph: Graph) -> list[Object]:
    """Every component of the platform, and what every namespace has."""
    everywhere = {"global": {"components": {name: {"mode": "embedded"} for name in graph.contracts}}}
    charts = helm_template(repository() / "charts" / "indigo-paas", SITE, release="indigo", inline=everywhere)
    return [*charts, *render_environment("dev").delivery]


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [item for item in objects if item["kind"] == kind]


@pytest.fixture(scope="module")
def matrix(
    engine: KindEngine, kubectl: Path, graph: Graph, rendered: list[Object], recorder: Recorder
) -> Iterator[Matrix]:
    """The pods, without any policy yet."""
    matrix = Matrix(engine.cluster(), engine.kubeconfig, kubectl, image=PROBE, graph=graph, components=graph.contracts)
    with recorder.phase("network matrix: pods", budget=90):
        matrix.start(of_kind(rendered, "Service"))
    try:
        yield matrix
    finally:
        matrix.remove()


def test_without_policies_everything_connects_and_that_is_noticed(matrix: Matrix) -> None:
    closed = [answer for answer in matrix.ask(matrix.questions, 3000) if not answer.connected]
    assert not [str(answer) for answer in closed]  # or a port that nobody listens on would pass for a closed one
    with pytest.raises(UserError, match="the cluster does not enforce NetworkPolicies"):
        matrix.require_enforced()


def test_with_the_charts_policies_the_network_is_the_graph(
    matrix: Matrix, rendered: list[Object], recorder: Recorder
) -> None:
    assert matrix.enforce(of_kind(rendered, "NetworkPolicy")) == len(matrix.components) + 1
    time.sleep(1)
    begin = time.monotonic()
    with recorder.phase("network matrix", budget=SECONDS):
        matrix.require_enforced()
        answers = matrix.ask(matrix.questions)
        wrong = matrix.unexpected(answers)
    assert not [str(answer) for answer in wrong]
    assert len(answers) >= LEAST and time.monotonic() - begin <= SECONDS
    assert {answer.question.allowed for answer in answers if answer.question.target == OUTSIDE} == {True, False}
    recorder.note(f"Network matrix: {len(answers)} connections asked for, {len(wrong)} not as the graph says.")


def test_one_rule_too_many_and_one_too_few_are_found(matrix: Matrix) -> None:
    """The matrix itself: with a policy that opens one edge and one that closes another, it names exactly those."""
    opened = next(
        q for q in matrix.questions if q.target == "mariadb" and not q.allowed and q.source in matrix.components
    )
    closed = next(q for q in matrix.questions if q.target == "valkey" and q.allowed and q.source in matrix.components)
    for question, policy in ((opened, open_edge(opened.source, opened.target)),):
        for item in policy:
            matrix.cluster.apply({**item, "metadata": {**item["metadata"], "namespace": matrix.namespace}})
        time.sleep(1)
        assert [answer.question for answer in matrix.ask([question]) if not answer.expected] == [opened]
    matrix.cluster.delete("NetworkPolicy", "valkey", matrix.namespace)
    time.sleep(1)
    assert [answer.question for answer in matrix.ask([closed], 2000) if not answer.expected] == [closed]

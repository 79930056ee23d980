"""When Argo CD is asked to look again at a running sync: when something got ready, and seldom otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from harness.argo.pacer import ANNOTATION, LOOKS, Pace, Pacer


def times(pace: Pace, until: float) -> list[float]:
    """Return when the Application `a` is looked at, to a twentieth of a second."""
    steps = (round(step * 0.05, 2) for step in range(1, int(until / 0.05) + 1))
    return [now for now in steps if "a" in pace.due(now)]


def test_without_a_change_it_is_looked_at_when_it_was_idle_long_enough() -> None:
    assert times(Pace(1.0, {"a": 0.0}), 3.5) == [1.0, 2.0, 3.0]


def test_a_change_is_followed_by_two_looks() -> None:
    pace = Pace(1.0, {"a": 0.0}, {"a": "here", "b": "there"}, {"here": 0.19})
    assert times(pace, 1.5) == [0.25, 0.6]
    assert LOOKS == (0.05, 0.4)


def test_a_change_in_another_namespace_is_no_reason() -> None:
    pace = Pace(1.0, {"a": 0.0}, {"a": "here"}, {"there": 0.19})
    assert times(pace, 1.5) == [1.0]


def test_one_whose_operation_has_ended_is_left_alone() -> None:
    pace = Pace(1.0, {"a": 0.0})
    del pace.touched["a"]
    assert times(pace, 3) == []


class FakeCluster:
    """Gives each watch its events, and takes the annotations."""

    def __init__(self, **events: list[tuple[str, dict[str, Any]]]) -> None:
        self.events, self.more = events, threading.Event()
        self.touched: list[tuple[str, str | None]] = []

    def watch(self, kind: str, *_: Any, **__: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from self.events.get(kind, [])
        self.more.wait(5)
        yield from self.events.get(f"{kind}_later", [])
        time.sleep(5)

    def patch(self, kind: str, name: str, patch: dict[str, Any], *_: Any, **__: Any) -> None:
        self.touched.append((name, patch["metadata"]["annotations"][ANNOTATION]))


def application(running: bool, name: str = "a", to: str = "here", health: str = "") -> dict[str, Any]:
    spec = {"destination": {"namespace": to}}
    status = {"health": {"status": health}}
    item: dict[str, Any] = {"metadata": {"name": name, "namespace": "argocd"}, "spec": spec, "status": status}
    return {**item, "operation": {"sync": {}}} if running else item


def job(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "j", "namespace": "here", "uid": "1"}, "spec": {}, "status": status}


def test_a_job_that_ends_is_a_reason_to_look_and_one_that_runs_on_is_none() -> None:
    done = job(conditions=[{"type": "Complete", "status": "True"}])
    cluster = FakeCluster(
        Application=[("ADDED", application(True))],
        Job=[("ADDED", job()), ("MODIFIED", job(active=1))],
        Job_later=[("MODIFIED", done)],
    )
    with Pacer(cluster, seconds=60):  # type: ignore[arg-type]
        time.sleep(0.7)
        before = list(cluster.touched)
        cluster.more.set()
        end = time.monotonic() + 10
        while len(cluster.touched) == len(before):
            assert time.monotonic() < end, "nobody looked"
            time.sleep(0.02)
    assert before == [], "nothing got ready"
    assert cluster.touched[0][0] == "a"


def test_an_application_that_gets_ready_is_a_reason_to_look_at_those_that_deliver_applications() -> None:
    child = ("MODIFIED", application(False, "child", health="Progressing"))
    cluster = FakeCluster(
        Application=[
            ("ADDED", application(True, "parent", to="argocd")),
            ("ADDED", application(True, "stranger")),
            child,
        ],
        Application_later=[child, ("MODIFIED", application(False, "child", health="Healthy"))],
    )
    with Pacer(cluster, seconds=60):  # type: ignore[arg-type]
        time.sleep(1.0)
        before = len(cluster.touched)
        cluster.more.set()
        end = time.monotonic() + 10
        while len(cluster.touched) < before + len(LOOKS):
            assert time.monotonic() < end, cluster.touched
            time.sleep(0.02)
    assert {name for name, _ in cluster.touched} == {"parent"}


def test_the_annotation_is_taken_away_at_the_end_of_the_operation() -> None:
    cluster = FakeCluster(
        Application=[("ADDED", application(True))], Application_later=[("MODIFIED", application(False))]
    )
    with Pacer(cluster, seconds=0.1):  # type: ignore[arg-type]
        time.sleep(0.8)
        cluster.more.set()
        end = time.monotonic() + 10
        while not cluster.touched or cluster.touched[-1] != ("a", None):
            assert time.monotonic() < end, cluster.touched
            time.sleep(0.02)
    assert cluster.touched[0][1] is not None

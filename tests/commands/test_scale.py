"""What the measurement of scale is made on: as many environments as asked for, each its own, all of them right."""

from __future__ import annotations

import math
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from harness.argo.applications import NotReached
from harness.bench import scale
from harness.cli.bench import bench
from harness.errors import UserError
from harness.model.environment import load_environments
from harness.render import render_all


def test_so_many_environments_are_made_and_no_two_are_alike(tmp_path: Path) -> None:
    root = scale.write_checkout(tmp_path, 3, "x")
    known = load_environments(root)
    assert list(known) == ["site-01", "site-02", "site-03"]
    rendered = render_all(repository=root)
    assert len({digest for made in rendered.values() for digest in made.digests.values()}) == 6  # namespace, components
    assert {item["metadata"]["namespace"] for item in rendered["site-02"].objects()} == {"indigo-site-02"}


def test_small_environments_run_what_is_named_and_nothing_else(tmp_path: Path) -> None:
    root = scale.write_checkout(tmp_path, 2, "x", ["valkey"])
    for name, rendered in render_all(repository=root).items():
        (made,) = rendered.applications.values()
        components = {item["metadata"]["labels"]["app.kubernetes.io/name"] for item in made}
        assert components == {"valkey"}, name


def test_a_component_that_there_is_not_is_refused() -> None:
    done = CliRunner().invoke(bench, ["--scale", "1", "--only", "valky"])
    assert isinstance(done.exception, UserError)
    assert "valky" in str(done.exception)


def test_there_is_room_for_what_is_asked_for(tmp_path: Path) -> None:
    root = scale.write_checkout(tmp_path, 1, "x")
    asked = sum(memory(item) for item in render_all(repository=root)["site-01"].objects())
    for count in (1, 10, 50, 200):
        assert count * asked < scale.nodes(count) * 64 * 0.9, "pods would wait for ever, and the measure with them"


def memory(item: dict[str, Any]) -> float:
    """GiB that the pods of a workload ask for."""
    if item["kind"] not in ("Deployment", "StatefulSet"):
        return 0
    units = {"Mi": 1 / 1024, "Gi": 1.0}
    asked = [one["resources"]["requests"]["memory"] for one in item["spec"]["template"]["spec"]["containers"]]
    total = sum(float(text[:-2]) * units[text[-2:]] for text in asked)
    return total * float(item["spec"]["replicas"])


def test_a_cost_is_what_the_work_took_and_not_what_was_used_before() -> None:
    spent = iter([scale.Spent(100.0, 900.0), scale.Spent(102.5, 950.0)])
    cost = scale.measured(3, 7, lambda: 10, lambda: next(spent))
    assert (cost.environments, cost.cpu_seconds, cost.mebibytes) == (10, 2.5, 950.0)
    assert cost.what == "first sync of 3 beside 7"
    assert 0 <= cost.seconds < 1


class Syncs:
    """Applications of which some are never in the expected state."""

    def __init__(self, never: set[str]) -> None:
        self.never = never
        self.cluster = self

    def apply(self, item: dict[str, Any], manager: str) -> None:
        pass

    def wait_for(self, name: str, condition: object, seconds: float, what: str) -> None:
        if name in self.never:
            raise NotReached(f"{name} is not {what} after {seconds:g} s")

    def all(self) -> list[Any]:
        return [SimpleNamespace(name=f"indigo-{name}") for name in scale.names(9)]


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A source of nothing; an Application is well unless it is one of the first two."""
    monkeypatch.setattr(scale, "render_bootstrap", lambda *_, **__: [{}])
    monkeypatch.setattr(scale, "converged", lambda _: lambda app: app.name not in ("indigo-site-01", "indigo-site-02"))
    return SimpleNamespace(url="", head="")


def bring_up(never: set[str], source: Any, seconds: float) -> int:
    end = time.monotonic() + seconds
    return scale._bring_up(scale.names(5), source, Syncs(never), Path(), end)  # type: ignore[arg-type]


def test_when_time_is_up_those_are_counted_that_are_well(no_engine: Any) -> None:
    assert bring_up(set(), no_engine, 60) == 5
    assert bring_up({"indigo-site-02"}, no_engine, 60) == 3, "site-03 to site-05, the ones asked for that are well"
    short = scale.measured(5, 0, lambda: bring_up({"indigo-site-02"}, no_engine, 60), lambda: scale.Spent(0, 0))
    assert short.what == "first sync of 5 beside 0, of which 3 were healthy when time was up"


def test_an_environment_that_never_comes_up_is_no_cost(no_engine: Any) -> None:
    with pytest.raises(NotReached):
        bring_up({"indigo-site-02"}, no_engine, math.inf)


@pytest.mark.parametrize("counts", ["", "ten", "0,10"])
def test_what_is_no_number_of_environments_is_refused(counts: str) -> None:
    done = CliRunner().invoke(bench, ["--scale", counts])
    assert isinstance(done.exception, UserError)
    assert done.exception.fix == "write 1,10,50"

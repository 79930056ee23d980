"""What the measurement of scale is made on: as many environments as asked for, each its own, all of them right."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

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


def test_a_cost_is_what_the_work_took_and_not_what_was_used_before() -> None:
    used = iter([100.0, 102.5])
    cost = scale.measured("work", 3, lambda: None, lambda: next(used))
    assert (cost.environments, cost.cpu_seconds) == (3, 2.5)
    assert 0 <= cost.seconds < 1


@pytest.mark.parametrize("counts", ["", "ten", "0,10"])
def test_what_is_no_number_of_environments_is_refused(counts: str) -> None:
    done = CliRunner().invoke(bench, ["--scale", counts])
    assert isinstance(done.exception, UserError)
    assert done.exception.fix == "write 1,10,50"

"""Charts and YAML are linted by the field's own tools; what they found right is not asked again until it changes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import pytest

from harness import toolchain
from harness.ci import charts
from harness.ci.charts import environment
from harness.paths import repository
from harness.process import ProcessError, run
from harness.render import cache, helm_template
from tests.static.test_repository import CHARTS, texts

ROOT = repository()
RIGHT = "lint"  # kind of the cache's entries
# values.yaml of charts are generated from the contracts, and linted by ct
YAML = re.compile(r"^(?!charts/[\w-]+/(templates/|values\.yaml)|argocd/[\w-]+/templates/).*\.ya?ml$")


def key(*inputs: str, files: Iterable[Path] = (), folder: Path | None = None) -> str:
    """Return the hash of all that decides what a linter finds."""
    found = cache.Key()
    for text in inputs:
        found.add("input", text)
    for file in files:
        found.add(file.name, cache.read(file))
    if folder:
        found.add_tree(folder)
    return found.text()


def yamllint(root: Path, names: list[str], conf: Path) -> None:
    """Raise `ProcessError` where yamllint finds something in files that it has not found right before."""
    keys = {name: key("yamllint", version("yamllint"), name, files=[conf, root / name]) for name in names}
    new = [name for name in names if not cache.load(keys[name], RIGHT)]
    if new:
        run(sys.executable, "-m", "yamllint", "--strict", "-c", conf, *new, cwd=root)
    for name in new:
        cache.store(keys[name], True, RIGHT)


def ct(root: Path) -> list[str]:
    """Lint the charts that ct has not found right before, and return their names.

    Raises:
        ProcessError: ct finds something.
    """
    program = toolchain.program("ct")
    tools = [
        f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in (program, toolchain.tool("helm"))
    ]
    tools += [version("yamllint"), version("yamale")]
    files = [root / name for name in ("ct.yaml", ".yamale.yaml", ".yamllint.yaml")]
    charts = sorted(file.parent for file in (root / "charts").glob("*/Chart.yaml") if file.parent.name != "common")
    keys = {chart: key("ct", *tools, chart.name, files=files, folder=chart) for chart in charts}
    new = [chart for chart in charts if not cache.load(keys[chart], RIGHT)]
    if new:
        names = ",".join(f"charts/{chart.name}" for chart in new)
        done = run(program, "lint", "--config", "ct.yaml", "--charts", names, cwd=root, env=environment())
        assert "All charts linted successfully" in done.stdout, done.stdout
    for chart in new:
        cache.store(keys[chart], True, RIGHT)
    return [chart.name for chart in new]


def test_yaml_is_well_written() -> None:
    yamllint(ROOT, [name for name in texts() if YAML.match(name)], ROOT / ".yamllint.yaml")


def test_yaml_that_is_badly_written_is_found_each_time(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a:   1\na: 2\n")
    for _ in range(2):
        with pytest.raises(ProcessError) as found:
            yamllint(tmp_path, ["bad.yaml"], ROOT / ".yamllint.yaml")
        assert "duplication of key" in found.value.stdout


@pytest.fixture
def built() -> None:
    if not toolchain.program("ct").is_file():
        pytest.skip("ct is not built; `indigo tools build ct` builds it")


def test_chart_testing_finds_nothing(built: None) -> None:
    ct(ROOT)
    assert ct(ROOT) == [], "what was right a moment ago is linted again"
    assert len(list(CHARTS.glob("*/Chart.yaml"))) > 1


def test_chart_testing_finds_a_wrong_chart_each_time(built: None, checkout: Path) -> None:
    for name in ("ct.yaml", ".yamale.yaml", ".yamllint.yaml"):
        (checkout / name).write_bytes((ROOT / name).read_bytes())
    file = checkout / "charts/valkey/Chart.yaml"
    file.write_text(file.read_text().replace("type: application", "type: nonsense"))
    for _ in range(2):
        with pytest.raises(ProcessError) as found:
            ct(checkout)
        assert "nonsense" in found.value.stdout + found.value.stderr


@pytest.mark.parametrize("name", charts.charts(ROOT))
def test_every_chart_renders_by_itself_with_what_chart_testing_gives_it(name: str) -> None:
    chart = ROOT / "charts" / name
    objects = helm_template(chart, release=name, inline=charts.values(ROOT, name))
    assert name == "common" or objects

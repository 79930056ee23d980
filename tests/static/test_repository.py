"""Rules of the repository, as tests: what every chart folder holds, what no file holds."""

from __future__ import annotations

import os
import re
import tomllib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
import yaml

from harness.model.load import load_contracts
from harness.paths import repository
from harness.process import run

ROOT = repository()
CHARTS = ROOT / "charts"
COMPONENTS = sorted(path.parent.name for path in CHARTS.glob("*/contract.yaml"))

# file or pattern -> why it may be longer than 400 lines
LONG = {
    "charts/*/contract.yaml": "the one description of a component",
    "*.schema.json": "generated",
    "charts/*/README.md": "generated",
    "charts/indigo-paas/dashboards/*.json": "generated",
    "docs/reference/*.md": "generated",
    "requirements.lock": "generated",
    "harness/toolchain/*/go.mod": "generated",
    "harness/toolchain/*/go.sum": "generated",
    "tests/static/test_dashboard.py": "one test for each trap of one component",
    "tests/static/test_iam.py": "one test for each trap of one component",
    "tests/static/test_orchestrator.py": "one test for each trap of one component",
    "tests/unit/test_toolchain.py": "one test for each way in which a build can fail",
}
# written in two parts, or this file would be the first to break the rule
REGISTRIES = ["pypi" + ".org", "python" + "hosted", "npm" + "js.org", "proxy.golang" + ".org", "sum.golang" + ".org",
              "crates" + ".io", "ruby" + "gems.org", "deb.debian" + ".org", "goproxy" + "."]  # fmt: skip
MACHINE = re.compile(
    r"(?<![\w.~-])/(?:" + "|".join(["wor" + "k", "roo" + "t", "hom" + "e", "User" + "s"]) + r")/[\w.-]"
)
LATER = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")


@cache
def texts() -> dict[str, str]:
    """Return every text file of the working tree that Git has or would take, by path; links are left out."""
    names = run("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.split("\0")
    found = {}
    for name in sorted(set(filter(None, names))):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if b"\0" not in data:
                found[name] = data.decode("utf-8")
    return found


def places(pattern: re.Pattern[str], leave_out: tuple[str, ...] = ()) -> list[str]:
    """Return file:line of every hit in the text files."""
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts().items()
        if not any(fnmatch(name, pattern_) for pattern_ in leave_out)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_the_host_of_a_package_registry() -> None:
    found = places(re.compile("|".join(map(re.escape, REGISTRIES))))
    assert found == [], "which registry is asked is a matter of the machine (pip.conf, GOPROXY)"


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    assert places(MACHINE) == []


def test_nothing_is_left_for_later() -> None:
    assert places(LATER) == [], "do it, or write it down where issues are kept"


def test_no_file_is_long_without_a_reason() -> None:
    long = {name: text.count("\n") for name, text in texts().items() if text.count("\n") > 400}
    unexplained = {name: lines for name, lines in long.items() if not any(fnmatch(name, known) for known in LONG)}
    assert unexplained == {}, "split it, or enter it into LONG with the reason"


def test_text_files_end_with_one_line_break_and_have_no_blanks_at_line_ends() -> None:
    wrong = [name for name, text in texts().items() if text and (not text.endswith("\n") or text.endswith("\n\n"))]
    assert wrong == []
    assert places(re.compile(r"[ \t]+$"), ("*.md", "*.patch", "LICENSE")) == []


def test_the_licence_is_there_and_the_one_that_the_project_names() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "Apache License" in licence
    assert "Version 2.0" in licence
    assert project["license"] == "Apache-2.0"


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_is_one_folder_with_the_same_file_names(component: str) -> None:
    folder = CHARTS / component
    inside = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    found = {name for name in inside if not name.startswith("charts/")}
    wanted = {
        "Chart.yaml", "README.md", "contract.yaml", "values.yaml", "values.schema.json", "templates/component.yaml",
        "templates/_wiring.tpl",
    }  # fmt: skip
    assert wanted <= found, f"missing: {sorted(wanted - found)}"
    # helpers of one component only, beside its wiring
    assert all(re.fullmatch(r"templates/_\w+\.tpl", name) for name in found - wanted), sorted(found - wanted)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_is_linked_and_not_copied(component: str) -> None:
    assert str((CHARTS / component / "charts" / "common").readlink()) == "../../common"
    assert str((CHARTS / "indigo-paas" / "charts" / component).readlink()) == f"../../{component}"


def test_the_umbrella_depends_on_every_component_and_on_nothing_else() -> None:
    chart = yaml.safe_load((CHARTS / "indigo-paas" / "Chart.yaml").read_text(encoding="utf-8"))
    wanted = sorted([*COMPONENTS, "common"])  # the library once, for all (charts/indigo-paas/.helmignore)
    instances = {name: item.like for name, item in load_contracts(CHARTS).items() if item.like}
    aliases = {entry["alias"]: entry["name"] for entry in chart["dependencies"] if "alias" in entry}
    assert aliases == instances
    assert sorted(entry["name"] for entry in chart["dependencies"] if "alias" not in entry) == wanted
    assert sorted(path.name for path in (CHARTS / "indigo-paas" / "charts").iterdir()) == wanted


def test_links_are_relative_and_stay_inside_the_repository() -> None:
    # Argo CD refuses a repository with a link that leaves it (argo-cd, util/app/path)
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in ("reports", "build")]
        for name in (*folders, *files):
            path = Path(folder) / name
            if path.is_symlink():
                assert not path.readlink().is_absolute(), path
                assert path.resolve().is_relative_to(ROOT), path
                assert path.exists(), f"{path} leads nowhere"


def test_charts_agree_on_version_and_kubernetes() -> None:
    charts = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(CHARTS.glob("*/Chart.yaml"))]
    assert len({chart["version"] for chart in charts}) == 1
    assert len({chart["kubeVersion"] for chart in charts if "kubeVersion" in chart}) == 1
    for chart in charts:
        assert chart["apiVersion"] == "v2"
        for entry in chart.get("dependencies", ()):
            assert entry["repository"] == "", f"{chart['name']}: {entry['name']} is a link, nothing is fetched"
            assert entry["version"] == chart["version"]


def test_the_version_of_a_chart_is_that_of_its_contract() -> None:
    for name, contract in load_contracts(CHARTS).items():
        chart = yaml.safe_load((CHARTS / contract.chart / "Chart.yaml").read_text(encoding="utf-8"))
        assert chart["appVersion"].removeprefix("v") == contract.upstream.version.removeprefix("v"), name


def test_a_component_renders_by_one_line() -> None:
    lines = {
        (CHARTS / name / "templates" / "component.yaml").read_text(encoding="utf-8").strip() for name in COMPONENTS
    }
    assert lines == {'{{- include "common.component" . }}'}

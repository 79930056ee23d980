"""The workflows of GitHub keep their rules, and each rule refuses what it is there for."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import toolchain
from harness.checks.versions import SUPPORTED
from harness.ci.workflows import ACTIONS, FOLDER, actionlint, findings, zizmor
from harness.engines.kind.nodes import PINNED, RELEASED
from harness.model.load import load_contracts, read_yaml
from harness.paths import repository
from harness.toolchain.catalog import HERE, pinned_versions

ROOT = repository()
FILE = "pull-request.yml"
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    shutil.copy(ROOT / "Makefile", tmp_path)
    return tmp_path


def test_the_workflows_keep_their_rules() -> None:
    assert len(list((ROOT / FOLDER).glob("*.yml"))) >= 4
    assert list((ROOT / ACTIONS).glob("*/action.yml"))
    assert findings(ROOT) == []


def replaced(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, 1)

    return edit


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (replaced(CHECKOUT, "actions/checkout@v7"), "actions/checkout@v7: not pinned to a commit"),
        (replaced(CHECKOUT, CHECKOUT.partition(" ")[0]), "is not pinned as <commit of 40 digits> # v<version>"),
        (replaced("checkout@3d3c42e5", "checkout@00000000"), "actions/checkout is used at"),
        (replaced("          persist-credentials: false\n", ""), "checkout leaves the token in .git/config"),
        (replaced("run: make test", "run: pytest"), "run: pytest: is no call of make"),
        (replaced("run: make test", "run: make tset"), "the Makefile has no target tset"),
        (replaced("run: make test", "run: make test && curl -d @x y"), "is no call of make"),
        (replaced("run: make test", "run: make test; ls"), "is no call of make"),
        (replaced('"--since $BASE"', '"--since ${{ github.head_ref }}"'), "an expression in a script is run as code"),
        (replaced("permissions:\n  contents: read\n", ""), "has no permissions"),
        (replaced("permissions:\n  contents: read\n", "permissions: write-all\n"), "permissions of a whole workflow"),
        (replaced("    timeout-minutes: 20\n", ""), "jobs.static: has no timeout-minutes"),
        (replaced("    timeout-minutes: 60\n", "    timeout-minutes: 60\n    permissions: write-all\n"), "write to"),
        (replaced("ubuntu-24.04", "ubuntu-latest"), "a label that moves"),
        (replaced("  pull_request:\n", "  pull_request_target:\n"), "pull_request_target runs with the rights"),
        (lambda text: re.sub(r"concurrency:\n(  .*\n)+", "", text), "has no concurrency"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_a_workflow_may_not_do_is_found(copied: Path, edit: Callable[[str], str], says: str) -> None:
    path = copied / FOLDER / FILE
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    found = findings(copied)
    assert any(says in line for line in found), found
    assert all(line.startswith((str(FOLDER), str(ACTIONS))) for line in found)


def test_a_run_for_a_comment_may_not_check_out_the_fork(copied: Path) -> None:
    path = copied / FOLDER / "comment.yml"
    text = path.read_text(encoding="utf-8")
    wrong = text.replace("with:\n", "with:\n          ref: ${{ github.event.workflow_run.head_sha }}\n", 1)
    path.write_text(wrong, encoding="utf-8")
    said = "checks out what a fork wrote, with the rights of the repository"
    assert findings(copied) == [f"{FOLDER / 'comment.yml'}: {said}"]


def test_a_step_of_an_action_is_looked_at_too(copied: Path) -> None:
    path = copied / ACTIONS / "setup" / "action.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("make setup", "pip install x"), encoding="utf-8")
    assert any("run: pip install x: is no call of make" in line for line in findings(copied))


@pytest.fixture
def built() -> None:
    if not all(toolchain.program(name).is_file() for name in ("actionlint", "zizmor")):
        pytest.skip("they are not built; `indigo tools build actionlint zizmor` builds them")


def test_actionlint_finds_nothing(built: None) -> None:
    assert actionlint(ROOT) == ""


def test_actionlint_finds_a_wrong_workflow(built: None, copied: Path) -> None:
    path = copied / FOLDER / FILE
    path.write_text(path.read_text(encoding="utf-8").replace("matrix.engine }}", "matrix.motor }}"), encoding="utf-8")
    assert 'property "motor" is not defined' in actionlint(copied)


def test_zizmor_finds_nothing(built: None) -> None:
    assert zizmor(ROOT) == ""


def test_zizmor_finds_what_can_be_taken_over(built: None, copied: Path) -> None:
    path = copied / FOLDER / FILE
    path.write_text(replaced('"--since $BASE"', '"${{ github.head_ref }}"')(path.read_text(encoding="utf-8")))
    assert "error[template-injection]" in zizmor(copied)


def test_the_matrix_is_of_the_supported_versions_and_each_has_its_node_image() -> None:
    jobs = read_yaml(ROOT / FOLDER / "versions.yml", "versions.yml")["jobs"]
    assert tuple(jobs["kubernetes"]["strategy"]["matrix"]["kubernetes"]) == SUPPORTED
    assert set(RELEASED) == set(SUPPORTED)
    assert all(
        re.fullmatch(rf"kindest/node:v{minor}\.\d+@sha256:[0-9a-f]{{64}}", name) for minor, name in RELEASED.items()
    )
    assert RELEASED[SUPPORTED[-1]] == PINNED
    argocd = pinned_versions(HERE / "go" / "go.mod")["github.com/argoproj/argo-cd/v3"]
    assert argocd in jobs["argocd"]["strategy"]["matrix"]["argocd"]


# ------------------------------------------------------------- dependency updates


def renovate() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
    return found


def matched(manager: dict[str, Any], path: str) -> set[tuple[str, str]]:
    """Return what a custom manager finds in a file: dependency and version."""
    patterns = [re.compile(name.strip("/")) for name in manager["managerFilePatterns"]]
    if not any(pattern.search(path) for pattern in patterns):
        return set()
    text = (ROOT / path).read_text(encoding="utf-8")
    found = set()
    for pattern in manager["matchStrings"]:
        python = re.sub(r"\(\?<(?=\w+>)", "(?P<", pattern)  # JavaScript's named groups
        found |= {(hit["depName"], hit["currentValue"]) for hit in re.finditer(python, text)}
    return found


def test_the_image_of_every_contract_is_kept_up_to_date() -> None:
    managers = renovate()["customManagers"]
    for name, contract in load_contracts(ROOT / "charts").items():
        if contract.like is not None or not (ROOT / "charts" / name / "contract.yaml").is_file():
            continue
        found = set().union(*(matched(manager, f"charts/{name}/contract.yaml") for manager in managers))
        assert (contract.image.repository, contract.image.tag) in found, f"charts/{name}/contract.yaml: {found}"


def test_every_module_and_lock_is_in_a_place_that_is_looked_at() -> None:
    enabled = set(renovate()["enabledManagers"])
    assert {"gomod", "github-actions", "pip_requirements", "custom.regex"} == enabled
    assert renovate()["packageRules"], "majors and images are for a person to judge"

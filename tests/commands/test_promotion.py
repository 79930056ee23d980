"""Promotion: one line of one file, from a tested commit of the branch; a pinned environment keeps its charts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from harness import revisions
from harness.checks import check, subject
from harness.cli.promote import promote as command
from harness.errors import UserError
from harness.model.environment import ENVIRONMENTS, Environment, load_environments
from harness.paths import repository
from harness.process import run
from harness.promote import written
from harness.render import render_all
from tests.static import repositories
from tests.static.repositories import save


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Git repository of the charts and environments with one commit."""
    with repositories.made(tmp_path_factory.mktemp("promotion") / "checkout") as root:
        yield root


@pytest.fixture
def clone(origin: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The repository with one commit, brought back to it afterwards, and a cache of its own for files of commits."""
    monkeypatch.setattr("harness.revisions.cache_dir", lambda: tmp_path / "cache")
    repositories.settle(monkeypatch)
    monkeypatch.setattr("harness.paths.repository", lambda: origin)
    monkeypatch.setattr("harness.cli.promote.repository", lambda: origin)
    monkeypatch.setattr("harness.cli.promote.reports_dir", lambda: origin / "reports")
    yield origin
    repositories.mend(origin)


def edit(root: Path, path: Path, old: str, new: str) -> None:
    text = (root / path).read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (root / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def newer(root: Path) -> str:
    """Commit charts with another version of one image in every whole profile, and return the commit."""
    for name in ("minimal", "full"):
        profile = root / f"charts/indigo-paas/profiles/{name}.yaml"
        text = profile.read_text(encoding="utf-8")
        profile.write_text(f'{text}\nvalkey: {{image: {{tag: "9.9.9"}}}}\n', encoding="utf-8")
    return save(root, "another version")


def report(root: Path, commit: str, verdict: str = "passed", dirty: bool = False) -> None:
    """Write what `make e2e` would have left."""
    path = root / "reports" / "e2e" / "report.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"revision": {"commit": commit, "dirty": dirty}, "verdict": verdict}), encoding="utf-8")


def configure(root: Path, name: str, **changes: Any) -> None:
    path = root / ENVIRONMENTS / name / "config.yaml"
    data = {**yaml.safe_load(path.read_text(encoding="utf-8")), **changes}
    path.write_text(yaml.safe_dump({key: value for key, value in data.items() if value is not None}), encoding="utf-8")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def image(root: Path, name: str) -> str:
    """Return the image of valkey that an environment runs."""
    for item in render_all([name], root)[name].objects():
        if (item["kind"], item["metadata"]["name"]) == ("StatefulSet", "valkey"):
            return str(item["spec"]["template"]["spec"]["containers"][0]["image"])
    raise AssertionError("no valkey")


def test_a_promotion_changes_one_line_of_one_file_and_that_decides_what_runs(clone: Path) -> None:
    first = revisions.resolve(clone, "HEAD")
    report(clone, first)
    done = invoke("dev", "staging", "--commit")
    assert done.exit_code == 0, done.output
    changed = run("git", "show", "--format=", "--numstat", "HEAD", cwd=clone).stdout.split()
    assert changed == ["1", "0", "argocd/environments/staging/config.yaml"]

    second = newer(clone)
    assert image(clone, "dev").endswith(":9.9.9")
    assert not image(clone, "staging").endswith(":9.9.9")
    report(clone, second)
    done = invoke("dev", "staging")
    assert f"staging: {first[:12]} -> {second[:12]}, 1 commits" in done.output
    assert "StatefulSet/valkey  its pod is replaced, and away until it is back" in done.output
    changed = run("git", "diff", "--numstat", cwd=clone).stdout.split()
    assert changed == ["1", "1", "argocd/environments/staging/config.yaml"]
    assert image(clone, "staging").endswith(":9.9.9")


def test_values_of_a_pinned_environment_are_the_branchs(clone: Path) -> None:
    configure(clone, "staging", revision=revisions.resolve(clone, "HEAD"))
    before = render_all(["staging"], clone)["staging"]
    edit(clone, ENVIRONMENTS / "staging/values.yaml", "global:\n", "valkey: {podAnnotations: {a: b}}\nglobal:\n")
    newer(clone)
    after = render_all(["staging"], clone)["staging"]
    assert all(given.values[-1].name != "values.yaml" for given in after.inputs.values() if given.written)
    old, new = ({item["metadata"]["name"]: item for item in made.objects() if item["kind"] == "StatefulSet"}
                for made in (before, after))  # fmt: skip
    assert new["valkey"]["spec"]["template"]["metadata"]["annotations"]["a"] == "b"
    assert {name for name in old if old[name] != new[name]} == {"valkey"}
    assert not image(clone, "staging").endswith(":9.9.9")


def test_pinned_to_what_it_follows_an_environment_renders_the_same(clone: Path) -> None:
    config = clone / ENVIRONMENTS / "dev/config.yaml"  # with values that come from config.yaml, too
    config.write_text(config.read_text(encoding="utf-8") + "\npriorities: true\n", encoding="utf-8")
    before = render_all(repository=clone)
    for name in before:
        configure(clone, name, revision=revisions.resolve(clone, "HEAD"))
    after = render_all(repository=clone)
    assert {name: made.objects() for name, made in after.items()} == {
        name: made.objects() for name, made in before.items()
    }
    assert "priorityClassName: indigo-dev-core" in yaml.safe_dump_all(after["dev"].objects())
    given = [inputs for made in after.values() for inputs in made.inputs.values() if inputs.written]
    inline = [yaml.safe_load(inputs.inline) for inputs in given]
    assert inline
    assert all(set(values) <= {"global"} for values in inline), "a key of config.yaml among the values"


def test_only_a_revision_changes_what_is_said_to_helm_of_config_yaml() -> None:
    """A new key of config.yaml has to be left out of the values of a pinned environment."""
    text = (repository() / "argocd/environment/templates/components.yaml").read_text(encoding="utf-8")
    omitted = next(line for line in text.splitlines() if "omit .Values" in line)
    assert all(f'"{key}"' in omitted for key in Environment.model_fields)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["dev", "prod"], "prod is promoted from staging, not from dev"),
        (["staging", "dev"], "dev is promoted from nowhere: it follows the branch, not from staging"),
        (["dev", "nowhere"], "no environment nowhere"),
        (["dev", "staging"], "no report says that"),
    ],
)
def test_a_promotion_is_refused(clone: Path, arguments: list[str], says: str) -> None:
    done = invoke(*arguments)
    assert isinstance(done.exception, UserError)
    assert says in str(done.exception)
    assert done.exception.fix
    assert revisions.changed(clone) == []


@pytest.mark.parametrize(
    ("verdict", "dirty", "says"),
    [
        ("failed", False, "failed"),
        ("passed", True, "with uncommitted changes"),
        ("passed", None, "whose charts are not"),
    ],
)
def test_a_commit_that_did_not_pass_is_refused(clone: Path, verdict: str, dirty: bool | None, says: str) -> None:
    first = revisions.resolve(clone, "HEAD")
    second = newer(clone)
    report(clone, first if dirty is None else second, verdict, bool(dirty))
    done = invoke("dev", "staging")
    assert isinstance(done.exception, UserError)
    assert says in str(done.exception)
    assert invoke("dev", "staging", "--untested", "--dry-run").exit_code == 0
    assert revisions.changed(clone) == []


def test_charts_that_are_not_committed_or_not_pushed_are_refused(clone: Path, tmp_path: Path) -> None:
    run("git", "clone", "--quiet", "--bare", clone, tmp_path / "origin.git")
    run("git", "remote", "add", "origin", tmp_path / "origin.git", cwd=clone)
    run("git", "fetch", "--quiet", "origin", cwd=clone)
    run("git", "branch", "--quiet", "--set-upstream-to=origin/main", cwd=clone)
    assert invoke("dev", "staging", "--untested", "--dry-run").exit_code == 0
    commit = newer(clone)
    assert f"{commit[:12]} is not a commit of origin/main" in str(invoke("dev", "staging", "--untested").exception)
    edit(clone, Path("charts/indigo-paas/values.yaml"), "global:", "# more\nglobal:")
    assert "1 files of charts are not committed" in str(invoke("dev", "staging", "--untested").exception)


def test_values_that_do_not_fit_the_charts_of_the_commit_are_found(clone: Path) -> None:
    schema = Path("charts/indigo-paas/values.schema.json")
    narrow = '"environment": {\n          "not": {"const": "staging"},'
    edit(clone, schema, '"environment": {', narrow)
    refusing = save(clone, "charts that refuse the environment staging")
    edit(clone, schema, narrow, '"environment": {')
    save(clone, "charts that take it")
    configure(clone, "staging", revision=refusing)
    found = check(subject(repository=clone), ["revisions"]).findings
    assert [(item.environment, item.object) for item in found] == [
        ("staging", "argocd/environments/staging/config.yaml")
    ]
    assert f"its values do not fit the charts of {refusing[:12]}" in found[0].message
    configure(clone, "staging", revision=revisions.resolve(clone, "HEAD"))
    assert check(subject(repository=clone), ["revisions"]).findings == []


def test_a_revision_that_is_not_there_or_not_on_the_branch_is_found(clone: Path) -> None:
    run("git", "switch", "--quiet", "-c", "aside", cwd=clone)
    aside = newer(clone)
    run("git", "switch", "--quiet", "main", cwd=clone)
    configure(clone, "staging", revision=aside)
    configure(clone, "prod", revision="1" * 40)
    found = check(subject(repository=clone), ["revisions"]).findings
    assert [(item.environment, item.message) for item in found] == [
        ("prod", f"no commit {'1' * 40} in this clone"),
        ("staging", f"{aside[:12]} is not a commit of this branch"),
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"staging": {"promotedFrom": "prod"}}, "promotedFrom: .* leads back here"),
        ({"staging": {"promotedFrom": "nowhere"}}, "promotedFrom: nowhere is no environment"),
        ({"staging": {"promotedFrom": "staging"}}, "promotedFrom: staging leads back here"),
        ({"staging": {"revision": "main"}}, "revision"),
    ],
)
def test_a_wrong_way_of_promotion_is_refused(checkout: Path, changes: dict[str, dict[str, str]], says: str) -> None:
    for name, keys in changes.items():
        configure(checkout, name, **keys)
    with pytest.raises(UserError, match=says):
        load_environments(checkout)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("name: a\nrevision: old # why\nx: 1\n", "name: a\nrevision: new\nx: 1\n"),
        ("name: a\npromotedFrom: b\nx: 1\n", "name: a\npromotedFrom: b\nrevision: new\nx: 1\n"),
        ("name: a", "name: a\nrevision: new\n"),
    ],
)
def test_every_other_line_stays(text: str, wanted: str) -> None:
    assert written(text, "new") == wanted

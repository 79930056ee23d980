"""Where an object comes from, in what is rendered: the commit that changed it, the values that decide it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from harness import paths
from harness.argo.source import ISOLATED
from harness.cli.trace import text
from harness.cli.trace import trace as command
from harness.errors import UserError
from harness.history import History
from harness.process import run
from harness.trace import Origin
from harness.trace.rendered import Wanted, trace_rendered

SITE = "argocd/environments/dev/values.yaml"
# the same commits in each run, whose renders are in the cache then
THEN = {f"GIT_{role}_DATE": "2026-01-01T00:00:00Z" for role in ("AUTHOR", "COMMITTER")}
IAM = Wanted("deployment", "iam", environment="dev")


def git(tree: Path, *arguments: str) -> str:
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | ISOLATED | THEN
    return run("git", "-C", tree, *arguments, env=env).stdout.strip()


def commit(tree: Path, message: str) -> str:
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "-m", message)
    return git(tree, "rev-parse", "HEAD")


def set_values(tree: Path, values: dict[str, Any]) -> None:
    path = tree / SITE
    site = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(site | values), encoding="utf-8")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with two commits that touch IAM's files; the first one changes IAM, the second one does not."""
    checkout = tmp_path_factory.mktemp("trace") / "checkout"
    for name in ("argocd", "charts"):
        shutil.copytree(paths.repository() / name, checkout / name, symlinks=True)
    git(checkout, "init", "--quiet", "--initial-branch=main")
    commit(checkout, "everything")
    set_values(checkout, {"iam": {"podAnnotations": {"team": "identity"}}})
    commit(checkout, "IAM gets an annotation")
    with (checkout / "charts/iam/README.md").open("a", encoding="utf-8") as file:
        file.write("More about IAM.\n")
    set_values(checkout, {"iam": {"podAnnotations": {"team": "identity"}}, "mariadb": {"podAnnotations": {"a": "b"}}})
    commit(checkout, "MariaDB gets an annotation, and IAM a line in its README")
    return checkout


@pytest.fixture(scope="module")
def iam(repository: Path) -> Origin:
    """Where IAM's Deployment comes from, in the last commit."""
    (origin,) = trace_rendered(IAM, repository, History(repository))
    return origin


def test_the_commit_is_the_one_that_changed_the_object_and_not_the_last_one(iam: Origin) -> None:
    assert iam.commit is not None
    assert iam.commit.subject == "IAM gets an annotation"
    assert (iam.environment, iam.application, iam.component) == ("dev", "indigo-dev", "iam")
    assert iam.chart == "charts/indigo-paas"
    assert not iam.notes


def test_the_values_that_decide_an_object_are_named_with_line_and_commit(repository: Path, iam: Origin) -> None:
    found = {one.key: one for one in iam.decided}
    assert {"global.environment", "global.urls.iam", "iam.podAnnotations.team"} <= set(found)
    assert "mariadb.podAnnotations.a" not in found
    assert "global.urls.dashboard" not in found, "charts want it, but IAM is the same with another one"
    team = found["iam.podAnnotations.team"]
    assert (team.value, team.path) == ("identity", SITE)
    lines = (repository / SITE).read_text(encoding="utf-8").splitlines()
    assert lines[team.line - 1].strip() == "team: identity"
    assert team.commit is not None
    assert team.commit.subject == "IAM gets an annotation"


def test_the_files_that_an_object_is_made_of_are_named(repository: Path, iam: Origin) -> None:
    roles = {source.path: source for source in iam.sources}
    assert next(iter(roles)) == "charts/iam/contract.yaml"
    assert {"charts/iam/templates/_wiring.tpl", "charts/common/templates/_workload.tpl", SITE} <= set(roles)
    assert all((repository / path).is_file() for path in roles)
    assert all(source.commit and not source.changed for source in roles.values())
    assert "MariaDB" in str(roles[SITE].commit)


def test_a_change_that_is_not_committed_is_said(repository: Path) -> None:
    set_values(repository, {"iam": {"podAnnotations": {"team": "another"}}})
    try:
        (origin,) = trace_rendered(IAM, repository, History(repository))
    finally:
        git(repository, "checkout", "--quiet", "--", SITE)
    assert origin.commit is None
    assert origin.notes == ("the working tree changes it: not committed yet",)
    assert [source.path for source in origin.sources if source.changed] == [SITE]


def test_what_comes_before_the_components_is_traced_too(repository: Path) -> None:
    (namespace,) = trace_rendered(Wanted("Namespace", "indigo-dev"), repository)
    assert (namespace.application, namespace.chart) == ("indigo-dev-namespace", "argocd/namespace")
    assert {one.key for one in namespace.decided} >= {"namespace", "name"}
    (app,) = trace_rendered(Wanted("Application", "indigo-dev"), repository)
    assert (app.application, app.chart) == ("env-dev", "argocd/environment")
    (made,) = trace_rendered(Wanted("Application", "env-dev"), repository)
    assert made.application == "indigo-root"
    assert "argocd/environments/dev/config.yaml" in [source.path for source in made.sources]
    (project,) = trace_rendered(Wanted("AppProject", "indigo-delivery"), repository)
    assert (project.application, project.environment) == ("indigo-root", "")


def test_an_older_commit_is_traced_as_it_was(repository: Path, tmp_path: Path) -> None:
    history = History(repository)
    first = history.touched("HEAD", ["."], 3)[-1].sha
    tree = history.extract(first, ["charts", "argocd"], tmp_path / "older")
    (origin,) = trace_rendered(IAM, tree, history, first)
    assert origin.commit is not None
    assert origin.commit.sha == first
    assert not any(one.key.startswith("iam.") for one in origin.decided)


def test_what_nothing_renders_is_refused_with_what_is_alike(repository: Path) -> None:
    with pytest.raises(UserError, match=r"nothing renders statefulset/iam") as refused:
        trace_rendered(Wanted("statefulset", "iam"), repository)
    assert "Deployment/iam" in (refused.value.fix or "")


def test_the_command_answers_programs(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.cli.trace.repository", lambda: repository)
    done = CliRunner().invoke(command, ["--rendered", "service/iam", "-e", "dev", "--json"])
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.output)
    assert found["application"] == "indigo-dev"
    assert {entry["key"] for entry in found["decided"]} == {"global.environment"}


def test_the_command_answers_people(iam: Origin) -> None:
    lines = [line.strip() for line in text(iam)]
    assert lines[0] == "[bold]Deployment/iam[/] in indigo-dev"
    assert any(line.startswith("charts/iam/contract.yaml") for line in lines)
    assert any(line.endswith("IAM gets an annotation") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["iam"], "does not name an object"),
        (["deployment/iam", "--revision", "HEAD"], "--revision needs --rendered"),
        (["deployment/iam", "--rendered", "--revision", "no-such-branch"], "no commit no-such-branch"),
        (["deployment/iam", "-e", "nowhere"], "no environment nowhere"),
    ],
)
def test_the_command_refuses(arguments: list[str], says: str) -> None:
    done = CliRunner().invoke(command, arguments)
    assert isinstance(done.exception, UserError), done.output
    assert says in str(done.exception)

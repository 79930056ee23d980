"""The source of truth: what of the user's tree Argo CD sees, and that nothing of the user's is touched."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.argo.source import WorkingTreeSource
from harness.errors import UserError


def git(tree: Path, *arguments: str) -> str:
    """Run git as the user would, with an identity and nothing else configured."""
    env = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{role}_{what}": "user" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    return subprocess.run(
        ["git", "-C", str(tree), *arguments], env=env, check=True, capture_output=True, text=True
    ).stdout


def state(tree: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file of the user's `.git` with its time of change and content."""
    files = sorted(path for path in (tree / ".git").rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a repository of one commit: a chart, an ignore rule, and an ignored file that is tracked."""
    tree = tmp_path / "tree"
    (tree / "charts").mkdir(parents=True)
    (tree / "charts" / "values.yaml").write_text("replicas: 1\n")
    (tree / "kept.log").write_text("tracked although ignored\n")
    (tree / ".gitignore").write_text("*.log\n/build/\n")
    git(tree, "init", "--quiet", "--initial-branch=trunk")
    git(tree, "add", "--all")
    git(tree, "add", "--force", "kept.log")
    git(tree, "commit", "--quiet", "-m", "first commit")
    return tree


def files(source: WorkingTreeSource, sha: str, directory: Path) -> dict[str, str]:
    """Return the files of a commit with their text."""
    source.checkout(sha, directory)
    return {
        str(path.relative_to(directory)): path.read_text() for path in sorted(directory.rglob("*")) if path.is_file()
    }


def test_the_working_tree_is_committed_with_changes_and_untracked_files_but_not_with_ignored_ones(
    tree: Path, tmp_path: Path
) -> None:
    (tree / "charts" / "values.yaml").write_text("replicas: 2\n")
    (tree / "charts" / "new.yaml").write_text("new: true\n")
    (tree / "build").mkdir()
    (tree / "build" / "out").write_text("x")
    (tree / "debug.log").write_text("x")
    source = WorkingTreeSource(tmp_path / "run", tree)
    assert files(source, source.head, tmp_path / "out") == {
        ".gitignore": "*.log\n/build/\n",
        "charts/new.yaml": "new: true\n",
        "charts/values.yaml": "replicas: 2\n",
        "kept.log": "tracked although ignored\n",
    }


def test_nothing_in_the_users_repository_changes(tree: Path, tmp_path: Path) -> None:
    (tree / "charts" / "new.yaml").write_text("new: true\n")
    git(tree, "add", "charts/new.yaml")
    before = state(tree)
    source = WorkingTreeSource(tmp_path / "run", tree)
    source.base_commit()
    source.revert(source.commit("an edit", {"charts/values.yaml": "replicas: 9\n"}))
    assert state(tree) == before
    assert (tree / "charts" / "values.yaml").read_text() == "replicas: 1\n"


def test_the_same_tree_has_the_same_commit_id_whoever_runs_it(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = WorkingTreeSource(tmp_path / "a", tree).head
    config = tmp_path / "xdg" / "git"
    config.mkdir(parents=True)
    (config / "ignore").write_text("charts\n")
    (config / "attributes").write_text("* text eol=crlf\n")
    hook = tmp_path / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (tmp_path / "gitconfig").write_text(
        f"[core]\n autocrlf = true\n hooksPath = {hook.parent}\n[commit]\n gpgSign = true\n[user]\n name = other\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_AUTHOR_DATE", "1999-01-01T00:00:00Z")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert WorkingTreeSource(tmp_path / "b", tree).head == first


def test_the_base_is_head_when_the_tree_is_dirty_and_the_commit_before_when_it_is_clean(
    tree: Path, tmp_path: Path
) -> None:
    assert WorkingTreeSource(tmp_path / "one", tree).base_commit() is None, "one commit, a clean tree: no base"
    (tree / "charts" / "values.yaml").write_text("replicas: 2\n")
    dirty = WorkingTreeSource(tmp_path / "dirty", tree)
    base = dirty.base_commit()
    assert base is not None
    assert base.original == git(tree, "rev-parse", "HEAD").strip()
    assert base.subject == "first commit"
    assert files(dirty, base.sha, tmp_path / "out")["charts/values.yaml"] == "replicas: 1\n"
    git(tree, "commit", "--quiet", "--all", "-m", "second commit")
    base = WorkingTreeSource(tmp_path / "clean", tree).base_commit()
    assert base is not None
    assert base.subject == "first commit"


def test_a_shallow_clone_has_no_base_before_its_only_commit(tree: Path, tmp_path: Path) -> None:
    (tree / "charts" / "values.yaml").write_text("replicas: 2\n")
    git(tree, "commit", "--quiet", "--all", "-m", "second commit")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tree}", str(clone))
    assert WorkingTreeSource(tmp_path / "run", clone).base_commit() is None


def test_edits_are_commits_on_top_and_a_revert_gives_the_tree_before_back(tree: Path, tmp_path: Path) -> None:
    source = WorkingTreeSource(tmp_path / "run", tree)
    sha = source.commit("three things", {"charts/values.yaml": "a: 1\n", "added/x.yaml": "b: 2\n", "kept.log": None})
    edited = files(source, sha, tmp_path / "edited")
    assert (edited["charts/values.yaml"], edited["added/x.yaml"], "kept.log" in edited) == ("a: 1\n", "b: 2\n", False)
    reverted = source.revert(sha)
    assert source.head == reverted != source.working_tree
    assert files(source, reverted, tmp_path / "a") == files(source, source.working_tree, tmp_path / "b")


def test_a_revert_of_a_file_that_has_changed_since_is_refused(tree: Path, tmp_path: Path) -> None:
    source = WorkingTreeSource(tmp_path / "run", tree)
    first = source.commit("one", {"charts/values.yaml": "a: 1\n"})
    source.commit("two", {"charts/values.yaml": "a: 2\n"})
    with pytest.raises(UserError, match=r"charts/values\.yaml has been changed since"):
        source.revert(first)
    with pytest.raises(UserError, match="no parent"):
        source.revert(source.working_tree)


def test_the_branch_can_be_published_at_any_commit_and_refreshed_from_the_tree(tree: Path, tmp_path: Path) -> None:
    source = WorkingTreeSource(tmp_path / "run", tree)
    assert source.refresh() == source.working_tree, "nothing differs, nothing is committed"
    (tree / "charts" / "values.yaml").write_text("replicas: 5\n")
    fresh = source.refresh()
    assert files(source, fresh, tmp_path / "out")["charts/values.yaml"] == "replicas: 5\n"
    source.publish(source.working_tree)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--branch=main", source.url, str(clone))
    assert (clone / "charts" / "values.yaml").read_text() == "replicas: 1\n"


def test_symbolic_links_modes_and_odd_names_survive(tree: Path, tmp_path: Path) -> None:
    (tree / "charts" / "link").symlink_to("values.yaml")
    script = tree / "odd name\té.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    source = WorkingTreeSource(tmp_path / "run", tree)
    out = source.checkout(source.commit("edit", {"charts/values.yaml": "x: 1\n"}), tmp_path / "out")
    assert (out / "charts" / "link").readlink() == Path("values.yaml")
    assert os.access(out / script.name, os.X_OK)


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../up", ".git/config", "a//b"])
def test_an_edit_outside_of_the_tree_is_refused(tree: Path, tmp_path: Path, path: str) -> None:
    source = WorkingTreeSource(tmp_path / "run", tree)
    with pytest.raises(UserError, match="not a path from the root"):
        source.commit("bad", {path: "x"})
    with pytest.raises(UserError, match="no such file"):
        source.commit("bad", {"absent.yaml": None})


def test_a_directory_without_git_is_refused_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        WorkingTreeSource(tmp_path / "run", tmp_path)
    assert "not in a Git repository" in refused.value.message
    assert refused.value.fix is not None
    assert "git init" in refused.value.fix


def test_a_later_run_goes_on_with_the_commits_of_the_one_before(tree: Path, tmp_path: Path) -> None:
    first = WorkingTreeSource(tmp_path / "run", tree)
    assert WorkingTreeSource(tmp_path / "run", tree).working_tree == first.working_tree, "nothing has changed"
    (tree / "charts" / "values.yaml").write_text("replicas: 2\n")
    second = WorkingTreeSource(tmp_path / "run", tree)
    assert second.head == second.working_tree != first.working_tree
    assert second.read("charts/values.yaml", first.working_tree) == "replicas: 1\n"
    second.revert(second.working_tree)
    assert second.read("charts/values.yaml") == "replicas: 1\n"

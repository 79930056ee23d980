"""Commits of the checkout's own repository: which there are, what is between two, and the files of one, to render it.

The repository is only read (but for `commit_file`). Files of a commit are written once, to the user's cache.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from harness.errors import UserError
from harness.paths import cache_dir
from harness.process import run

TREES = 12  # of about 5 MB each


def resolve(repository: Path, revision: str) -> str:
    """Return the full id of a commit.

    Raises:
        UserError: the folder is no Git repository, or has no such commit.
    """
    done = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if done:
        return done
    if not _git(repository, "rev-parse", "--git-dir"):
        raise UserError("the checkout is no Git repository, so no revision is known", where=str(repository))
    shallow = _git(repository, "rev-parse", "--is-shallow-repository") == "true"
    raise UserError(
        f"no commit {revision} in this clone" + (", which is a shallow one" if shallow else ""),
        fix="git fetch --unshallow" if shallow else "git fetch, or name a commit that is there (git log)",
    )


def contains(repository: Path, branch: str, commit: str) -> bool:
    """Return whether a commit is one of a branch's (both as Git names them)."""
    done = run("git", "merge-base", "--is-ancestor", commit, branch, cwd=repository, check=False)
    return done.returncode == 0


def same(repository: Path, one: str, other: str, path: str) -> bool:
    """Return whether two commits have the same files below a path; not where one of them is unknown or lacks it."""
    trees = {_git(repository, "rev-parse", "--verify", "--quiet", f"{commit}:{path}") for commit in (one, other)}
    return len(trees) == 1 and "" not in trees


def upstream(repository: Path) -> str:
    """Return the remote branch that the current one follows (origin/main); empty where it follows none."""
    return _git(repository, "rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}")


def changed(repository: Path, *paths: str) -> list[str]:
    """Return the files below some paths that differ from HEAD: edited, staged or untracked."""
    done = run("git", "status", "--porcelain", "--untracked-files=all", "--", *paths, cwd=repository, check=False)
    return [line[3:] for line in done.stdout.splitlines()]


def between(repository: Path, old: str, new: str, *paths: str) -> list[str]:
    """Return the commits that `new` has and `old` has not and that touch some paths, newest first, one line each."""
    return _git(repository, "log", "--oneline", "--no-decorate", f"{old}..{new}", "--", *paths).splitlines()


def commit_file(repository: Path, path: str, message: str) -> str:
    """Commit one file and nothing else, whatever is staged, and return the commit.

    Raises:
        ProcessError: Git refuses (no name is configured, a hook fails).
    """
    run("git", "commit", "--quiet", "--only", "-m", message, "--", path, cwd=repository)
    return resolve(repository, "HEAD")


def tree(repository: Path, revision: str) -> Path:
    """Return a folder with the files of a commit, from the user's cache where they were written before.

    Raises:
        UserError: as `resolve`.
    """
    commit = revision if len(revision) in (40, 64) else resolve(repository, revision)
    place = cache_dir() / "trees" / commit
    if place.is_dir():
        os.utime(place)
        return place
    commit = resolve(repository, commit)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=place.parent) as folder:
        files = Path(folder) / "files"
        files.mkdir()
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        run("git", "read-tree", commit, cwd=repository, env=index)
        top = _git(repository, "rev-parse", "--show-toplevel")
        run("git", f"--work-tree={files}", "checkout-index", "--all", cwd=Path(top), env=index)
        with contextlib.suppress(OSError):  # another process was first: its files are the same
            files.rename(place)
    _prune(place.parent)
    return place


def _prune(folder: Path) -> None:
    kept = sorted((path for path in folder.iterdir() if not path.name.startswith("new-")), key=_used)
    for path in kept[: max(0, len(kept) - TREES)]:
        shutil.rmtree(path, ignore_errors=True)


def _used(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _git(repository: Path, *arguments: str) -> str:
    """Return what Git prints, or nothing where it ends with another status than 0."""
    done = run("git", *arguments, cwd=repository, env={"LC_ALL": "C.UTF-8", "GIT_OPTIONAL_LOCKS": "0"}, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""

"""A Git repository of charts and environments, made once; a test that changes it brings it back to its one commit."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.paths import repository
from harness.process import run

_WHO = {f"GIT_{role}_{what}": "test@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
# the same commits in each run, whose renders are in the cache then
_THEN = {f"GIT_{role}_DATE": "2026-01-01T00:00:00Z" for role in ("AUTHOR", "COMMITTER")}
GIT = {**_WHO, **_THEN, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
FIRST = "first"  # the tag of the one commit


@contextmanager
def made(root: Path, prepare: Callable[[Path], None] = lambda _: None) -> Iterator[Path]:
    """Yield a repository with one commit of what Argo CD reads, after `prepare` has changed the files."""
    with pytest.MonkeyPatch.context() as patch:
        settle(patch)
        for name in ("argocd", "charts"):
            shutil.copytree(repository() / name, root / name, symlinks=True)
        prepare(root)
        run("git", "init", "--quiet", "--initial-branch=main", cwd=root)
        (root / ".gitignore").write_text("reports/\n", encoding="utf-8")
        save(root, "first")
        run("git", "tag", FIRST, cwd=root)
        yield root


def settle(patch: pytest.MonkeyPatch) -> None:
    """Let Git know its author and the time, and nothing of the machine's configuration."""
    for name, value in GIT.items():
        patch.setenv(name, value)


def save(root: Path, message: str = "a change") -> str:
    """Commit everything and return the commit."""
    run("git", "add", "--all", cwd=root)
    run("git", "commit", "--quiet", "--allow-empty", "-m", message, cwd=root)
    return run("git", "rev-parse", "HEAD", cwd=root).stdout.strip()


def mend(root: Path) -> None:
    """Bring a repository back to its one commit: files, branches, tags, remotes."""
    run("git", "switch", "--quiet", "--discard-changes", "--force-create", "main", FIRST, cwd=root)
    run("git", "clean", "--quiet", "-ffdx", cwd=root)
    for remote in run("git", "remote", cwd=root).stdout.split():
        run("git", "remote", "remove", remote, cwd=root)
    for kind, but in (("branch", "main"), ("tag", FIRST)):
        names = run("git", kind, "--list", "--format=%(refname:short)", cwd=root).stdout.split()
        for name in names:
            if name != but:
                run("git", kind, "-D" if kind == "branch" else "-d", name, cwd=root)

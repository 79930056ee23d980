"""A Git repository as a witness: which commit touched a file or a line, and what the files were at a commit.

It is only read; no setting, hook or filter of the user applies (`harness.argo.source`).
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.argo.source import ISOLATED

_FORMAT = "%H%x00%an%x00%aI%x00%s%x00%P"
SECONDS = 60.0


@dataclass(frozen=True)
class Commit:
    """Who changed what when; `when` is RFC 3339, `parent` is empty for the first commit."""

    sha: str
    author: str
    when: str
    subject: str
    parent: str = ""

    def __str__(self) -> str:
        return f"{self.sha[:12]} {self.when[:16]} {self.author}: {self.subject}"

    def to_json(self) -> dict[str, str]:
        """Return it as plain data."""
        return {"commit": self.sha, "author": self.author, "when": self.when, "subject": self.subject}


class History:
    """A Git repository: a checkout (or a folder in one), or a bare one.

    Args:
        directory: where it is.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def has(self, revision: str) -> bool:
        """Whether the repository is one and holds a commit."""
        return self._git("cat-file", "-e", f"{revision}^{{commit}}") is not None

    def resolve(self, revision: str) -> str | None:
        """Return the id of a commit, branch or tag; None where there is none."""
        found = self._git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        return found.decode().strip() if found else None

    def contains(self, commit: str, head: str) -> bool:
        """Whether a commit is in the history of another one."""
        return self._git("merge-base", "--is-ancestor", commit, head) is not None

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the last commit that two histories share; None where they share none."""
        found = self._git("merge-base", one, other)
        return found.decode().strip() if found else None

    def branch(self) -> str:
        """Return the branch that is checked out; empty where none is."""
        found = self._git("symbolic-ref", "--quiet", "--short", "HEAD")
        return found.decode().strip() if found else ""

    def shallow(self) -> bool:
        """Whether older commits are left out of the clone."""
        return self._git("rev-parse", "--is-shallow-repository") == b"true\n"

    def tree(self, revision: str, folder: str) -> str | None:
        """Return the id of a folder's content, from this directory, at a commit; None where it has none."""
        found = self._git("rev-parse", "--verify", "--quiet", f"{revision}:./{folder}")
        return found.decode().strip() if found else None

    def tags(self, pattern: str, merged: str = "HEAD") -> list[str]:
        """Return the tags of a pattern (of `git tag --list`) in the history of a commit, the newest version first."""
        found = self._git("tag", "--list", pattern, "--merged", merged, "--sort=-version:refname")
        return (found or b"").decode(errors="replace").split()

    def touched(self, revision: str, paths: Iterable[str], limit: int = 1) -> list[Commit]:
        """Return the last commits up to a revision that touched some paths, the newest first."""
        found = self._git("log", f"-{limit}", f"--format={_FORMAT}", revision, "--", *paths)
        lines = (found or b"").decode(errors="replace").splitlines()
        return [_commit(line) for line in lines if line.count("\0") == 4]

    def line(self, revision: str, path: str, number: int) -> Commit | None:
        """Return the commit that wrote a line of a file, as of a revision."""
        found = self._git("blame", "--porcelain", "-L", f"{number},{number}", revision, "--", path)
        sha = (found or b"").decode(errors="replace").partition(" ")[0]
        if not sha:
            return None
        described = self._git("show", "--no-patch", f"--format={_FORMAT}", sha)
        return _commit(described.decode(errors="replace").splitlines()[0]) if described else None

    def changed(self) -> set[str]:
        """Return the paths, from this directory, that are not as the last commit has them; empty for a bare one."""
        found = self._git("status", "--porcelain", "--untracked-files=all", "-z", "--no-renames", ".")
        prefix = (self._git("rev-parse", "--show-prefix") or b"").decode().strip()
        return {
            entry[3:].removeprefix(prefix) for entry in (found or b"").decode(errors="replace").split("\0") if entry
        }

    def extract(self, revision: str, folders: Iterable[str], target: Path) -> Path:
        """Write folders as they were at a commit below a directory, and return that; absent folders are left out."""
        for folder in folders:
            packed = self._git("archive", "--format=tar", revision, "--", folder)
            if packed:
                with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                    archive.extractall(target, filter="data")
        return target

    def _git(self, *arguments: str) -> bytes | None:
        """Return what git says; None where it refuses, or there is no git."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | ISOLATED
        command = ["git", "-C", str(self.directory), *arguments]
        try:
            done = subprocess.run(command, env=env, capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout if done.returncode == 0 else None


def first_with(revision: str, directories: Iterable[Path]) -> Iterator[History]:
    """Yield the repositories that hold a commit, in their order."""
    for directory in directories:
        history = History(directory)
        if directory.is_dir() and history.has(revision):
            yield history


def _commit(line: str) -> Commit:
    sha, author, when, subject, parents = line.split("\0")
    return Commit(sha, author, when, subject, parents.partition(" ")[0])

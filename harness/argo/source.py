"""The source of truth of a run: a Git repository made from the working tree, which Argo CD follows by `file://`.

The user's repository is only read: the run's repository is bare, in the run directory, with its own index and objects,
and no setting, hook, filter or signature of the user applies to it. What is committed is what `git add --all` would
add: uncommitted changes and untracked files too, ignored ones not. Authors and dates are fixed: the same tree has the
same commit id, on every machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.errors import UserError
from harness.process import ProcessError

BRANCH = "main"
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "indigo", "EMAIL": "indigo@localhost", "DATE": "1700000000 +0000"}.items()
}
# the XDG files of ignore rules and attributes are read even where no configuration names them
SETTINGS = {
    "core.autocrlf": "false",
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "advice.addEmbeddedRepo": "false",
    "safe.directory": "*",  # a checkout may belong to another user (CI); nothing of it is executed
}
ISOLATED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C.UTF-8",
    **WHO,
    "GIT_CONFIG_COUNT": str(len(SETTINGS)),
    **{f"GIT_CONFIG_KEY_{index}": key for index, key in enumerate(SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{index}": value for index, value in enumerate(SETTINGS.values())},
}


@dataclass(frozen=True)
class Base:
    """The user's previous commit: `sha` in the run's repository (without its history), `original` in the user's."""

    sha: str
    original: str
    subject: str


class WorkingTreeSource:
    """A bare repository below `run_dir` whose branch `main` begins with the working tree as it is now.

    Where an earlier run has left one there, the working tree becomes one more commit of it.

    Args:
        run_dir: directory of the run; the repository is `source.git` in it.
        tree: the working tree, or a directory in one.
        extra: what the run has otherwise than the tree, and than the previous commit: path -> text, None: no file.

    Raises:
        UserError: git is missing, or the tree is not in a Git repository.
    """

    def __init__(self, run_dir: Path, tree: Path, extra: Mapping[str, str | None] | None = None) -> None:
        self.directory = run_dir / "source.git"
        self.tree = tree.resolve()
        self._extra = dict(extra or {})
        self._scratch = run_dir / "source.index"
        if shutil.which("git") is None:
            raise UserError("git is not on the PATH", fix="install git")
        try:
            self._prefix = self._user("rev-parse", "--show-prefix").strip()
        except ProcessError as error:
            raise UserError(
                "the working tree is not in a Git repository, and Argo CD follows nothing else",
                where=str(self.tree),
                fix="git init && git add --all && git commit -m 'first'",
            ) from error
        if not (self.directory / "HEAD").is_file():
            algorithm = self._user("rev-parse", "--show-object-format").strip()
            run_dir.mkdir(parents=True, exist_ok=True)
            self._git("init", "--quiet", "--bare", f"--initial-branch={BRANCH}", f"--object-format={algorithm}")
        self.working_tree = self._commit_working_tree()
        """Commit id of the working tree as it was found."""

    @property
    def url(self) -> str:
        """The `repoURL` of Applications that follow it."""
        return f"file://{self.directory}"

    @property
    def head(self) -> str:
        """The commit that the branch `main` is at."""
        return self._git("rev-parse", f"refs/heads/{BRANCH}").strip()

    # ------------------------------------------------------------------- commits

    def refresh(self) -> str:
        """Commit the working tree as it is now, on top of `main` if anything differs; returns the commit."""
        return self._commit_stage(self.head)

    def commit(self, message: str, edits: Mapping[str, str | None]) -> str:
        """Commit edits on top of `main`, the user's tree untouched, and return the commit id.

        Args:
            message: of the commit.
            edits: path from the root of the tree to its new text, or to None to delete it.

        Raises:
            UserError: a path leaves the repository, or one to delete is not there.
        """
        lines = []
        for path, text in edits.items():
            entry = self._entry(self.head, path)
            if text is not None:
                blob = self._git("hash-object", "-w", "--stdin", stdin=text).strip()
                lines.append(f"{entry[0] if entry else '100644'} {blob}\t{path}")
            elif entry:
                lines.append(f"0 {'0' * len(entry[1])}\t{path}")
            else:
                raise UserError(f"cannot delete {path}: the commit {self.head[:12]} has no such file")
        return self._commit_entries(message, lines)

    def revert(self, sha: str) -> str:
        """Undo what a commit changed, on top of `main`, and return the new commit id.

        Raises:
            UserError: the commit has no parent, or a file has been changed again since.
        """
        try:
            parent = self._git("rev-parse", "--verify", "--quiet", f"{sha}^").strip()
        except ProcessError as error:
            raise UserError(f"cannot revert {sha[:12]}: it has no parent (or is not a commit)") from error
        lines = []
        fields = self._git("diff-tree", "-r", "-z", "--no-renames", parent, sha).split("\0")
        for change, path in zip(fields[0::2], fields[1::2], strict=False):
            old_mode, _, old, new, _ = change.removeprefix(":").split()
            entry = self._entry(self.head, path)
            if (entry[1] if entry else "0" * len(new)) != new:
                raise UserError(f"cannot revert {sha[:12]}: {path} has been changed since")
            lines.append(f"{old_mode if old.strip('0') else '0'} {old}\t{path}")
        return self._commit_entries(f"revert {sha[:12]}", lines)

    def take(self, sha: str, message: str) -> str:
        """Commit the files of another commit of this repository on top of `main` and return the new commit id.

        Where they are those of `main` already, nothing is committed and its head is returned.
        """
        head = self.head
        tree = self._git("rev-parse", f"{sha}^{{tree}}").strip()
        if tree == self._git("rev-parse", f"{head}^{{tree}}").strip():
            return head
        return self._commit(tree, message, parent=head)

    def read(self, path: str, revision: str | None = None) -> str:
        """Return the text of a file at a commit (the head of `main` by default).

        Raises:
            UserError: the commit has no such file.
        """
        entry = self._entry(revision or self.head, path)
        if entry is None:
            raise UserError(f"the commit {(revision or self.head)[:12]} has no file {path}")
        return self._git("cat-file", "blob", entry[1])

    def publish(self, sha: str) -> None:
        """Let `main` be at a commit of this repository (back to an older one, or from the base to the working tree)."""
        self._git("update-ref", f"refs/heads/{BRANCH}", f"{sha}^{{commit}}")

    def base_commit(self) -> Base | None:
        """Import the user's previous commit and return it.

        That is HEAD when the working tree differs from it (changed or untracked files), else the commit before HEAD;
        None where there is none, or a shallow clone does not hold it.
        """
        for revision in ("HEAD", "HEAD~1"):
            try:
                original, subject = self._user("log", "-1", "--format=%H %s", revision).strip().split(" ", 1)
                tree = self._user("rev-parse", "--verify", f"{original}:{self._prefix}").strip()
                wanted = f"{tree}\n".encode()
                pack = self._run("-C", str(self.tree), "pack-objects", "--quiet", "--revs", "--stdout", stdin=wanted)
                self._run(f"--git-dir={self.directory}", "index-pack", "--stdin", stdin=pack)
                self._git("read-tree", tree)
                tree = self._write_tree()
                if revision == "HEAD" and tree == self._git("rev-parse", f"{self.working_tree}^{{tree}}").strip():
                    continue
            except (ProcessError, ValueError):
                return None
            sha = self._git("commit-tree", tree, "-m", f"{subject}\n\nimported from {original}").strip()
            self._git("update-ref", "refs/heads/base", sha)
            return Base(sha, original, subject)
        return None

    def checkout(self, sha: str, directory: Path) -> Path:
        """Write a commit's files to a new directory, for rendering, and return it."""
        directory.mkdir(parents=True)
        self._git("read-tree", sha)
        self._git(f"--work-tree={directory}", "checkout-index", "--all", cwd=directory)
        return directory

    # ------------------------------------------------------------------ plumbing

    def _commit_working_tree(self) -> str:
        exclude = Path(self._user("rev-parse", "--git-path", "info/exclude").strip())
        exclude = exclude if exclude.is_absolute() else self.tree / exclude
        if exclude.is_file():
            (self.directory / "info").mkdir(exist_ok=True)
            shutil.copyfile(exclude, self.directory / "info" / "exclude")
        refs = self._git("for-each-ref", "--format=%(objectname)", f"refs/heads/{BRANCH}").strip()
        return self._commit_stage(refs or None)

    def _commit_stage(self, parent: str | None) -> str:
        tree = self._stage()
        if parent and tree == self._git("rev-parse", f"{parent}^{{tree}}").strip():
            return parent
        return self._commit(tree, "working tree", parent=parent)

    def _stage(self) -> str:
        work_tree = f"--work-tree={self.tree}"
        self._git("read-tree", "--empty")
        self._git(work_tree, "add", "--all", cwd=self.tree)
        # what is tracked although it is ignored belongs to the tree as well
        tracked = self._user("ls-files", "-z", "--cached", "--ignored", "--exclude-standard").split("\0")
        present = [path for path in tracked if path and os.path.lexists(self.tree / path)]
        if present:
            listed = "\0".join(f":(literal){path}" for path in present)
            options = ("--pathspec-from-file=-", "--pathspec-file-nul")
            self._git(work_tree, "add", "--force", *options, stdin=listed, cwd=self.tree)
        return self._write_tree()

    def _write_tree(self) -> str:
        """Return the tree of the index with the run's extra files."""
        lines = []
        for path, text in self._extra.items():
            if text is None:
                lines.append(f"0 {'0' * 40}\t{path}\0")
                continue
            blob = self._git("hash-object", "-w", "--stdin", stdin=text).strip()
            lines.append(f"100644 {blob}\t{path}\0")
        if lines:
            self._git("update-index", "-z", "--index-info", stdin="".join(lines))
        return self._git("write-tree").strip()

    def _commit_entries(self, message: str, lines: list[str]) -> str:
        head = self.head
        self._git("read-tree", head)
        if lines:
            self._git("update-index", "-z", "--index-info", stdin="\0".join(lines) + "\0")
        return self._commit(self._git("write-tree").strip(), message, parent=head)

    def _commit(self, tree: str, message: str, parent: str | None) -> str:
        parents = ["-p", parent] if parent else []
        sha = self._git("commit-tree", tree, "-m", message, *parents).strip()
        self._git("update-ref", f"refs/heads/{BRANCH}", sha)
        return sha

    def _entry(self, revision: str, path: str) -> tuple[str, str] | None:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or ".git" in pure.parts or str(pure) != path:
            raise UserError(
                f"{path!r} is not a path from the root of the tree", fix="write it like charts/x/values.yaml"
            )
        line = self._git("ls-tree", "-z", "--full-tree", revision, "--", path).rstrip("\0")
        if not line:
            return None
        mode, _, sha = line.split("\t")[0].split()
        return mode, sha

    def _user(self, *arguments: str) -> str:
        return _text(self._run("-C", str(self.tree), *arguments))

    def _git(self, *arguments: str, stdin: str = "", cwd: Path | None = None) -> str:
        return _text(self._run(f"--git-dir={self.directory}", *arguments, stdin=_bytes(stdin), cwd=cwd, own=True))

    def _run(self, *arguments: str, stdin: bytes = b"", cwd: Path | None = None, own: bool = False) -> bytes:
        env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | ISOLATED
        if own:
            env["GIT_INDEX_FILE"] = str(self._scratch)
        command = ["git", *arguments]
        done = subprocess.run(command, input=stdin, cwd=cwd, env=env, capture_output=True, timeout=120, check=False)
        if done.returncode != 0:
            raise ProcessError(command, done.returncode, _text(done.stdout), _text(done.stderr))
        return done.stdout


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")

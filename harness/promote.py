"""Promotion: the commit that one environment runs becomes that of the next one, by a change of one line of one file."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness import revisions
from harness.diff import Change, of_environment
from harness.errors import UserError
from harness.model.environment import ENVIRONMENTS, load_environments

KEY = re.compile(r"^revision:.*$", re.M)


@dataclass(frozen=True)
class Promotion:
    """What a promotion would do.

    Attributes:
        source, target: the environments.
        old: commit that the target runs now, None where it follows the branch.
        new: commit that it is to run.
        file: the one file that changes, below the checkout, and its new text.
        commits: what is between the two, newest first, one line each; only those that touch charts/.
        changes: what that means for the target (harness.diff).
    """

    source: str
    target: str
    old: str | None
    new: str
    file: Path
    text: str
    commits: list[str]
    changes: list[Change]

    @property
    def idle(self) -> bool:
        """Whether the target runs that commit already."""
        return self.old == self.new


def plan(repository: Path, source: str, target: str) -> Promotion:
    """Return what a promotion would do; nothing is written.

    Raises:
        UserError: an environment that there is not or that does not come after the source, uncommitted charts, a
            commit that is not on the branch, values that do not fit the charts of that commit.
    """
    environments = load_environments(repository)
    for name in (source, target):
        if name not in environments:
            raise UserError(f"no environment {name}", fix=f"write one of {', '.join(environments)}")
    file = ENVIRONMENTS / target / "config.yaml"
    origin = environments[target].promotedFrom
    if origin != source:
        raise UserError(
            f"{target} is promoted from {origin or 'nowhere: it follows the branch'}, not from {source}",
            where=f"{file} promotedFrom",
            fix=f"indigo promote {origin} {target}" if origin else f"write promotedFrom: {source}, if that is meant",
        )
    new = _revision(repository, source, environments[source].revision)
    old = environments[target].revision
    if old and revisions.same(repository, old, new, "charts"):
        new = old  # only what a promotion does not bring has changed since
    text = written((repository / file).read_text(encoding="utf-8"), new)
    now = revisions.resolve(repository, old or "HEAD")
    commits = revisions.between(repository, now, new, "charts")
    changes = _with_revision(repository, target, file, text)
    return Promotion(source, target, old, new, file, text, commits, changes)


def _revision(repository: Path, source: str, pinned: str | None) -> str:
    """Return the commit that the source environment runs, if Argo CD can read it."""
    where = str(ENVIRONMENTS / source / "config.yaml")
    if pinned is None and (dirty := revisions.changed(repository, "charts")):
        raise UserError(
            f"{source} follows the branch, and {len(dirty)} files of charts are not committed ({dirty[0]}, ...)",
            where="charts",
            fix="commit them, or put them aside (git stash): only a commit can be promoted",
        )
    commit = revisions.resolve(repository, pinned or "HEAD")
    for branch in filter(None, ("HEAD", revisions.upstream(repository))):
        if not revisions.contains(repository, branch, commit):
            raise UserError(
                f"{commit[:12]} is not a commit of {'this branch' if branch == 'HEAD' else branch}",
                where=where,
                fix="git switch to the branch that Argo CD follows" if branch == "HEAD" else "git push it first",
            )
    return commit


def written(text: str, revision: str) -> str:
    """Return the text of a config.yaml with another revision; every other line as it was."""
    line = f"revision: {revision}"
    if KEY.search(text):
        return KEY.sub(line, text, count=1)
    after = re.search(r"^promotedFrom:.*\n", text, re.M)
    return f"{text[: after.end()]}{line}\n{text[after.end() :]}" if after else f"{text.rstrip()}\n{line}\n"


def _with_revision(repository: Path, target: str, file: Path, text: str) -> list[Change]:
    """Return what changes for the target with the new text of its file, in a copy of the checkout."""
    with tempfile.TemporaryDirectory(prefix="indigo-promote-") as name:
        copy = Path(name)
        for folder in ("argocd", "charts"):
            shutil.copytree(repository / folder, copy / folder, symlinks=True)
        (copy / file).write_text(text, encoding="utf-8")
        return of_environment(target, repository, copy, repository)


def tested(repository: Path, report: Path, commit: str) -> None:
    """Accept a commit if a report of `make e2e` says that its charts have passed.

    The report may be about another commit with the same charts: a promotion itself makes one.

    Raises:
        UserError: there is no such report, or it is about other charts or a changed tree, or it did not pass.
    """
    short = commit[:12]
    fix = f"git switch --detach {short} && make e2e; or name CI's report.json with --report; or --untested"
    try:
        said = json.loads(report.read_text(encoding="utf-8"))
        about, dirty, verdict = said["revision"].get("commit") or "", said["revision"].get("dirty"), said["verdict"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"no report says that {short} was tested", where=str(report), fix=fix) from None
    if not revisions.same(repository, about, commit, "charts"):
        problem = f"the report is about {about[:12] or 'no commit'}, whose charts are not those of {short}"
    elif dirty:
        problem = f"the report is about {about[:12]} with uncommitted changes"
    elif verdict != "passed":
        problem = f"the report says that {about[:12]} {verdict}"
    else:
        return
    raise UserError(problem, where=str(report), fix=fix)

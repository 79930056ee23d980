"""Environments that are pinned to a commit: it is there, on the branch, and its charts render with today's values."""

from __future__ import annotations

from collections.abc import Iterator

from harness import revisions
from harness.checks.model import Example, Problem, Rule, Subject
from harness.errors import UserError
from harness.model.environment import ENVIRONMENTS
from harness.render import render_all


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    for name, platform in subject.platforms.items():
        pinned = platform.rendered.environment.revision
        if pinned is None:
            continue
        file = str(ENVIRONMENTS / name / "config.yaml")
        try:
            commit = revisions.resolve(subject.repository, pinned)
        except UserError as error:
            yield name, Problem(None, "revision", error.message, error.fix, file=file)
            continue
        if not revisions.contains(subject.repository, "HEAD", commit):
            yield name, Problem(None, "revision", f"{commit[:12]} is not a commit of this branch", file=file)
        try:
            render_all([name], subject.repository)
        except UserError as error:
            message = f"its values do not fit the charts of {commit[:12]}: {error.message} ({error.where})"
            yield name, Problem(None, "revision", message, error.fix, file=file)


RULE = Rule(
    id="revisions",
    title="A pinned environment runs a commit of the branch whose charts render with its values",
    fix="promote a commit of the branch: indigo promote",
    source="docs/adr/0021-promotion.md",
    why="Charts and values of a pinned environment come from two commits. Argo CD finds out that they do not fit "
    "when it syncs.",
    example=Example(
        given="revision: 0000000000000000000000000000000000000000 in config.yaml",
        says="no commit 0000000000000000000000000000000000000000",
    ),
    checkout=_check,
    slow=True,
)

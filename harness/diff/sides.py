"""The two revisions that are compared: which they are, their files, and what Argo CD would make of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness import checks
from harness.checks.model import Platform
from harness.diff.model import WORKING_TREE, Side
from harness.errors import UserError
from harness.history import History
from harness.model.environment import load_environments
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.model.trial import MINIMAL, profiles, trial
from harness.render import Rendered, render_all, render_bootstrap
from harness.render.objects import Object
from harness.render.trials import render_trials

FOLDERS = ("charts", "argocd")  # all that Argo CD reads
MAIN = ("origin/main", "main")
PROFILES = "profiles"  # in place of an environment's name, where none of them can be rendered


@dataclass(frozen=True)
class Revision:
    """One side: where its files are, and what they render to.

    Attributes:
        side: which one it is.
        platforms: by environment, as Argo CD would make them; a pinned one with the charts of its commit.
        bootstrap: what an operator applies once.
        broken: by environment, why it cannot be rendered.
    """

    side: Side
    platforms: Mapping[str, Platform]
    bootstrap: list[Object]
    broken: Mapping[str, UserError] = field(default_factory=dict)


def asked(repository: Path, revisions: str | None) -> tuple[Side, Side]:
    """Return the sides that a person means: `A..B`, `A...B` (from where B left A), `A` (to the working tree), or None.

    None is what a pull request of the working tree would change: from where it left main, or from HEAD on main itself.

    Raises:
        UserError: no Git repository, or no such commit in it.
    """
    history = History(repository)
    if history.resolve("HEAD") is None:
        raise UserError(
            "the checkout is no Git repository with a commit, so there is nothing to compare with",
            where=str(repository),
            fix="git init && git add --all && git commit",
        )
    text = revisions or ""
    for dots in ("...", ".."):
        if dots in text:
            one, other = (part or "HEAD" for part in text.split(dots, 1))
            base, target = _side(history, one), _side(history, other)
            left = history.merge_base(base.commit, target.commit) if dots == "..." else None
            return (Side(name=left[:12], commit=left) if left else base), target
    tree = Side(name=WORKING_TREE, commit=_commit(history, "HEAD"), dirty=bool(_changed(history)))
    return (_side(history, text) if text else _usual(history)), tree


def _side(history: History, name: str) -> Side:
    return Side(name=name, commit=_commit(history, name))


def _commit(history: History, name: str) -> str:
    found = history.resolve(name)
    if found is None:
        shallow = " (this clone is a shallow one)" if history.shallow() else ""
        raise UserError(
            f"no commit {name} in this clone{shallow}",
            fix="git fetch --unshallow" if shallow else "git fetch, or name a commit, branch or tag that is there",
        )
    return found


def _usual(history: History) -> Side:
    """Return where the branch left main: of origin's and the clone's own, the later one."""
    found = ""
    if history.branch() != "main":
        for name in MAIN:
            left = history.merge_base(name, "HEAD") if history.resolve(name) else None
            if left and (not found or history.contains(found, left)):
                found = left
    return Side(name=found[:12], commit=found) if found else _side(history, "HEAD")


def _changed(history: History) -> set[str]:
    return {path for path in history.changed() if path.split("/")[0] in FOLDERS}


def same_files(repository: Path, base: Side, target: Side) -> bool:
    """Return whether the two have the same files of all that Argo CD reads, so that nothing has to be rendered."""
    history = History(repository)
    if target.name == WORKING_TREE and _changed(history):
        return False
    return all(history.tree(base.commit, folder) == history.tree(target.commit, folder) for folder in FOLDERS)


@contextmanager
def rendered(
    repository: Path, base: Side, target: Side, *, with_profiles: bool = False
) -> Iterator[tuple[Revision, Revision]]:
    """Yield both sides rendered, each with its own charts; files of commits are in a folder that goes with the end.

    Args:
        repository: the checkout.
        base, target: the sides.
        with_profiles: whether every profile is rendered too, as the example of a site has it.

    Raises:
        UserError: the target cannot be rendered, or the base's configuration cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="indigo-diff-") as name:
        folder = Path(name).resolve()
        sides = []
        for side in (base, target):
            root = repository
            if side.name != WORKING_TREE:
                root = History(repository).extract(side.commit, FOLDERS, folder / side.commit)
            sides.append((side, root))
        before, after = _base(*sides[0], repository), _whole(*sides[1], repository)
        if with_profiles:
            before, after = _with_profiles(before, sides[0][1]), _with_profiles(after, sides[1][1])
        yield before, after


def _whole(side: Side, root: Path, repository: Path) -> Revision:
    if side.name != WORKING_TREE and not (root / "charts").is_dir():
        raise UserError(f"the commit {side} has no charts of this project", fix="name a later commit")
    return _revision(side, root, render_all(repository=root, commits=repository))


def _base(side: Side, root: Path, repository: Path) -> Revision:
    """Return the base; where one of its environments is broken, which the change may mend, the others are compared."""
    try:
        return _whole(side, root, repository)
    except UserError as error:
        found: dict[str, Rendered] = {}
        broken: dict[str, UserError] = {}
        try:
            for name in load_environments(root):
                try:
                    found |= render_all([name], root, commits=repository)
                except UserError as own:
                    broken[name] = own
            if found:
                return _revision(side, root, found, broken)
        except UserError:
            pass
        raise UserError(
            f"the base {side} cannot be rendered by this version: {error.message}",
            where=error.where,
            fix="name a later commit to compare with",
            details=error.details,
        ) from None


def _with_profiles(revision: Revision, root: Path) -> Revision:
    """Return a revision with its profiles beside its environments, each under the name `profile NAME`."""
    try:
        graph = Graph.build(load_contracts(root / "charts"))
        if revision.side.name == WORKING_TREE:
            place, found = render_trials(root)
        else:
            place, found = root, _trials(root)
    except UserError as error:
        if revision.side.name == WORKING_TREE:
            raise
        return replace(revision, broken={**revision.broken, PROFILES: error})
    tried = {name.replace("trial-", "profile ", 1): checks.platform(place, item, graph) for name, item in found.items()}
    return replace(revision, platforms={**revision.platforms, **tried})


def _trials(root: Path) -> dict[str, Rendered]:
    """Return what each profile of a commit renders; their files are written among the commit's, which are ours."""
    tried = [one for one in (trial(root, profile) for profile in profiles(root)) if one.environment != MINIMAL]
    for one in tried:
        for path, text in one.files.items():
            if text is not None:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
    return render_all([one.environment for one in tried], root, pinned=False) if tried else {}


def _revision(
    side: Side, root: Path, environments: Mapping[str, Rendered], broken: Mapping[str, UserError] | None = None
) -> Revision:
    graph = Graph.build(load_contracts(root / "charts"))
    platforms = {name: checks.platform(root, item, graph) for name, item in environments.items()}
    return Revision(side, platforms, render_bootstrap(repository=root), broken or {})

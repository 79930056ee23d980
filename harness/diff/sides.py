"""The two revisions that are compared: which they are, their files, and what Argo CD would make of them."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness import checks, revisions
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
PROFILE = "profile "  # before the name of one, in place of an environment's name
PROFILES = "profiles"  # in place of an environment's name, where none of them can be rendered


Platforms = dict[str, Platform]


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


def asked(repository: Path, text: str) -> tuple[Side, Side]:
    """Return the sides that a person means: A..B, A...B (from where B left A), A (to the working tree), or nothing.

    Nothing is what a pull request of the working tree would change: from where it left main; on main itself from HEAD.

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
        before, after = (_Files(side, _root(side, repository, folder), repository, folder) for side in (base, target))
        yield before.base(with_profiles), after.whole(with_profiles)


def platforms(files: Path, repository: Path, folder: Path, environments: Collection[str] | None = None) -> Platforms:
    """Return environments as Argo CD would make them; a pinned one with the charts and contracts of its commit.

    Args:
        files: a checkout, or a copy of what Argo CD reads of one.
        repository: the Git repository with the commits that environments are pinned to.
        folder: for files that are of use only meanwhile.
        environments: names; default: all.

    Raises:
        UserError: configuration, contracts or values are wrong, or a chart cannot be rendered.
    """
    found = render_all(environments, files, commits=repository)
    graph = _graph(files, repository)
    return {name: _platform(item, files, graph, repository, folder) for name, item in found.items()}


def _graph(files: Path, repository: Path) -> Graph:
    """Return the graph of the contracts; where they are of a form that is not known any more, of today's for the same.

    Helm needs none of them: they only say what a change means.
    """
    try:
        return Graph.build(load_contracts(files / "charts"))
    except UserError as error:
        known = load_contracts(repository / "charts")
        same = {name: one for name, one in known.items() if (files / "charts" / one.chart / "contract.yaml").is_file()}
        try:
            return Graph.build(same)
        except UserError:
            raise error from None


def _platform(item: Rendered, files: Path, graph: Graph, repository: Path, folder: Path) -> Platform:
    pinned = item.environment.revision
    if pinned is not None:
        view = folder / f"{files.name}-{pinned}"
        if not view.is_dir():
            view.mkdir(parents=True)
            (view / "charts").symlink_to(revisions.tree(repository, pinned) / "charts")
            (view / "argocd").symlink_to(files.resolve() / "argocd")
        try:
            return checks.platform(view, item, _graph(view, repository))
        except UserError:  # values that do not fit them: those of the branch say what there is to say
            pass
    return checks.platform(files, item, graph)


def _root(side: Side, repository: Path, folder: Path) -> Path:
    if side.name == WORKING_TREE:
        return repository
    return History(repository).extract(side.commit, FOLDERS, folder / side.commit)


@dataclass(frozen=True)
class _Files:
    """Where the files of a side are."""

    side: Side
    root: Path
    repository: Path
    folder: Path

    def whole(self, with_profiles: bool) -> Revision:
        """Return all of it."""
        if self.side.name != WORKING_TREE and not (self.root / "charts").is_dir():
            raise UserError(f"the commit {self.side} has no charts of this project", fix="name a later commit")
        found = platforms(self.root, self.repository, self.folder)
        return self._revision(found, {}, with_profiles)

    def base(self, with_profiles: bool) -> Revision:
        """Return all of it; where an environment is broken, which the change may mend, the others are compared."""
        try:
            return self.whole(with_profiles)
        except UserError as error:
            found: dict[str, Platform] = {}
            broken: dict[str, UserError] = {}
            try:
                for name in load_environments(self.root):
                    try:
                        found |= platforms(self.root, self.repository, self.folder, [name])
                    except UserError as own:
                        broken[name] = own
                if found:
                    return self._revision(found, broken, with_profiles)
            except UserError:
                pass
            raise UserError(
                f"the base {self.side} cannot be rendered by this version: {error.message}",
                where=error.where,
                fix="name a later commit to compare with",
                details=error.details,
            ) from None

    def _revision(self, found: Platforms, broken: dict[str, UserError], with_profiles: bool) -> Revision:
        bootstrap = render_bootstrap(repository=self.root)
        if not with_profiles:
            return Revision(self.side, found, bootstrap, broken)
        try:
            return Revision(self.side, {**found, **self._profiles()}, bootstrap, broken)
        except UserError as error:
            if self.side.name == WORKING_TREE:
                raise
            return Revision(self.side, found, bootstrap, {**broken, PROFILES: error})

    def _profiles(self) -> Platforms:
        """Return every profile, under the name `profile NAME`, as the example of a site has it."""
        graph = _graph(self.root, self.repository)
        own = self.side.name != WORKING_TREE
        place, found = (self.root, self._trials()) if own else render_trials(self.root)
        return {name.replace("trial-", PROFILE, 1): checks.platform(place, item, graph) for name, item in found.items()}

    def _trials(self) -> dict[str, Rendered]:
        """Return what each profile of a commit renders; their files are written among the commit's, which are ours."""
        root = self.root
        tried = [one for one in (trial(root, profile) for profile in profiles(root)) if one.environment != MINIMAL]
        for one in tried:
            for path, text in one.files.items():
                if text is not None:
                    (root / path).parent.mkdir(parents=True, exist_ok=True)
                    (root / path).write_text(text, encoding="utf-8")
        return render_all([one.environment for one in tried], root, pinned=False) if tried else {}

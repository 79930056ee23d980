"""Traces an object in what is rendered: of the working tree, or of a commit."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.checks.pods import NAME
from harness.errors import UserError
from harness.history import Commit, History
from harness.model.environment import ENVIRONMENTS
from harness.render import REPO, REVISION, Rendered, argocd, render_all, render_bootstrap
from harness.render.helm import Inputs, template
from harness.render.objects import Object, title
from harness.trace.deciding import decided
from harness.trace.model import Decided, Origin, Source

FOLDERS = ("charts", "argocd")  # all that Argo CD reads
SOURCE = "indigo-paas/source"
LOOK_BACK = 30  # commits that are rendered to find the one that changed an object


@dataclass(frozen=True)
class Place:
    """An object as one Application renders it; `inputs` is what Helm is given for it."""

    environment: str
    application: str
    inputs: Inputs
    item: Object
    generated_from: str = ""  # of an Application that an ApplicationSet makes: the file it is made of

    @property
    def component(self) -> str:
        """Return the component that it belongs to; empty without one."""
        return str((self.item["metadata"].get("labels") or {}).get(NAME, ""))

    @property
    def source(self) -> str:
        """Return the folder of the chart that the object names; its component's where it names none."""
        return str((self.item["metadata"].get("annotations") or {}).get(SOURCE, f"charts/{self.component}"))


@dataclass(frozen=True)
class Wanted:
    """What is looked for; an empty namespace or environment means any."""

    kind: str
    name: str
    namespace: str = ""
    environment: str = ""

    def fits(self, item: Object) -> bool:
        """Whether an object is the one."""
        metadata = item["metadata"]
        same = (item["kind"].lower(), metadata["name"]) == (self.kind.lower(), self.name)
        return same and self.namespace in ("", metadata.get("namespace", ""))

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" + (f" in {self.namespace}" if self.namespace else "")


def trace_rendered(
    wanted: Wanted,
    tree: Path,
    history: History | None = None,
    revision: str = "",
    repo: str = REPO,
    branch: str = REVISION,
) -> list[Origin]:
    """Return where an object comes from, once for each environment that renders it.

    Args:
        wanted: the object.
        tree: the files: the working tree, or a commit that was written to a directory.
        history: the Git repository that they are from; without one no commits are named.
        revision: the commit that `tree` holds; empty for the working tree.
        repo: URL that the Applications follow.
        branch: branch, tag or commit that they follow.

    Raises:
        UserError: no environment renders such an object; names those that are like it.
    """
    found = list(places(wanted, tree, repo, branch))
    if not found:
        raise UserError(f"nothing renders {wanted}", fix=_alike(wanted, tree, repo, branch))
    return [_origin(place, wanted, tree, history, revision, repo, branch) for place in found]


def places(wanted: Wanted, tree: Path, repo: str = REPO, branch: str = REVISION) -> Iterator[Place]:
    """Yield the object as each Application renders it."""
    for environment, application, inputs, generated in _applications(wanted.environment, tree, repo, branch):
        if isinstance(generated, tuple):
            item, file = generated
            if wanted.fits(item):
                yield Place(environment, application, inputs, item, file)
            continue
        for item in template(inputs).objects:
            if wanted.fits(item):
                yield Place(environment, application, inputs, item)


def _applications(
    environment: str, tree: Path, repo: str, branch: str
) -> Iterator[tuple[str, str, Inputs, tuple[Object, str] | None]]:
    """Yield environment, Application and inputs; and what the ApplicationSet makes, with the file it is made of."""
    bootstrap = render_bootstrap(repo, branch, tree)
    root = next(item for item in bootstrap if item["kind"] == "Application")
    above = argocd.inputs(root, tree, repo)
    if not environment:
        yield "", root["metadata"]["name"], above, None
    for name, rendered in _rendered(environment, tree, repo, branch).items():
        parent = rendered.delivered_by
        file = str(ENVIRONMENTS / name / "config.yaml")
        yield name, root["metadata"]["name"], above, (parent, file)
        yield name, parent["metadata"]["name"], argocd.inputs(parent, tree, repo), None
        for application, inputs in rendered.inputs.items():
            yield name, application, inputs, None


def _rendered(environment: str, tree: Path, repo: str, branch: str) -> Mapping[str, Rendered]:
    return render_all([environment] if environment else None, tree, repo, branch)


def _alike(wanted: Wanted, tree: Path, repo: str, branch: str) -> str:
    names: set[str] = set()
    for _, _, inputs, generated in _applications(wanted.environment, tree, repo, branch):
        items = [generated[0]] if generated else template(inputs).objects
        names |= {title(item) for item in items}
    near = [name for name in sorted(names) if wanted.name in name or name.lower().startswith(wanted.kind.lower() + "/")]
    return f"there are: {', '.join(near[:12])}" if near else "indigo render ENVIRONMENT shows what there is"


def _origin(
    place: Place, wanted: Wanted, tree: Path, history: History | None, revision: str, repo: str, branch: str
) -> Origin:
    notes: list[str] = []
    commit = None
    if history is not None:
        commit, note = _last_change(place, wanted, tree, history, revision, repo, branch)
        notes += [note] if note else []
    if place.generated_from:
        notes.append(f"the ApplicationSet indigo-environments makes it of {place.generated_from}")
    return Origin(
        object=title(place.item),
        namespace=place.item["metadata"].get("namespace", ""),
        made_by=(),
        environment=place.environment,
        application=place.application,
        component=place.component,
        chart=_shown(place.inputs.chart, tree),
        revision=revision,
        commit=commit,
        sources=tuple(_sources(place, tree, history, revision)),
        decided=tuple(_decided(place, tree, history, revision)),
        notes=tuple(notes),
    )


# -------------------------------------------------------------------- files


def _sources(place: Place, tree: Path, history: History | None, revision: str) -> Iterator[Source]:
    changed = history.changed() if history is not None and not revision else set()
    for path, role in dict.fromkeys(_files(place, tree)):
        if not (tree / path).is_file():
            continue
        last = history.touched(revision or "HEAD", [path]) if history is not None else []
        yield Source(path, role, last[0] if last else None, path in changed)


def _files(place: Place, tree: Path) -> Iterator[tuple[str, str]]:
    chart = place.inputs.chart
    folder = tree / place.source
    if (folder / "contract.yaml").is_file():
        yield _shown(folder / "contract.yaml", tree), "what the software demands and offers"
        for path in sorted((folder / "templates").glob("*.tpl")):
            yield _shown(path, tree), "how this platform sets it"
        templates = tree / "charts" / "common" / "templates"
    else:
        templates = chart / "templates"
    kind = "ApplicationSet" if place.generated_from else str(place.item["kind"])
    for path in _writing(templates, kind):
        yield _shown(path, tree), f"template of kind {kind}"
    if place.generated_from:
        yield place.generated_from, "makes the Application"
    yield _shown(chart / "values.yaml", tree), "values of the chart"
    for path in place.inputs.values:
        yield (
            _shown(path, tree),
            "values of the environment" if "environments" in path.parts else "values of the profile",
        )


def _writing(templates: Path, kind: str) -> list[Path]:
    """Return the templates that write a kind: those that name it, else those that take the kind from elsewhere."""
    files = sorted(path for path in templates.glob("*") if path.is_file())
    for pattern in (rf"^\s*kind: {re.escape(kind)}\s*$", r"^kind: \{\{"):
        found = [path for path in files if re.search(pattern, path.read_text(encoding="utf-8"), re.M)]
        if found:
            return found
    return []


def _shown(path: Path, tree: Path) -> str:
    """Return a path below the tree, links followed, or as it is."""
    for one, other in ((path, tree), (path.resolve(), tree.resolve())):
        if one.is_relative_to(other):
            return str(one.relative_to(other))
    return str(path)


def _decided(place: Place, tree: Path, history: History | None, revision: str) -> Iterator[Decided]:
    for found in decided(place.inputs, place.item, place.component):
        path = _shown(found.path, tree)
        line = history.line(revision or "HEAD", path, found.line) if history is not None else None
        yield Decided(found.key, found.value, path, found.line, line, found.required)


# ------------------------------------------------------------------- commits


def _last_change(
    place: Place, wanted: Wanted, tree: Path, history: History, revision: str, repo: str, branch: str
) -> tuple[Commit | None, str]:
    """Return the last commit after which the object is another one than before, and a note where it is not found.

    A commit that touches a file of the object need not change the object: each is rendered with the one before it.
    """
    head = history.resolve(revision or "HEAD")
    if head is None:
        return None, "the repository has no commit"
    folders = [
        "argocd",
        "charts/common",
        "charts/indigo-paas",
        place.source,
    ]
    exact = Wanted(wanted.kind, wanted.name, wanted.namespace, place.environment)
    try:
        later = _at(history, head, exact, place, tree, repo, branch)
    except UserError as error:
        return None, f"the commit {head[:12]} cannot be rendered: {error.message}"
    if not revision and later != place.item:
        return None, "the working tree changes it: not committed yet"
    for commit in history.touched(head, folders, LOOK_BACK):
        if not commit.parent:
            return commit, ""
        try:
            before = _at(history, commit.parent, exact, place, tree, repo, branch)
        except UserError as error:
            return None, f"commits before {commit.sha[:12]} cannot be rendered by this version: {error.message}"
        if before != later:
            return commit, ""
    return None, f"none of the last {LOOK_BACK} commits that touch its files changed it"


def _at(
    history: History, commit: str, wanted: Wanted, place: Place, tree: Path, repo: str, branch: str
) -> Object | None:
    """Return the object as a commit renders it; None where it renders none.

    A commit whose environments have a shape that is not known any more is rendered with the charts and values files of
    today's Application.
    """
    with tempfile.TemporaryDirectory(prefix="indigo-trace-") as folder:
        older = history.extract(commit, FOLDERS, Path(folder).resolve())
        if wanted.environment and not (older / ENVIRONMENTS / wanted.environment / "config.yaml").is_file():
            return None
        try:
            found = [one.item for one in places(wanted, older, repo, branch) if one.application == place.application]
        except UserError:
            if place.generated_from:
                raise
            found = [item for item in template(_moved(place.inputs, tree, older)).objects if wanted.fits(item)]
    return found[0] if found else None


def _moved(inputs: Inputs, tree: Path, other: Path) -> Inputs:
    """Return inputs with the same files of another tree."""

    def move(path: Path) -> Path:
        return other / _shown(path, tree)

    return dataclasses.replace(inputs, chart=move(inputs.chart), values=tuple(move(path) for path in inputs.values))

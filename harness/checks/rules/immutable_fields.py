"""What is installed can be synced to what is written: no field differs that cannot be changed in place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness import releases, revisions
from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.diff.immutable import Effect, violations
from harness.diff.pairs import identity, line
from harness.errors import UserError
from harness.history import History
from harness.model.environment import ENVIRONMENTS
from harness.render import Rendered, render_all
from harness.render.objects import Object

RECREATE = "indigo-paas/recreate-from"


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    pinned = {
        name: str(platform.rendered.environment.revision)
        for name, platform in subject.platforms.items()
        if platform.rendered.environment.revision
    }
    for name, before in _rendered(subject.repository, list(pinned)).items():
        what = f"what {name} runs ({pinned[name][:12]})"
        yield from _compared(name, before, subject.platforms[name], pinned[name], what)
    release = releases.last(History(subject.repository))
    if release is None:
        return  # nothing was released yet, so nothing is installed that could refuse
    files = revisions.tree(subject.repository, release)
    others = [name for name in subject.platforms if name not in pinned and (files / ENVIRONMENTS / name).is_dir()]
    for name, before in _rendered(files, others).items():
        yield from _compared(name, before, subject.platforms[name], release, f"the release {release}")


def _rendered(files: Path, names: list[str]) -> dict[str, Rendered]:
    """Return environments as they were; without those that this version cannot render.

    Whether a pinned one can be rendered is the rule `revisions`.
    """
    try:
        return render_all(names, files) if names else {}
    except UserError:
        parts = [_rendered(files, [name]) for name in names] if len(names) > 1 else []
        return {name: item for part in parts for name, item in part.items()}


def _compared(
    name: str, before: Rendered, platform: Platform, revision: str, what: str
) -> Iterator[tuple[str, Problem]]:
    old = {identity(item): item for item in (*before.objects(), *before.delivery)}
    for item in (*platform.objects, *platform.delivery):
        earlier = old.get(identity(item))
        if earlier is None or _accepted(item, revision):
            continue
        for found in violations(earlier, item):
            outcome = "the sync fails" if found.entry.effect is Effect.REFUSED else "nothing comes of it"
            for field in found.fields:
                message = (
                    f"is another one than in {what}, and cannot be changed in place: {outcome} ({line(field, 40)})"
                )
                steps = "; ".join(found.steps(item))
                accepted = f"{RECREATE}: {revision[:12]} on the object"
                fix = f"leave it as it was; or, where it has to be: {steps}, and {accepted}"
                yield name, Problem(item, field.where, message, fix)


def _accepted(item: Object, revision: str) -> bool:
    """Whether an object says that it is to be made anew where that release, or that commit, is installed."""
    written = str((item["metadata"].get("annotations") or {}).get(RECREATE, ""))
    return len(written) >= 6 and revision.startswith(written)


RULE = Rule(
    id="immutable-fields",
    title="No field that cannot be changed in place differs from the last release, or from what is pinned",
    fix="leave the field as it was, or follow the procedure of docs/how-to/see-what-a-change-does.md",
    source="Kubernetes validation of updates: harness/diff/immutable.py names the file of each field",
    why="A new cluster takes every version; one that is installed refuses the update, and the sync fails at that "
    "object until somebody deletes it by hand. Releases are tags vMAJOR.MINOR.PATCH; before the first one nothing is "
    "compared but pinned environments. One that this version cannot render any more is not compared either.",
    example=Example(
        given="serviceName: mariadb-headless in the StatefulSet, where the release v1.0.0 has serviceName: mariadb",
        says="is another one than in the release v1.0.0, and cannot be changed in place: the sync fails",
    ),
    checkout=_check,
)

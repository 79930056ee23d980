"""The difference of two revisions: what changes for every environment, and what that means for what runs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path

from harness.checks.model import Platform
from harness.diff import needs, network, pods, sides, software, things
from harness.diff.merge import merged, order, verdict, worst
from harness.diff.model import Change, Compared, Difference, Kind, Level, State
from harness.diff.pairs import Pairs
from harness.diff.sides import Revision
from harness.errors import UserError

__all__ = ["Change", "Compared", "Difference", "Kind", "Level", "compare", "difference", "of_environment"]


def difference(
    repository: Path, revisions: str | None = None, environments: Collection[str] = (), *, profiles: bool = False
) -> Difference:
    """Return the difference of two revisions of a checkout.

    Args:
        repository: the checkout.
        revisions: A..B, A...B, or A (to the working tree); None: from where the branch left main to the working tree.
        environments: only these; default: all of either side.
        profiles: whether every profile is compared too, as the example of a site has it.

    Raises:
        UserError: no such revision or environment, or one of the two sides cannot be rendered.
    """
    start = time.monotonic()
    base, target = sides.asked(repository, revisions or "")
    if sides.same_files(repository, base, target):
        return Difference(
            base=base,
            target=target,
            verdict="Nothing changes.",
            level=None,
            environments=(),
            changes=(),
            seconds=round(time.monotonic() - start, 3),
        )
    with sides.rendered(repository, base, target, with_profiles=profiles) as (before, after):
        found = compare(before, after, environments)
    return found.model_copy(update={"seconds": round(time.monotonic() - start, 3)})


def of_environment(name: str, before: Path, after: Path, repository: Path) -> list[Change]:
    """Return what changes for one environment between two folders with charts/ and argocd/.

    Args:
        name: of the environment, which both have.
        before, after: the folders.
        repository: the Git repository with the commits that environments are pinned to.

    Raises:
        UserError: the environment cannot be rendered.
    """
    with tempfile.TemporaryDirectory(prefix="indigo-diff-") as folder:
        one, other = (
            sides.platforms(files, repository, Path(folder).resolve() / side, [name])[name]
            for side, files in (("before", before), ("after", after))
        )
    return merged({name: list(_said(Pairs(name, one, other)))}, {name: other.rendered.environment})


def compare(before: Revision, after: Revision, environments: Collection[str] = ()) -> Difference:
    """Return the difference of two rendered revisions.

    Raises:
        UserError: no environment of a name.
    """
    names = sorted(before.platforms.keys() | after.platforms.keys() | before.broken.keys())
    unknown = sorted(set(environments) - set(names))
    if unknown:
        raise UserError(f"no environment {', '.join(unknown)} on either side", fix=f"write one of {', '.join(names)}")
    wanted = [name for name in names if not environments or name in environments]
    if sides.PROFILES in before.broken:  # without the base's they would all seem to be new
        wanted = [name for name in wanted if not name.startswith(sides.PROFILE)]
    compared: list[Compared] = []
    found: dict[str, list[Change]] = {}
    for name in wanted:
        if name in before.broken:
            error = before.broken[name]
            compared.append(Compared(name=name, state="unknown", note=str(error).replace("\n", "; ")))
            continue
        pairs = Pairs(name, before.platforms.get(name), after.platforms.get(name))
        found[name] = list(_said(pairs))
        objects = len(pairs.components) + len(pairs.delivery)
        compared.append(Compared(name=name, state=_state(pairs, found[name]), objects=objects))
    configured = {name: (after.platforms.get(name) or before.platforms[name]).rendered.environment for name in found}
    changes = merged(found, configured)
    if not environments:
        changes += things.bootstrap(before.bootstrap, after.bootstrap)
        changes.sort(key=order)
    return Difference(
        base=before.side,
        target=after.side,
        verdict=verdict(changes, compared),
        level=worst(changes),
        environments=tuple(compared),
        changes=tuple(changes),
        seconds=0,
    )


def _state(pairs: Pairs, changes: list[Change]) -> State:
    if pairs.before is None or pairs.after is None:
        return "added" if pairs.before is None else "removed"
    return "changed" if changes else "same"


def _said(pairs: Pairs) -> Iterator[Change]:
    if pairs.before is None or pairs.after is None:
        return chain(_environment(pairs), needs.said(pairs) if pairs.before is None else ())
    if _place(pairs.before) != _place(pairs.after):
        return chain(_moved(pairs.before, pairs.after), things.delivery(pairs))
    return chain(
        things.immutable(pairs),
        things.data(pairs),
        needs.said(pairs),
        software.components(pairs),
        things.replaced(pairs),
        things.pruned(pairs),
        pods.said(pairs),
        network.said(pairs),
        software.images(pairs),
        software.settings(pairs),
        software.scale(pairs),
        things.delivery(pairs),
        things.others(pairs),
    )


def _place(platform: Platform) -> tuple[str, str]:
    return platform.rendered.environment.cluster, platform.namespace


def _moved(before: Platform, after: Platform) -> Iterator[Change]:
    """Yield one statement for an environment that becomes another place: no object of it is the same."""
    (old_cluster, old), (new_cluster, new) = _place(before), _place(after)
    where = f"namespace {old} -> {new}" if old != new else f"cluster {old_cluster} -> {new_cluster}"
    yield Change(
        kind=Kind.ENVIRONMENT,
        level=Level.DANGER,
        text=f"{before.name} moves: {where}; all of its {len(after.objects)} objects are made anew there, without data",
        details=(
            "claims, databases' resources and the namespace stay at the old place; all else is pruned there",
            "Secrets are not brought over",
        ),
        steps=(
            "make a backup of every database and volume",
            f"indigo secrets apply --environment {before.name} (plan shows before what it does)",
            "sync, and read the backup in",
        ),
    )


def _environment(pairs: Pairs) -> Iterator[Change]:
    platform = pairs.platform
    environment = platform.rendered.environment
    objects = len(platform.objects)
    here = ", ".join(platform.here)
    if pairs.before is None:
        yield Change(
            kind=Kind.ENVIRONMENT,
            text=f"{pairs.name} is new: {objects} objects in the namespace {environment.namespace}",
            details=(f"components: {here}", f"profiles: {', '.join(environment.profiles)}"),
        )
        return
    yield Change(
        kind=Kind.ENVIRONMENT,
        level=Level.ATTENTION,
        text=f"{pairs.name} is removed from Git; its {objects} objects run on, and nobody keeps them up",
        details=(f"components: {here}", "the ApplicationSet makes and updates Applications, and deletes none"),
        steps=(f"delete its Applications and the namespace {environment.namespace} by hand when nobody needs them",),
    )

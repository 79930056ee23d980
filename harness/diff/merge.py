"""Statements about several environments become one where they are the same, and all of them become a verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from harness.diff.model import Change, Compared, Kind, Level
from harness.model.environment import Environment

NAMESPACE, ENVIRONMENT = "<namespace>", "<environment>"
_MOST = 4  # parts of a verdict


def merged(found: Mapping[str, Sequence[Change]], environments: Mapping[str, Environment]) -> list[Change]:
    """Return the changes of all environments, in the order of the output.

    Those that are the same but for the names of environment and namespace are one, with a placeholder for the names.
    """
    groups: dict[Change, list[tuple[str, Change]]] = {}
    for name, changes in found.items():
        for change in dict.fromkeys(changes):
            groups.setdefault(_without_names(change, environments[name]), []).append((name, change))
    result = []
    for general, members in groups.items():
        names = tuple(sorted(name for name, _ in members))
        said = members[0][1] if len({change for _, change in members}) == 1 else general
        result.append(said.model_copy(update={"environments": names}))
    return sorted(result, key=order)


def order(change: Change) -> tuple[object, ...]:
    """Return what changes are sorted by: kind, the worse first, component, object."""
    place = list(Kind).index(change.kind), -change.level.rank
    return *place, change.component, change.object, change.text, change.environments


def _without_names(change: Change, environment: Environment) -> Change:
    def general(text: str) -> str:
        text = re.sub(rf"(?<![\w-]){re.escape(environment.namespace)}(?![\w])", NAMESPACE, text)
        text = re.sub(rf"(?<![\w-])indigo-{re.escape(environment.name)}(?!\w)", f"indigo-{ENVIRONMENT}", text)
        text = re.sub(rf"(?<![\w-])env-{re.escape(environment.name)}(?!\w)", f"env-{ENVIRONMENT}", text)
        return re.sub(rf"(?<=environment ){re.escape(environment.name)}(?= )", ENVIRONMENT, text)

    return change.model_copy(
        update={
            "object": general(change.object),
            "text": general(change.text),
            "details": tuple(map(general, change.details)),
            "steps": tuple(map(general, change.steps)),
        }
    )


def worst(changes: Iterable[Change]) -> Level | None:
    """Return the worst level; None without changes."""
    return max((change.level for change in changes), key=lambda level: level.rank, default=None)


def verdict(changes: Sequence[Change], environments: Sequence[Compared]) -> str:
    """Return one short sentence, the worst first."""
    unknown = [one.name for one in environments if one.state == "unknown"]
    parts = list(_parts(changes))
    if unknown:
        parts.insert(0, f"{_list(unknown)} cannot be compared, the base of it is broken")
    if not changes and not unknown:
        return f"Nothing changes in {_list([one.name for one in environments])}."
    if not parts:
        parts = ["objects change, and no pod is replaced"]
    shown = parts[:_MOST] + (["and more"] if len(parts) > _MOST else [])
    sentence = "; ".join(shown)
    names = sorted({name for change in changes for name in change.environments})
    where = f" ({', '.join(names)})" if names and len(environments) > 1 else ""
    return f"{sentence[0].upper()}{sentence[1:]}{where}."


def _parts(changes: Sequence[Change]) -> Iterable[str]:
    def of(kind: Kind, level: Level = Level.INFO) -> list[Change]:
        return [change for change in changes if change.kind is kind and change.level.rank >= level.rank]

    refused = of(Kind.IMMUTABLE, Level.DANGER)
    if refused:
        yield f"{_count(len(refused), 'change')} cannot be made in place, and the sync fails"
    if of(Kind.DATA):
        yield f"data at stake: {_list(_objects(of(Kind.DATA)))}"
    moving = of(Kind.ENVIRONMENT, Level.DANGER)
    if moving:
        yield f"{_count(len(moving), 'environment')} moved to another place, without data"
    if len(of(Kind.ENVIRONMENT)) > len(moving):
        yield f"{_count(len(of(Kind.ENVIRONMENT)) - len(moving), 'environment')} added or removed"
    if needed := of(Kind.SECRET, Level.ATTENTION):
        names = {change.object for change in needed} - {""}
        yield f"{_count(len(names), 'Secret')} needed before" if names else "Secrets needed before"
    for one, several, level in (("goes", "go", Level.ATTENTION), ("comes", "come", Level.INFO)):
        moved = _components(change for change in of(Kind.COMPONENT) if change.level is level)
        if moved:
            yield f"{moved[0]} {one}" if len(moved) == 1 else f"{len(moved)} components {several}"
    if of(Kind.REMOVED):
        yield f"{_count(len(of(Kind.REMOVED)), 'object')} pruned"
    away = _components(of(Kind.DOWNTIME))
    if away:
        yield f"{_list(away)} {'is' if len(away) == 1 else 'are'} away for a while"
    rolling = [name for name in _components(of(Kind.ROLL)) if name not in away]
    if rolling:
        yield f"pods of {_list(rolling)} are replaced"
    if of(Kind.JOB):
        yield f"{_count(len(_objects(of(Kind.JOB))), 'Job')} run{'s' if len(_objects(of(Kind.JOB))) == 1 else ''}"
    network = of(Kind.NETWORK, Level.ATTENTION)
    if network:
        yield "the network is opened to the outside"
    if of(Kind.STALE):
        yield "a changed file is not noticed by its pods"


def _components(changes: Iterable[Change]) -> list[str]:
    return sorted({change.component for change in changes if change.component})


def _objects(changes: Iterable[Change]) -> list[str]:
    return sorted({change.object for change in changes if change.object})


def _list(names: Sequence[str], most: int = 4) -> str:
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return ", ".join(names)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"

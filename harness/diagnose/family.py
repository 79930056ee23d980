"""Applications that make Applications: which belong to the one that was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from harness.diagnose.objects import (
    ENVIRONMENT,
    TRACKING,
    Object,
    Objects,
    annotations_of,
    labels_of,
    name_of,
    status_of,
    wave_of,
)

ROOT = "indigo-root"


def _parent(items: Mapping[str, Object], item: Object) -> str:
    """Return the Application that tracks another one: by its tracking id, else by the parent's list."""
    tracked = annotations_of(item).get(TRACKING, "").partition(":")[0]
    if tracked in items:
        return tracked
    for name, other in items.items():
        if any(one.get("kind") == "Application" and one.get("name") == name_of(item) for one in entries_of(other)):
            return name
    owners = [one.get("name") for one in item.get("metadata", {}).get("ownerReferences") or []]
    for name, other in items.items():
        if any(one.get("kind") == "ApplicationSet" and one.get("name") in owners for one in entries_of(other)):
            return name
    return ""


def entries_of(application: Object) -> Objects:
    """Return what an Application tracks (`status.resources`)."""
    return list(status_of(application).get("resources") or [])


def family(items: Objects, application: str) -> Objects:
    """Return an Application and those above, beside (of its environment) and below it, in the order they sync."""
    known = {name_of(item): item for item in items}
    start = application
    if start not in known:
        above = f"env-{application.removeprefix('indigo-')}"
        if above not in known:
            return [item for name, item in known.items() if name == ROOT]
        start = above
    parents = {name: _parent(known, item) for name, item in known.items()}
    chain = [start]
    while (parent := parents[chain[0]]) and parent not in chain:
        chain.insert(0, parent)
    environment = labels_of(known[start]).get(ENVIRONMENT)
    beside = [
        name
        for name, item in known.items()
        if environment
        and parents[name]
        and parents[name] == parents[start]
        and labels_of(item).get(ENVIRONMENT) == environment
    ]
    chain[chain.index(start) :] = _by_wave(known, {start, *beside})
    for name in chain[:]:
        if name == start or name in beside:
            chain += _by_wave(known, {one for one in known if one not in chain and parents[one] == name})
    return [known[name] for name in chain]


def _by_wave(known: Mapping[str, Object], names: set[str]) -> list[str]:
    return sorted(names, key=lambda name: (wave_of(known[name]) or 0, name))

"""Two versions of an object, field by field: entries of lists are found by what names them, not by their place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.diff.defaults import OPTIONAL_MAPS

_NAMES: dict[str, tuple[str, ...]] = {
    "volumeMounts": ("mountPath",),
    "ports": ("name",),
    "items": ("key",),
    "topologySpreadConstraints": ("topologyKey",),
}
_USUAL = ("name", "alert", "record", "mountPath")


@dataclass(frozen=True)
class Field:
    """A field that differs; None where one of them has none.

    `order` is set where nothing but the order of a list differs, which Kubernetes takes for a difference inside a pod.
    """

    path: tuple[str, ...]
    old: Any
    new: Any
    order: bool = False

    @property
    def where(self) -> str:
        """Return the path as a person writes it: spec.template.spec.containers[iam].image."""
        return "".join(part if part.startswith("[") else f".{part}" for part in self.path).lstrip(".")


def compare(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[Field]:
    """Yield the fields in which two normal values differ, in the order of the old one."""
    if path and path[-1] in OPTIONAL_MAPS and (old is None or new is None):
        old, new = old or {}, new or {}
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from compare(old.get(key), new.get(key), (*path, str(key)))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, path)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):  # to Python, true is 1
        yield Field(path, old, new)


def _lists(old: list[Any], new: list[Any], path: tuple[str, ...]) -> Iterator[Field]:
    if old == new:
        return
    keys = _keys(path[-1] if path else "", old, new)
    if keys is None:
        yield from _unnamed(old, new, path)
        return
    before, after = keys
    for name in [*before, *(name for name in after if name not in before)]:
        yield from compare(before.get(name), after.get(name), (*path, f"[{name}]"))
    both = [name for name in before if name in after]
    if both != [name for name in after if name in before]:
        yield Field(path, list(before), list(after), order=True)


def _unnamed(old: list[Any], new: list[Any], path: tuple[str, ...]) -> Iterator[Field]:
    texts = [[text(entry) for entry in entries] for entries in (old, new)]
    gone, come = Counter(texts[0]) - Counter(texts[1]), Counter(texts[1]) - Counter(texts[0])
    if not gone and not come:
        yield Field(path, old, new, order=True)
    elif path and path[-1] in ("command", "args"):
        if len(old) == len(new):
            for index, (one, other) in enumerate(zip(old, new, strict=True)):
                yield from compare(one, other, (*path, f"[{index}]"))
        else:
            yield Field(path, old, new)
    else:
        for entry in [entry for entry in old if text(entry) in gone]:
            yield Field((*path, "[-]"), entry, None)
        for entry in [entry for entry in new if text(entry) in come]:
            yield Field((*path, "[+]"), None, entry)


def _keys(list_name: str, old: list[Any], new: list[Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return both lists as maps by what names their entries; None where nothing does."""
    entries = [*old, *new]
    if not all(isinstance(entry, Mapping) for entry in entries):
        return None
    for field in (*_NAMES.get(list_name, ()), *_USUAL):
        maps = _by(field, old), _by(field, new)
        if maps[0] is not None and maps[1] is not None:
            return maps[0], maps[1]
    return None


def _by(field: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for entry in entries:
        name = entry.get(field, (entry.get("metadata") or {}).get(field))
        if name is None or str(name) in found:
            return None
        found[str(name)] = entry
    return found


def text(value: Any) -> str:
    """Return a value on one line, as JSON with sorted keys; text as it is, quantities by their amount."""
    if isinstance(value, str):
        return value if type(value) is str else f"{value}"
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(", ", ": "))

"""Which values make an object what it is: each is taken away or changed, and the object is rendered again."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UserError
from harness.model.load import read_yaml
from harness.render.helm import WORKERS, Inputs, template
from harness.render.locate import line_of
from harness.render.objects import Object

_ABSENT = object()
Key = tuple[Any, ...]  # as YAML has them: a key without quotes may be a number or a boolean


@dataclass(frozen=True)
class Deciding:
    """A key of a values file that decides the object; `required` where the charts refuse any change that was tried."""

    key: str
    value: Any
    path: Path
    line: int
    required: bool


def decided(inputs: Inputs, item: Object, component: str) -> list[Deciding]:
    """Return the keys of the environment's and its profile's values without which an object would be another one.

    Args:
        inputs: what Helm is given for the Application that renders it.
        item: the object.
        component: that it belongs to: keys of other components are left out unasked; empty where it belongs to none.

    Returns:
        in the order of the files, the later one winning, and of their lines.
    """
    candidates = [
        (path, key, value)
        for path in inputs.values
        for key, value in leaves(read_yaml(path))
        if not component or str(key[0]) in ("global", component)
    ]
    with tempfile.TemporaryDirectory(prefix="indigo-trace-") as folder, ThreadPoolExecutor(WORKERS) as pool:
        tries = [
            list(changes(inputs, path, key, value, Path(folder) / f"{index}.yaml"))
            for index, (path, key, value) in enumerate(candidates)
        ]
        effects = list(pool.map(lambda changes: _effect(changes, item), tries))
    return [
        Deciding(".".join(map(str, key)), value, path, line_of([str(step) for step in key], path), effect == "refused")
        for (path, key, value), effect in zip(candidates, effects, strict=True)
        if effect
    ]


def changes(inputs: Inputs, path: Path, key: Key, value: Any, target: Path) -> Iterator[Inputs]:
    """Yield what Helm is given without a key of a values file, then with another value of the same sort.

    Args:
        inputs: what it is given with the key.
        path: the values file.
        key: the key in it.
        value: its value.
        target: where the changed files are written, with a number in their names.
    """
    for number, other in enumerate((_ABSENT, *_others(value))):
        yield _with(inputs, path, key, other, target.with_stem(f"{target.stem}-{number}"))


def leaves(value: Any, above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield every key of nested maps that holds no map of its own, with its value."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*above, key))
    elif above:
        yield above, value


def _others(value: Any) -> Iterator[Any]:
    """Yield another value of the same sort, for a key that the charts insist on."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
    elif isinstance(value, str):
        yield f"{value}x"


def _with(inputs: Inputs, path: Path, key: Key, value: Any, target: Path) -> Inputs:
    """Return the inputs with one key of one file taken out, or set to another value."""
    values = read_yaml(path)
    holder = values
    for step in key[:-1]:
        holder = holder[step]
    if value is _ABSENT:
        del holder[key[-1]]
    else:
        holder[key[-1]] = value
    target.write_text(yaml.safe_dump(values), encoding="utf-8")
    return dataclasses.replace(inputs, values=tuple(target if one == path else one for one in inputs.values))


def _effect(changes: Iterable[Inputs], item: Object) -> str:
    """Return what comes of the first change that the charts take: `changed` or nothing; `refused` without one."""
    objects = next((found for found in map(_objects, changes) if found is not None), None)
    if objects is None:
        return "refused"
    name = (item["apiVersion"], item["kind"], item["metadata"]["name"], item["metadata"].get("namespace"))
    same = [
        other
        for other in objects
        if (other["apiVersion"], other["kind"], other["metadata"]["name"], other["metadata"].get("namespace")) == name
    ]
    return "" if same == [item] else "changed"


def _objects(inputs: Inputs) -> list[Object] | None:
    try:
        return template(inputs).objects
    except UserError:
        return None

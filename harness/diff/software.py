"""What changes of the software: components, images, settings, numbers of pods."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.checks.rules.contract_settings import declaration
from harness.diff.fields import Field
from harness.diff.model import Change, Kind, Level
from harness.diff.pairs import Pair, Pairs, changed_lines, shown
from harness.diff.pods import value
from harness.model.contract import Contract, Setting
from harness.model.environment import Mode


def components(pairs: Pairs) -> Iterator[Change]:
    """Yield the components that come, go, or run somewhere else than before."""
    before = pairs.before.modes if pairs.before else {}
    after = pairs.after.modes if pairs.after else {}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, Mode.OFF), after.get(name, Mode.OFF)
        if old is new:
            continue
        objects = [one for one in pairs.components if one.component == name]
        details = []
        for word, found in (
            ("made", [one for one in objects if one.new]),
            ("pruned", [one for one in objects if one.gone and not one.kept]),
            ("stays", [one for one in objects if one.kept]),
        ):
            if found:
                details.append(f"{word}: {', '.join(one.title for one in found)}")
        contract = pairs.contracts.get(name)
        yield Change(
            kind=Kind.COMPONENT,
            level=Level.ATTENTION if old.here and not new.here else Level.INFO,
            component=name,
            text=_moved(name, contract, old, new),
            details=tuple(details + _data(old, new, objects)),
        )


def _moved(name: str, contract: Contract | None, old: Mode, new: Mode) -> str:
    title = contract.title if contract else name
    if not old.here and new.here:
        return f"{title} comes ({old} -> {new})"
    if old.here and not new.here:
        return f"{title} goes ({old} -> {new})"
    return f"{title}: {old} -> {new}"


def _data(old: Mode, new: Mode, objects: list[Pair]) -> list[str]:
    claims = [
        one
        for one in objects
        if one.kind == "StatefulSet" and one.gone and one.item["spec"].get("volumeClaimTemplates")
    ]
    if claims:
        return [f"claims of {', '.join(one.title for one in claims)} stay, with the data in them"]
    if old.here and new.here and old is not new:
        return ["data is not brought over: make a backup before, and read it in after"]
    return []


def images(pairs: Pairs) -> Iterator[Change]:
    """Yield the images that are another one than before, each once, with the components that run it."""
    found: dict[tuple[str, str], set[str]] = {}
    for one in pairs.components:
        for field in one.fields:
            if field.path[-1] == "image" and isinstance(field.old, str) and isinstance(field.new, str):
                found.setdefault((field.old, field.new), set()).add(one.component)
    for (old, new), users in sorted(found.items()):
        names = sorted(users - {""})
        text = _versions(old, new)
        yield Change(
            kind=Kind.IMAGE, component=names[0] if len(names) == 1 else "", text=f"{text} ({', '.join(names)})"
        )


def _versions(old: str, new: str) -> str:
    for mark in ("@", ":"):
        one, other = old.rpartition(mark), new.rpartition(mark)
        if one[0] and one[0] == other[0] and "/" not in one[2] + other[2]:
            return f"{one[0]}: {one[2]} -> {other[2]}"
    return f"{old} -> {new}"


def settings(pairs: Pairs) -> Iterator[Change]:
    """Yield the settings that change, with what the contract says of them: variables, and lines of files."""
    seen = set()
    for one in pairs.components:
        contract = pairs.contract(one)
        if contract is None:
            continue
        for name, field in _variables(one, contract):
            change = _variable(contract, name, field)
            if change not in seen:
                seen.add(change)
                yield change
        if one.kind == "ConfigMap" and one.changed:
            yield from _files(one, contract)


def _variables(one: Pair, contract: Contract) -> Iterator[tuple[str, Field]]:
    """Yield the variables of the component's own container that differ."""
    for field in one.fields:
        path = field.path
        if (
            "env" in path
            and path[path.index("env") - 1] == f"[{contract.component}]"
            and len(path) > path.index("env") + 1
        ):
            yield path[path.index("env") + 1].strip("[]"), field


def _variable(contract: Contract, name: str, field: Field) -> Change:
    return Change(
        kind=Kind.SETTING,
        component=contract.component,
        text=f"{name}: {value(field.old)} -> {value(field.new)}",
        details=tuple(_meaning(declaration(contract, name))),
    )


def _meaning(declared: Setting | None) -> Iterator[str]:
    if declared is not None:
        yield declared.meaning
        if declared.trap:
            yield f"careful: {declared.trap}"


def _files(config: Pair, contract: Contract) -> Iterator[Change]:
    for field in config.fields:
        if field.path[0] not in ("data", "binaryData") or len(field.path) < 2:
            continue
        name = field.path[1]
        lines = _lines(field.old, field.new)
        known = [
            f"{setting}: {declared.meaning}"
            for setting, declared in contract.settings.items()
            if declared.where != "env" and _key(declared.where) == name and _named(setting, lines)
        ]
        what = "is new" if field.old is None else "is gone" if field.new is None else f"{len(lines)} lines"
        yield Change(
            kind=Kind.SETTING,
            component=contract.component,
            object=config.title,
            text=f"file {_path(contract, name) or name}: {what}",
            details=(*lines, *known),
        )


def _key(path: str) -> str:
    """Return the key that a file has in its ConfigMap (charts/common/templates/_config.tpl)."""
    return path.removeprefix("/").replace("/", ".")


def _path(contract: Contract, key: str) -> str | None:
    return next(
        (one.where for one in contract.settings.values() if one.where != "env" and _key(one.where) == key), None
    )


def _named(setting: str, lines: list[str]) -> bool:
    last = setting.rpartition(".")[2]
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", line) for word in {setting, last} for line in lines)


def _lines(old: Any, new: Any) -> list[str]:
    """Return the lines that differ, with - and + before them."""
    return changed_lines(str(old or ""), str(new or ""))


def scale(pairs: Pairs) -> Iterator[Change]:
    """Yield the workloads and resources that get another number of pods."""
    for one in pairs.components:
        for field in one.at("spec", "replicas"):
            contract = pairs.contract(one)
            old, new = (1 if number is None else number for number in (field.old, field.new))
            replicated = (
                contract.availability.replicated if contract and old == 1 and isinstance(new, int) and new > 1 else None
            )
            yield Change(
                kind=Kind.SCALE,
                level=Level.ATTENTION if new == 0 else Level.INFO,
                component=one.component,
                object=one.title,
                text=f"replicas {shown(old)} -> {shown(new)}",
                details=(f"with several: {replicated.by}",) if replicated else (),
            )

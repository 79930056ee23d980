"""Reads contracts from disk; every mistake becomes one UserError that names file, key and fix."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import UserError
from harness.model.contract import Contract

try:
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]


MIB = 1024 * 1024
LARGEST = 2 * MIB
"""Bytes of a file that is read as a whole: the largest of ours has a quarter of it."""
KNOWN = "indigo-paas/v1"
"""The version of the contracts' schema that is known here (`apiVersion`)."""
Model = TypeVar("Model", bound=BaseModel)


class _Loader(_BaseLoader):
    """YAML as Helm reads it, and a key written twice is an error instead of a silent overwrite."""


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is written twice", key_node.start_mark)
        seen.add(key)
    result: dict[Any, Any] = yaml.SafeLoader.construct_mapping(loader, node, deep=True)
    return result


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path, shown: str | None = None) -> Any:
    """Return the one YAML document in a file (None where it is empty).

    Raises:
        UserError: no such file, not text, or not YAML; names line and column.
    """
    shown = shown or str(path)
    return _document(_text(path, shown), shown)


def _text(path: Path, shown: str) -> str:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise UserError(
                f"{path.name} has {size / MIB:.1f} MiB, at most {LARGEST // MIB} MiB are read",
                where=shown,
                fix="keep data out of it: Helm's release, values included, has to fit into a Secret of 1 MiB",
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path.name} does not exist", where=shown) from None
    except UnicodeDecodeError:
        raise _no_text(shown) from None
    except OSError as error:  # a folder, a link that leads to itself, no permission
        raise UserError(f"{path.name} cannot be read: {error.strerror}", where=shown, fix="make it a file") from None


def read_json(path: Path, shown: str | None = None) -> Any:
    """Return what a JSON file holds.

    Raises:
        UserError: no such file, not text, or not JSON; names line and column.
    """
    shown = shown or str(path)
    try:
        return json.loads(_text(path, shown))
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path.name} is not JSON: {error.msg}", where=f"{shown}:{error.lineno}:{error.colno}", fix="mend the line"
        ) from None
    except RecursionError:
        raise _too_deep(shown) from None


def _too_deep(shown: str) -> UserError:
    return UserError(f"{Path(shown).name} is nested too deeply", where=shown, fix="write it as nested as its schema is")


def _no_text(shown: str) -> UserError:
    return UserError(f"{Path(shown).name} is not a text file in UTF-8", where=shown, fix="write it as YAML")


def _document(text: str, shown: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.reader.ReaderError:
        raise _no_text(shown) from None
    except RecursionError:
        raise _too_deep(shown) from None
    except TypeError as error:  # a list or map as a key
        raise UserError(
            f"{Path(shown).name}: a key is no text ({error})", where=shown, fix="write keys as plain words"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise UserError(
            f"{Path(shown).name} is not YAML: {getattr(error, 'problem', None) or error}",
            where=f"{shown}{line}",
            fix="mend the line; indentation by two spaces, strings with : or # in quotes",
        ) from None


def parse(model: type[Model], data: Any, shown: str) -> Model:
    """Return data as a model.

    Raises:
        UserError: it breaks the schema; every problem is listed with its key.
    """
    if not isinstance(data, dict):
        found = "nothing" if data is None else type(data).__name__
        raise UserError(f"expected a mapping, found {found}", where=shown, fix="write it as `key: value`; see schemas/")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_problem(model, item) for item in error.errors()]
        raise UserError(
            f"{len(problems)} problem{'s' if len(problems) > 1 else ''}: {problems[0]}",
            where=shown,
            fix="see schemas/ for the shape, and another component's file as an example",
            details="\n".join(problems[1:]),
        ) from None


def _problem(model: type[BaseModel], item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"]) or model.__name__
    if item["type"] == "extra_forbidden":
        return f"{key}: no such key"
    if item["type"] == "missing":
        return f"{key}: is required"
    return f"{key}: {item['msg'].removeprefix('Value error, ')}"


def load_contract(chart: Path) -> Contract:
    """Return the contract of a chart's folder.

    Raises:
        UserError: absent, not YAML, breaks the schema, or names another component than its folder.
    """
    path = chart / "contract.yaml"
    shown = f"{chart.parent.name}/{chart.name}/contract.yaml"
    contract = _contract(_text(path, shown), shown)
    if contract.component != chart.name:
        raise UserError(
            f"component: {contract.component} does not match the folder {chart.name}",
            where=shown,
            fix=f"write component: {chart.name}, or rename the folder",
        )
    return contract


@functools.lru_cache(maxsize=256)
def _contract(text: str, shown: str) -> Contract:
    """Return a contract; of the same text it is read once, which is sound because a contract cannot be changed."""
    data = _document(text, shown)
    version = data.get("apiVersion", KNOWN) if isinstance(data, dict) else KNOWN
    if version != KNOWN:
        raise UserError(
            f"apiVersion: this contract is of {version}, and this harness knows {KNOWN}",
            where=shown,
            fix=f"use the harness of the same commit as the charts (git pull, make setup), or write it as {KNOWN}",
        )
    return parse(Contract, data, shown)


def load_contracts(charts: Path) -> dict[str, Contract]:
    """Return all contracts below a directory of charts, instances included, by component, in alphabetical order.

    Raises:
        UserError: as `load_contract`, or an instance has the name of another component.
    """
    folders = sorted(path.parent for path in charts.glob("*/contract.yaml"))
    contracts: dict[str, Contract] = {}
    for contract in [item for folder in folders for item in load_contract(folder).expanded()]:
        if contract.component in contracts:
            raise UserError(
                f"instances.{contract.component}: there is a component of that name already",
                where=f"{charts.name}/{contract.chart}/contract.yaml",
                fix="give the instance another name",
            )
        contracts[contract.component] = contract
    return dict(sorted(contracts.items()))

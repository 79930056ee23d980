"""The contract as the oracle of every variable: known, well written, there where required, no secret in sight."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import Container, Pod
from harness.model.contract import SETTING_PATTERNS, Contract, Setting

_REFERENCE = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)")


def _check(platform: Platform) -> Iterator[Problem]:
    for contract, pod in platform.component_pods:
        main = pod.main
        if main is None:
            yield Problem(pod.owner, f"{pod.path}.containers", f"no container is named {contract.component}")
            continue
        yield from _variables(contract, pod, main)
        if pod.server:
            yield from _required(contract, pod, main, platform)


def _variables(contract: Contract, pod: Pod, main: Container) -> Iterator[Problem]:
    if main.data.get("envFrom"):
        yield Problem(
            pod.owner, f"{main.path}.envFrom", "takes all of a ConfigMap or Secret as variables, whatever their names"
        )
    from_secret: set[str] = set()
    seen: set[str] = set()
    for index, entry in enumerate(main.data.get("env") or ()):
        name, path = entry["name"], f"{main.path}.env[{index}]"
        if name in seen:
            yield Problem(pod.owner, path, f"the setting {name} is set twice")
        source = entry.get("valueFrom") or {}
        declared = declaration(contract, name)
        if declared is None:
            yield Problem(pod.owner, path, f"the setting {name} is not in the contract")
        elif "secretKeyRef" not in source:
            yield from _plain(pod, path, name, entry, declared, from_secret, seen)
        if "secretKeyRef" in source or _secret_parts(entry, from_secret):
            from_secret.add(name)
        seen.add(name)


def _plain(
    pod: Pod, path: str, name: str, entry: Mapping[str, Any], declared: Setting, from_secret: set[str], seen: set[str]
) -> Iterator[Problem]:
    value = str(entry.get("value", ""))
    for reference in _REFERENCE.findall(value):
        if reference not in seen:
            yield Problem(
                pod.owner,
                path,
                f"the setting {name} refers to $({reference}), which no variable before it has",
                f"put {reference} before {name}: Kubernetes resolves only what stands before",
            )
    if declared.secret and not _secret_parts(entry, from_secret):
        yield Problem(pod.owner, path, f"the setting {name} is secret and stands in the clear", "take it from a Secret")
    elif "valueFrom" not in entry and not _REFERENCE.search(value):
        wrong = misfit(value, declared)
        if wrong:
            fix = f"write what the contract says in the wiring or the environment's settings. {declared.trap}".strip()
            yield Problem(pod.owner, path, f"the setting {name}: {wrong}", fix)


def _secret_parts(entry: Mapping[str, Any], from_secret: set[str]) -> bool:
    return bool(set(_REFERENCE.findall(str(entry.get("value", "")))) & from_secret)


def _required(contract: Contract, pod: Pod, main: Container, platform: Platform) -> Iterator[Problem]:
    present = {entry["name"] for entry in main.data.get("env") or ()}
    files = ""
    for name, declared in contract.settings.items():
        if not declared.required:
            continue
        if declared.where == "env" and not any(fnmatchcase(found, name) for found in present):
            yield Problem(
                pod.owner,
                f"{main.path}.env",
                f"the setting {name} is required and nothing sets it",
                f"set it in charts/{contract.component}/templates/_wiring.tpl: {declared.meaning}",
            )
        elif declared.where != "env":
            files = files or _files(contract.component, main, platform)
            if not _mentions(files, name):
                yield Problem(
                    pod.owner,
                    declared.where,
                    f"the setting {name} of this file is required and nothing sets it",
                    f"set it in charts/{contract.component}/templates/_wiring.tpl: {declared.meaning}",
                )


def _mentions(text: str, name: str) -> bool:
    """Whether a file sets a key: as it is written, or as nested maps; * stands for any one of them."""
    return name in text or all(part in text for part in name.split(".") if part != "*")


def _files(component: str, main: Container, platform: Platform) -> str:
    """Return the text of all files of a component: its ConfigMaps, and what a start script writes."""
    maps = [item for item in platform.of_kind("ConfigMap") if platform.component(item) == component]
    return json.dumps([item.get("data") for item in maps]) + json.dumps(
        [main.data.get("command"), main.data.get("args")]
    )


def declaration(contract: Contract, name: str) -> Setting | None:
    """Return what a contract says of a variable; a name that ends with * stands for all that begin so."""
    exact = contract.settings.get(name)
    if exact is not None and exact.where == "env":
        return exact
    patterns = [known for known in contract.settings if "*" in known and contract.settings[known].where == "env"]
    fitting = sorted((known for known in patterns if fnmatchcase(name, known)), key=len)
    return contract.settings[fitting[-1]] if fitting else None


def misfit(value: str, declared: Setting) -> str:
    """Return why a value does not fit its declaration; empty where it does."""
    if declared.allowed:
        return "" if value in declared.allowed else f"{value!r} is none of {', '.join(declared.allowed)}"
    pattern = SETTING_PATTERNS.get(declared.type)
    if value and pattern and not re.search(pattern.removesuffix("$") + r"\Z", value):
        return f"{value!r} is not of type {declared.type.value}"
    return ""


RULE = Rule(
    id="contract-settings",
    title="Every variable is one that the contract knows, of its type, and secret ones come from Secrets",
    fix="declare it under settings in the component's contract.yaml, or do not set it in templates/_wiring.tpl",
    source="charts/<component>/contract.yaml, settings",
    why="Most software reads a misspelt or mistyped variable without a word and runs with its default; a secret "
    "in the clear is in Git, in the manifest and in every log of it.",
    example=Example(
        given='env: [{name: MARIADB_WSREP, value: "1"}]',
        says="the setting MARIADB_WSREP is not in the contract",
    ),
    environment=_check,
)

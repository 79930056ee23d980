"""What can be set is read, and what is read can be set and is described: values, schema and templates are one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.checks.model import Example, Problem, Rule, Subject
from harness.model.contract import Contract
from harness.model.environment import UMBRELLA
from harness.model.load import read_yaml

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.S)
_ALIAS = re.compile(r"\$(\w+) :?= (?:\(?deepCopy )?\$?[\w.]*\bValues\b(?!\.)")
_READ = re.compile(r"(?:\bValues|\$(\w+))\.([A-Za-z]\w*)")
_BY_NAME = re.compile(
    r"\b(?:get|index|hasKey|pick)\s+(?:\$?[\w.]*\bValues\b(?!\.)|\$(\w+)(?![\w.]))\s+\"([A-Za-z]\w*)\""
)
_DIG = re.compile(r"\bdig\b([^\n}]*)")
_TEXT = re.compile(r"\"([A-Za-z][\w-]*)\"")
BUILT_IN = {"global"}  # what Helm itself gives every chart beside its own values


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    library = _texts(subject.repository / "charts" / "common")
    shared = read_keys(library)
    for name, contract in subject.contracts.items():
        if contract.like is None:
            own = _texts(subject.repository / "charts" / contract.chart)
            for path, message, fix in _component(contract, own, shared):
                file = f"charts/{contract.chart}/contract.yaml"
                yield "", Problem(None, path, message, fix, component=name, file=file)
    for path, message, fix in _umbrella(subject.repository, library, subject.contracts):
        yield "", Problem(None, path, message, fix, component="", file=str(UMBRELLA / "values.yaml"))


def _component(contract: Contract, text: str, shared: set[str]) -> Iterator[tuple[str, str, str]]:
    """Yield key, sentence and fix for each option that nothing reads, and each key that is read and no option."""
    read = read_keys(text)
    for option in contract.options:
        if option not in read:
            yield (
                f"options.{option}",
                f"no template of the chart reads the option {option}: whoever sets it changes nothing",
                "remove the option, or read it in templates/_wiring.tpl",
            )
    for key in sorted(read - set(contract.options) - shared - BUILT_IN - COMMON):
        yield (
            "options",
            f"a template reads .Values.{key}, which no site can set: the schema is closed",
            f"declare options.{key} with its meaning, or do not read it",
        )


def _umbrella(repository: Path, library: str, contracts: Mapping[str, Contract]) -> Iterator[tuple[str, str, str]]:
    """Yield the same for what is below `global`, whose file is written by hand."""
    file = repository / UMBRELLA / "values.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    values = read_yaml(file, str(UMBRELLA / "values.yaml")) or {}
    charts = library + "".join(
        _texts(path) for path in sorted((repository / "charts").glob("*")) if path.name != "common"
    )
    words = {word for call in _DIG.findall(charts) for word in _TEXT.findall(call)}
    words |= {role for contract in contracts.values() for role in contract.roles}  # global.groups, read by role
    words |= set(re.findall(r"\.([A-Za-z]\w*)", charts)) | set(_TEXT.findall(charts))
    section: Mapping[str, Any] = values.get("global") or {}
    for key, value in section.items():
        inner = list(value) if isinstance(value, dict) and key not in BY_COMPONENT else []
        if not _described(lines, key, 2) and not (inner and all(_described(lines, name, 4) for name in inner)):
            yield f"global.{key}", f"global.{key} has no description", "write a comment `# -- ...` above it"
        for name in sorted({key, *inner} - words):
            at = f"global.{key}" + (f".{name}" if name != key else "")
            yield at, f"no template reads {at}: whoever sets it changes nothing", "remove it, or read it in a template"


def _described(lines: list[str], key: str, indent: int) -> bool:
    """Whether a comment block above a key begins with `# --`."""
    at = next((index for index, line in enumerate(lines) if line.startswith(f"{' ' * indent}{key}:")), 0)
    block = []
    while at > 0 and lines[at - 1].strip().startswith("#"):
        at -= 1
        block.append(lines[at].strip())
    return any(line.startswith("# --") and len(line) > 12 for line in block)


def read_keys(text: str) -> set[str]:
    """Return the keys directly below `.Values` that templates read, themselves or through a variable."""
    text = _COMMENT.sub("", text)
    aliases = set(_ALIAS.findall(text))
    found = {key for name, key in (*_READ.findall(text), *_BY_NAME.findall(text)) if not name or name in aliases}
    for call in _DIG.findall(text):
        if re.search(r"\bValues\b(?!\.)", call) or any(f"${name}" in call for name in aliases):
            found |= set(_TEXT.findall(call)[:1])
    return found


def _texts(chart: Path) -> str:
    paths = sorted(path for path in (chart / "templates").glob("*") if path.is_file())
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)


COMMON = {
    "replicas", "schedule", "suspend", "image", "resources", "settings", "volumes", "podAnnotations", "jobs",
    "scheduling", "extraEgress", "route", "operator",
}  # fmt: skip
"""The values that every component has (docs/explanation/architecture.md, Values)."""
BY_COMPONENT = {"components", "urls", "audiences", "secrets", "secretRevisions"}
"""Sections of `global` whose keys are names of components and Secrets, not words of a template."""

RULE = Rule(
    id="values-documented",
    title="Every value that can be set is read and described, and every value that a template reads can be set",
    fix="declare it under options of the contract with its meaning, or remove it",
    source="docs/explanation/architecture.md, Values; charts/README.md",
    why="The schemas are closed: what a template reads beyond them is always empty, and an option that nothing reads "
    "is accepted, documented and does nothing.",
    example=Example(
        given="options.colour in the contract of valkey, which no template of it reads",
        says="no template of the chart reads the option colour: whoever sets it changes nothing",
    ),
    checkout=_check,
)

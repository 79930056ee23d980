"""Values that a chart's schema refuses, in our words: the key as the values file has it, what is wrong, the fix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.model.load import read_json, read_yaml
from harness.render.locate import locate, shown, subchart, written

_LINE = re.compile(r"^\s*- at '(?P<at>[^']*)': (?P<text>.*)$")
_WORDS = {"integer": "a whole number", "number": "a number", "string": "text", "object": "a map", "array": "a list",
          "boolean": "true or false", "null": "nothing"}  # fmt: skip


@dataclass(frozen=True)
class _Problem:
    key: tuple[str, ...]
    message: str
    fix: str


def schema_refusal(text: str, chart: Path, values: Sequence[Path]) -> UserError:
    """Return the error for Helm's list of schema violations; each key is named once, in alphabetical order."""
    problems = sorted(set(_problems(text, chart, values)), key=lambda problem: (problem.key, problem.message))
    if not problems:
        return UserError("the values break the chart's schema", where=shown(chart), details=text)
    first = problems[0]
    where = locate(first.key, values)
    if len(problems) == 1:
        return UserError(_said(first), where=where, fix=first.fix)
    return UserError(
        f"{len(problems)} values are refused: {_said(first)}",
        where=where,
        fix=first.fix,
        details="\n".join(
            f"{_said(problem)} ({locate(problem.key, values)}); {problem.fix}" for problem in problems[1:]
        ),
    )


def _said(problem: _Problem) -> str:
    return f"{'.'.join(problem.key) or 'the values'}: {problem.message}"


def _problems(text: str, chart: Path, values: Sequence[Path]) -> Iterator[_Problem]:
    root = _name(chart)
    prefix: tuple[str, ...] = ()
    schema = _schema(chart)
    for line in text.splitlines():
        header = re.match(r"^(\S+):$", line)
        if header:
            prefix = () if header[1] == root else (header[1],)
            schema = _schema(subchart(chart, header[1]) if prefix else chart)
        found = _LINE.match(line)
        if found and found["text"] != "validation failed":
            steps = tuple(part.replace("~1", "/").replace("~0", "~") for part in found["at"].split("/")[1:])
            for key, message, fix in _explain(found["text"], steps, _at(schema, steps)):
                full = (*prefix, *key)
                word = "one of" in found["text"] or "want string" in found["text"]
                yield _Problem(full, message, (_hint(written(full, values)) if word else None) or fix)


def _explain(text: str, key: tuple[str, ...], schema: Any) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield key, message and fix for one line of the validator (github.com/santhosh-tekuri/jsonschema, v6)."""
    described = schema.get("description", "") if isinstance(schema, dict) else ""
    if text.startswith("additional properties "):
        known = sorted(schema.get("properties", {})) if isinstance(schema, dict) else []
        for name in re.findall(r"'([^']*)'", text):
            near = difflib.get_close_matches(name, known, n=1)
            yield (
                (*key, name),
                "no such key",
                f"write {near[0]}" if near else f"remove it; known here: {', '.join(known) or 'none'}",
            )
        return
    if text.startswith("missing propert"):
        for name in re.findall(r"'([^']*)'", text):
            yield (*key, name), "is required", f"write it{f': {described}' if described else ''}"
        return
    typed = re.match(r"got (\w+), want (.+)$", text)
    bound = re.match(r"(maximum|minimum|maxLength|minLength|maxItems|minItems): got (\S+), want (\S+)$", text)
    pattern = re.match(r"'(?P<value>.*)' does not match pattern '(?P<pattern>.*)'$", text, re.S)
    choice = re.match(r"value must be one of (.*)$", text)
    if typed:
        wanted = " or ".join(_WORDS.get(kind.strip(), kind.strip()) for kind in typed[2].split(" or "))
        message = f"expected {wanted}, found {_WORDS.get(typed[1], typed[1])}"
        fix = f"write {wanted}"
    elif bound:
        message = f"{bound[2]} is {'more' if bound[1].startswith('max') else 'less'} than {bound[3]}"
        fix = f"write at {'most' if bound[1].startswith('max') else 'least'} {bound[3]}"
    elif pattern:
        message = f"{pattern['value']!r} has not the right form"
        fix = f"write what matches {pattern['pattern']}"
    elif choice:
        options = [option.strip().strip("'") for option in choice[1].split(",")]
        message, fix = f"is none of {', '.join(options)}", f"write {' or '.join(options)}"
    else:
        message, fix = text, "see the README of the chart"
    yield key, message, f"{fix}: {described}" if described else fix


def _hint(value: Any) -> str | None:
    if isinstance(value, bool):
        word = "on" if value else "off"
        return f'write the word in quotes ("{word}"): YAML reads {word} as {str(value).lower()}'
    return None


def _at(schema: Any, steps: tuple[str, ...]) -> Any:
    """Return the schema of a key; an empty one where it is not spelled out."""
    for step in steps:
        if not isinstance(schema, dict):
            return {}
        inside = schema.get("items") if step.isdigit() else (schema.get("properties") or {}).get(step)
        schema = inside if inside is not None else schema.get("additionalProperties", {})
    return schema


def _schema(chart: Path) -> Any:
    path = chart / "values.schema.json"
    return read_json(path, shown(path.resolve())) if path.is_file() else {}


def _name(chart: Path) -> str:
    data = read_yaml(chart / "Chart.yaml", shown(chart / "Chart.yaml"))
    return str(data.get("name", chart.name))

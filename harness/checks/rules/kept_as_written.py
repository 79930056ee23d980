"""Nothing is rendered that the API server would not keep: each sync would find it missing and write the object anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule
from harness.engines.crds.families import DEFINED


def _check(platform: Platform) -> Iterator[Problem]:
    for item in platform.objects:
        if str(item["apiVersion"]).rpartition("/")[0] in DEFINED:
            for path, what in _dropped(item, ""):
                yield Problem(
                    item, path, f"is {what}, which the API server drops: no sync would leave the object alone"
                )


def _dropped(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value is None:
        yield path, "null"
    elif isinstance(value, list):
        if not value:
            yield path, "an empty list"
        for index, part in enumerate(value):
            yield from _dropped(part, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _dropped(part, f"{path}.{key}" if path else str(key))


RULE = Rule(
    id="kept-as-written",
    title="No null and no empty list is rendered: the API server drops them, and a second sync would change the object",
    fix="leave the key out where there is nothing to write (with, if)",
    source="Kubernetes API conventions, optional fields (omitempty); seen with Argo CD 3.6.1 and `ingress: []`",
    why="Argo CD compares with what the API server stored. What that drops differs at every comparison, so the "
    "sync of an unchanged commit changes the object again.",
    example=Example(
        given="tolerations: []",
        says="is an empty list, which the API server drops",
    ),
    environment=_check,
)

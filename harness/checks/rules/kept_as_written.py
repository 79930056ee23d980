"""Nothing is rendered that the API server would not keep or would add to: each sync would find the object different."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule
from harness.engines.crds.families import DEFINED
from harness.render.objects import Object

_WRITE = "let common.claimtemplates write it"


def _check(platform: Platform) -> Iterator[Problem]:
    for item in platform.objects:
        if str(item["apiVersion"]).rpartition("/")[0] in DEFINED and not _whole(item):
            for path, what in _dropped(item, ""):
                yield Problem(
                    item, path, f"is {what}, which the API server drops: no sync would leave the object alone"
                )
        yield from _added(item)


def _added(item: Object) -> Iterator[Problem]:
    """What the API server writes into claim templates, and Argo CD compares (argoproj/argo-cd issue 11143)."""
    for index, template in enumerate((item.get("spec") or {}).get("volumeClaimTemplates") or ()):
        for key, found in (
            ("apiVersion", template.get("apiVersion")),
            ("kind", template.get("kind")),
            ("spec.volumeMode", (template.get("spec") or {}).get("volumeMode")),
        ):
            if not found:
                path = f"spec.volumeClaimTemplates[{index}].{key}"
                yield Problem(
                    item, path, "is left out, and the API server adds it: the set would never be in sync", _WRITE
                )


def _whole(item: Object) -> bool:
    """Return whether nothing of an object is dropped; where, is asked of the few of which something is."""
    left: list[Any] = [item]
    while left:
        value = left.pop()
        if value is None:
            return False
        if isinstance(value, list):
            if not value:
                return False
            left += value
        elif isinstance(value, dict):
            left += value.values()
    return True


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
    title="No null and no empty list is rendered, and claim templates are whole: a second sync would change the object",
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

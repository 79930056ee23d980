"""Every object says where it comes from: component and version, platform and environment, the chart that renders it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import pods_of
from harness.render import Object

PART_OF = "app.kubernetes.io/part-of"
VERSION = "app.kubernetes.io/version"
ENVIRONMENT = "indigo-paas/environment"
SOURCE = "indigo-paas/source"


def _check(platform: Platform) -> Iterator[Problem]:
    common = {PART_OF: "indigo-paas", ENVIRONMENT: platform.name}
    for item in platform.objects:
        component = platform.component(item)
        version = {VERSION: platform.contracts[component].upstream.version} if component else {}
        if VERSION in _own(item):  # that it is there is the part of `names`
            yield from _labels(item, "metadata", _own(item), version)
        for pod in pods_of(item):
            yield from _labels(item, f"{pod.path.removesuffix('.spec')}.metadata", pod.labels, {**common, **version})
        yield from _source(item, f"charts/{platform.contracts[component].chart}" if component else "charts/")
    for item in platform.delivery:
        yield from _labels(item, "metadata", _own(item), common)
        yield from _source(item, "argocd/")


def _own(item: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = item["metadata"].get("labels") or {}
    return labels


def _labels(item: Object, path: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[Problem]:
    for label, value in wanted.items():
        if label not in found:
            yield Problem(item, f"{path}.labels", f"lacks {label}")
        elif found[label] != value:
            yield Problem(item, f"{path}.labels.{label}", f"is {found[label]}, should be {value}")


def _source(item: Object, folder: str) -> Iterator[Problem]:
    source = str((item["metadata"].get("annotations") or {}).get(SOURCE, ""))
    if not source:
        yield Problem(item, "metadata.annotations", f"has no {SOURCE}: nobody sees which chart makes it")
    elif source != folder and not (folder.endswith("/") and source.startswith(folder)):
        yield Problem(item, f"metadata.annotations.{SOURCE}", f"is {source}, it is rendered by {folder}")


RULE = Rule(
    id="traceable",
    title="Every object and every pod says which component, version, environment and chart it is of",
    fix="let common.metadata and common.pod write labels and annotations; argocd/*/templates write their own",
    source="docs/adr/0008-traceability.md",
    why="When an object is wrong at three in the morning, its labels are what leads to the file and the commit "
    "that put it there (indigo trace).",
    example=Example(
        given="an object without the annotation indigo-paas/source",
        says="has no indigo-paas/source",
    ),
    environment=_check,
)

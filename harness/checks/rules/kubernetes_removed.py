"""No object is of an API that a supported version of Kubernetes no longer serves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.checks.lifecycle import lifecycles
from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.checks.versions import SUPPORTED
from harness.render.objects import Object


def _problems(objects: Iterable[Object]) -> Iterator[Problem]:
    for item in objects:
        api, kind = str(item.get("apiVersion")), str(item.get("kind"))
        life = lifecycles().get((api, kind))
        if life and life.is_removed(SUPPORTED[-1]):
            fix = f"write {life.instead}" if life.instead else None
            yield Problem(item, "apiVersion", f"Kubernetes {life.removed} and later serve no {kind} of {api}", fix)


def _environment(platform: Platform) -> Iterator[Problem]:
    yield from _problems([*platform.objects, *platform.delivery])


def _bootstrap(subject: Subject) -> Iterator[tuple[str, Problem]]:
    yield from (("", problem) for problem in _problems(subject.bootstrap))


RULE = Rule(
    id="kubernetes-removed",
    title=f"Every object is of an API that Kubernetes serves up to {SUPPORTED[-1]}",
    fix="see what takes the place of the API in the deprecation guide of Kubernetes",
    source="declarations of Kubernetes' own API modules (harness/checks/lifecycle/apis.json) and its deprecation guide",
    why="The API server refuses the object, and with it the whole sync, on the day when the cluster is upgraded.",
    example=Example(
        given="apiVersion: apps/v1beta2 of a Deployment",
        says="serve no Deployment of apps/v1beta2",
    ),
    environment=_environment,
    checkout=_bootstrap,
)

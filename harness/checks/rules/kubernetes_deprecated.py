"""No object is of a deprecated API, and none has a part that an API server warns of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.checks.lifecycle import lifecycles
from harness.checks.lifecycle.parts import deprecated_parts
from harness.checks.model import Example, Platform, Problem, Rule, Severity, Subject
from harness.checks.versions import SUPPORTED
from harness.engines.crds import deprecated
from harness.render.objects import Object


def _problems(objects: Iterable[Object]) -> Iterator[Problem]:
    for item in objects:
        api, kind = str(item.get("apiVersion")), str(item.get("kind"))
        life = lifecycles().get((api, kind))
        if life and life.is_deprecated(SUPPORTED[-1]) and not life.is_removed(SUPPORTED[-1]):
            until = f" and not served from {life.removed} on" if life.removed else ""
            message = f"{kind} of {api} is deprecated since Kubernetes {life.deprecated}{until}"
            yield Problem(item, "apiVersion", message, f"write {life.instead}" if life.instead else None)
        elif deprecated(api, kind):
            yield Problem(item, "apiVersion", f"{kind} of {api} is deprecated by its project")
        for path, message in deprecated_parts(item):
            yield Problem(item, path, message)


def _environment(platform: Platform) -> Iterator[Problem]:
    yield from _problems([*platform.objects, *platform.delivery])


def _bootstrap(subject: Subject) -> Iterator[tuple[str, Problem]]:
    yield from (("", problem) for problem in _problems(subject.bootstrap))


RULE = Rule(
    id="kubernetes-deprecated",
    title=f"Nothing is deprecated in Kubernetes up to {SUPPORTED[-1]}: no API, field, annotation, label of nodes",
    fix="use what takes its place; it goes on working until the version that the deprecation guide names",
    source="declarations of Kubernetes' own API modules, and the warnings of its API server (harness/checks/lifecycle)",
    why="It works, with a warning that nobody reads in a sync, until the upgrade that ends it.",
    example=Example(
        given="serviceAccount: iam of a pod",
        says="serviceAccount is deprecated",
    ),
    environment=_environment,
    checkout=_bootstrap,
    severity=Severity.WARNING,
)

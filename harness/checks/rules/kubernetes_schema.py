"""Every object is what the API servers of all supported versions take: right types, no unknown field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.checks.lifecycle import lifecycles
from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.checks.schemas import violations_in
from harness.checks.versions import SUPPORTED, span
from harness.render.objects import Object


def _problems(objects: Iterable[Object]) -> Iterator[Problem]:
    for item in objects:
        life = lifecycles().get((str(item.get("apiVersion")), str(item.get("kind"))))
        if life and life.is_removed(SUPPORTED[-1]):
            continue  # the rule kubernetes-removed says it, and what takes its place
        for path, message, minors in violations_in(item, *SUPPORTED):
            where = span(minors)
            yield Problem(item, path, f"{message} ({where})" if where else message)


def _environment(platform: Platform) -> Iterator[Problem]:
    yield from _problems([*platform.objects, *platform.delivery])


def _bootstrap(subject: Subject) -> Iterator[tuple[str, Problem]]:
    yield from (("", problem) for problem in _problems(subject.bootstrap))


RULE = Rule(
    id="kubernetes-schema",
    title=f"Every object fits the APIs of Kubernetes {', '.join(SUPPORTED)} strictly: types, and no unknown field",
    fix="mend the field; kubectl explain shows what there is",
    source="OpenAPI of Kubernetes, as the package kubernetes-validate carries it; harness/checks/argocd_schema.py",
    why="The API server drops or refuses a field that it does not know, at the sync and not at the review.",
    example=Example(
        given="imagePulPolicy: Always",
        says="unknown field imagePulPolicy",
    ),
    environment=_environment,
    checkout=_bootstrap,
)

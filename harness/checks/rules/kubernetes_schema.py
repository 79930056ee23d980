"""Every object is what the API server takes: right types, no unknown field."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.checks.schemas import violations
from harness.render import KUBERNETES


def _check(platform: Platform) -> Iterator[Problem]:
    for item in [*platform.objects, *platform.delivery]:
        for path, message in violations(item, KUBERNETES):
            yield Problem(item, path, message)


def _bootstrap(subject: Subject) -> Iterator[tuple[str, Problem]]:
    for item in subject.bootstrap:
        for path, message in violations(item, KUBERNETES):
            yield "", Problem(item, path, message)


RULE = Rule(
    id="kubernetes-schema",
    title=f"Every object fits the API of Kubernetes {KUBERNETES} strictly: types, and no unknown field",
    fix="mend the field; kubectl explain shows what there is",
    source="OpenAPI of Kubernetes, as the package kubernetes-validate carries it; harness/checks/argocd_schema.py",
    why="The API server drops or refuses a field that it does not know, at the sync and not at the review.",
    example=Example(
        given="imagePulPolicy: Always",
        says="unknown field imagePulPolicy",
    ),
    environment=_check,
    checkout=_bootstrap,
)

"""No template names an image by itself, and nothing that is rendered runs one that the list does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.checks.pods import pods_of
from harness.checks.templates import templates
from harness.model.images import catalogue

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.S)
_ACTION = re.compile(r"\{\{(.*?)\}\}", re.S)
_LINE = re.compile(r"^[ \t]*(?:- )?[\"']?(\w*[iI]mage(?:Name)?)[\"']?:[ \t]*(\S.*)$", re.M)
_DECIDED = re.compile(r'\binclude "common\.(?:component\.image|image\.(?:shared|of))"')
_NAMED = re.compile(r'"(?:repository|\w*[iI]mage(?:Name)?)"\s+("[^"]*[\w/][^"]*")')
_FIELD = re.compile(r"(?:\w*I|i)mage(?:Name)?")


def _templates(subject: Subject) -> Iterator[tuple[str, Problem]]:
    for path, text in templates(subject.repository):
        component = path.parts[1] if path.parts[1] in subject.contracts else ""
        for line, message in scan(text) if path.name != "_index.tpl" else ():
            yield "", Problem(None, f"line {line}", message, component=component, file=str(path))


@lru_cache(maxsize=2048)  # the watch and the tests ask for the same templates again and again
def scan(text: str) -> tuple[tuple[int, str], ...]:
    """Return the line and a sentence for each image that a template names by itself; comments are left out."""
    return tuple(_scan(text))


def _scan(text: str) -> Iterator[tuple[int, str]]:
    text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    for found in _LINE.finditer(text):
        if not _DECIDED.search(found[2]):
            yield text.count("\n", 0, found.start()) + 1, f"{found[1]} is {found[2].strip()}, written into the template"
    for action in _ACTION.finditer(text):
        for named in _NAMED.finditer(action[1]):
            if not _DECIDED.search(action[1]):
                line = text.count("\n", 0, action.start() + named.start()) + 1
                yield line, f"{named[1]} is an image written into the template"


def _rendered(platform: Platform) -> Iterator[Problem]:
    registry = str(platform.section("images").get("registry") or "")
    listed = catalogue(platform.graph, platform.images, platform.values, platform.modes)
    known = {image.reference.at(registry).text for image in listed}
    for item in platform.objects:
        if not any(pods_of(item)):  # images of pods are the part of contract-image
            for path, image in _images(item):
                if image not in known:
                    yield Problem(item, path, f"runs {image}, which is not in the list of images")


def _images(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of an object (a custom resource of an operator) that name an image."""
    if isinstance(value, dict):
        for key, inner in value.items():
            where = f"{path}.{key}" if path else str(key)
            if isinstance(inner, str) and inner and _FIELD.fullmatch(str(key)):
                yield where, inner
            elif key not in ("data", "stringData"):
                yield from _images(inner, where)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _images(inner, f"{path}[{index}]")


RULE = Rule(
    id="images-listed",
    title="Images are named in contracts and in charts/common/images.yaml, and nowhere else",
    fix="declare it in the component's contract.yaml (image) or in charts/common/images.yaml, and let "
    "common.component.image or common.image.shared write it",
    source="docs/adr/0006-one-list-of-images.md",
    why="An image that no list names is not mirrored to a site's registry, has no licence that anybody read, and "
    "is found when the pod does not start.",
    example=Example(
        given="image: quay.io/example/db:1 in a custom resource",
        says="runs quay.io/example/db:1, which is not in the list of images",
    ),
    environment=_rendered,
    checkout=_templates,
)

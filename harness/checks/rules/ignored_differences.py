"""A difference that Argo CD is told to ignore is one that there can be: object and field, and no more than that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.render.objects import Object

_WHOLE = {"", "/", "/spec", "/data", "/metadata", "/spec/template", "/spec/template/spec", "/rules"}
_EVERYWHERE = re.compile(r"resource\.customizations\.ignore(Differences|ResourceUpdates)\..*|resource\.exclusions")


def _check(platform: Platform) -> Iterator[Problem]:
    for item in [*platform.delivery, platform.rendered.delivered_by]:
        if item["kind"] == "Application":
            objects = platform.rendered.applications.get(item["metadata"]["name"], platform.delivery)
            yield from _entries(item, item["spec"].get("ignoreDifferences") or (), objects)


def _bootstrap(subject: Subject) -> Iterator[tuple[str, Problem]]:
    for item in subject.bootstrap:
        if item["kind"] == "Application":
            for problem in _entries(item, item["spec"].get("ignoreDifferences") or (), subject.bootstrap):
                yield "", problem
        if item["kind"] == "ConfigMap":
            for key in item.get("data") or {}:
                if _EVERYWHERE.fullmatch(key):
                    message = "hides differences or objects of every Application of this Argo CD, the site's others too"
                    yield "", Problem(item, f"data.{key}", message, "write ignoreDifferences into the one Application")


def _entries(item: Object, entries: Iterable[Mapping[str, Any]], objects: Iterable[Object]) -> Iterator[Problem]:
    for index, entry in enumerate(entries):
        path = f"spec.ignoreDifferences[{index}]"
        meant = [one for one in objects if _matches(entry, one)]
        if not meant:
            yield Problem(item, path, f"matches no object: {json.dumps(entry, sort_keys=True)}")
        for place, pointer in enumerate(entry.get("jsonPointers") or ()):
            where = f"{path}.jsonPointers[{place}]"
            if pointer in _WHOLE:
                yield Problem(item, where, f"{pointer or 'everything'} hides all that could go wrong in the object")
            elif meant and not any(_holds(one, pointer) for one in meant):
                yield Problem(
                    item, where, f"{pointer} is in no object that is rendered: there is no difference to ignore"
                )
        if not any(entry.get(key) for key in ("jsonPointers", "jqPathExpressions", "managedFieldsManagers")):
            yield Problem(item, path, "names no field")


def _matches(entry: Mapping[str, Any], item: Object) -> bool:
    group = item["apiVersion"].rpartition("/")[0]
    found = {"group": group, "kind": item["kind"], **item["metadata"]}
    wanted = {key: entry[key] for key in ("group", "kind", "name", "namespace") if entry.get(key)}
    wanted.setdefault("group", "")
    return all(fnmatchcase(str(found.get(key, "")), str(value)) for key, value in wanted.items())


def _holds(item: Any, pointer: str) -> bool:
    """Whether an object has the field that a JSON pointer (RFC 6901) names."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(item, Mapping) and step in item:
            item = item[step]
        elif isinstance(item, list) and step.isdecimal() and int(step) < len(item):
            item = item[int(step)]
        else:
            return False
    return True


RULE = Rule(
    id="ignored-differences",
    title="Differences that Argo CD is to ignore are of objects and fields that are rendered, and of as little as that",
    fix="name group, kind, name and the one field; or remove the entry, and render what the cluster keeps",
    source="Argo CD documentation, diff customization; argoproj/argo-helm#2883",
    why="An entry that matches nothing hides nothing today and the wrong thing tomorrow; one that hides a "
    "whole spec hides every drift.",
    example=Example(
        given="ignoreDifferences of /spec/replica",
        says="/spec/replica is in no object that is rendered",
    ),
    environment=_check,
    checkout=_bootstrap,
)

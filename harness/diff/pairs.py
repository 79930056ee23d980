"""Two versions of an environment, object beside object."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.checks.model import Platform
from harness.checks.pods import NAME
from harness.checks.rules.data_protection import sync_options
from harness.diff.fields import Field, compare, text
from harness.diff.normal import normal
from harness.model.contract import Contract
from harness.render.objects import Object, title

Id = tuple[str, str, str, str]  # group, kind, namespace, name
VERSION = ("metadata", "labels", "app.kubernetes.io/version")


@dataclass(frozen=True)
class Pair:
    """An object before and after; one of them is None where it is new or gone.

    Attributes:
        application, after_application: that deliver it; empty for what comes before the components.
        fields: that differ, without what makes no difference.
    """

    before: Object | None
    after: Object | None
    application: str = ""
    after_application: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def item(self) -> Object:
        """Return the object as it is to be; as it was, where it is gone."""
        found = self.after if self.after is not None else self.before
        assert found is not None, "a pair of nothing"
        return found

    @property
    def kind(self) -> str:
        """Return its kind."""
        return str(self.item["kind"])

    @property
    def name(self) -> str:
        """Return its name."""
        return str(self.item["metadata"]["name"])

    @property
    def title(self) -> str:
        """Return Kind/name."""
        return title(self.item)

    @property
    def component(self) -> str:
        """Return the component that it says it belongs to; empty without one."""
        return str((self.item["metadata"].get("labels") or {}).get(NAME, ""))

    @property
    def new(self) -> bool:
        """Whether there was none before."""
        return self.before is None

    @property
    def gone(self) -> bool:
        """Whether there is none any more."""
        return self.after is None

    @property
    def changed(self) -> bool:
        """Whether it is there before and after, and differs."""
        return bool(self.fields)

    @property
    def kept(self) -> bool:
        """Whether it stays on the cluster when nothing renders it any more."""
        return self.gone and bool({"Prune=false", "Prune=confirm"} & sync_options(self.item))

    def at(self, *path: str) -> list[Field]:
        """Return the fields that differ at or below a path."""
        return [field for field in self.fields if field.path[: len(path)] == path]


@dataclass(frozen=True)
class Pairs:
    """An environment before and after; one of them is None where it is new or gone."""

    name: str
    before: Platform | None
    after: Platform | None

    @property
    def platform(self) -> Platform:
        """Return it as it is to be; as it was, where it is gone."""
        found = self.after or self.before
        assert found is not None, "an environment of nothing"
        return found

    @cached_property
    def contracts(self) -> Mapping[str, Contract]:
        """Return all contracts by component, the later ones first."""
        older = self.before.contracts if self.before else {}
        return {**older, **(self.after.contracts if self.after else {})}

    @cached_property
    def components(self) -> list[Pair]:
        """Return what the Applications of the components render: what differs, is new or is gone."""
        return list(pair(_delivered(self.before), _delivered(self.after)))

    @cached_property
    def delivery(self) -> list[Pair]:
        """Return what comes before them, and the Application that delivers all of it."""
        return list(pair(_before_components(self.before), _before_components(self.after)))

    def contract(self, one: Pair) -> Contract | None:
        """Return the contract of the component that an object belongs to."""
        return self.contracts.get(one.component)


def identity(item: Object) -> Id:
    """Return what makes an object the same one: the version of its API is no part of it."""
    metadata = item["metadata"]
    return str(item["apiVersion"]).rpartition("/")[0], item["kind"], metadata.get("namespace", ""), metadata["name"]


def pair(before: Iterable[tuple[str, Object]], after: Iterable[tuple[str, Object]]) -> Iterator[Pair]:
    """Yield the objects that are not the same before and after, by kind and name; given are Application and object."""
    old = {identity(item): (application, item) for application, item in before}
    new = {identity(item): (application, item) for application, item in after}
    for key in sorted(old.keys() | new.keys(), key=lambda one: (one[1], one[3], one)):
        one, other = old.get(key), new.get(key)
        if one is None or other is None:
            yield Pair(one[1] if one else None, other[1] if other else None, *_names(one, other))
        else:
            fields = tuple(differing(one[1], other[1]))
            if fields or one[0] != other[0]:
                yield Pair(one[1], other[1], *_names(one, other), fields)


def differing(before: Object, after: Object) -> Iterator[Field]:
    """Yield the fields that differ in more than the way they are written.

    The label of the version is on every object and follows from the image; it is told where pods are replaced for it.
    """
    for field in compare(normal(before), normal(after)):
        if field.path == VERSION or (field.order and "template" not in field.path):
            continue
        yield field


def line(field: Field, most: int = 100) -> str:
    """Return a field on one line: where, old and new value, each shortened to a number of characters."""
    if field.order:
        return f"{field.where}: another order"
    old, new = (shown(value, most) for value in (field.old, field.new))
    return f"{field.where}: {old} -> {new}"


def lines(field: Field, most: int = 100) -> Iterator[str]:
    """Yield a field as lines: of a text of several lines those that differ, with - and + before them."""
    if "\n" in f"{field.old or ''}{field.new or ''}" and isinstance(field.old, str) and isinstance(field.new, str):
        yield f"{field.where}:"
        yield from changed_lines(field.old, field.new)
    else:
        yield line(field, most)


def changed_lines(old: str, new: str) -> list[str]:
    """Return the lines in which two texts differ, with - and + before them."""
    compared = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))
    return [one for one in compared[2:] if not one.startswith("@@")]  # the first two lines name the files


def shown(value: Any, most: int = 100) -> str:
    """Return a value on one line of at most that many characters; `(none)` for one that is not there."""
    if value is None:
        return "(none)"
    one = " ".join(text(value).split()) or '""'
    return one if len(one) <= most else f"{one[: most - 1]}…"


def _names(one: tuple[str, Object] | None, other: tuple[str, Object] | None) -> tuple[str, str]:
    return (one[0] if one else ""), (other[0] if other else "")


def _delivered(platform: Platform | None) -> Iterator[tuple[str, Object]]:
    if platform is not None:
        for application, items in platform.rendered.applications.items():
            for item in items:
                yield application, item


def _before_components(platform: Platform | None) -> Iterator[tuple[str, Object]]:
    if platform is not None:
        for item in (platform.rendered.delivered_by, *platform.delivery):
            yield "", item

"""Every key that a site or a profile writes changes something somewhere; else somebody believes what is not so.

A profile is a layer for sites: its keys are judged without what later files say of them, and with their component on.
"""

from __future__ import annotations

import itertools
import json
import re
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.errors import UserError
from harness.model.load import read_yaml
from harness.model.trial import EXAMPLE
from harness.render import Inputs
from harness.render.cache import Key, load, store, tree_hash
from harness.render.helm import WORKERS, Rendering, template
from harness.render.locate import shown, written
from harness.render.slim import slim
from harness.render.trials import example
from harness.trace.deciding import Key as Steps
from harness.trace.deciding import changes, leaves

KIND = "values"  # the folder of the cache that remembers what a key does
PROFILES = "profiles"
_DISTINCT = re.compile(r"(?=.*[./:@-])\S{8,}")  # no word, no number: the render holds it because it is written here


@dataclass(frozen=True)
class Written:
    """A key of a values file, as one environment reads it."""

    platform: Platform
    path: Path
    key: Steps
    value: Any


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    if not subject.complete:
        return  # a key may do its work in an environment that is not looked at
    found: dict[tuple[str, Steps], list[Written]] = defaultdict(list)
    for platform in subject.platforms.values():
        for path in _files(platform):
            for key, value in leaves(_read(path)):
                found[(_shown(subject, platform, path, key), key)].append(Written(platform, path, key, value))
    root = subject.repository
    open_ = {at: uses for at, uses in found.items() if not any(_proved(use) or _stands(use, root) for use in uses)}
    with tempfile.TemporaryDirectory(prefix="indigo-values-") as folder, ThreadPoolExecutor(WORKERS) as pool:
        tries = Tries(subject, Path(folder))
        for (file, key), reason in zip(open_, pool.map(tries.idle, open_.values()), strict=True):
            if reason:
                name = ".".join(map(str, key))
                component = str(key[0]) if str(key[0]) in subject.contracts else ""
                yield "", Problem(None, name, f"{name} {reason}", component=component, file=file)


def _files(platform: Platform) -> list[Path]:
    """Return the values files that an environment's components are rendered with, in their order."""
    rendered = platform.rendered
    return list(dict.fromkeys(path for name in rendered.applications for path in rendered.inputs[name].values))


def _shown(subject: Subject, platform: Platform, path: Path, key: Steps) -> str:
    """Return the file of the checkout in which a key is written; a profile that is tried has a composed one."""
    root = subject.repository.resolve()
    if path.resolve().is_relative_to(root):
        return str(path.resolve().relative_to(root))
    own = example(subject.repository, platform.name)
    steps = [str(step) for step in key]
    return str(own if written(steps, [subject.repository / own]) is not None else EXAMPLE / "values.yaml")


def _proved(use: Written) -> bool:
    """Whether what is rendered shows that the key did something."""
    platform, key = use.platform, use.key
    if key[:2] == ("global", "components") and key[-1] == "mode":
        return key[2] in platform.modes  # a component that is here has objects, one that is not has none: rule `slices`
    if key == ("global", "environment"):
        return f'"indigo-paas/environment": "{use.value}"' in _text(platform)
    contract = platform.contracts.get(str(key[2])) if key[:2] == ("global", "urls") else None
    if contract is not None and contract.exposed is not None and platform.modes[contract.component].here:
        return True  # the public address of what is here: a fact, which the routes take when they are switched on
    if _overridden(use):
        return False
    return any(value in _text(platform) for value in _scalars(use.value) if _DISTINCT.fullmatch(value))


def _stands(use: Written, root: Path) -> bool:
    """Whether a component's own value stands under its name in the component's objects, and is not the default's."""
    component = str(use.key[0])
    contract = use.platform.contracts.get(component)
    if contract is None or isinstance(use.value, list | dict) or _overridden(use):
        return False
    steps = [str(step) for step in use.key]
    if written(steps[1:], [root / "charts" / contract.chart / "values.yaml"]) == use.value:
        return False
    own = [item for item in use.platform.objects if use.platform.component(item) == component]
    return _holds(own, steps[-1], use.value)


def _holds(data: Any, name: str, value: Any) -> bool:
    if isinstance(data, dict):
        return data.get(name) == value or any(_holds(item, name, value) for item in data.values())
    return isinstance(data, list) and any(_holds(item, name, value) for item in data)


def _overridden(use: Written) -> bool:
    """Whether a later file of the environment says it otherwise."""
    files = _files(use.platform)
    return written([str(step) for step in use.key], files[files.index(use.path) + 1 :]) is not None


def _text(platform: Platform) -> str:
    known: str | None = platform.__dict__.get("_text")
    if known is None:
        known = json.dumps(platform.objects, ensure_ascii=False)
        platform.__dict__["_text"] = known
    return known


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif value is not None:
        yield str(value)


class Tries:
    """Takes keys away, or changes them, and looks whether anything that is rendered is another."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self._subject = subject
        self._folder = folder
        self._lock = threading.Lock()
        self._slim: dict[str, Path] = {}
        self._trees: dict[Path, str] = {}
        self._number = itertools.count()

    def idle(self, uses: Sequence[Written]) -> str:
        """Return why a key does nothing in any environment that reads it; empty where it does something."""
        if any(self._acts(use) for use in uses):
            return ""
        names = ", ".join(use.platform.name for use in uses)
        return f"changes nothing that is rendered, in any environment that reads it ({names})"

    def _acts(self, use: Written) -> bool:
        """Return whether a key does something; of the same chart and values it is tried once, over all runs."""
        name = _name(use)
        known = load(name, KIND)
        if not isinstance(known, bool):
            known = self._tried(use)
            store(name, known, KIND)
        return known

    def _tried(self, use: Written) -> bool:
        for inputs in self._inputs(use):
            before = self._render(inputs)
            target = self._folder / f"{next(self._number)}.yaml"
            for changed in changes(inputs, use.path, use.key, use.value, target):
                after = self._render(changed)
                if after is None or before is None or after.digest != before.digest:  # refused: it is needed
                    return True
        return False

    def _inputs(self, use: Written) -> Iterator[Inputs]:
        """Yield what Helm is given for what may read a key: of a component's own, its chart alone."""
        rendered, contracts = use.platform.rendered, self._subject.contracts
        own = contracts.get(str(use.key[0]))
        for application in rendered.applications:
            inputs = rendered.inputs[application]
            if PROFILES in use.path.parents[0].parts:
                inputs = _as_layer(inputs, use)
            if own is None:
                yield inputs
            elif rendered.environment.applications.get(application, "") in ("", own.tier):
                yield replace(inputs, chart=self._alone(own.chart))

    def _alone(self, chart: str) -> Path:
        with self._lock:
            if chart not in self._slim:
                self._slim[chart] = slim(self._subject.repository.resolve(), [chart], self._folder)
                self._trees[self._slim[chart]] = tree_hash(self._slim[chart])
            return self._slim[chart]

    def _render(self, inputs: Inputs) -> Rendering | None:
        """Return what Helm gives; None where the charts refuse the values."""
        with self._lock:
            if inputs.chart not in self._trees:
                self._trees[inputs.chart] = tree_hash(inputs.chart)
        try:
            return template(inputs, self._trees)
        except UserError:
            return None


def _name(use: Written) -> str:
    """Return the name under which an answer is remembered: all that Helm was given, and the key."""
    key, rendered = Key(), use.platform.rendered
    for application in rendered.applications:
        key.add(application, rendered.keys[application])
    key.add("file", str(_files(use.platform).index(use.path)))
    key.add("key", json.dumps([str(step) for step in use.key]))
    return key.text()


def _as_layer(inputs: Inputs, use: Written) -> Inputs:
    """Return inputs without the files that say a profile's key otherwise, and with its component on."""
    if _overridden(use):
        inputs = replace(inputs, values=inputs.values[: inputs.values.index(use.path) + 1])
    name = str(use.key[0])
    if name in use.platform.modes and not use.platform.modes[name].here:
        on = (f"global.components.{name}.mode", "embedded")
        inputs = replace(inputs, text_parameters=(*inputs.text_parameters, on))
    return inputs


def _read(path: Path) -> Any:
    return read_yaml(path, shown(path))


RULE = Rule(
    id="values-effective",
    title="Every key of every values file changes what is rendered in some environment",
    fix="remove the key, or switch on what reads it",
    source="the render itself: the key is taken away, then changed, and nothing comes out differently",
    why="Somebody wrote it and believes that it is so: a replica count of a component that is off, a size that the "
    "profile after it sets again, a setting of a mode that is not chosen.",
    example=Example(
        given="tosca: {replicas: 2} in the values of dev, where tosca is off",
        says="tosca.replicas changes nothing that is rendered, in any environment that reads it (dev)",
    ),
    checkout=_check,
    slow=True,
)

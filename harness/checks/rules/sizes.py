"""Nothing is larger than what has to hold it: ConfigMaps, annotations, and the Secret in which Helm keeps a release."""

from __future__ import annotations

import base64
import functools
import gzip
import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from harness import files
from harness.checks.model import Example, Platform, Problem, Rule
from harness.render import Inputs
from harness.render.cache import load, read, store
from harness.render.locate import shown

CONFIG_MAP = 1024 * 1024
ANNOTATIONS = 256 * 1024
KIND = "chart-size"  # the folder of the cache
RELEASE = 700 * 1024  # of the 1 MiB that a Secret holds


def _check(platform: Platform) -> Iterator[Problem]:
    for item in [*platform.objects, *platform.delivery]:
        if item["kind"] == "ConfigMap":
            size = _size({**(item.get("data") or {}), **(item.get("binaryData") or {})})
            if size >= CONFIG_MAP:
                yield Problem(item, "data", f"holds {size} bytes, a ConfigMap holds less than {CONFIG_MAP}")
        size = _size(item["metadata"].get("annotations") or {})
        if size >= ANNOTATIONS:
            yield Problem(item, "metadata.annotations", f"are {size} bytes, allowed are less than {ANNOTATIONS}")
    for name, objects in platform.rendered.applications.items():
        inputs = platform.rendered.inputs[name]
        size = given_size(platform.rendered.renderings[name].tree, inputs) + _stored(json.dumps(objects))
        if size >= RELEASE:
            yield Problem(
                None,
                "",
                f"as a Helm release {name} takes {size} bytes, and its Secret holds 1 MiB",
                "keep what is not rendered out of the chart (.helmignore)",
                file=shown(inputs.chart),
            )


def _size(data: dict[str, object]) -> int:
    return sum(len(str(key).encode()) + len(str(value).encode()) for key, value in data.items())


def given_size(tree: str, inputs: Inputs) -> int:
    """Return about how many bytes of a release Helm stores for chart and values; the manifest comes on top.

    Source: helm/helm v4.3.1, pkg/storage/driver (encodeRelease): gzipped, as base64. Chart and values are packed one by
    one here, which takes a few bytes more than together, and lets the chart be packed once for all environments.

    Args:
        tree: hash of the chart's files (`Rendering.tree`); of the same files it is counted once, over all runs.
        inputs: chart and values.
    """
    values = {str(path): read(path).decode(errors="replace") for path in inputs.values}
    return _chart_size(tree, inputs.chart) + _stored(json.dumps(values))


@functools.lru_cache(maxsize=64)
def _chart_size(tree: str, chart: Path) -> int:
    known = load(tree, KIND)
    if not isinstance(known, int):
        parts = {name: read(chart / name).decode(errors="replace") for name in loaded(chart)}
        known = _stored(json.dumps(parts))
        store(tree, known, KIND)
    return known


def loaded(chart: Path) -> list[str]:
    """Return the files of a chart that Helm loads, relative to it: all but those that its .helmignore names.

    A pattern with a slash is a path from the chart, one without is a name anywhere; either may be a folder
    (helm/helm v4.3.1, pkg/ignore).
    """
    file = chart / ".helmignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    patterns = [line.strip().strip("/") for line in lines if line.strip() and not line.startswith("#")]

    def ignored(path: PurePath) -> bool:
        steps = [path, *path.parents][:-1]
        return any(
            fnmatchcase(str(step) if "/" in pattern else step.name, pattern)
            and str(step).count("/") == (pattern.count("/") if "/" in pattern else str(step).count("/"))
            for step in steps
            for pattern in patterns
        )

    return [name for name in files.below(chart) if not ignored(PurePath(name))]


def _stored(text: str) -> int:
    return len(base64.b64encode(gzip.compress(text.encode(), 6)))


RULE = Rule(
    id="sizes",
    title="ConfigMaps, annotations and the Helm release stay below the limits of what holds them",
    fix="make it smaller, or split it",
    source="Kubernetes API validation (1 MiB, 256 KiB); helm/helm issue 8281 (release above 1 MiB)",
    why="The API server refuses what is too large, and helm a release that its Secret does not hold, with a "
    "message that names neither the file nor the key.",
    example=Example(
        given="a ConfigMap of 1 MiB",
        says="a ConfigMap holds less than 1048576",
    ),
    environment=_check,
    slow=True,
)

"""Runs Helm as Argo CD's renderer does, and never twice for the same input."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UserError
from harness.model.load import read_yaml
from harness.paths import cache_dir
from harness.process import ProcessError, run
from harness.render import cache
from harness.render.locate import shown, source
from harness.render.objects import Object, parse_objects
from harness.render.refusal import refusal

KUBERNETES = "1.37.2"  # the version of the embedded engine; what `--kube-version` is without another wish
WORKERS = 2
REFUSED = "refused"  # the folder of what Helm refused
# values or a template say so: the same bytes are refused again, which a full disk or a lack of memory does not say
_OWN = re.compile(r"Error: (?:values don't meet the specifications|(?:execution|parse) error at )")
_LOG = re.compile(r"^level=.*\n", re.M)  # with the path of each link that Helm follows
_SOURCE = re.compile(r"^# Source: (\S+)$", re.M)
_SPEED = {"GOGC": "400"}  # Helm ends before it would need its memory back; a fifth less time


@dataclass(frozen=True)
class Inputs:
    """What Argo CD gives Helm for one Application (argo-cd v3.6.1, util/helm/cmd.go, `template`)."""

    chart: Path
    release: str
    namespace: str
    values: tuple[Path, ...] = ()
    inline: str = ""  # values of the Application itself (values, valuesObject), read after the files
    parameters: tuple[tuple[str, str], ...] = ()
    text_parameters: tuple[tuple[str, str], ...] = ()  # forceString
    kube_version: str = KUBERNETES
    api_versions: tuple[str, ...] = ()
    crds: bool = True
    schema_validation: bool = True
    tests: bool = True
    written: tuple[Path, ...] = ()  # the files that `inline` was made of, where a person is to look; not read

    def arguments(self) -> list[str]:
        """Return Helm's arguments; `inline` is on standard input."""
        argv = ["template", ".", "--name-template", self.release]
        argv += ["--namespace", self.namespace] if self.namespace else []
        argv += ["--kube-version", self.kube_version] if self.kube_version else []
        for flag, pairs in (("--set", self.parameters), ("--set-string", self.text_parameters)):
            for name, value in pairs:
                argv += [flag, f"{name}={_escaped(value)}"]
        for path in self.values:
            argv += ["--values", str(path)]
        argv += ["--values", "-"] if self.inline else []
        for version in self.api_versions:
            argv += ["--api-versions", version]
        argv += ["--include-crds"] if self.crds else []
        argv += [] if self.schema_validation else ["--skip-schema-validation"]
        argv += [] if self.tests else ["--skip-tests"]
        return argv


@dataclass(frozen=True)
class Rendering:
    """What Helm gave.

    Attributes:
        objects: in Helm's order.
        sources: for each object, the template that wrote it, as Helm names it (`umbrella/charts/iam/templates/x.yaml`).
        digest: the hash of Helm's bytes.
        key: the hash of all that Helm was given.
        tree: the hash of the chart's files.
    """

    objects: list[Object]
    sources: list[str]
    digest: str
    key: str
    tree: str


def helm_template(
    chart: Path,
    *values: Path,
    release: str,
    namespace: str = "default",
    inline: Mapping[str, Any] | None = None,
    kube_version: str = KUBERNETES,
    api_versions: Iterable[str] = (),
) -> list[Object]:
    """Return the objects of a chart, in Helm's order; from the cache where the same bytes went in before.

    Args:
        chart: folder of the chart.
        values: values files, the later one wins.
        release: name of the release.
        namespace: namespace of the release.
        inline: values that win over the files.
        kube_version: version of Kubernetes that templates see.
        api_versions: what `.Capabilities.APIVersions` holds beyond Helm's own list.

    Raises:
        UserError: Helm refuses; the message is about the values or the template, with file, line and fix.
    """
    text = json.dumps(inline) if inline is not None else ""
    return template(
        Inputs(chart, release, namespace, values, text, kube_version=kube_version, api_versions=tuple(api_versions))
    ).objects


def template(inputs: Inputs, trees: Mapping[Path, str] | None = None) -> Rendering:
    """Return what Helm gives, from the cache where the same bytes went in before.

    Args:
        inputs: what Helm is given.
        trees: hashes of charts' folders that the caller has read just now.

    Raises:
        UserError: as `helm_template`.
    """
    tree = (trees or {}).get(inputs.chart) or cache.tree_hash(inputs.chart)
    key = _key(inputs, tree)
    stored = cache.load(key)
    if stored is None:
        for path in (*inputs.values, *inputs.written):
            read_yaml(path, shown(path))  # Helm takes a key that is written twice without a word
        text = _accepted(inputs, key)
        objects = _parse(text, inputs)
        stored = {"digest": digest(text), "objects": objects, "sources": _sources(text, len(objects))}
        cache.store(key, stored)
    return Rendering(stored["objects"], stored["sources"], stored["digest"], key, tree)


def template_many(wanted: Iterable[Inputs]) -> dict[Inputs, Rendering]:
    """Return what Helm gives for several inputs, each rendered once, two at a time.

    Raises:
        UserError: as `helm_template`, for the first that fails in the order given.
    """
    unique = list(dict.fromkeys(wanted))
    # fifty environments are one umbrella chart of a thousand files: read once, not fifty times
    trees = {chart: cache.tree_hash(chart) for chart in {inputs.chart for inputs in unique}}
    if len(unique) == 1:
        return {unique[0]: template(unique[0], trees)}
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        return dict(zip(unique, pool.map(lambda inputs: template(inputs, trees), unique), strict=True))


def _accepted(inputs: Inputs, key: str) -> str:
    """Return Helm's output; what it refuses for the values' or a template's sake it refuses once, and is remembered.

    Raises:
        UserError: as `helm_template`.
    """
    known = cache.load(key, REFUSED)
    if known is None:
        try:
            return _output(inputs)
        except ProcessError as error:
            known = _LOG.sub("", error.stderr)
            if _OWN.match(known) and not any(str(path) in known for path in (inputs.chart, *inputs.values)):
                cache.store(key, known, REFUSED)
    raise refusal(known, inputs.chart, (*inputs.values, *inputs.written)) from None


def template_text(inputs: Inputs, environment: Mapping[str, str] | None = None) -> str:
    """Return Helm's output, always rendered anew.

    Args:
        inputs: what Helm is given.
        environment: further variables of its process (locale, time zone).

    Raises:
        UserError: as `helm_template`.
    """
    try:
        return _output(inputs, environment)
    except ProcessError as error:
        raise refusal(error.stderr, inputs.chart, (*inputs.values, *inputs.written)) from None


def _output(inputs: Inputs, environment: Mapping[str, str] | None = None) -> str:
    if not (inputs.chart / "Chart.yaml").is_file():
        raise UserError(f"no chart in {inputs.chart.name}: Chart.yaml is missing", where=str(inputs.chart))
    with tempfile.TemporaryDirectory(prefix="indigo-helm-") as home:
        isolated = {f"HELM_{kind}_HOME": home for kind in ("CACHE", "CONFIG", "DATA")}
        return run(
            _helm(),
            *inputs.arguments(),
            cwd=inputs.chart,
            env={**isolated, "HELM_PLUGINS": home, "KUBECONFIG": os.devnull, **_SPEED, **(environment or {})},
            stdin=inputs.inline,
        ).stdout


def digest(text: str) -> str:
    """Return the hash of Helm's output that `Rendering.digest` holds."""
    return hashlib.sha256(text.encode()).hexdigest()


def _parse(text: str, inputs: Inputs) -> list[Object]:
    try:
        return parse_objects(text)
    except (yaml.YAMLError, ValueError) as error:
        broken = cache_dir() / "render" / "broken.yaml"
        broken.parent.mkdir(parents=True, exist_ok=True)
        broken.write_text(text, encoding="utf-8")
        mark = getattr(error, "problem_mark", None)
        place = f"{broken}:{mark.line + 1}" if mark else str(broken)
        template = _template(text, mark.line, inputs.chart) if mark else ""
        raise UserError(
            f"chart {inputs.chart.name}: what it renders is not right: {getattr(error, 'problem', None) or error}",
            where=template or place,
            fix="mend what the template includes" if template else "mend the template that `# Source:` above it names",
            details=f"what came out: {place}" if template else "",
        ) from None


def _template(text: str, line: int, chart: Path) -> str:
    """Return the template whose output a line of Helm's is, as a person writes it; empty where Helm names none."""
    for before in reversed(text.splitlines()[: line + 1]):
        if before.startswith("# Source: "):
            return shown(source(before.removeprefix("# Source: ").strip(), chart))
    return ""


def _sources(text: str, count: int) -> list[str]:
    """Return the template of each document; nothing is known where there are more documents than Helm's comments."""
    found = _SOURCE.findall(text)
    return found if len(found) == count else [""] * count


def _key(inputs: Inputs, tree: str) -> str:
    key = cache.Key()
    helm = _helm()
    status = helm.resolve().stat()
    key.add("helm", f"{helm} {status.st_size} {status.st_mtime_ns}")
    key.add("arguments", json.dumps([part for part in inputs.arguments() if part not in set(map(str, inputs.values))]))
    key.add("inline", inputs.inline)
    for path in inputs.values:
        key.add("values", cache.read(path))
    key.add("chart", tree)
    return key.text()


def _helm() -> Path:
    """Return Helm; what decides which one it is is looked at once, and afterwards whether it is still there."""
    place = cache_dir()
    known = _found.get(place)
    if known is None or not known.is_file():
        from harness import toolchain

        known = _found[place] = Path(toolchain.tool("helm"))
    return known


_found: dict[Path, Path] = {}


def _escaped(value: str) -> str:
    """Return a parameter as Argo CD gives it to `--set`: commas escaped, except in a list {a,b}."""
    if value.startswith("{") and value.endswith("}"):
        return value
    return "".join(
        "\\," if char == "," and (index == 0 or value[index - 1] != "\\") else char for index, char in enumerate(value)
    )

"""Which pods are replaced and why, which Jobs run, and what is away meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.checks.pods import Pod
from harness.diff.fields import Field
from harness.diff.model import Change, Kind, Level
from harness.diff.pairs import VERSION, Pair, Pairs, differing, line, lines, shown
from harness.model.contract import Contract
from harness.render.objects import Object, title

HASHED = re.compile(r"-[0-9a-f]{8}$")  # name of a Job: charts/common/templates/_workload.tpl
ROTATION = "secret-revision/"
_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True)
class Roll:
    """A workload whose pods are replaced, and the reasons, each on a line, the strongest first."""

    pair: Pair
    reasons: tuple[str, ...]


def template_fields(pair: Pair) -> list[Field]:
    """Return what differs in the pods that an object makes."""
    return pair.at(*_TEMPLATES[pair.kind]) if pair.kind in _TEMPLATES and pair.changed else []


def rolls(pairs: Pairs) -> list[Roll]:
    """Return the workloads whose pods are replaced."""
    files = {one.name: one for one in pairs.components if one.kind == "ConfigMap"}
    return [
        Roll(one, tuple(_reasons(fields, _TEMPLATES[one.kind], files, one.component)))
        for one in pairs.components
        if one.kind in ("Deployment", "StatefulSet", "DaemonSet") and (fields := template_fields(one))
    ]


def _reasons(
    fields: list[Field], template: tuple[str, ...], files: Mapping[str, Pair], component: str
) -> Iterator[str]:
    """Yield why pods are others than before, the strongest reason first."""
    inside = [Field(field.path[len(template) :], field.old, field.new, field.order) for field in fields]
    checksum = any(_is_checksum(field) for field in inside)
    told = [_reason(field, files, component) for field in inside if not (checksum and "configMap" in field.path)]
    for _, words in sorted(told, key=lambda one: one[0]):
        yield from words


def _is_checksum(field: Field) -> bool:
    return field.path[:2] == ("metadata", "annotations") and field.path[-1].startswith("checksum/")


def _reason(field: Field, files: Mapping[str, Pair], component: str) -> tuple[int, list[str]]:
    """Return how strong a reason is (0 the strongest), and the reason."""
    path = field.path
    if _is_checksum(field):
        own = [one for one in files.values() if one.component == component and one.at("data")]
        names = ", ".join(f"{one.title} ({_keys(one)})" for one in own)
        return 1, [f"files: {names or 'the checksum alone, no ConfigMap of it differs'}"]
    if path[:2] == ("metadata", "annotations") and path[-1].startswith(ROTATION):
        return 0, [f"Secret {path[-1].removeprefix(ROTATION)}: revision {shown(field.old)} -> {shown(field.new)}"]
    if path[-1] == "image" and path[0] == "spec":
        return 0, [f"image of {path[-2].strip('[]')}: {shown(field.old)} -> {shown(field.new)}"]
    if path == VERSION:
        return 9, [f"label of the version: {shown(field.old)} -> {shown(field.new)}"]
    if "env" in path[:-1]:
        at = path.index("env")
        holder, name = path[at - 1].strip("[]"), path[at + 1].strip("[]")
        of = "" if holder == component else f" of {holder}"
        return 2, [f"setting {name}{of}: {value(field.old)} -> {value(field.new)}"]
    short = Field(path[1:] if path[0] == "spec" else path, field.old, field.new, field.order)
    if field.order:
        return 8, [f"{line(short)} (to Kubernetes that is another pod)"]
    return (5 if path[0] == "spec" else 7), list(lines(short, 70))


def _keys(config: Pair) -> str:
    names = [field.path[1] for field in config.at("data") if len(field.path) > 1]
    return ", ".join(dict.fromkeys(names)) or "all of it"


def value(entry: Any) -> str:
    """Return a variable's value, or where it comes from."""
    if isinstance(entry, Mapping):
        source = entry.get("valueFrom") or entry
        for kind, word in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            if isinstance(source, Mapping) and kind in source:
                return f"{word} {source[kind].get('name')}, key {source[kind].get('key')}"
        if set(entry) <= {"name", "value"}:
            return shown(entry.get("value", ""))
    return shown(entry)


def said(pairs: Pairs) -> Iterator[Change]:
    """Yield which pods are replaced and why, what is away meanwhile, and which Jobs run."""
    found = rolls(pairs)
    for roll in found:
        yield Change(
            kind=Kind.ROLL,
            component=roll.pair.component,
            object=roll.pair.title,
            text=_how(roll.pair.item),
            details=roll.reasons,
        )
    yield from _away(pairs, found)
    yield from _jobs(pairs)
    yield from _next_runs(pairs)
    yield from _stale(pairs, {roll.pair.title for roll in found})


def _how(item: Object) -> str:
    spec = item["spec"]
    count = int(spec.get("replicas", 1))
    pods = "its pod is" if count == 1 else f"its {count} pods are"
    if count == 0:
        return "its pods would be replaced, but it has none"
    if item["kind"] == "Deployment":
        strategy = spec.get("strategy") or {}
        if strategy.get("type") == "Recreate":
            return f"{pods} stopped before the new {'one is' if count == 1 else 'ones are'} started"
        return f"{pods} replaced" + (
            " when its successor is ready" if count == 1 else " one by one as successors get ready"
        )
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return f"{pods} replaced only when somebody deletes {'it' if count == 1 else 'them'}"
    return f"{pods} replaced" + (" one after the other, the last first" if count > 1 else ", and away until it is back")


def interrupts(item: Object) -> bool:
    """Whether a workload serves nothing for a while when its pods are replaced."""
    spec = item["spec"]
    count = int(spec.get("replicas", 1))
    if count == 0:
        return False
    if item["kind"] == "Deployment":
        strategy = spec.get("strategy") or {}
        surge = (strategy.get("rollingUpdate") or {}).get("maxSurge")
        return strategy.get("type") == "Recreate" or (count == 1 and surge in (0, "0", "0%"))
    return count == 1 and (spec.get("updateStrategy") or {}).get("type") != "OnDelete"


def _away(pairs: Pairs, found: list[Roll]) -> Iterator[Change]:
    for roll in found:
        contract = pairs.contract(roll.pair)
        if contract is None or not interrupts(roll.pair.item):
            continue
        yield Change(
            kind=Kind.DOWNTIME,
            level=Level.ATTENTION,
            component=contract.component,
            object=roll.pair.title,
            text=f"{contract.title} is away until its new pod is ready; within {contract.availability.budget} s of it",
            details=tuple(_effect(contract)),
        )


def _effect(contract: Contract) -> Iterator[str]:
    effect = contract.availability.pod
    yield f"meanwhile: {effect.happens}"
    yield f"it comes back: {effect.recovery}"
    yield f"lost: {effect.lost}"


def _jobs(pairs: Pairs) -> Iterator[Change]:
    """A Job's name holds a hash of its pod: one that is gone and one that is new are the same Job, running again."""
    old = {HASHED.sub("", one.name): one for one in pairs.components if one.kind == "Job" and one.gone}
    for one in pairs.components:
        if one.kind == "Job" and one.new:
            name = HASHED.sub("", one.name)
            before = old.get(name)
            fields = [] if before is None else list(_job_fields(before, one))
            files = {other.name: other for other in pairs.components if other.kind == "ConfigMap"}
            contract = pairs.contract(one)
            job = contract.jobs.get(name.removeprefix(f"{contract.component}-")) if contract else None
            yield Change(
                kind=Kind.JOB,
                component=one.component,
                object=f"Job/{name}",
                text=("runs again" if before else "runs for the first time") + (f": {job.purpose}" if job else ""),
                details=tuple(_reasons(fields, _TEMPLATES["Job"], files, one.component)),
            )


def _next_runs(pairs: Pairs) -> Iterator[Change]:
    files = {one.name: one for one in pairs.components if one.kind == "ConfigMap"}
    for one in pairs.components:
        fields = template_fields(one) if one.kind == "CronJob" else []
        if fields:
            reasons = tuple(_reasons(fields, _TEMPLATES["CronJob"], files, one.component))
            text = "its next run has another pod; one that runs goes on"
            yield Change(kind=Kind.JOB, component=one.component, object=one.title, text=text, details=reasons)


def _job_fields(before: Pair, after: Pair) -> Iterator[Field]:
    assert before.before is not None, "the old Job"
    assert after.after is not None, "the new Job"
    for field in differing(before.before, after.after):
        if field.path[:2] == _TEMPLATES["Job"]:
            yield field


def rerun(pairs: Pairs) -> set[str]:
    """Return the names of Jobs that are gone because they run again under another name."""
    new = {HASHED.sub("", one.name) for one in pairs.components if one.kind == "Job" and one.new}
    return {one.name for one in pairs.components if one.kind == "Job" and one.gone and HASHED.sub("", one.name) in new}


def _stale(pairs: Pairs, rolling: set[str]) -> Iterator[Change]:
    """A pod reads a ConfigMap's variables at its start, and files of it are read again by hardly any software."""
    if pairs.after is None:
        return
    for one in pairs.components:
        if one.kind != "ConfigMap" or not (one.at("data") or one.at("binaryData")):
            continue
        readers = [
            pod for pod in pairs.after.pods if pod.owner["kind"] not in ("Job", "CronJob") and one.name in _read(pod)
        ]
        for pod in readers:
            name = title(pod.owner)
            if name not in rolling and not _brand_new(pairs, pod.owner):
                yield Change(
                    kind=Kind.STALE,
                    level=Level.ATTENTION,
                    component=pod.component,
                    object=name,
                    text=f"reads {one.title}, which changes, and goes on with the old one until its pods are replaced",
                    details=tuple(line(field, 60) for field in one.fields),
                    steps=(f"kubectl -n {pairs.after.namespace} rollout restart {name.lower()}, after the sync",),
                )


def _brand_new(pairs: Pairs, owner: Object) -> bool:
    return any(one.new and one.title == title(owner) for one in pairs.components)


def _read(pod: Pod) -> set[str]:
    """Return the names of the ConfigMaps that a pod reads."""
    found: list[Any] = []
    for volume in pod.spec.get("volumes") or ():
        found.append((volume.get("configMap") or {}).get("name"))
        found += [
            (source.get("configMap") or {}).get("name")
            for source in (volume.get("projected") or {}).get("sources") or ()
        ]
    for container in pod.containers:
        for entry in container.data.get("env") or ():
            found.append(((entry.get("valueFrom") or {}).get("configMapKeyRef") or {}).get("name"))
        for block in container.data.get("envFrom") or ():
            found.append((block.get("configMapRef") or {}).get("name"))
    return {str(name) for name in found if name}

"""A changed file rolls the pods that read it: they carry a hash of their ConfigMaps, another one for other content."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.checks.pods import Pod
from harness.render.objects import Object

PREFIX = "checksum/"
_HASH = re.compile(r"[0-9a-f]{8,64}")


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    known: dict[tuple[str, str], tuple[str, str, str]] = {}  # annotation and hash -> content, environment, object
    for name, platform in subject.platforms.items():
        maps = {item["metadata"]["name"]: item for item in platform.of_kind("ConfigMap")}
        for pod in platform.pods:
            read = sorted(set(config_maps(pod.spec)) & set(maps))
            if read:
                for problem in _pod(platform, pod, [maps[item] for item in read], known):
                    yield name, problem


def _pod(
    platform: Platform, pod: Pod, maps: list[Object], known: dict[tuple[str, str], tuple[str, str, str]]
) -> Iterator[Problem]:
    path = f"{pod.path.removesuffix('.spec')}.metadata.annotations"
    written = {key: str(value) for key, value in (pod.metadata.get("annotations") or {}).items()}
    sums = {key: value for key, value in written.items() if key.startswith(PREFIX)}
    names = ", ".join(item["metadata"]["name"] for item in maps)
    if not sums:
        yield Problem(
            pod.owner, path, f"lack a checksum of {names}: the pods would keep what it held when they started"
        )
        return
    content = json.dumps([[item.get("data"), item.get("binaryData")] for item in maps], sort_keys=True)
    for key, value in sums.items():
        if not _HASH.fullmatch(value):
            yield Problem(pod.owner, f"{path}.{key}", f"is {value!r}, which is no hash")
        before, environment, who = known.setdefault((key, value), (content, platform.name, pod.component))
        if before != content:
            yield Problem(
                pod.owner,
                f"{path}.{key}",
                f"is the same as that of {who} in {environment}, which reads something else: it is no hash",
            )


def config_maps(value: Any) -> Iterator[str]:
    """Yield the ConfigMaps that a pod's spec reads: volumes, projected ones too, and variables."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in ("configMap", "configMapKeyRef", "configMapRef") and isinstance(inner, Mapping):
                yield str(inner.get("name", ""))
            else:
                yield from config_maps(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from config_maps(inner)


RULE = Rule(
    id="config-rolls",
    title="Pods that read a ConfigMap carry a hash of its content, so that a changed file rolls exactly them",
    fix="let common.pod write checksum/config of common.config.data",
    source="Helm documentation, automatically roll Deployments; redpanda-data/kminion#238",
    why="A pod keeps the files that it started with. Without a hash of them in its template, a changed "
    "setting is in Git and in the cluster and not in force, until something else rolls the pod.",
    example=Example(
        given="a pod that mounts a ConfigMap without checksum/config",
        says="lack a checksum of mariadb-config",
    ),
    checkout=_check,
)

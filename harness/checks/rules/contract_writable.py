"""What the software writes to is writable, kept data is on claims, and nothing else can be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import WAIT_FOR, Container, Pod
from harness.model.contract import Writable

_READ_ONLY = ("configMap", "secret", "projected", "downwardAPI", "image")


def _check(platform: Platform) -> Iterator[Problem]:
    for contract, pod in platform.component_pods:
        for container in pod.containers:
            own = container is pod.main
            wanted = contract.security.readOnlyRootFilesystem if own else True
            if bool(container.security.get("readOnlyRootFilesystem")) != wanted:
                yield Problem(
                    pod.owner,
                    f"{container.path}.securityContext.readOnlyRootFilesystem",
                    f"is {container.security.get('readOnlyRootFilesystem')}, wanted is {wanted}",
                )
            prepares = container.init and not container.name.startswith(WAIT_FOR)
            declared = {item.path: item for item in contract.writable} if own or prepares else {}
            yield from _mounts(pod, container, declared, all_needed=own)
            yield from _undeclared(pod, container, declared)


def _mounts(pod: Pod, container: Container, declared: Mapping[str, Writable], all_needed: bool) -> Iterator[Problem]:
    """What is mounted at the declared paths; an init container of the wiring may do without some of them."""
    mounts = {mount.get("mountPath"): mount for mount in container.data.get("volumeMounts") or ()}
    for path, writable in declared.items():
        mount = mounts.get(path)
        if writable.keep and not pod.server:
            if mount is not None:
                yield Problem(
                    pod.owner,
                    f"{container.path}.volumeMounts",
                    f"a Job mounts {path}, the data of the running software",
                )
        elif mount is None:
            if all_needed:
                yield Problem(
                    pod.owner,
                    f"{container.path}.volumeMounts",
                    f"{path} is not mounted, and it is written to: {writable.purpose}",
                )
        elif mount.get("readOnly"):
            yield Problem(pod.owner, f"{container.path}.volumeMounts", f"{path} is mounted read-only")
        else:
            yield from _backing(pod, mount["name"], writable)


def _backing(pod: Pod, name: str, writable: Writable) -> Iterator[Problem]:
    kind, volume = _volume(pod, name)
    path = f"{pod.path}.volumes"
    if writable.keep and kind not in ("claim template", "persistentVolumeClaim"):
        yield Problem(pod.owner, path, f"{writable.path} is to be kept, but is {_article(kind)}: lost with the pod")
    if not writable.keep:
        if kind != "emptyDir":
            yield Problem(pod.owner, path, f"{writable.path} is not kept, but is {_article(kind)}")
        elif volume.get("sizeLimit") != writable.size:
            yield Problem(
                pod.owner,
                path,
                f"the emptyDir {name} is limited to {volume.get('sizeLimit')}, the contract says {writable.size}",
            )


def _undeclared(pod: Pod, container: Container, declared: Mapping[str, Writable]) -> Iterator[Problem]:
    for index, mount in enumerate(container.data.get("volumeMounts") or ()):
        path = mount.get("mountPath")
        if path in declared or mount.get("readOnly"):
            continue
        kind, _ = _volume(pod, mount["name"])
        if kind and kind not in _READ_ONLY:
            yield Problem(
                pod.owner,
                f"{container.path}.volumeMounts[{index}]",
                f"{path} is writable in {container.name}, and the contract does not say so",
            )


def _volume(pod: Pod, name: str) -> tuple[str, Mapping[str, Any]]:
    """Return what a volume is, and its source; empty where there is none of that name."""
    for template in (pod.owner.get("spec") or {}).get("volumeClaimTemplates") or ():
        if template["metadata"]["name"] == name:
            return "claim template", template
    for volume in pod.spec.get("volumes") or ():
        if volume.get("name") == name:
            kinds = [key for key in volume if key != "name"]
            return (kinds[0], volume[kinds[0]] or {}) if kinds else ("", {})
    return "", {}


def _article(kind: str) -> str:
    return f"a volume of type {kind}" if kind else "no volume at all"


RULE = Rule(
    id="contract-writable",
    title="Every path that is written to is mounted, kept ones on claims, and the rest is read-only",
    fix="declare the path under writable in the component's contract.yaml, or mount it read-only",
    source="charts/<component>/contract.yaml, writable and security",
    why="With a root file system that is read-only, a path that is not mounted ends the software at its first "
    "write; data in an emptyDir is gone with the pod.",
    example=Example(
        given="/data of valkey as an emptyDir, where the contract says keep: true",
        says="/data is to be kept, but is a volume of type emptyDir",
    ),
    environment=_check,
)

"""What pods ask for can be given: no limit below its request, and all together within the quota of the namespace."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import Pod
from harness.render.objects import Object

_QUANTITY = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
_UNITS = {"m": Fraction(1, 1000), "": Fraction(1)} | {
    name: Fraction(base**power)
    for base, names in ((1000, ("k", "M", "G", "T", "P")), (1024, ("Ki", "Mi", "Gi", "Ti", "Pi")))
    for power, name in enumerate(names, 1)
}
_ASKED = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
Amounts = Counter[str]  # of Fractions: exact, whatever the units
_SHORT = {"cpu": "requests.cpu", "memory": "requests.memory"}


def _check(platform: Platform) -> Iterator[Problem]:
    for pod in platform.pods:
        for container in pod.containers:
            resources = container.data.get("resources") or {}
            for name, limit in (resources.get("limits") or {}).items():
                request = (resources.get("requests") or {}).get(name, "0")
                if amount(request) > amount(limit):
                    path = f"{container.path}.resources.requests.{name}"
                    yield Problem(pod.owner, path, f"{request} is more than the limit of {limit}")
    for item in platform.delivery:
        if item["kind"] == "ResourceQuota":
            yield from _quota(platform, item)


def _quota(platform: Platform, quota: Object) -> Iterator[Problem]:
    """All that is there at once: running pods, a Job of each component, and one more pod while one is rolled."""
    asked = _asked(platform)
    for name, allowed in (quota["spec"].get("hard") or {}).items():
        wanted = asked.get(_SHORT.get(name, name), Fraction(0))
        if wanted > amount(allowed):
            message = (
                f"{allowed} are allowed, and what is rendered asks for {_shown(wanted, name)}: pods would not start"
            )
            yield Problem(quota, f"spec.hard.{name}", message)


def _asked(platform: Platform) -> Amounts:
    asked: Amounts = Counter()
    jobs: dict[str, Amounts] = {}
    rolled: Amounts = Counter()
    for pod in platform.pods:
        one = of_pod(pod) | Counter(pods=1)
        if pod.owner["kind"] == "Job":
            jobs[pod.component] = jobs.get(pod.component, Counter()) | one  # they run one after the other
            continue
        asked.update(_times(one, _replicas(pod.owner)))
        if ((pod.owner.get("spec") or {}).get("strategy") or {}).get("type") == "RollingUpdate":
            rolled |= one
    for item in platform.objects:
        if "replicas" in (item.get("spec") or {}) and "resources" in item["spec"]:  # pods that an operator makes
            one = _of_resources(item["spec"]["resources"]) | Counter(pods=1)
            asked.update(_times(one, _replicas(item)))
        for claim, times in _claims(item):
            asked.update(_times({"persistentvolumeclaims": 1, "requests.storage": amount(claim)}, times))
    for one in (*jobs.values(), rolled):
        asked.update(one)
    return asked


def _replicas(item: Object) -> int:
    return int((item.get("spec") or {}).get("replicas", 1))


def _times(one: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {name: value * number for name, value in one.items()}


def of_pod(pod: Pod) -> Amounts:
    """Return what a pod asks for: its containers together, or the largest of those before them."""
    running: Amounts = Counter()
    largest: Amounts = Counter()
    for container in pod.containers:
        resources = container.data.get("resources") or {}
        own = _of_resources(resources)
        if container.init:
            largest |= own
        else:
            running.update(own)
    return running | largest


def _of_resources(resources: Mapping[str, Any]) -> Amounts:
    steps = ((name, *name.split(".")) for name in _ASKED)
    return Counter({name: amount((resources.get(group) or {}).get(what, "0")) for name, group, what in steps})


def _claims(item: Object) -> Iterator[tuple[str, int]]:
    """Yield the sizes of the claims that an object is or makes, each with how many there are of it."""
    spec = item.get("spec") or {}
    if item["kind"] == "PersistentVolumeClaim":
        yield spec["resources"]["requests"]["storage"], 1
    for template in spec.get("volumeClaimTemplates") or ():
        yield template["spec"]["resources"]["requests"]["storage"], _replicas(item)
    storage = spec.get("storage")
    if isinstance(storage, Mapping):  # of a resource of an operator: one volume, or several of them
        for volume in storage.get("volumes") or [storage]:
            if "size" in volume:
                yield volume["size"], _replicas(item)


def amount(quantity: Any) -> Fraction:
    """Return a quantity of Kubernetes as a number; 0 where it is none (the schemas say so)."""
    found = _QUANTITY.fullmatch(str(quantity))
    return Fraction(found["number"]) * _UNITS[found["unit"] or ""] if found else Fraction(0)


def _shown(value: Fraction | int, name: str) -> str:
    if name.endswith(("memory", "storage")):
        return f"{float(value / _UNITS['Gi']):.1f}Gi"
    return f"{float(value):g}"


RULE = Rule(
    id="resources",
    title="No limit is below its request, and all pods and claims together fit into the namespace's quota",
    fix="raise quota in the environment's config.yaml, or lower resources, replicas or volumes in its values",
    source="Kubernetes documentation, resource quotas and managing resources; kyverno/kyverno#1776",
    why="The API server refuses a pod whose limit is below its request. A quota that is too small lets most "
    "pods start and the last one never, which looks like a fault of that one.",
    example=Example(
        given="requests.memory: 2Gi with limits.memory: 1Gi",
        says="2Gi is more than the limit of 1Gi",
    ),
    environment=_check,
)

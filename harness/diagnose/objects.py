"""Small questions about Kubernetes objects that are plain dicts; what is absent is empty, never an error."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]
Objects = list[Object]

WAVE = "argocd.argoproj.io/sync-wave"
TRACKING = "argocd.argoproj.io/tracking-id"
HOOK = "argocd.argoproj.io/hook"
COMPONENT = "app.kubernetes.io/name"
ENVIRONMENT = "indigo-paas/environment"


def name_of(item: Object) -> str:
    """Return `metadata.name`."""
    return str(item.get("metadata", {}).get("name", ""))


def namespace_of(item: Object) -> str:
    """Return `metadata.namespace`, empty for what has none."""
    return str(item.get("metadata", {}).get("namespace", ""))


def labels_of(item: Object) -> dict[str, str]:
    """Return `metadata.labels`."""
    return dict(item.get("metadata", {}).get("labels") or {})


def annotations_of(item: Object) -> dict[str, str]:
    """Return `metadata.annotations`."""
    return dict(item.get("metadata", {}).get("annotations") or {})


def status_of(item: Object) -> Object:
    """Return `status`."""
    return dict(item.get("status") or {})


def condition(item: Object, kind: str) -> Object:
    """Return the condition of a type in `status.conditions`, or an empty dict."""
    return next((one for one in status_of(item).get("conditions") or [] if one.get("type") == kind), {})


def is_true(item: Object, kind: str) -> bool:
    """Return whether the object has a condition of a type with status True."""
    return condition(item, kind).get("status") == "True"


def owned_by(item: Object, owner: Object) -> bool:
    """Return whether `owner` is among the owner references; by uid where both have one, else by kind and name."""
    uid = owner.get("metadata", {}).get("uid")
    for reference in item.get("metadata", {}).get("ownerReferences") or []:
        if uid and reference.get("uid"):
            if reference["uid"] == uid:
                return True
        elif (reference.get("kind"), reference.get("name")) == (owner.get("kind"), name_of(owner)):
            return True
    return False


def wave_of(item: Object) -> int | None:
    """Return the sync wave that the annotation says, or None where it says none."""
    try:
        return int(annotations_of(item)[WAVE])
    except (KeyError, ValueError):
        return None


def moment(text: object) -> datetime | None:
    """Return a Kubernetes time (RFC 3339) as a datetime with its zone, or None."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def seconds_between(earlier: object, later: datetime) -> int | None:
    """Return the whole seconds from a Kubernetes time to a datetime, at least 0; None where there is no time."""
    begin = moment(earlier)
    return None if begin is None else max(0, int((later - begin).total_seconds()))


def duration(seconds: float) -> str:
    """Return seconds as people say them: 40 s, 12 min, 3 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172800 else f"{seconds / 86400:.0f} days"


def pod_template(item: Object) -> Object:
    """Return the pod's spec of a workload, a Job, a CronJob or a pod itself."""
    spec = item.get("spec") or {}
    if item.get("kind") == "Pod":
        return dict(spec)
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return dict((spec.get("template") or {}).get("spec") or {})


def containers_of(spec: Object) -> Iterator[Object]:
    """Yield the init containers and containers of a pod's spec."""
    yield from spec.get("initContainers") or []
    yield from spec.get("containers") or []


def secret_names(spec: Object) -> set[str]:
    """Return the Secrets that a pod's spec cannot start without."""
    found: set[str] = set()
    for container in containers_of(spec):
        sources = [(entry.get("valueFrom") or {}).get("secretKeyRef") or {} for entry in container.get("env") or []]
        sources += [entry.get("secretRef") or {} for entry in container.get("envFrom") or []]
        found |= {str(one["name"]) for one in sources if one.get("name") and not one.get("optional")}
    for volume in spec.get("volumes") or []:
        plain = volume.get("secret") or {}
        if plain.get("secretName") and not plain.get("optional"):
            found.add(str(plain["secretName"]))
        for one in (volume.get("projected") or {}).get("sources") or []:
            source = one.get("secret") or {}
            if source.get("name") and not source.get("optional"):
                found.add(str(source["name"]))
    return found


def claim_names(pod: Object) -> list[str]:
    """Return the claims that a pod uses."""
    volumes = pod_template(pod).get("volumes") or []
    return [
        str(volume["persistentVolumeClaim"]["claimName"]) for volume in volumes if "persistentVolumeClaim" in volume
    ]

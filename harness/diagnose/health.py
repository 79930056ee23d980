"""The health of an object as Argo CD sees it, computed from the object.

Since Argo CD 3.0 the health of single resources is no longer written to the Application (docs/operator-manual/
upgrading/2.14-3.0.md, "Health status in the Application CR"), so it has to be asked of the objects. The rules are those
of gitops-engine 3.6.1, pkg/health/health_*.go; kinds that are not here have no health there either, or a Lua check.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from harness.diagnose.objects import Object, condition, is_true, status_of


class State(enum.StrEnum):
    """Argo CD's states, as far as the rules here give them."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    MISSING = "Missing"


@dataclass(frozen=True)
class Health:
    """A state and what Argo CD says of it."""

    state: State
    message: str = ""

    @property
    def well(self) -> bool:
        """Whether the next wave may begin."""
        return self.state is State.HEALTHY


HEALTHY = Health(State.HEALTHY)


def health(item: Object | None) -> Health:
    """Return the health of a live object; Missing where there is none."""
    if item is None:
        return Health(State.MISSING)
    if item.get("metadata", {}).get("deletionTimestamp"):
        return Health(State.PROGRESSING, "Pending deletion")
    rule = _RULES.get(item.get("kind", ""))
    return rule(item) if rule else HEALTHY


def _progressing(message: str) -> Health:
    return Health(State.PROGRESSING, message)


def _current(item: Object) -> bool:
    return int(status_of(item).get("observedGeneration") or 0) >= int(item.get("metadata", {}).get("generation") or 0)


def _deployment(item: Object) -> Health:
    spec, status = item.get("spec") or {}, status_of(item)
    if spec.get("paused"):
        return Health(State.SUSPENDED, "Deployment is paused")
    if not _current(item):
        return _progressing(
            "Waiting for rollout to finish: observed deployment generation less than desired generation"
        )
    wanted = int(spec.get("replicas", 1))
    updated, available = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
    if condition(item, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return Health(State.DEGRADED, f'Deployment "{item["metadata"]["name"]}" exceeded its progress deadline')
    if updated < wanted:
        return _progressing(f"{updated} out of {wanted} new replicas have been updated")
    if int(status.get("replicas") or 0) > updated:
        return _progressing(f"{int(status['replicas']) - updated} old replicas are pending termination")
    if available < updated:
        return _progressing(f"{available} of {updated} updated replicas are available")
    return HEALTHY


def _statefulset(item: Object) -> Health:
    spec, status = item.get("spec") or {}, status_of(item)
    if not status.get("observedGeneration") or not _current(item):
        return _progressing("Waiting for statefulset spec update to be observed")
    missing = int(spec.get("replicas", 1)) - int(status.get("readyReplicas") or 0)
    if missing > 0:
        return _progressing(f"Waiting for {missing} pods to be ready")
    rolling = (spec.get("updateStrategy") or {}).get("type") == "RollingUpdate"
    if rolling and status.get("updateRevision") != status.get("currentRevision"):
        return _progressing(
            f"{int(status.get('updatedReplicas') or 0)} pods at revision {status.get('updateRevision')}"
        )
    return HEALTHY


def _daemonset(item: Object) -> Health:
    status = status_of(item)
    wanted, ready = int(status.get("desiredNumberScheduled") or 0), int(status.get("numberAvailable") or 0)
    return HEALTHY if _current(item) and ready >= wanted else _progressing(f"{ready} of {wanted} pods are available")


def _job(item: Object) -> Health:
    if is_true(item, "Failed"):
        return Health(State.DEGRADED, str(condition(item, "Failed").get("message", "")))
    if is_true(item, "Suspended"):
        return Health(State.SUSPENDED, str(condition(item, "Suspended").get("message", "")))
    return HEALTHY if is_true(item, "Complete") else _progressing("")


def _claim(item: Object) -> Health:
    phase = status_of(item).get("phase")
    if phase == "Lost":
        return Health(State.DEGRADED, "the volume of the claim is lost")
    return HEALTHY if phase == "Bound" else _progressing(f"the claim is {phase or 'Pending'}")


def _address(item: Object) -> Health:
    if item["kind"] == "Service" and (item.get("spec") or {}).get("type") != "LoadBalancer":
        return HEALTHY
    given = (status_of(item).get("loadBalancer") or {}).get("ingress")
    return HEALTHY if given else _progressing("no address was given to it yet")


def _route(item: Object) -> Health:
    """Return what Argo CD's check resource_customizations/gateway.networking.k8s.io/HTTPRoute says."""
    generation = item.get("metadata", {}).get("generation")
    accepted = False
    for parent in status_of(item).get("parents") or ():
        conditions = parent.get("conditions") or []
        if not conditions or any(entry.get("observedGeneration", generation) != generation for entry in conditions):
            continue
        for kind in ("ResolvedRefs", "Accepted"):
            for entry in conditions:
                if entry.get("type") == kind and entry.get("status") == "False":
                    name = (parent.get("parentRef") or {}).get("name", "")
                    return Health(State.DEGRADED, f"Parent {name}: {entry.get('message') or kind}")
        accepted = True
    return HEALTHY if accepted else _progressing("no gateway has answered")


def _pod(item: Object) -> Health:
    phase = status_of(item).get("phase")
    if phase == "Failed":
        return Health(State.DEGRADED, str(status_of(item).get("message", "")))
    return (
        HEALTHY if phase == "Succeeded" or is_true(item, "Ready") else _progressing(f"the pod is {phase or 'Pending'}")
    )


def _reported(item: Object) -> Health:
    """Return what Argo CD itself wrote into an Application."""
    found = status_of(item).get("health") or {}
    try:
        return Health(State(found.get("status", "Progressing")), str(found.get("message", "")))
    except ValueError:  # Unknown
        return _progressing(str(found.get("message", "")))


_RULES: dict[str, Callable[[Object], Health]] = {
    "Application": _reported,
    "DaemonSet": _daemonset,
    "Deployment": _deployment,
    "HTTPRoute": _route,
    "Ingress": _address,
    "Job": _job,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "Service": _address,
    "StatefulSet": _statefulset,
}

"""Looks at a cluster once and returns what concerns one platform as a snapshot, secrets masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import urllib3

from harness.cluster import ApiError
from harness.diagnose.containers import containers, fine
from harness.diagnose.family import entries_of, family
from harness.diagnose.objects import (
    ENVIRONMENT,
    Object,
    Objects,
    labels_of,
    name_of,
)
from harness.diagnose.redact import learn_data, redact
from harness.diagnose.snapshot import Snapshot
from harness.errors import UserError
from harness.report.masking import Masker

ARGOCD = "argocd"
ARGO_API = "argoproj.io/v1alpha1"
KINDS = {  # what is looked at besides what the Applications track: kind -> API version
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "Job": "batch/v1",
    "PersistentVolumeClaim": "v1",
    "ResourceQuota": "v1",
    "Service": "v1",
}
LOG_PODS = 40
LOG_BYTES = 200_000
SECONDS = 15.0
THREADS = 8


class Source(Protocol):
    """What is asked of a cluster; `harness.cluster.Cluster` is one."""

    def list(self, kind: str, namespace: str | None = None, *, api_version: str | None = None) -> Objects:
        """Return the objects of a kind."""

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | bool | None] | None = None,
        seconds: float = SECONDS,
    ) -> Any:
        """Send one request and return the decoded answer."""


def collect(
    cluster: Source,
    application: str,
    namespace: str | None = None,
    *,
    platform: Source | None = None,
    argocd_namespace: str = ARGOCD,
    masker: Masker | None = None,
    logs: Literal["failing", "all", "none"] = "failing",
    log_lines: int = 200,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Snapshot:
    """Return a snapshot of an Application, of those above and below it, and of the namespace that it deploys to.

    Secrets are read, where that is allowed, to teach the masker their values; only their names and keys are kept.

    Args:
        cluster: where Argo CD runs.
        application: name of the platform's Application (indigo-dev), or of the one above it (env-dev).
        namespace: of the platform; without it, where the Application deploys to.
        platform: the cluster where the platform runs, if that is another one.
        argocd_namespace: where the Applications are.
        masker: learns the secrets; give the run's own to have them masked in its report too.
        logs: of which pods: those that are not fine, all, or none.
        log_lines: at most, per container.
        now: clock.

    Raises:
        UserError: the cluster does not serve Applications, refuses to list them, or does not answer.
    """
    knows = masker or Masker()
    look = _Look(cluster, platform or cluster, argocd_namespace)
    everything = _applications(cluster, argocd_namespace)
    chosen = family(everything, application)
    place = namespace or _namespace(chosen, application)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="collect") as pool:
        wanted = _tracked_kinds(chosen) | {(kind, version, place) for kind, version in KINDS.items()}
        listing = {
            key: pool.submit(look.list, *key)
            for key in {*wanted, ("ReplicaSet", "apps/v1", place), ("Pod", "v1", place), ("Event", "v1", place),
                        ("Secret", "v1", place), ("ApplicationSet", ARGO_API, argocd_namespace)}
        }  # fmt: skip
        found = {key: future.result() for key, future in listing.items()}
        pods = found["Pod", "v1", place]
        texts = look.logs(pool, place, _log_pods(pods, logs), log_lines)
    secrets = found.pop(("Secret", "v1", place))
    names = {name_of(item) for items in (*found.values(), everything) for item in items}
    for item in secrets:
        learn_data(item.get("data") or {}, knows, names)
    snapshot: Snapshot = {
        "taken": now().isoformat(),
        "application": application,
        "namespace": place,
        "environment": _environment(chosen, application),
        "applications": chosen,
        "applicationsets": _above(found["ApplicationSet", ARGO_API, argocd_namespace], chosen),
        "resources": _tracked_objects(found, chosen, place),
        "replicasets": found["ReplicaSet", "apps/v1", place],
        "pods": pods,
        "events": found["Event", "v1", place],
        "secrets": None
        if look.refused("Secret")
        else {name_of(item): sorted(item.get("data") or {}) for item in secrets},
        "logs": texts,
        "gaps": [*look.gaps, *([] if platform else _elsewhere(chosen))],
    }
    return redact(snapshot, knows)


def environments(cluster: Source, argocd_namespace: str = ARGOCD) -> dict[str, str]:
    """Return the environments that the cluster's Applications belong to, each with the Application to begin with.

    Raises:
        UserError: as `collect`.
    """
    items = _applications(cluster, argocd_namespace)
    names = {name_of(item) for item in items}
    found: dict[str, str] = {}
    for item in items:
        environment = labels_of(item).get(ENVIRONMENT) or (
            name_of(item).removeprefix("env-") if name_of(item).startswith("env-") else ""
        )
        if environment:
            wanted = f"indigo-{environment}"
            found[environment] = wanted if wanted in names else found.get(environment, name_of(item))
    return dict(sorted(found.items()))


def _applications(cluster: Source, namespace: str) -> Objects:
    try:
        return cluster.list("Application", namespace, api_version=ARGO_API)
    except ApiError as error:
        raise UserError(
            f"the Applications cannot be read: {error.message or error.reason}",
            where=f"namespace {namespace}",
            fix="use a kubeconfig that may list applications.argoproj.io, or name Argo CD's namespace",
        ) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise UserError(
            f"the cluster does not answer: {type(error).__name__}",
            fix="see that it runs (indigo status, kubectl version), or name another kubeconfig",
        ) from None


def _namespace(chosen: Objects, application: str) -> str:
    ordered = [item for item in chosen if name_of(item) == application] or chosen[::-1]
    spec = (ordered[0].get("spec") or {}) if ordered else {}
    return str((spec.get("destination") or {}).get("namespace") or application)


def _environment(chosen: Objects, application: str) -> str:
    labelled = [labels_of(item)[ENVIRONMENT] for item in chosen if ENVIRONMENT in labels_of(item)]
    return labelled[0] if labelled else application.removeprefix("indigo-").removeprefix("env-")


def _tracked_kinds(chosen: Objects) -> set[tuple[str, str, str]]:
    """Return kind, API version and namespace of everything the Applications track, never Secrets or Applications."""
    found: set[tuple[str, str, str]] = set()
    for item in chosen:
        for one in entries_of(item):
            if one.get("kind") not in ("Secret", "Application", "ApplicationSet"):
                version = "/".join(part for part in (one.get("group"), one.get("version")) if part)
                found.add((str(one.get("kind", "")), version, str(one.get("namespace", ""))))
    return found


def _tracked_objects(found: Mapping[tuple[str, str, str], Objects], chosen: Objects, place: str) -> Objects:
    """Return what the Applications track, and all objects of `KINDS` in the platform's namespace."""
    tracked = {
        (one.get("kind"), one.get("namespace", ""), one.get("name")) for item in chosen for one in entries_of(item)
    }
    return [
        item
        for (kind, version, namespace), items in sorted(found.items())
        for item in items
        if kind not in ("ReplicaSet", "Pod", "Event", "ApplicationSet")
        and ((KINDS.get(kind) == version and namespace == place) or (kind, namespace, name_of(item)) in tracked)
    ]


def _above(sets: Objects, chosen: Objects) -> Objects:
    """Return the ApplicationSets that made one of the Applications; all where none is known."""
    owners = {one.get("name") for item in chosen for one in item.get("metadata", {}).get("ownerReferences") or []}
    return [item for item in sets if name_of(item) in owners] or sets


def _log_pods(pods: Objects, logs: str) -> Objects:
    wanted = pods if logs == "all" else [pod for pod in pods if logs == "failing" and not fine(pod)]
    return wanted[:LOG_PODS]


def _elsewhere(chosen: Objects) -> list[str]:
    servers = {str(((item.get("spec") or {}).get("destination") or {}).get("server", "")) for item in chosen}
    foreign = sorted(servers - {"", "https://kubernetes.default.svc"})
    if not foreign:
        return []
    return [f"the platform is on another cluster than Argo CD ({', '.join(foreign)}): name its kubeconfig too"]


def _short(message: str) -> str:
    """Return the API server's complaint about a kubelet without the kubelet's URL."""
    return re.sub(r'^\w+ "[^"]*": ', "", " ".join(message.split()))[:200]


@dataclass
class _Look:
    """Asks, and notes what is refused instead of failing: half a diagnosis helps more than none."""

    argocd: Source
    platform: Source
    argocd_namespace: str
    gaps: list[str] = field(default_factory=list)

    def list(self, kind: str, version: str, namespace: str) -> Objects:
        cluster = self.argocd if namespace == self.argocd_namespace else self.platform
        try:
            return cluster.list(kind, namespace or None, api_version=version or None)
        except ApiError as error:
            self.gaps.append(f"{kind}s could not be read: {error.message or error.reason}")
        except UserError as error:
            self.gaps.append(f"{kind}s could not be read: {error.message}")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.gaps.append(f"{kind}s could not be read: the cluster did not answer ({type(error).__name__})")
        return []

    def refused(self, kind: str) -> bool:
        return any(gap.startswith(f"{kind}s could not be read") for gap in self.gaps)

    def logs(self, pool: ThreadPoolExecutor, namespace: str, pods: Iterable[Object], lines: int) -> dict[str, str]:
        asked = {}
        for pod in pods:
            for one in containers(pod):
                key = f"{name_of(pod)}/{one.name}"
                if one.started_once:
                    asked[key] = pool.submit(self._log, namespace, name_of(pod), one.name, lines, False)
                if one.restarts:
                    asked[f"{key}/previous"] = pool.submit(self._log, namespace, name_of(pod), one.name, lines, True)
        answers = {key: future.result() for key, future in asked.items()}
        refused = sorted({answer[1] for answer in answers.values() if answer[1]})
        if refused:
            count = sum(1 for answer in answers.values() if answer[1])
            self.gaps.append(f"{count} {'logs' if count > 1 else 'log'} could not be read: {refused[0]}")
        return {key: text for key, (text, _) in answers.items() if text}

    def _log(self, namespace: str, pod: str, container: str, lines: int, previous: bool) -> tuple[str, str]:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        query: dict[str, str | int | bool | None] = {"container": container, "tailLines": lines, "previous": previous}
        try:
            answer = self.platform.request("GET", path, query=query, seconds=SECONDS)
        except ApiError as error:
            return "", "" if previous else _short(error.message or error.reason)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return "", type(error).__name__
        return (answer if isinstance(answer, str) else str(answer))[-LOG_BYTES:], ""

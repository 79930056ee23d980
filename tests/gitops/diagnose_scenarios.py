"""What is committed to make a real Argo CD fail in a certain way; the names are those of the fixture contracts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

Object = dict[str, Any]
FAILS = {
    "simulation.indigo-paas/fail": "1",
    "simulation.indigo-paas/message": "ERROR 1045 (28000): Access denied for user 'root'",
}
NEVER_READY = {"simulation.indigo-paas/never-ready": "true"}
SECURITY = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}


def metadata(name: str, wave: int = 0) -> Object:
    return {"name": name, "annotations": {"argocd.argoproj.io/sync-wave": str(wave)}}


def pod(name: str, annotations: Object | None = None, image: str = "busybox:1.36", **spec: Any) -> Object:
    container = {
        "name": name,
        "image": image,
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    content = {"containers": [container], "securityContext": SECURITY, **spec}
    return {"metadata": {"labels": {"app": name}, "annotations": annotations or {}}, "spec": content}


def workload(kind: str, name: str, wave: int, template: Object, **spec: Any) -> Object:
    shape: Object = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    shape |= {"progressDeadlineSeconds": 5} if kind == "Deployment" else {"serviceName": name}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata(name, wave), "spec": {**shape, **spec}}


def job(name: str, wave: int, template: Object, **spec: Any) -> Object:
    template["spec"]["restartPolicy"] = "Never"
    content = {"backoffLimit": 0, "activeDeadlineSeconds": 600, "template": template, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(name, wave), "spec": content}


def plain(kind: str, name: str, wave: int = 0, **content: Any) -> Object:
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata(name, wave), **content}


STORE = workload("StatefulSet", "store", 0, pod("store"))
ISSUER = workload("Deployment", "issuer", 12, pod("issuer"))
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"}
CHART = {
    "Chart.yaml": yaml.safe_dump({"apiVersion": "v2", "name": "umbrella", "version": "0.1.0"}),
    "templates/all.yaml": r'{{- fail "\n\nstore cannot be rendered:\n  - store.replicas: 3 is more than the 1" -}}',
}


@dataclass(frozen=True)
class Scenario:
    """What is committed, and the kind and words that the diagnosis must have."""

    kind: str
    words: str
    objects: list[Object] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    quota: Object | None = None
    project: str = "default"
    namespace: bool = True
    revision: str = "main"


NARROW = {  # a project that allows nothing but ConfigMaps
    "sourceRepos": ["*"],
    "destinations": [{"server": "*", "namespace": "*"}],
    "namespaceResourceWhitelist": [{"group": "", "kind": "ConfigMap"}],
}


def store(annotations: Object | None = None, **spec: Any) -> Object:
    return workload("StatefulSet", "store", 0, pod("store", annotations, **spec))


def hook(name: str) -> Object:
    return {**job(name, 0, pod(name, FAILS)), "metadata": {"name": name, "annotations": {HOOK: "PreSync"}}}


HOOK = "argocd.argoproj.io/hook"
UPLOADS: Object = {"volumes": [{"name": "uploads", "persistentVolumeClaim": {"claimName": "portal-uploads"}}]}
SLOW_ISSUER = workload("Deployment", "issuer", 12, pod("issuer", NEVER_READY))
UNKNOWN = {"apiVersion": "x.example.org/v1", "kind": "Store", "metadata": metadata("store")}
LATE_CLAIM = plain("PersistentVolumeClaim", "portal-uploads", 20, spec={**CLAIM, "storageClassName": "standard"})
SCENARIOS = {
    "well": Scenario("", "is Synced and Healthy", [STORE, ISSUER]),
    "job": Scenario(
        "job-failed",
        "store-provision-1a2b3c4d (Job, wave 3) failed: exit code 1: ERROR 1045 (28000): Access denied for user 'root'",
        [STORE, job("store-provision-1a2b3c4d", 3, pod("store", FAILS)), ISSUER],
    ),
    "hook": Scenario("job-failed", "migrate (Job, wave 0) failed: exit code 1", [hook("migrate"), STORE]),
    "render": Scenario("render-refused", "cannot be rendered: store.replicas: 3 is more than the 1", files=CHART),
    "revision": Scenario("source-unreachable", "unable to resolve 'nope'", [STORE], revision="nope"),
    "kind": Scenario("project-refusal", "is not permitted in project narrow", [STORE], project="narrow"),
    "project": Scenario("project-refusal", "project absent which does not exist", [STORE], project="absent"),
    "namespace": Scenario("namespace-missing", 'namespaces "indigo-namespace" not found', [STORE], namespace=False),
    "crd": Scenario("kind-unknown", "could not find", [UNKNOWN]),
    "invalid": Scenario(
        "invalid-object",
        "spec.ports[0].port: Invalid value: 99999",
        [plain("Service", "store", spec={"ports": [{"port": 99999}]})],
    ),
    "quota": Scenario(
        "quota", 'pods "store-0" is forbidden: exceeded quota', [STORE, ISSUER], quota={"requests.cpu": "5m"}
    ),
    "security": Scenario("pod-security", "host namespaces (hostNetwork=true)", [store(hostNetwork=True)]),
    "account": Scenario("service-account", '"store" not found', [store(serviceAccountName="store")]),
    "image": Scenario("image-pull", "cannot pull the image busybox:missing-1", [store(image="busybox:missing-1")]),
    "crash": Scenario("crash-loop", "exit code 1: ERROR 1045", [store(FAILS), ISSUER]),
    "slow": Scenario("not-ready", "issuer (Deployment, wave 12) is not ready", [STORE, SLOW_ISSUER]),
    "starting": Scenario("progressing", "store (StatefulSet, wave 0) is not ready yet", [store(NEVER_READY), ISSUER]),
    "deadlock": Scenario(
        "claim-deadlock",
        "waits for its first pod",
        [LATE_CLAIM, workload("Deployment", "portal", 22, pod("portal", **UPLOADS))],
    ),
    "class": Scenario(
        "claim-pending",
        'storageclass.storage.k8s.io "fast" not found',
        [plain("PersistentVolumeClaim", "portal-uploads", 20, spec=CLAIM), ISSUER],
    ),
}

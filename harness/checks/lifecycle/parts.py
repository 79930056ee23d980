"""Deprecated parts of objects: fields, annotations, labels and volumes that an API server warns of.

Each entry is a warning of Kubernetes 1.37.2 (pkg/api: pod/warnings.go, node/util.go, service/warnings.go,
persistentvolumeclaim/util.go; pkg/registry: networking/ingress/strategy.go, core/serviceaccount/strategy.go), or a
field whose description in the OpenAPI begins with "Deprecated" (serviceAccount, loadBalancerIP).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.checks.pods import Pod, pods_of
from harness.render.objects import Object

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
Warned = tuple[str, str]  # path, what is wrong with it

NODE_LABELS = {
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
    "node-role.kubernetes.io/master": "node-role.kubernetes.io/control-plane",
}
POD_ANNOTATIONS = {  # or what they begin with
    "scheduler.alpha.kubernetes.io/critical-pod": "the field priorityClassName",
    "security.alpha.kubernetes.io/sysctls": "the field sysctls",
    "security.alpha.kubernetes.io/unsafe-sysctls": "the field sysctls",
    "seccomp.security.alpha.kubernetes.io/pod": "the field seccompProfile",
    "container.seccomp.security.alpha.kubernetes.io/": "the field seccompProfile",
    "container.apparmor.security.beta.kubernetes.io/": "the field appArmorProfile",
}
VOLUMES = (
    "photonPersistentDisk", "gitRepo", "scaleIO", "flocker", "storageos", "quobyte", "glusterfs", "cephfs", "rbd"
)  # fmt: skip
ANNOTATIONS = {
    "Ingress": {"kubernetes.io/ingress.class": "the field ingressClassName"},
    "PersistentVolumeClaim": {"volume.beta.kubernetes.io/storage-class": "the field storageClassName"},
    "Service": {"service.kubernetes.io/topology-aware-hints": "service.kubernetes.io/topology-mode"},
    "ServiceAccount": {"kubernetes.io/enforce-mountable-secrets": "a namespace of its own"},
}


def deprecated_parts(item: Object) -> Iterator[Warned]:
    """Yield each deprecated part of an object and what is to be used instead."""
    kind = str(item.get("kind"))
    yield from _annotations(item.get("metadata"), "metadata", ANNOTATIONS.get(kind, {}))
    spec = item.get("spec") or {}
    if kind == "Service":
        for field in ("loadBalancerIP", "externalIPs"):
            if spec.get(field):
                yield f"spec.{field}", f"{field} is deprecated; use the annotations of the load balancer's controller"
        if spec.get("trafficDistribution") == "PreferClose":
            yield "spec.trafficDistribution", "PreferClose is deprecated; use PreferSameZone"
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()) if kind == "StatefulSet" else ():
        place = f"spec.volumeClaimTemplates[{index}].metadata"
        yield from _annotations(claim.get("metadata"), place, ANNOTATIONS["PersistentVolumeClaim"])
    for pod in pods_of(item):
        yield from _pod(pod)


def _pod(pod: Pod) -> Iterator[Warned]:
    spec, path = pod.spec, pod.path
    yield from _annotations(pod.metadata, f"{path.removesuffix('spec')}metadata", POD_ANNOTATIONS)
    if "serviceAccount" in spec:
        yield f"{path}.serviceAccount", "serviceAccount is deprecated; use serviceAccountName"
    for index, volume in enumerate(spec.get("volumes") or ()):
        for kind in sorted(set(volume) & set(VOLUMES)):
            yield f"{path}.volumes[{index}].{kind}", f"the volume type {kind} is deprecated or works no more; use CSI"
    for place, key in _node_labels(spec):
        if key in NODE_LABELS:
            yield f"{path}.{place}", f"the node label {key} is deprecated; use {NODE_LABELS[key]}"


def _node_labels(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield where a pod names labels of nodes, and the labels."""
    for key in spec.get("nodeSelector") or ():
        yield "nodeSelector", str(key)
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        yield f"topologySpreadConstraints[{index}].topologyKey", str(constraint.get("topologyKey"))
    affinity = spec.get("affinity") or {}
    node = affinity.get("nodeAffinity") or {}
    terms = list((node.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ())
    terms += [item.get("preference") or {} for item in node.get(_PREFERRED) or ()]
    for term in terms:
        for expression in term.get("matchExpressions") or ():
            yield "affinity.nodeAffinity", str(expression.get("key"))
    for name in ("podAffinity", "podAntiAffinity"):
        near = affinity.get(name) or {}
        pods = [*(near.get(_REQUIRED) or ()), *(item.get("podAffinityTerm") for item in near.get(_PREFERRED) or ())]
        for term in pods:
            yield f"affinity.{name}", str((term or {}).get("topologyKey"))


def _annotations(metadata: Any, path: str, deprecated: Mapping[str, str]) -> Iterator[Warned]:
    for key in (metadata or {}).get("annotations") or ():
        for old, instead in deprecated.items():
            if key == old or (old.endswith("/") and key.startswith(old)):
                yield f"{path}.annotations", f"{key} is deprecated or works no more; use {instead}"

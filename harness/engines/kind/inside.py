"""Argo CD inside of the cluster, from upstream's own manifests, as users run it.

What is changed of them: the namespace; the repository server sees the run's Git repositories (a directory that every
node mounts) and trusts them, although they belong to another user; signatures of commits are not checked (no gpg);
images that the nodes have are not pulled again.
Source: Argo CD 3.6.1, manifests/core-install.yaml.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from harness import toolchain
from harness.cluster import Cluster, Object
from harness.engines.embedded.argocd import NAMESPACE

MANIFEST = "core-install.yaml"
SERVERS = (
    ("StatefulSet", "argocd-application-controller"),
    ("Deployment", "argocd-repo-server"),
    ("Deployment", "argocd-applicationset-controller"),
    ("Deployment", "argocd-redis"),
)
GIT_CONFIG = {"gitconfig": "[safe]\n\tdirectory = *\n"}
CLUSTER_WIDE = ("CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding")


def manifests() -> list[Object]:
    """Return upstream's manifests of the pinned version."""
    text = (toolchain.tool("argocd-manifests") / MANIFEST).read_text()
    return [item for item in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if item]


def images(objects: list[Object]) -> tuple[str, str]:
    """Return the images of the manifests: Argo CD's own, and its cache's."""
    found = {container["image"] for item in objects for container in _pod(item).get("containers", ())}
    own = next(name for name in found if "/argocd:" in name)
    (cache,) = found - {own}
    return own, cache


def install(cluster: Cluster, source: Path) -> None:
    """Apply the manifests; they are healthy a while later (`healthy`).

    Args:
        cluster: its API.
        source: directory of Git repositories, mounted in every node under the same path.
    """
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    password = {"auth": secrets.token_urlsafe(24)}  # Argo CD's own image would make it, ours has no command for it
    for name, kind, content in (
        ("argocd-redis", "Secret", {"stringData": password}),
        ("indigo-git", "ConfigMap", {"data": GIT_CONFIG}),
    ):
        metadata = {"name": name, "namespace": NAMESPACE}
        cluster.apply({"apiVersion": "v1", "kind": kind, "metadata": metadata, **content})
    for item in manifests():
        cluster.apply(adapted(item, source))


def adapted(item: Object, source: Path) -> Object:
    """Return one of upstream's objects as it is applied."""
    if item["kind"] not in CLUSTER_WIDE:
        item["metadata"]["namespace"] = NAMESPACE
    if item["kind"] == "CustomResourceDefinition":
        item.pop("status", None)
    spec = _pod(item)
    for container in (*spec.get("initContainers", ()), *spec.get("containers", ())):
        container["imagePullPolicy"] = "IfNotPresent"  # upstream's Always asks a registry for what was loaded
        if "/argocd:" in container["image"]:
            container["env"] = [*container.get("env", ()), {"name": "ARGOCD_GPG_ENABLED", "value": "false"}]
    if item["metadata"]["name"] == "argocd-repo-server" and spec:
        (container,) = spec["containers"]
        container["volumeMounts"] += [
            {"name": "indigo-source", "mountPath": str(source), "readOnly": True},
            {"name": "indigo-git", "mountPath": "/etc/gitconfig", "subPath": "gitconfig"},
        ]
        spec["volumes"] += [
            {"name": "indigo-source", "hostPath": {"path": str(source), "type": "Directory"}},
            {"name": "indigo-git", "configMap": {"name": "indigo-git"}},
        ]
    return item


def healthy(cluster: Cluster) -> Callable[[], bool]:
    """Return the question whether all its servers are ready."""

    def reached() -> bool:
        return all(_ready(cluster.find(kind, name, NAMESPACE)) for kind, name in SERVERS)

    return reached


def pods(cluster: Cluster, server: str) -> dict[str, str]:
    """Return the uids of a server's pods, by name."""
    found = cluster.list("Pod", NAMESPACE, labels=f"app.kubernetes.io/name={server}")
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in found}


def replaced(cluster: Cluster, server: str, before: Mapping[str, str]) -> Callable[[], bool]:
    """Return the question whether a server has other pods than before, and all servers are ready.

    What counts its pods hears of a killed one late: that it is ready may still be said of the one before.
    """
    all_ready = healthy(cluster)

    def reached() -> bool:
        now = set(pods(cluster, server).values())
        return bool(now) and now.isdisjoint(before.values()) and all_ready()

    return reached


def _pod(item: Object) -> dict[str, Any]:
    if item["kind"] not in ("Deployment", "StatefulSet"):
        return {}
    found: dict[str, Any] = item["spec"]["template"]["spec"]
    return found


def _ready(item: Object | None) -> bool:
    if item is None:
        return False
    status = item.get("status", {})
    current = status.get("observedGeneration", 0) >= item["metadata"]["generation"]
    return bool(current and status.get("readyReplicas", 0) >= item["spec"].get("replicas", 1))

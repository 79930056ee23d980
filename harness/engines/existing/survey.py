"""A look at somebody's cluster before anything is changed: what is there, and why it may not be used."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.cluster import ApiError, Cluster, Object
from harness.engines.crds import lighten
from harness.errors import UserError

PART_OF = "app.kubernetes.io/part-of=argocd"
NEEDED = (
    ("", "namespaces", "create"),
    ("", "namespaces", "delete"),
    ("apiextensions.k8s.io", "customresourcedefinitions", "create"),
    ("*", "*", "*"),
)
"""Group, resource, verb: Argo CD reads every kind of a cluster and applies what charts render."""


@dataclass(frozen=True)
class Survey:
    """What is there: Kubernetes' version, and Argo CD's definitions that are the same as the pinned ones."""

    kubernetes: str
    shared: frozenset[str]
    missing: tuple[str, ...]


def survey(cluster: Cluster, definitions: Mapping[str, bytes], version: str, namespace: str) -> Survey:
    """Return what is there; nothing is changed.

    Args:
        cluster: somebody's.
        definitions: of the pinned Argo CD, light, by name.
        version: of the pinned Argo CD.
        namespace: that an Argo CD of ours is to have.

    Raises:
        UserError: the user may not do what is needed, or what is there does not go together with it.
    """
    _require_rights(cluster)
    here = {name: item for name in definitions if (item := cluster.find("CustomResourceDefinition", name))}
    other = sorted(name for name, item in here.items() if not same(item, json.loads(definitions[name])))
    if other:
        found = ", ".join(sorted(argocds(cluster))) or "no Argo CD runs that says which"
        raise UserError(
            f"Argo CD's definitions are there in another version than {version}: {', '.join(other)} ({found})",
            where=cluster.transport.server,
            fix=f"use a cluster without Argo CD or with {version}, or one of our own: indigo up --engine kind",
        )
    for owner, patterns in watching(cluster).items():
        if any(fnmatch.fnmatch(namespace, pattern) for pattern in patterns):
            raise UserError(
                f"the Argo CD in {owner} takes Applications of every namespace like {', '.join(patterns)}, and so ours",
                where=f"ConfigMap {owner}/argocd-cmd-params-cm: application.namespaces",
                fix="use another cluster: two Argo CDs would deliver the same Application",
            )
    text: str = cluster.request("GET", "/version")["gitVersion"]
    return Survey(text, frozenset(here), tuple(sorted(definitions.keys() - here.keys())))


def same(item: Object, pinned: Object) -> bool:
    """Return whether a definition in a cluster takes what a pinned one takes; descriptions do not count."""
    try:
        return _schemas(lighten(item)) == _schemas(pinned)
    except KeyError:  # it lacks what every version since 2.3 has
        return False


def argocds(cluster: Cluster) -> list[str]:
    """Return the Argo CDs that run in a cluster, in words: image and namespace of each controller."""
    found = []
    for kind in ("StatefulSet", "Deployment"):
        for item in cluster.list(kind, labels=PART_OF):
            if "application-controller" in item["metadata"]["name"]:
                image = item["spec"]["template"]["spec"]["containers"][0]["image"]
                found.append(f"{image} runs in the namespace {item['metadata']['namespace']}")
    return found


def watching(cluster: Cluster) -> dict[str, list[str]]:
    """Return which namespaces beside their own the Argo CDs of a cluster take Applications from, by their own.

    Source: Argo CD 3.6, docs/operator-manual/app-any-namespace.md (`application.namespaces`, shell patterns).
    """
    found = {}
    for item in cluster.list("ConfigMap", fields="metadata.name=argocd-cmd-params-cm"):
        text = (item.get("data") or {}).get("application.namespaces", "")
        if patterns := [part.strip() for part in text.split(",") if part.strip()]:
            found[item["metadata"]["namespace"]] = patterns
    return found


def _require_rights(cluster: Cluster) -> None:
    missing = [
        f"{verb} {resource}" if resource != "*" else "everything that charts render"
        for group, resource, verb in NEEDED
        if not _may(cluster, group, resource, verb)
    ]
    if missing:
        raise UserError(
            f"the user of the kubeconfig may not do what is needed: {', '.join(missing)}",
            where=str(cluster.kubeconfig),
            fix="take a kubeconfig of an administrator of the cluster",
        )


def _may(cluster: Cluster, group: str, resource: str, verb: str) -> bool:
    attributes = {"group": group, "resource": resource, "verb": verb}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    try:
        answer = cluster.request("POST", path, body={**review, "spec": {"resourceAttributes": attributes}})
    except ApiError:
        return False
    return bool(answer["status"]["allowed"])


def _schemas(definition: Mapping[str, Any]) -> dict[str, Any]:
    versions: Iterable[Mapping[str, Any]] = definition["spec"]["versions"]
    return {item["name"]: (item["served"], item["schema"]["openAPIV3Schema"]) for item in versions}

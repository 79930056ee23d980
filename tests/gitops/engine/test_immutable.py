"""The table of fields that cannot be changed in place, and that of defaults, held against a real API server."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from harness.cluster import ApiError, Cluster, Object
from harness.diff.fields import compare
from harness.diff.immutable import TABLE, Effect, violations
from harness.diff.normal import normal
from harness.render import render_environment
from harness.render.objects import title

pytestmark = pytest.mark.gitops

LABELS = {"app": "a"}
POD: Object = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "main", "image": "example/main:1"}]}}
CLAIM: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
TEMPLATES = [{"metadata": {"name": "data"}, "spec": CLAIM}]
WORKLOAD: Object = {"selector": {"matchLabels": LABELS}, "template": POD}
ONCE: Object = {**POD, "spec": {**POD["spec"], "restartPolicy": "Never"}}
BINDING: Object = {
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "one"},
    "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}],
}
SCHEMA: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
# kind -> apiVersion and an object of it without its metadata
BEFORE: dict[str, tuple[str, Object]] = {
    "StatefulSet": (
        "apps/v1",
        {"spec": {**WORKLOAD, "serviceName": "a", "volumeClaimTemplates": TEMPLATES}},
    ),
    "Deployment": ("apps/v1", {"spec": WORKLOAD}),
    "DaemonSet": ("apps/v1", {"spec": WORKLOAD}),
    "Job": ("batch/v1", {"spec": {"template": ONCE}}),
    "PersistentVolumeClaim": ("v1", {"spec": CLAIM}),
    "Service": ("v1", {"spec": {"selector": LABELS, "ports": [{"port": 80}], "clusterIP": "None"}}),
    "ConfigMap": ("v1", {"immutable": True, "data": {"a": "1"}, "binaryData": {"b": "MQ=="}}),
    "Secret": ("v1", {"immutable": True, "type": "Opaque", "data": {"a": "MQ=="}}),
    "StorageClass": ("storage.k8s.io/v1", {"provisioner": "example.org/one", "parameters": {"a": "1"}}),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", BINDING),
    "ClusterRoleBinding": (
        "rbac.authorization.k8s.io/v1",
        {**BINDING, "roleRef": {**BINDING["roleRef"], "kind": "ClusterRole"}},
    ),
    "PriorityClass": ("scheduling.k8s.io/v1", {"value": 1}),
    "IngressClass": ("networking.k8s.io/v1", {"spec": {"controller": "example.org/one"}}),
    "CustomResourceDefinition": (
        "apiextensions.k8s.io/v1",
        {
            "spec": {
                "group": "immutable.example.org",
                "scope": "Namespaced",
                "names": {"kind": "One", "plural": "ones"},
                "versions": [
                    {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}
                ],
            }
        },
    ),
}  # fmt: skip
EXPRESSIONS = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}
# kind, field of the table -> what is written there instead, and what the object has besides
AFTER: dict[tuple[str, str], tuple[Any, Object]] = {
    ("StatefulSet", "spec"): ({"serviceName": "b"}, {}),
    ("StatefulSet", "spec.updateStrategy"): ({"type": "OnDelete"}, {}),
    ("StatefulSet", "spec.volumeClaimTemplates"): ([{"metadata": {"name": "other"}, "spec": CLAIM}], {}),
    ("Deployment", "spec.selector"): ({"matchLabels": {"other": "a"}}, {}),
    ("DaemonSet", "spec.selector"): ({"matchLabels": {"other": "a"}}, {}),
    ("Job", "spec.selector"): ({"matchLabels": {"other": "a"}}, {}),
    ("Job", "spec.template"): ({"spec": {"containers": [{"name": "main", "image": "example/main:2"}]}}, {}),
    ("Job", "spec.completionMode"): ("Indexed", {}),
    ("Job", "spec.podFailurePolicy"): ({"rules": [EXPRESSIONS]}, {}),
    ("Job", "spec.backoffLimitPerIndex"): (1, {}),
    ("Job", "spec.managedBy"): ("example.org/other", {}),
    ("Job", "spec.successPolicy"): ({"rules": [{"succeededCount": 1}]}, {}),
    ("Job", "spec.completions"): (2, {}),
    ("PersistentVolumeClaim", "spec"): ({"accessModes": ["ReadWriteMany"]}, {}),
    ("PersistentVolumeClaim", "spec.resources.requests.storage"): ("1Gi", {}),
    ("Service", "spec.loadBalancerClass"): ("example.org/other", {}),
    ("ConfigMap", "data"): ({"a": "2"}, {}),
    ("ConfigMap", "binaryData"): ({"b": "Mg=="}, {}),
    ("ConfigMap", "immutable"): (False, {}),
    ("Secret", "data"): ({"a": "Mg=="}, {}),
    ("Secret", "stringData"): ({"a": "2"}, {}),
    ("Secret", "immutable"): (False, {}),
    ("Secret", "type"): ("example.org/other", {}),
    ("StorageClass", "provisioner"): ("example.org/other", {}),
    ("StorageClass", "parameters"): ({"a": "2"}, {}),
    ("StorageClass", "reclaimPolicy"): ("Retain", {}),
    ("StorageClass", "volumeBindingMode"): ("WaitForFirstConsumer", {}),
    ("RoleBinding", "roleRef"): ({"name": "other"}, {}),
    ("ClusterRoleBinding", "roleRef"): ({"name": "other"}, {}),
    ("PriorityClass", "value"): (2, {}),
    ("PriorityClass", "preemptionPolicy"): ("Never", {}),
    ("IngressClass", "spec.controller"): ("example.org/other", {}),
    ("CustomResourceDefinition", "spec.group"): ("other.example.org", {}),
    ("CustomResourceDefinition", "spec.scope"): ("Cluster", {}),
    ("CustomResourceDefinition", "spec.names.kind"): ("Other", {}),
    ("CustomResourceDefinition", "spec.names.plural"): ("others", {}),
}
# what may be changed, so that the table does not forbid too much
ALLOWED: list[tuple[str, str, Any]] = [
    ("StatefulSet", "spec.replicas", 3),
    ("StatefulSet", "spec.ordinals", {"start": 1}),
    ("StatefulSet", "spec.template.spec.containers", [{"name": "main", "image": "example/main:2"}]),
    ("StatefulSet", "spec.updateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}),
    ("StatefulSet", "spec.revisionHistoryLimit", 3),
    ("StatefulSet", "spec.minReadySeconds", 3),
    ("StatefulSet", "spec.persistentVolumeClaimRetentionPolicy", {"whenDeleted": "Delete"}),
    ("Deployment", "spec.strategy", {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}}),
    ("Deployment", "spec.template.metadata.labels", {"app": "a", "b": "c"}),
    ("Job", "spec.parallelism", 2),
    ("Job", "spec.activeDeadlineSeconds", 20),
    ("Service", "spec.ports", [{"port": 81}]),
    ("Service", "spec.selector", {"app": "b"}),
    ("StorageClass", "allowVolumeExpansion", True),
    ("PriorityClass", "description", "of use"),
    ("RoleBinding", "subjects", [{"kind": "ServiceAccount", "name": "other", "namespace": "default"}]),
]
OWN = [entry for entry in TABLE if not entry.group.endswith(("mariadb.com", "strimzi.io"))]


def made(kind: str, name: str, namespace: str) -> Object:
    api_version, content = BEFORE[kind]
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        **copy.deepcopy(content),
    }


def changed(item: Object, path: str, value: Any) -> Object:
    """Return an object with another value at a path; a map is laid over what is there."""
    result = copy.deepcopy(item)
    *above, last = path.split(".")
    holder: Any = result
    for step in above:
        holder = holder.setdefault(step, {})
    old = holder.get(last)
    holder[last] = (
        {**old, **value} if isinstance(old, Mapping) and isinstance(value, Mapping) and path != "data" else value
    )
    return result


def stored(cluster: Cluster, item: Object) -> Object:
    cluster.apply(item)
    return item


@pytest.fixture(scope="module")
def there(cluster: Cluster) -> dict[str, Object]:
    """One object of each kind, for all the tests: they only ask what a change would do."""
    found = {}
    for kind in BEFORE:
        names = {"CustomResourceDefinition": "ones.immutable.example.org"}
        found[kind] = stored(cluster, made(kind, names.get(kind, "immutable"), "default"))
    return found


def refusal(cluster: Cluster, item: Object) -> str:
    """Return what the API server says to an update; empty where it takes it. Nothing is written."""
    try:
        cluster.apply(item, dry_run=True)
    except ApiError as error:
        return error.message
    return ""


@pytest.mark.parametrize(("kind", "path"), AFTER)
def test_the_api_server_refuses_what_the_table_says(
    there: dict[str, Object], cluster: Cluster, kind: str, path: str
) -> None:
    value, besides = AFTER[kind, path]
    old = there[kind]
    if path == "spec.loadBalancerClass":
        balanced = {"type": "LoadBalancer", "loadBalancerClass": "example.org/one", "ports": [{"port": 80}]}
        old = stored(cluster, {**made("Service", "balanced", "default"), "spec": balanced})
    new = changed(old, path, value) | besides
    if path.startswith("spec.names") or path == "spec.group":
        new["spec"]["names"].setdefault("singular", "one")
    said = refusal(cluster, new)
    assert said, f"{kind} {path}: the API server takes it"
    assert path in [violation.entry.field for violation in violations(old, new)], said


def test_every_field_of_the_table_is_tried() -> None:
    tried = {*AFTER, ("Service", "spec.clusterIP")}
    assert {(kind, entry.field) for entry in OWN for kind in entry.kinds} == tried


@pytest.mark.parametrize(("kind", "path", "value"), ALLOWED)
def test_the_api_server_takes_what_the_table_leaves_open(
    there: dict[str, Object], cluster: Cluster, kind: str, path: str, value: Any
) -> None:
    new = changed(there[kind], path, value)
    assert refusal(cluster, new) == ""
    assert violations(there[kind], new) == []


def test_the_address_of_a_service_is_refused_when_written_anew_and_kept_when_left_out(
    there: dict[str, Object], cluster: Cluster
) -> None:
    usual = stored(cluster, changed(made("Service", "usual", "default"), "spec.clusterIP", None))
    headless = changed(usual, "spec.clusterIP", "None")
    assert "may not change once set" in refusal(cluster, headless)
    assert effects(usual, headless) == [("spec.clusterIP", Effect.REFUSED)]
    left_out = copy.deepcopy(there["Service"])
    del left_out["spec"]["clusterIP"]
    assert cluster.apply(left_out, dry_run=True)["spec"]["clusterIP"] == "None"
    assert effects(there["Service"], left_out) == [("spec.clusterIP", Effect.IGNORED)]


def effects(old: Object, new: Object) -> list[tuple[str, Effect]]:
    return [(violation.entry.field, violation.entry.effect) for violation in violations(old, new)]


def test_a_claim_grows_where_its_class_allows_it() -> None:
    old, new = (made("PersistentVolumeClaim", "a", "default") for _ in range(2))
    new["spec"]["resources"] = {"requests": {"storage": "4Gi"}}
    assert violations(old, new) == []


def test_what_is_called_a_default_is_what_the_api_server_fills_in(there: dict[str, Object], cluster: Cluster) -> None:
    """An object as it comes back, with every default in it, is to the difference the object that was sent."""
    found = {kind: filled(cluster, item) for kind, item in there.items()}
    assert {kind: fields for kind, fields in found.items() if fields} == {}


def test_our_own_objects_come_back_as_they_were_sent(cluster: Cluster) -> None:
    rendered = render_environment("dev")
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": rendered.environment.namespace}})
    found = {title(item): filled(cluster, item) for item in rendered.objects()}
    assert {name: fields for name, fields in found.items() if fields} == {}


def filled(cluster: Cluster, item: Object) -> list[tuple[str, Any]]:
    """Return what the API server adds to an object besides what it allocates, as far as we call it a difference."""
    answer = cluster.apply(item, dry_run=True, manager="defaults")
    ignored = ASSIGNED.get(item["kind"], ())
    return [
        (field.where, field.new)
        for field in compare(normal(item), normal(answer))
        if field.path[0] not in ("metadata", "status") and field.where not in ignored and not field.order
    ]


# what the API server allocates or derives, which is no default
ASSIGNED = {
    "Job": ("spec.selector", "spec.template.metadata.labels.controller-uid",
            "spec.template.metadata.labels.batch.kubernetes.io/controller-uid",
            "spec.template.metadata.labels.job-name", "spec.template.metadata.labels.batch.kubernetes.io/job-name"),
    "Service": ("spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies", "spec.ipFamilyPolicy"),
    "PersistentVolumeClaim": ("spec.storageClassName", "spec.volumeName"),
    "CustomResourceDefinition": ("spec.names.singular", "spec.names.listKind", "spec.conversion"),
}  # fmt: skip

"""Fields that cannot be changed in place: one table, for `indigo diff` and for the rule `immutable-fields`.

Kubernetes' own kinds are from the validation of k8s.io/kubernetes 1.37.2 (the file is named with each entry), and
tests/gitops/engine/test_immutable.py holds every entry against a real API server. Kinds of operators are from the
operators' source: what their webhook refuses, and what they leave as it was without refusing it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.diff.fields import Field, compare
from harness.diff.normal import Quantity, normal
from harness.render.objects import Object


class Effect(enum.StrEnum):
    """What comes of the change."""

    REFUSED = "refused"  # by the API server or a webhook: the sync fails, and nothing after it is applied
    IGNORED = "ignored"  # the object is written, and what runs stays as it was


@dataclass(frozen=True)
class Procedure:
    """What to do instead: steps with {kind}, {name}, {namespace} in them."""

    steps: tuple[str, ...]
    costs: str


AS_IT_WAS = "or leave the field as it was, and write the new object under another name"
ORPHAN = Procedure(
    (
        "kubectl -n {namespace} delete {kind} {name} --cascade=orphan",
        "sync: Argo CD makes it anew, and it takes over the pods and claims that are there",
    ),
    "Nothing stops. Pods are replaced only where their template changed, too.",
)
CLAIMS = Procedure(
    (
        "a larger volume: kubectl -n {namespace} edit pvc, resources.requests.storage of each claim, where its storage "
        "class allows it",
        "another class or a smaller volume: make a backup and bring the data to new claims; old ones stay as they are",
        *ORPHAN.steps,
    ),
    "The new templates are for new claims only. Data that moves needs the component stopped.",
)
RECREATE = Procedure(
    ("kubectl -n {namespace} delete {kind} {name}", "sync: Argo CD makes it anew", AS_IT_WAS),
    "Its pods stop until the new ones are ready.",
)
RENEW = Procedure(
    ("kubectl -n {namespace} delete {kind} {name}", "sync: Argo CD makes it anew", AS_IT_WAS),
    "What uses it misses it for some seconds.",
)
RERUN = Procedure(
    (
        "give it another name (the library chart does: its name holds a hash of its pod)",
        "or: kubectl -n {namespace} delete {kind} {name}, and sync",
    ),
    "The Job runs again.",
)
MOVE = Procedure(
    (
        "make a backup; stop what writes to it",
        "write the new object under another name and bring the data there",
        "remove the old one when everything runs",
    ),
    "The component is away while its data moves.",
)
COPIES = Procedure(
    ("change the copies with kafka-reassign-partitions.sh on a broker", "then write that number here"),
    "Brokers copy the data; clients do not notice.",
)
GROW_ONLY = Procedure(("leave the number as it was; it can only grow",), "Nothing.")
STRATEGY = Procedure(
    (
        "kubectl -n {namespace} patch {kind} {name} --type=json "
        '-p \'[{{"op": "replace", "path": "/spec/updateStrategy", "value": {{"type": "OnDelete"}}}}]\'',
        "sync",
    ),
    "Nothing.",
)
TWIN = Procedure(
    ("write a new object under another name, move what uses it, then remove the old one",), "Nothing, in that order."
)


@dataclass(frozen=True)
class Immutable:
    """A field that cannot be changed in place.

    Attributes:
        group, kinds: of the objects; group is empty for the core.
        path: the field; all that is below it is meant.
        but: names below it that may be changed.
        source: where that is written.
        procedure: what to do instead.
        effect: what comes of trying.
        only: of all changes of it, those that are meant; it is given old and new value without defaults, and both
            objects as they are written.
        condition: `only` in words.
    """

    group: str
    kinds: tuple[str, ...]
    path: tuple[str, ...]
    source: str
    procedure: Procedure
    but: tuple[str, ...] = ()
    effect: Effect = Effect.REFUSED
    only: Callable[[Any, Any, Object, Object], bool] | None = None
    condition: str = ""

    @property
    def field(self) -> str:
        """Return the field as text."""
        return ".".join(self.path)

    def steps(self, kind: str, name: str, namespace: str) -> tuple[str, ...]:
        """Return what to do instead, for an object."""
        words = {"kind": kind.lower(), "name": name, "namespace": namespace}
        return tuple(step.format(**words) for step in self.procedure.steps)


@dataclass(frozen=True)
class Violation:
    """A change that cannot be made in place."""

    entry: Immutable
    fields: tuple[Field, ...]

    def steps(self, item: Object) -> tuple[str, ...]:
        """Return what to do instead, for an object."""
        metadata = item["metadata"]
        return self.entry.steps(item["kind"], metadata["name"], metadata.get("namespace") or "NAMESPACE")


def _shrinks(old: Any, new: Any, _: Object, __: Object) -> bool:
    if isinstance(old, Quantity) and isinstance(new, Quantity):
        return new.amount < old.amount
    return isinstance(old, int) and isinstance(new, int) and new < old


def _was_set(old: Any, _new: Any, _: Object, __: Object) -> bool:
    return bool(old)


def _leaves_a_default(_old: Any, new: Any, before: Object, _: Object) -> bool:
    """Whether the API server's own `rollingUpdate` stays beside another type: nobody wrote it, nobody removes it."""
    written = (before.get("spec") or {}).get("updateStrategy") or {}
    return (new or {}).get("type", "RollingUpdate") != "RollingUpdate" and "rollingUpdate" not in written


def _was_immutable(_old: Any, _new: Any, before: Object, _: Object) -> bool:
    return before.get("immutable") is True


def _not_indexed(_old: Any, _new: Any, _: Object, after: Object) -> bool:
    return (after.get("spec") or {}).get("completionMode") != "Indexed"


def _address(old: Any, new: Any, before: Object, after: Object) -> bool:
    types = {(item.get("spec") or {}).get("type") for item in (before, after)}
    return "ExternalName" not in types and new is not None


def _address_left_out(old: Any, new: Any, before: Object, after: Object) -> bool:
    types = {(item.get("spec") or {}).get("type") for item in (before, after)}
    return "ExternalName" not in types and old is not None and new is None


def _both_balanced(old: Any, new: Any, before: Object, after: Object) -> bool:
    return {(item.get("spec") or {}).get("type") for item in (before, after)} == {"LoadBalancer"}


APPS = "pkg/apis/apps/validation/validation.go"
BATCH = "pkg/apis/batch/validation/validation.go, ValidateJobSpecUpdate"
CORE = "pkg/apis/core/validation/validation.go"
STORAGE = "pkg/apis/storage/validation/validation.go, ValidateStorageClassUpdate"
CRD = "k8s.io/apiextensions-apiserver 0.37.2, pkg/apis/apiextensions/validation/validation.go"
MDO = "mariadb-operator 26.6.0, api/v1alpha1 (webhook tags), pkg/webhook/inmutable_webhook.go"
STRIMZI = (
    "strimzi-kafka-operator 1.2.0: StorageDiff.java; BatchingTopicController.java (Decreasing partitions not supported)"
)
_MAY = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "minReadySeconds",
    "persistentVolumeClaimRetentionPolicy",
)  # fmt: skip
_JOB = (
    "selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy",
)  # fmt: skip


def _entries() -> Iterator[Immutable]:
    templates = ("spec", "volumeClaimTemplates")
    rest = (*_MAY, "volumeClaimTemplates")
    yield Immutable("apps", ("StatefulSet",), ("spec",), f"{APPS}, ValidateStatefulSetUpdate", ORPHAN, rest)
    yield Immutable("apps", ("StatefulSet",), templates, f"{APPS}, ValidateStatefulSetUpdate", CLAIMS)
    yield Immutable(
        "apps", ("StatefulSet",), ("spec", "updateStrategy"), f"{APPS}, ValidateStatefulSetSpec", STRATEGY,
        only=_leaves_a_default, condition="another type where rollingUpdate was left to its default, which stays",
    )  # fmt: skip
    for kind in ("Deployment", "DaemonSet"):
        yield Immutable("apps", (kind,), ("spec", "selector"), f"{APPS}, Validate{kind}Update", RECREATE)
    for name in _JOB:
        yield Immutable("batch", ("Job",), ("spec", name), BATCH, RERUN)
    yield Immutable(
        "batch", ("Job",), ("spec", "completions"), BATCH, RERUN, only=_not_indexed, condition="unless it is indexed"
    )
    claim = ("PersistentVolumeClaim",)
    source = f"{CORE}, ValidatePersistentVolumeClaimUpdate"
    yield Immutable("", claim, ("spec",), source, MOVE, but=("resources", "volumeAttributesClassName"))
    size = ("spec", "resources", "requests", "storage")
    yield Immutable("", claim, size, source, MOVE, only=_shrinks, condition="made smaller")
    source = f"{CORE}, validateUpgradeDowngradeClusterIPs"
    yield Immutable("", ("Service",), ("spec", "clusterIP"), source, RENEW, only=_address, condition="written anew")
    yield Immutable(
        "",
        ("Service",),
        ("spec", "clusterIP"),
        "pkg/registry/core/service/strategy.go, patchAllocatedValues",
        RENEW,
        effect=Effect.IGNORED,
        only=_address_left_out,
        condition="left out: the Service keeps its address, or stays headless",
    )
    yield Immutable(
        "",
        ("Service",),
        ("spec", "loadBalancerClass"),
        f"{CORE}, validateLoadBalancerClassField",
        RENEW,
        only=_both_balanced,
        condition="while it is of type LoadBalancer",
    )
    for kind in ("ConfigMap", "Secret"):
        for name in ("data", "binaryData", "immutable") if kind == "ConfigMap" else ("data", "stringData", "immutable"):
            yield Immutable(
                "", (kind,), (name,), f"{CORE}, Validate{kind}Update", TWIN, only=_was_immutable,
                condition="of one with `immutable: true`",
            )  # fmt: skip
    yield Immutable("", ("Secret",), ("type",), f"{CORE}, ValidateSecretUpdate", RENEW)
    for name in ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"):
        yield Immutable("storage.k8s.io", ("StorageClass",), (name,), STORAGE, TWIN)
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        source = f"pkg/apis/rbac/validation/validation.go, Validate{kind}Update"
        yield Immutable("rbac.authorization.k8s.io", (kind,), ("roleRef",), source, RENEW)
    source = "pkg/apis/scheduling/validation/validation.go, ValidatePriorityClassUpdate"
    for name in ("value", "preemptionPolicy"):
        yield Immutable("scheduling.k8s.io", ("PriorityClass",), (name,), source, TWIN)
    source = "pkg/apis/networking/validation/validation.go, validateIngressClassSpecUpdate"
    yield Immutable("networking.k8s.io", ("IngressClass",), ("spec", "controller"), source, TWIN)
    for path in (("spec", "group"), ("spec", "scope"), ("spec", "names", "kind"), ("spec", "names", "plural")):
        yield Immutable("apiextensions.k8s.io", ("CustomResourceDefinition",), path, CRD, TWIN)
    yield from _operators()


def _operators() -> Iterator[Immutable]:
    group = "k8s.mariadb.com"
    for name in ("username", "database", "timeZone", "connection", "primaryConnection", "secondaryConnection"):
        yield Immutable(group, ("MariaDB",), ("spec", name), MDO, RECREATE)
    yield Immutable(group, ("MariaDB",), ("spec", "storage", "storageClassName"), MDO, MOVE)
    yield Immutable(group, ("MariaDB",), ("spec", "affinity", "antiAffinityEnabled"), MDO, RECREATE)
    for path in (
        ("spec", "rootPasswordSecretKeyRef"),
        ("spec", "serviceAccountName"),
        ("spec", "storage", "ephemeral"),
    ):
        yield Immutable(group, ("MariaDB",), path, MDO, RECREATE, only=_was_set, condition="once it is set")
    size = ("spec", "storage", "size")
    yield Immutable(
        group, ("MariaDB",), size, f"{MDO}; validateUpdateStorage", MOVE, only=_shrinks, condition="made smaller"
    )
    for name in ("mariaDbRef", "characterSet", "collate", "name"):
        yield Immutable(group, ("Database",), ("spec", name), MDO, MOVE)
    for name in ("mariaDbRef", "name", "host"):
        yield Immutable(group, ("User",), ("spec", name), MDO, RENEW)
    for name in ("mariaDbRef", "database", "table", "username", "host", "grantOption"):
        yield Immutable(group, ("Grant",), ("spec", name), MDO, RENEW)
    group, ignored = "kafka.strimzi.io", Effect.IGNORED
    yield Immutable(
        group, ("KafkaTopic",), ("spec", "partitions"), STRIMZI, GROW_ONLY, effect=ignored, only=_shrinks,
        condition="made fewer",
    )  # fmt: skip
    yield Immutable(group, ("KafkaTopic",), ("spec", "topicName"), STRIMZI, TWIN, effect=ignored)
    yield Immutable(
        group,
        ("KafkaTopic",),
        ("spec", "replicas"),
        STRIMZI,
        GROW_ONLY,
        effect=ignored,
        condition="without Cruise Control",
    )
    pool = ("KafkaNodePool",)
    yield Immutable(
        group, pool, ("spec", "storage", "volumes"), STRIMZI, MOVE, effect=ignored, only=_other_volumes,
        condition="another class or type, or a smaller volume",
    )  # fmt: skip


def _other_volumes(old: Any, new: Any, _: Object, __: Object) -> bool:
    """Whether Strimzi refuses what became of the volumes: it takes more of them, fewer, and larger ones."""
    before, after = ({entry.get("id"): entry for entry in value or ()} for value in (old, new))
    return any(
        before[key].get(name) != after[key].get(name)
        or _shrinks(before[key].get("size"), after[key].get("size"), {}, {})
        for key in before.keys() & after.keys()
        for name in ("type", "class")
    )


TABLE: tuple[Immutable, ...] = tuple(_entries())


def violations(old: Object, new: Object) -> list[Violation]:
    """Return what of a change cannot be made in place; empty where all of it can.

    Args:
        old: the object as it is.
        new: the object of the same kind and name as it is to be.
    """
    group, kind = str(old.get("apiVersion", "")).rpartition("/")[0], str(old.get("kind"))
    entries = [entry for entry in TABLE if entry.group == group and kind in entry.kinds]
    if not entries:
        return []
    before, after = normal(old), normal(new)
    found = []
    for entry in entries:
        one, other = _at(before, entry.path), _at(after, entry.path)
        if entry.but:
            one, other = _without(one, entry.but), _without(other, entry.but)
        changed = tuple(field for field in compare(one, other, entry.path) if not _harmless_order(field))
        if changed and (entry.only is None or entry.only(one, other, old, new)):
            found.append(Violation(entry, changed))
    return found


def _harmless_order(field: Field) -> bool:
    return field.order and "template" not in field.path and "volumeClaimTemplates" not in field.path


def _at(item: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        item = item.get(step) if isinstance(item, Mapping) else None
    return item


def _without(value: Any, names: tuple[str, ...]) -> Any:
    return {key: entry for key, entry in value.items() if key not in names} if isinstance(value, Mapping) else value

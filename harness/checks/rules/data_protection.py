"""Data outlives what used it: claims are neither pruned nor deleted, and a StatefulSet keeps its own."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule
from harness.engines.crds import strict_schema
from harness.render.objects import Object

OPTIONS = "argocd.argoproj.io/sync-options"
_POLICY = {"whenDeleted": "Retain", "whenScaled": "Retain"}


def sync_options(item: Object) -> set[str]:
    """Return the sync options of an object."""
    written = ((item.get("metadata") or {}).get("annotations") or {}).get(OPTIONS, "")
    return {option.strip() for option in str(written).split(",") if option.strip()}


def _check(platform: Platform) -> Iterator[Problem]:
    for item in platform.objects:
        if item["kind"] == "PersistentVolumeClaim":
            yield from _kept(item, item, "metadata.annotations", helm=True)
        templates = (item.get("spec") or {}).get("volumeClaimTemplates") or ()
        for index, template in enumerate(templates):
            yield from _kept(item, template, f"spec.volumeClaimTemplates[{index}].metadata.annotations", helm=True)
        if templates:
            policy = item["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
            for key, value in _POLICY.items():
                if policy.get(key) != value:
                    yield Problem(
                        item,
                        f"spec.persistentVolumeClaimRetentionPolicy.{key}",
                        f"is {policy.get(key)}, wanted is {value}",
                    )
    for item in platform.objects:
        contract = platform.contracts.get(platform.component(item))
        if contract and contract.operator and contract.operator.kinds.get(item["kind"]) == item["apiVersion"]:
            yield from _kept(item, item, "metadata.annotations", helm=True)
            if (
                item["kind"] in contract.operator.provides
                and "cleanupPolicy" in _fields(item)
                and item["spec"].get("cleanupPolicy") != "Skip"
            ):
                yield Problem(item, "spec.cleanupPolicy", "is not Skip: the operator would drop it with the resource")
    for item in platform.delivery:
        if item["kind"] == "Namespace":
            yield from _kept(item, item, "metadata.annotations", helm=False)


def _fields(item: Object) -> set[str]:
    """Return the names that the spec of a custom resource's kind may hold, by upstream's definition."""
    schema = strict_schema(item["apiVersion"], item["kind"]) or {}
    return set(schema.get("properties", {}).get("spec", {}).get("properties", {}))


def _kept(owner: Object, item: Object, path: str, helm: bool) -> Iterator[Problem]:
    missing = sorted({"Prune=false", "Delete=false"} - sync_options(item))
    if missing:
        yield Problem(owner, f"{path}.{OPTIONS}", f"lacks {', '.join(missing)}: pruning and deleting are two things")
    annotations = item["metadata"].get("annotations") or {}
    if helm and annotations.get("helm.sh/resource-policy") != "keep":
        yield Problem(owner, f"{path}.helm.sh/resource-policy", "is not keep: helm uninstall would delete it")


RULE = Rule(
    id="data-protection",
    title="Claims, operators' resources and the namespace are neither pruned nor deleted; claims outlive StatefulSets",
    fix="add the annotations of common.keep",
    source="Argo CD documentation, sync options; argoproj/argo-cd issues 9853, 13503",
    why="Argo CD prunes what a render leaves out and deletes what an Application made: one wrong line of values "
    "would take the databases along.",
    example=Example(
        given="a claim whose annotation argocd.argoproj.io/sync-options is Prune=false alone",
        says="lacks Delete=false",
    ),
    environment=_check,
)

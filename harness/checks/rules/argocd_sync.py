"""What makes a sync converge and delete nothing that is needed: waves and retries; no hooks, TTLs or finalizers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.checks.rules.data_protection import sync_options
from harness.checks.rules.graph_waves import ANNOTATION
from harness.model.contract import TIERS
from harness.render.objects import Object

_HOOKS = ("argocd.argoproj.io/hook", "argocd.argoproj.io/hook-delete-policy", "helm.sh/hook", "helm.sh/hook-weight")
_OPTIONS = {
    "Prune=false", "Prune=confirm", "Delete=false", "Delete=confirm", "PruneLast=true", "ServerSideApply=true",
    "SkipDryRunOnMissingResource=true", "CreateNamespace=false",
}  # fmt: skip
WAITED_FOR = "indigo-paas/waited-for"  # read by the health check of Applications, argocd/bootstrap
REQUIRED = {"data", "core"}  # what a first installation is ordered by, and what is never empty
_SERVER_SIDE = "ServerSideApply=true"
_SKIP = "SkipDryRunOnMissingResource=true"
_SETTINGS = {
    "application.resourceTrackingMethod": "labels of operators' children would clash with the tracking label",
    "resource.customizations.health.argoproj.io_Application": "waves between Applications wait for nothing without it",
    "controller.sync.timeout.seconds": "one sync that waits for ever keeps the fix from being delivered",
}


def _check(platform: Platform) -> Iterator[Problem]:
    for item in [*platform.objects, *platform.delivery]:
        yield from _object(item)
    for item in platform.objects:
        contract = platform.contracts.get(platform.component(item))
        if (
            contract
            and contract.operator
            and item["kind"] in contract.operator.kinds
            and _SKIP not in sync_options(item)
        ):
            message = f"lacks {_SKIP}: the dry run fails as long as its operator has not brought its definition"
            yield Problem(item, "metadata.annotations", message)
    for item in platform.delivery:
        if item["kind"] == "Application":
            yield from _application(item)
            if item["metadata"]["name"] in platform.rendered.applications:
                yield from _environment(item, platform)
    yield from _application(platform.rendered.delivered_by)


def _bootstrap(subject: Subject) -> Iterator[tuple[str, Problem]]:
    settings = {
        key: value
        for item in subject.bootstrap
        if item["kind"] == "ConfigMap"
        for key, value in (item.get("data") or {}).items()
    }
    for key, why in _SETTINGS.items():
        if not settings.get(key):
            yield "", Problem(None, key, f"is not among the settings of Argo CD: {why}")
    for item in subject.bootstrap:
        for problem in _object(item):
            yield "", problem
        if item["kind"] in ("Application", "ApplicationSet", "AppProject"):
            missing = sorted({"Prune=false", "Delete=false"} - sync_options(item))
            if missing:
                yield (
                    "",
                    Problem(
                        item, "metadata.annotations", f"lacks {', '.join(missing)}: losing it loses everything below"
                    ),
                )
        if item["kind"] == "Application":
            for problem in _application(item):
                yield "", problem
        if item["kind"] == "ApplicationSet":
            for problem in _applicationset(item):
                yield "", problem


def _object(item: Object) -> Iterator[Problem]:
    annotations = item["metadata"].get("annotations") or {}
    if item["kind"] == "Job" and "ttlSecondsAfterFinished" in item["spec"]:
        yield Problem(
            item,
            "spec.ttlSecondsAfterFinished",
            "deletes the Job when it is done, and Argo CD makes it again, for ever",
        )
    for hook in _HOOKS:
        if hook in annotations:
            yield Problem(
                item, f"metadata.annotations.{hook}", "makes it a hook: it runs at every sync, outside the waves"
            )
    wave = annotations.get(ANNOTATION)
    if wave is not None and not re.fullmatch(r"-?[0-9]+", str(wave)):
        yield Problem(item, f"metadata.annotations.{ANNOTATION}", f"{wave!r} is no whole number, and counts as 0")
    for option in sorted(sync_options(item) - _OPTIONS):
        yield Problem(item, "metadata.annotations", f"the sync option {option} is unknown or dangerous here")
    if item["metadata"].get("finalizers"):
        yield Problem(
            item,
            "metadata.finalizers",
            f"{', '.join(item['metadata']['finalizers'])}: deleting it would delete what it made",
        )


def _application(item: Object) -> Iterator[Problem]:
    policy = item["spec"].get("syncPolicy") or {}
    if "allowEmpty" in (policy.get("automated") or {}) and not _optional(item):
        yield Problem(item, "spec.syncPolicy.automated.allowEmpty", "is set: an empty render would prune everything")
    if not (policy.get("retry") or {}).get("refresh"):
        yield Problem(
            item, "spec.syncPolicy.retry.refresh", "is not true: a failed revision is retried, its fix is not"
        )
    for option in policy.get("syncOptions") or ():
        if option not in _OPTIONS:
            yield Problem(item, "spec.syncPolicy.syncOptions", f"{option} is unknown or dangerous here")


def _environment(item: Object, platform: Platform) -> Iterator[Problem]:
    environment = platform.rendered.environment
    if _SERVER_SIDE in ((item["spec"].get("syncPolicy") or {}).get("syncOptions") or ()):
        message = f"holds {_SERVER_SIDE}: Argo CD would take over every field that others keep"
        yield Problem(item, "spec.syncPolicy.syncOptions", message)
    automated = "automated" in (item["spec"].get("syncPolicy") or {})
    if automated != environment.sync.automated:
        yield Problem(
            item, "spec.syncPolicy.automated", f"is {automated}, config.yaml says {environment.sync.automated}"
        )
    if "Delete=confirm" not in sync_options(item):
        yield Problem(item, "metadata.annotations", "lacks Delete=confirm: it would go with the Application above it")
    if "Prune=confirm" in sync_options(item):
        yield Problem(
            item, "metadata.annotations", "has Prune=confirm: whole or slices would wait for a person, and all else too"
        )
    waited = (item["metadata"].get("annotations") or {}).get(WAITED_FOR)
    wanted = "first-sync" if _slice(item) in REQUIRED else "never"
    if waited != wanted:
        yield Problem(
            item,
            f"metadata.annotations.{WAITED_FOR}",
            f"is {waited}, wanted is {wanted}: the environment's sync would wait for its health, and for nothing newer",
        )
    profiles = [f"profiles/{profile}.yaml" for profile in environment.profiles]
    files = ((item["spec"].get("source") or {}).get("helm") or {}).get("valueFiles") or []
    if files[: len(profiles)] != profiles:
        yield Problem(
            item,
            "spec.source.helm.valueFiles",
            f"does not begin with {', '.join(profiles)}, the profiles of config.yaml in their order",
        )


def _slice(item: Object) -> str:
    """Return the slice that an Application renders; empty where it renders all, or is none of the umbrella."""
    helm = (item["spec"].get("source") or {}).get("helm") or {}
    given = {entry.get("name"): entry.get("value") for entry in helm.get("parameters") or ()}
    return str(given.get("global.slice") or "")


def _optional(item: Object) -> bool:
    return _slice(item) in set(TIERS) - REQUIRED


def _applicationset(item: Object) -> Iterator[Problem]:
    policy = item["spec"].get("syncPolicy") or {}
    if policy.get("applicationsSync") not in ("create-update", "create-only"):
        yield Problem(
            item, "spec.syncPolicy.applicationsSync", "lets a removed folder delete the Application and its data"
        )
    if policy.get("preserveResourcesOnDeletion") is not True:
        yield Problem(
            item, "spec.syncPolicy.preserveResourcesOnDeletion", "is not true: deleting it would delete all data"
        )
    if "missingkey=error" not in (item["spec"].get("goTemplateOptions") or ()):
        yield Problem(item, "spec.goTemplateOptions", "lacks missingkey=error: a missing key would become <no value>")


RULE = Rule(
    id="argocd-sync",
    title="Syncs converge and delete nothing that is needed: no hooks, TTLs or finalizers; waves, retries, guards",
    fix="see docs/explanation/architecture.md, Order, and the comments in argocd/",
    source="Argo CD documentation: sync options, sync waves, automated sync, ApplicationSet deletion",
    why="Argo CD repeats a failed revision, prunes what a render leaves out and runs hooks at every sync: each of"
    " these has deleted data or blocked a fix somewhere.",
    example=Example(
        given="ttlSecondsAfterFinished: 600 in a Job",
        says="deletes the Job when it is done",
    ),
    environment=_check,
    checkout=_bootstrap,
)

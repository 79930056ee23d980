"""Annotations are those that Argo CD and Helm read, with values that they take: nobody says so of a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.render.objects import Object

_WAVE = "argocd.argoproj.io/sync-wave"
_OPTIONS = r"[A-Za-z]+=[a-z]+(,[A-Za-z]+=[a-z]+)*"
_COMPARED = r"(IgnoreExtraneous|ServerSideDiff=(true|false))"
IGNORE_HEALTH = "argocd.argoproj.io/ignore-healthcheck"
# annotation -> what its value is; of an object that is applied, not of Argo CD's own bookkeeping
KNOWN = {
    _WAVE: r"-?[0-9]+",
    IGNORE_HEALTH: r"true",
    "argocd.argoproj.io/sync-options": _OPTIONS,
    "argocd.argoproj.io/compare-options": f"{_COMPARED}(,{_COMPARED})*",
    "argocd.argoproj.io/hook": r"(PreSync|Sync|PostSync|SyncFail|PostDelete|Skip)(,(PreSync|Sync|PostSync|SyncFail))*",
    "argocd.argoproj.io/hook-delete-policy": r"HookSucceeded|HookFailed|BeforeHookCreation",
    "argocd.argoproj.io/manifest-generate-paths": r"\S+",
    "helm.sh/resource-policy": r"keep",
    "helm.sh/hook": r"(pre|post)-(install|upgrade|delete)(,(pre|post)-(install|upgrade|delete))*",
    "helm.sh/hook-weight": r"-?[0-9]+",
    "helm.sh/hook-delete-policy": r"(before-hook-creation|hook-succeeded|hook-failed)(,.*)?",
}
_PREFIXES = ("argocd.argoproj.io/", "helm.sh/")


def _check(platform: Platform) -> Iterator[Problem]:
    for item in [*platform.objects, *platform.delivery, platform.rendered.delivered_by]:
        yield from _annotations(item)
    for item in platform.objects:
        if item["kind"] == "CronJob" and _written(item).get(IGNORE_HEALTH) != "true":
            message = (
                "is not there: the last failed run would make the Application Degraded, and stop what waits for it"
            )
            yield Problem(item, f"metadata.annotations.{IGNORE_HEALTH}", message)


def _bootstrap(subject: Subject) -> Iterator[tuple[str, Problem]]:
    for item in subject.bootstrap:
        for problem in _annotations(item):
            yield "", problem


def _annotations(item: Object) -> Iterator[Problem]:
    templates = (item.get("spec") or {}).get("volumeClaimTemplates") or ()
    places = {"metadata.annotations": _written(item)}
    places |= {
        f"spec.volumeClaimTemplates[{index}].metadata.annotations": _written(one) for index, one in enumerate(templates)
    }
    for place, written in places.items():
        for key, value in written.items():
            if not key.startswith(_PREFIXES):
                continue
            wanted = KNOWN.get(key)
            if wanted is None:
                yield Problem(item, f"{place}.{key}", "is no annotation that Argo CD or Helm reads")
            elif key != _WAVE and not re.fullmatch(wanted, str(value)):  # waves are the part of argocd-sync
                yield Problem(item, f"{place}.{key}", f"is {value!r}, which is not understood")


def _written(item: Object) -> dict[str, str]:
    written: dict[str, str] = (item.get("metadata") or {}).get("annotations") or {}
    return written


RULE = Rule(
    id="argocd-annotations",
    title="Annotations of Argo CD and Helm are ones that they read; a failed run does not count for health",
    fix="mend the name or the value; common.metadata, common.keep and common.cronjob write them",
    source="Argo CD v3.6 documentation: sync options, compare options, resource hooks, health; Helm hooks",
    why="An annotation that nobody reads does nothing, and nobody says so: a misspelt wave syncs with wave 0, "
    "a misspelt guard guards nothing.",
    example=Example(
        given="argocd.argoproj.io/sync-option: Prune=false",
        says="is no annotation that Argo CD or Helm reads",
    ),
    environment=_check,
    checkout=_bootstrap,
)

"""The kinds of blockage, in the order in which they are asked for: the first that fits a case names it.

To add one, write a function that takes a `Case` and returns a `Finding` or None, put it in here where it belongs, and
describe it in docs/how-to/when-a-sync-does-not-converge.md (a test compares).
"""

from __future__ import annotations

from harness.diagnose.cases import Case, Stage
from harness.diagnose.finding import Finding, Kind
from harness.diagnose.kinds import applications, objects, pods, refusals, routes, storage, syncs

BEFORE, OBJECT, AFTER = Stage.BEFORE, Stage.OBJECT, Stage.AFTER

KINDS: tuple[Kind, ...] = (
    # an Application, before its objects
    Kind("applicationset-error", "The ApplicationSet makes no Applications", BEFORE, applications.applicationset),
    Kind("render-refused", "The charts refuse the values", BEFORE, applications.render_refused),
    Kind("source-unreachable", "Argo CD cannot read repository or revision", BEFORE, applications.source_unreachable),
    Kind("comparison-error", "Argo CD cannot compare", BEFORE, applications.comparison_error),
    Kind("project-refusal", "The project does not allow it", BEFORE, applications.project_refused),
    Kind("application-error", "Argo CD notes an error at the Application", BEFORE, applications.error_condition),
    Kind("shared-object", "Two Applications claim one object", BEFORE, applications.shared_object),
    Kind("sync-window", "A sync window is closed", BEFORE, applications.sync_window),
    Kind("confirmation", "A removal waits to be confirmed", BEFORE, applications.confirmation),
    # an object that was refused, or whose pods were
    Kind("project-refusal", "The project does not allow it", OBJECT, refusals.project_refused),
    Kind("namespace-missing", "The namespace is missing", OBJECT, refusals.namespace_missing),
    Kind("kind-unknown", "The cluster does not know the kind", OBJECT, refusals.kind_unknown),
    Kind("immutable-field", "A field cannot be changed in place", OBJECT, refusals.immutable),
    Kind("quota", "The quota is exceeded", OBJECT, refusals.quota),
    Kind("pod-security", "PodSecurity refuses the pods", OBJECT, refusals.pod_security),
    Kind("admission", "A webhook or policy refuses it", OBJECT, refusals.admission),
    Kind("service-account", "The ServiceAccount is missing", OBJECT, refusals.service_account),
    Kind("conflict", "Somebody else writes the same field", OBJECT, refusals.conflict),
    Kind("forbidden", "A right is missing", OBJECT, refusals.forbidden),
    Kind("invalid-object", "The object is not valid", OBJECT, refusals.invalid),
    Kind("apply-refused", "It was refused otherwise", OBJECT, refusals.refused_otherwise),
    # an object that is there
    Kind("deletion", "An object does not go away", OBJECT, objects.deleting),
    Kind("claim-deadlock", "Claim and pod wait for each other", OBJECT, storage.claim_deadlock),
    Kind("claim-pending", "A claim gets no volume", OBJECT, storage.claim_pending),
    Kind("route-not-accepted", "No gateway accepts a route", OBJECT, routes.not_accepted),
    Kind("no-address", "A Service gets no address", OBJECT, storage.no_address),
    Kind("job-failed", "A Job has failed", OBJECT, objects.job_failed, follows=True),
    Kind("pod-unschedulable", "No node takes the pod", OBJECT, pods.unschedulable),
    Kind("volume", "A volume cannot be mounted", OBJECT, pods.volume),
    Kind("container-config", "A Secret, key or ConfigMap is missing", OBJECT, pods.container_config),
    Kind("image-pull", "An image cannot be pulled", OBJECT, pods.image),
    Kind("container-start", "The container cannot be started", OBJECT, pods.start_error),
    Kind("init-waiting", "A component that it needs does not answer", OBJECT, pods.init_waiting, follows=True),
    Kind("init-failed", "An init container fails", OBJECT, pods.init_failed, follows=True),
    Kind("job-retrying", "A Job fails and tries again", OBJECT, objects.job_retrying, follows=True),
    Kind("crash-loop", "The container ends again and again", OBJECT, pods.crash, follows=True),
    Kind("suspended", "A rollout is paused", OBJECT, objects.suspended),
    Kind("not-ready", "It runs and does not become ready", OBJECT, pods.not_ready, follows=True),
    Kind("missing", "The object is not there", OBJECT, objects.lost),
    Kind("progressing", "Nothing is wrong yet", OBJECT, objects.progressing, follows=True),
    Kind("unhealthy", "It is not healthy, for a reason unknown here", OBJECT, objects.unhealthy, follows=True),
    # an Application, where its objects explain nothing
    Kind("sync-failed", "The sync has given up", AFTER, syncs.gave_up, alone="unblocked"),
    Kind("application-missing", "The Application is not there", AFTER, syncs.absent, alone="unexplained"),
    Kind(
        "not-looked-at",
        "Argo CD does not look at the Application",
        AFTER,
        syncs.not_looked_at,
        alone="unexplained",
    ),
    Kind("sync-not-started", "Nobody has synced it", AFTER, syncs.never_synced, alone="unexplained"),
    Kind("drift", "It differs from Git after a sync", AFTER, syncs.drift, alone="unexplained"),
    Kind("syncing", "A sync is under way", AFTER, syncs.syncing, alone="unexplained"),
    Kind("unexplained", "Nothing says why", AFTER, syncs.unexplained, alone="unexplained"),
)


def classify(case: Case, *, found: bool, blocked: bool) -> tuple[Kind, Finding] | None:
    """Return the first kind that fits a case and what it found, or None.

    Args:
        case: the suspect.
        found: whether anything was found before; then the kinds that explain least are not asked for.
        blocked: whether anything that blocks was found before.
    """
    silent = {"unblocked": blocked, "unexplained": found, "": False}
    for kind in KINDS:
        if kind.stage is case.stage and not silent[kind.alone]:
            finding = kind.find(case)
            if finding is not None:
                return kind, finding
    return None

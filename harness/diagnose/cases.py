"""What may be at fault, in the order in which it counts: each Application, then what it tracks, by phase and wave."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from harness.diagnose.containers import Container, culprit, worst_first
from harness.diagnose.health import HEALTHY, Health, State, health
from harness.diagnose.model import Ref
from harness.diagnose.objects import (
    Object,
    Objects,
    annotations_of,
    claim_names,
    condition,
    name_of,
    namespace_of,
    pod_template,
    status_of,
    wave_of,
)
from harness.diagnose.snapshot import View
from harness.diagnose.text import api_message

PHASES = {"PreSync": 0, "Sync": 1, "PostSync": 2}
ARGO = "argoproj.io"
DELIVERY = {"Application", "ApplicationSet"}
PULL_SECONDS = 300  # for images, and for what an init container waits for (charts/common/templates/_wait.tpl)


class Stage(enum.Enum):
    """When a kind of blockage is asked for."""

    BEFORE = enum.auto()  # an Application, before its objects: they cannot be better than it
    OBJECT = enum.auto()  # an object that an Application tracks
    AFTER = enum.auto()  # an Application, where its objects explain nothing


@dataclass(frozen=True)
class Case:
    """One object under suspicion, with everything that the snapshot knows of it."""

    view: View
    stage: Stage
    application: Object
    ref: Ref
    live: Object | None
    result: Object = field(default_factory=dict)
    health: Health = HEALTHY

    @property
    def component(self) -> str:
        """The component it belongs to, empty where none."""
        return (
            ""
            if self.stage is not Stage.OBJECT
            else self.view.component(self.ref.kind, self.ref.name, self.ref.namespace)
        )

    @property
    def operation(self) -> Object:
        """`status.operationState` of the Application."""
        return dict(status_of(self.application).get("operationState") or {})

    @property
    def conditions(self) -> Objects:
        """Conditions of the Application."""
        return list(status_of(self.application).get("conditions") or [])

    @property
    def refused(self) -> bool:
        """Whether the API server, or Argo CD's project, refused the object itself."""
        return self.result.get("status") == "SyncFailed"

    @property
    def failed(self) -> bool:
        """Whether it is over with it, for this sync or for good."""
        return (
            self.refused or self.result.get("hookPhase") in ("Failed", "Error") or self.health.state is State.DEGRADED
        )

    @cached_property
    def pods(self) -> Objects:
        """Its pods, the one that fails most plainly first."""
        return worst_first(self.view.pods_of(self.live)) if self.live else []

    @cached_property
    def culprit(self) -> Container | None:
        """The container that keeps its worst pod from being ready."""
        return culprit(self.pods[0]) if self.pods else None

    @cached_property
    def claims(self) -> Objects:
        """The claims that its worst pod uses and that are not bound."""
        names = claim_names(self.pods[0]) if self.pods else []
        found = [self.view.live("PersistentVolumeClaim", name, self.ref.namespace) for name in names]
        return [claim for claim in found if claim and status_of(claim).get("phase") != "Bound"]

    @cached_property
    def replicasets(self) -> Objects:
        """Its newest ReplicaSet, in a list."""
        return self.view.replicasets_of(self.live)[:1] if self.live and self.ref.kind == "Deployment" else []

    @cached_property
    def events(self) -> Objects:
        """Events about it, its ReplicaSet, its pods that are not fine, and its claims; the oldest first."""
        if self.live is None:
            return []
        return self.view.events_of(self.live, *self.replicasets, *self.pods[:3], *self.claims)

    @cached_property
    def refusal(self) -> str:
        """What the API server said when it refused the object, or pods of it; empty where it refused nothing."""
        if self.refused:
            return api_message(str(self.result.get("message", "")))
        if self.live is None or self.pods:
            return ""
        for owner in (*self.replicasets, self.live):
            if condition(owner, "ReplicaFailure").get("status") == "True":
                return api_message(str(condition(owner, "ReplicaFailure").get("message", "")))
        created = [event for event in self.events if event.get("reason") in ("FailedCreate", "SuccessfulCreate")]
        if created and created[-1]["reason"] == "FailedCreate":
            return api_message(str(created[-1].get("message", "")))
        return ""

    @property
    def begun(self) -> object:
        """The time since when it should have become healthy: of its newest pod, the sync or itself."""
        known = [
            str(item.get("metadata", {}).get("creationTimestamp", "")) for item in self.view.pods_of(self.live or {})
        ]
        own = str((self.live or {}).get("metadata", {}).get("creationTimestamp", ""))
        return max(known, default="") or max(own, str(self.operation.get("startedAt", "")))

    @property
    def age(self) -> int:
        """Seconds since `begun`."""
        return self.view.age(self.begun) or 0

    @property
    def allowed(self) -> int:
        """Seconds within which nothing is wrong yet, from the object's own limits."""
        if self.live is None:
            return PULL_SECONDS
        spec = self.live.get("spec") or {}
        if self.ref.kind == "Job":
            return int(spec.get("activeDeadlineSeconds") or 600)
        if self.ref.kind == "Deployment":
            return int(spec.get("progressDeadlineSeconds") or 600)
        if self.ref.kind in ("StatefulSet", "DaemonSet", "Pod"):
            probes = [one.get("startupProbe") or {} for one in pod_template(self.live).get("containers") or []]
            return PULL_SECONDS + max((_probe_seconds(probe) for probe in probes), default=0)
        return 60


def _probe_seconds(probe: Object) -> int:
    if not probe:
        return 60
    return int(probe.get("initialDelaySeconds", 0)) + int(probe.get("periodSeconds", 10)) * int(
        probe.get("failureThreshold", 3)
    )


def cases(view: View) -> Iterator[Case]:
    """Yield what may be at fault: per Application itself and its objects, then each Application once more."""
    for item in view.snapshot.get("applicationsets", []):
        yield Case(view, Stage.BEFORE, item, _ref(item), item)
    for item in view.applications:
        yield Case(view, Stage.BEFORE, item, _ref(item), item, health=health(item))
        yield from sorted(_objects(view, item), key=_order)
    for item in reversed(view.applications):
        yield Case(view, Stage.AFTER, item, _ref(item), item, health=health(item))


def _ref(item: Object) -> Ref:
    return Ref(kind=item.get("kind", "Application"), name=name_of(item), namespace=namespace_of(item))


def _order(case: Case) -> tuple[int, int, int, bool, str, str]:
    """Sort: what was refused ended the sync; then by phase and wave, what failed before what may still come."""
    phase = PHASES.get(str(case.result.get("syncPhase") or "Sync"), 1)
    return (not case.refused, phase, case.ref.wave or 0, not case.failed, case.ref.kind, case.ref.name)


def _objects(view: View, application: Object) -> Iterator[Case]:
    """Yield the tracked objects that are not as they should be."""
    status = status_of(application)
    operation = status.get("operationState") or {}
    results = {_key(one): one for one in (operation.get("syncResult") or {}).get("resources") or []}
    entries = {_key(one): one for one in status.get("resources") or []}
    waited = _waited_for(str(operation.get("message", "")))
    for key in {**entries, **results}:
        kind, namespace, name = key
        if kind in DELIVERY:
            continue  # they are Applications of the snapshot, or show up at those they make
        entry, result = entries.get(key, {}), results.get(key, {})
        live = view.live(kind, name, namespace)
        awaited = (kind, name) in waited
        if _left_over(entry, live) and not awaited and result.get("status") != "SyncFailed":
            continue
        state = _health(live, {**result, **entry}, awaited)
        if _suspicious(live, state, result, operation, awaited):
            wave = entry.get("syncWave") or (wave_of(live) if live else 0)
            ref = Ref(kind=kind, name=name, namespace=namespace, wave=int(wave or 0))
            yield Case(view, Stage.OBJECT, application, ref, live, result, state)


def _suspicious(live: Object | None, state: Health, result: Object, operation: Object, awaited: bool) -> bool:
    if result.get("status") == "SyncFailed":
        return True
    if live is None:
        return awaited or result.get("hookPhase") in ("Failed", "Error")
    return not state.well and not _ignored(live, operation)


def _left_over(entry: Object, live: Object | None) -> bool:
    """Return whether an object belongs to an older commit and no wave waits for it (hooks are marked like that too)."""
    going = bool(live and live.get("metadata", {}).get("deletionTimestamp"))
    return bool(entry.get("requiresPruning")) and not entry.get("hook") and not going


def _key(entry: Object) -> tuple[str, str, str]:
    return str(entry.get("kind", "")), str(entry.get("namespace", "")), str(entry.get("name", ""))


def _health(live: Object | None, entry: Object, awaited: bool) -> Health:
    """Return the health computed here; of a custom resource what Argo CD says, since only it knows the check for it."""
    group = str(entry.get("group", ""))
    if live is None or "." not in group or group.endswith(".k8s.io") or group == ARGO:
        return health(live)
    written = entry.get("health") or {}
    if written.get("status") in (State.PROGRESSING, State.DEGRADED, State.SUSPENDED):
        return Health(State(written["status"]), str(written.get("message", "")))
    found = health(live)
    return Health(State.PROGRESSING, "Argo CD waits for it") if awaited and found.well else found


def _ignored(live: Object, operation: Object) -> bool:
    """Return whether its health does not count: annotated so, and no sync waits (common/common.go, 3.6.1)."""
    ignored = annotations_of(live).get("argocd.argoproj.io/ignore-healthcheck") == "true"
    return ignored and operation.get("phase") != "Running"


def _waited_for(message: str) -> set[tuple[str, str]]:
    """Return kind and name of the object that the sync says it waits for (sync_context.go, setRunningPhase)."""
    found = re.match(r"waiting for (?:healthy state|completion|deletion)[a-z ]* \S*?/(\w+)/(\S+)", message)
    return {(found[1], found[2])} if found and found[1] not in DELIVERY else set()

"""From a snapshot to a diagnosis: a pure function, nothing is asked of any cluster."""

from __future__ import annotations

from dataclasses import dataclass

from harness.diagnose.cases import Case, Stage, cases
from harness.diagnose.evidence import evidence
from harness.diagnose.finding import Finding, Kind, end_sync, sync_again
from harness.diagnose.kinds import classify
from harness.diagnose.model import Diagnosis, Fix, Reason, SyncState, Verdict
from harness.diagnose.objects import Object, name_of, status_of
from harness.diagnose.redact import redact
from harness.diagnose.snapshot import Snapshot, View
from harness.diagnose.text import one_line
from harness.diagnose.waiting import needed_by, waiting
from harness.model.graph import Graph
from harness.report.masking import Masker

HEADLINE = 400  # characters


@dataclass(frozen=True)
class _Found:
    case: Case
    kind: Kind
    finding: Finding

    @property
    def sentence(self) -> str:
        return one_line(f"{self.case.ref} {self.finding.why}", HEADLINE)

    @property
    def blocked(self) -> bool:
        return self.finding.verdict is Verdict.BLOCKED


def diagnose(snapshot: Snapshot, graph: Graph, masker: Masker | None = None) -> Diagnosis:
    """Return what blocks in a snapshot, why, and what waits for it.

    Args:
        snapshot: as `collect` makes it, or recorded; one that is not masked yet is masked first.
        graph: of the contracts.
        masker: the one that `collect` was given, if any: it knows further secrets.
    """
    known = masker or Masker()
    clean = snapshot if snapshot.get("masked") else redact(snapshot, known)
    view = View(clean, graph)
    found = _find(view)
    if not found:
        return (_base(view) if view.applications else _nothing(view)).of(clean, known)
    first, path = _choose(view, found)
    case, finding = first.case, first.finding
    held, later = waiting(view, case.component, case.ref.wave) if _holds(case) else ((), ())
    reasons = evidence(case, finding.reasons) + tuple(
        Reason(source=f"{step.case.ref}", text=one_line(step.finding.why)) for step in path
    )
    diagnosis = _base(view).model_copy(
        update={
            "verdict": Verdict.BLOCKED if any(one.blocked for one in found) else Verdict.RUNNING,
            "headline": first.sentence,
            "kind": first.kind.name,
            "object": case.ref,
            "component": case.component,
            "reasons": reasons,
            "waiting": held,
            "later": later,
            "fixes": _fixes(case, finding),
            "others": _others(view, found, first, path),
        }
    )
    return known.model(diagnosis).of(clean, known)


def _find(view: View) -> list[_Found]:
    found: list[_Found] = []
    for case in cases(view):
        result = classify(case, found=bool(found), blocked=any(one.blocked for one in found))
        if result is not None:
            found.append(_Found(case, *result))
    return found


def _choose(view: View, found: list[_Found]) -> tuple[_Found, list[_Found]]:
    """Return what blocks, and the findings that led to it: those that only suffer from it."""
    current = next((one for one in found if one.blocked), found[0])
    path: list[_Found] = []
    while current.kind.follows:
        needed = {current.finding.needs} if current.finding.needs else needed_by(view.graph, current.case.component)
        deeper = [one for one in found if one.case.component in needed and one not in path]
        if not deeper:
            break
        path.append(current)
        current = next((one for one in deeper if one.blocked), deeper[0])
    return current, path


def _holds(case: Case) -> bool:
    """Return whether components wait for it: not for a hook after the sync, nor where only the sync is at fault."""
    return case.stage is not Stage.AFTER and case.result.get("syncPhase") != "PostSync"


def _fixes(case: Case, finding: Finding) -> tuple[Fix, ...]:
    """Return what to do, and how to go on where Argo CD has given up, or holds on to an older commit."""
    fixes = list(finding.fixes)
    if case.stage is Stage.OBJECT and case.operation.get("phase") in ("Failed", "Error"):
        fixes.append(sync_again(case))
    if case.operation.get("phase") == "Running" and _sync(case.view, case.application).stale:
        fixes += [end_sync(case), sync_again(case)]
    return tuple(dict.fromkeys(fixes))


def _others(view: View, found: list[_Found], first: _Found, path: list[_Found]) -> tuple[str, ...]:
    """Return what blocks besides, a sentence each; not what the first one explains."""
    cause = first.case.component
    left = [one for one in found if one.blocked and one is not first and one not in path]
    suffering = [one for one in left if one.kind.follows and cause in needed_by(view.graph, one.case.component)]
    return tuple(dict.fromkeys(one.sentence for one in left if one not in suffering))


def _nothing(view: View) -> Diagnosis:
    wanted = view.snapshot["application"]
    fix = Fix(text="See that the platform was bootstrapped on this cluster.", command="indigo bootstrap --help")
    headline = f"{wanted} (Application) does not exist, nor one that would make it"
    update = {"verdict": Verdict.BLOCKED, "headline": headline, "kind": "application-missing", "fixes": (fix,)}
    return _base(view).model_copy(update=update)


def _base(view: View) -> Diagnosis:
    """Return the diagnosis of an environment that is well."""
    syncs = tuple(_sync(view, item) for item in view.applications)
    tracked = sum(len(status_of(item).get("resources") or []) for item in view.applications)
    revisions = [sync.revision for sync in syncs if sync.revision]
    at = f" at {revisions[-1][:8]}" if revisions else ""
    return Diagnosis(
        verdict=Verdict.CONVERGED,
        headline=f"{view.snapshot['application']} is Synced and Healthy{at}: {tracked} objects, nothing blocks",
        syncs=syncs,
        environment=view.environment,
        namespace=view.namespace,
        taken=view.snapshot["taken"],
        gaps=tuple(view.snapshot.get("gaps", [])),
    )


def operation_revision(application: Object) -> str:
    """Return the commit that the last or present sync is about, empty where it is not known."""
    operation = status_of(application).get("operationState") or {}
    asked = ((operation.get("operation") or {}).get("sync") or {}).get("revision")
    return str((operation.get("syncResult") or {}).get("revision") or asked or "")


def _sync(view: View, item: Object) -> SyncState:
    status = status_of(item)
    operation = status.get("operationState") or {}
    retry = (operation.get("operation") or {}).get("retry") or {}
    running = operation.get("phase") in ("Running", "Terminating")
    return SyncState(
        application=name_of(item),
        sync=str((status.get("sync") or {}).get("status", "")),
        health=str((status.get("health") or {}).get("status", "")),
        revision=str((status.get("sync") or {}).get("revision", "")),
        phase=str(operation.get("phase", "")),
        syncing=operation_revision(item),
        attempt=int(operation.get("retryCount") or 0) + 1 if operation else 0,
        attempts=int(retry.get("limit") or 0) + 1 if operation else 0,
        seconds=view.age(operation.get("startedAt")) if running else None,
    )

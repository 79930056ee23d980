"""Blockages of a sync as such, asked for where no object explains it."""

from __future__ import annotations

from harness.diagnose.cases import Case
from harness.diagnose.finding import Finding, refresh, sync_again
from harness.diagnose.model import Fix, Verdict
from harness.diagnose.objects import Object, duration, name_of, status_of
from harness.diagnose.text import api_message, one_line

SILENT_SECONDS = 60  # within which a running Argo CD has looked at a new Application


def gave_up(case: Case) -> Finding | None:
    """The last sync failed and is not tried again."""
    phase = str(case.operation.get("phase", ""))
    if phase not in ("Failed", "Error") or _well(case):
        return None
    said = one_line(api_message(str(case.operation.get("message", ""))))
    return Finding(f"gave up syncing: {said}", (sync_again(case),))


def not_looked_at(case: Case) -> Finding | None:
    """Argo CD has not compared the Application at all."""
    if status_of(case.application).get("sync") or status_of(case.application).get("conditions"):
        return None
    age = case.view.age(case.application.get("metadata", {}).get("creationTimestamp")) or 0
    early = age < SILENT_SECONDS
    return Finding(
        f"has not been looked at by Argo CD for {duration(age)}",
        (
            Fix(
                text="See whether Argo CD's application controller and repo-server run, and what they log.",
                command=f"kubectl -n {case.ref.namespace} get pods",
            ),
        ),
        verdict=Verdict.RUNNING if early else Verdict.BLOCKED,
    )


def never_synced(case: Case) -> Finding | None:
    """It differs from Git, no sync was ever begun, and none begins by itself."""
    policy = (case.application.get("spec") or {}).get("syncPolicy") or {}
    if _sync_status(case.application) != "OutOfSync" or _under_way(case):
        return None
    if policy.get("automated") is not None and (policy["automated"] or {}).get("enabled", True):
        return None
    return Finding(
        "differs from Git and is not synced by itself (sync.automated: false)",
        (Fix(text="Sync it when you mean to.", command=sync_again(case).command),),
    )


def drift(case: Case) -> Finding | None:
    """It was synced, and differs from Git again or still."""
    if _sync_status(case.application) != "OutOfSync" or case.operation.get("phase") != "Succeeded":
        return None
    entries = [one for one in status_of(case.application).get("resources") or [] if one.get("status") == "OutOfSync"]
    gone = {True: " (to be removed)", False: ""}
    names = ", ".join(
        f"{one.get('kind')} {one.get('name')}{gone[bool(one.get('requiresPruning'))]}" for one in entries[:3]
    )
    more = f" and {len(entries) - 3} more" if len(entries) > 3 else ""
    return Finding(
        f"was synced but differs from Git: {names or 'no object is named'}{more}",
        (
            Fix(
                text="See what differs: a field that the API server drops or that another controller writes comes back "
                "after every sync.",
                command=f"argocd app diff {case.ref.name} --core",
            ),
        ),
    )


def syncing(case: Case) -> Finding | None:
    """A sync is under way and no object is at fault."""
    if not _under_way(case):
        return None
    seconds = case.view.age(case.operation.get("startedAt"))
    said = one_line(api_message(str(case.operation.get("message", ""))))
    since = f" for {duration(seconds)}" if seconds is not None else ""
    return Finding(f"is being synced{since}" + (f": {said}" if said else ""), verdict=Verdict.RUNNING)


def unexplained(case: Case) -> Finding | None:
    """It is not Synced and Healthy, and nothing says why."""
    if _well(case):
        return None
    health = str((status_of(case.application).get("health") or {}).get("status", "Unknown"))
    message = one_line(str((status_of(case.application).get("health") or {}).get("message", "")))
    sync = _sync_status(case.application) or "not compared"
    return Finding(
        f"is {sync} and {health}, and nothing in the cluster says why" + (f": {message}" if message else ""),
        (refresh(case),),
    )


def _sync_status(application: Object) -> str:
    return str((status_of(application).get("sync") or {}).get("status", ""))


def _well(case: Case) -> bool:
    health = (status_of(case.application).get("health") or {}).get("status")
    return _sync_status(case.application) == "Synced" and health == "Healthy"


def _under_way(case: Case) -> bool:
    return case.operation.get("phase") in ("Running", "Terminating") or bool(case.application.get("operation"))


def absent(case: Case) -> Finding | None:
    """The Application that was asked for does not exist."""
    wanted = case.view.snapshot["application"]
    if wanted in {name_of(item) for item in case.view.applications}:
        return None
    look = Fix(
        text="See that the environment's folder is in the revision that Argo CD follows.", command="indigo check"
    )
    verdict = Verdict.RUNNING if _under_way(case) else Verdict.BLOCKED
    return Finding(f"has not made the Application {wanted} yet", (look, refresh(case)), verdict=verdict)

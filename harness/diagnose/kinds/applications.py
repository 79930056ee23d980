"""Blockages of an Application itself: it cannot be compared, may not be synced, or was not synced."""

from __future__ import annotations

import re

from harness.diagnose.cases import Case
from harness.diagnose.finding import Finding, refresh, sync_again, values_file
from harness.diagnose.model import Fix, Reason, Verdict
from harness.diagnose.objects import Object, condition, duration, is_true, name_of, status_of
from harness.diagnose.text import RenderRefusal, api_message, one_line, render_refusal

SILENT_SECONDS = 60  # within which a running Argo CD has looked at a new Application
_WRAPPING = re.compile(
    r"^Failed to load target state: |failed to generate manifest for source \d+ of \d+: |rpc error: code = \w+ desc = |"
    r"Manifest generation error \(cached\): |failed to execute helm template command: "
)
_COMMAND = re.compile(r"failed running helm: `(\w+ \w+)[^`]*`")
_SOURCE = re.compile(
    r"repository not found|authentication required|revision not found|failed to list refs|unable to resolve|"
    r"context deadline exceeded|connection refused|no such host|i/o timeout|app path does not exist|could not read",
    re.I,
)
_PROJECT = re.compile(
    r"is not permitted in project|do not match any of the allowed destinations|referencing project|application project|"
    r"is not permitted to use project",
    re.I,
)


def _error(case: Case, *types: str) -> str:
    """Return the message of the first condition of these types."""
    return next((str(one.get("message", "")) for one in case.conditions if one.get("type") in types), "")


def _operation_message(case: Case) -> str:
    return str(case.operation.get("message", ""))


def applicationset(case: Case) -> Finding | None:
    """The ApplicationSet makes no Applications: its generator or template fails."""
    if case.ref.kind != "ApplicationSet" or not is_true(case.application, "ErrorOccurred"):
        return None
    message = one_line(str(condition(case.application, "ErrorOccurred").get("message", "")), 400)
    return Finding(
        f"makes no Applications: {message}",
        (Fix(text="Check every argocd/environments/*/config.yaml; one wrong file stops all.", command="indigo check"),),
        (Reason(source=f"ApplicationSet {case.ref.name}, condition ErrorOccurred", text=message),),
    )


def render_refused(case: Case) -> Finding | None:
    """Our charts refuse the values, or a template fails."""
    source = (case.application.get("spec") or {}).get("source") or {}
    refused = render_refusal(_error(case, "ComparisonError"), str(source.get("path", "")).rpartition("/")[2])
    if refused is None:
        return None
    more = f" (and {len(refused.problems) - 1} more)" if len(refused.problems) > 1 else ""
    return Finding(
        f"cannot be rendered: {one_line(refused.problems[0])}{more}",
        (
            Fix(
                text=f"Mend it in {values_file(case)} (or beside it) and commit; this names the line.",
                command="indigo check",
            ),
            refresh(case),
        ),
        _problems(case, refused),
    )


def _problems(case: Case, refused: RenderRefusal) -> tuple[Reason, ...]:
    where = f", noticed by {refused.template}" if refused.template else ""
    source = f"Application {case.ref.name}, ComparisonError (Helm{where})"
    said = tuple(one_line(problem, 500) for problem in refused.problems)
    if len(said) == 1:
        return (Reason(source=source, text=said[0]),)
    return (Reason(source=source, text=f"{len(said)} problems", lines=said),)


def source_unreachable(case: Case) -> Finding | None:
    """Argo CD does not get the repository or the revision."""
    message = _error(case, "ComparisonError")
    if not (_SOURCE.search(message) and message.startswith("Failed to load target state")):
        return None
    source = (case.application.get("spec") or {}).get("source") or {}
    said = one_line(_WRAPPING.sub("", message))
    return Finding(
        f"is not compared: Argo CD cannot read its source: {said}",
        (
            Fix(
                text=f"See that Argo CD reaches {source.get('repoURL', 'the repository')} and may read it, and that "
                f"{source.get('path', 'the path')} is there at {source.get('targetRevision', 'the revision')}.",
                command="argocd repo list",
            ),
            refresh(case),
        ),
        (Reason(source=f"Application {case.ref.name}, condition ComparisonError", text=said),),
    )


def comparison_error(case: Case) -> Finding | None:
    """Argo CD cannot compare for another reason."""
    message = _error(case, "ComparisonError")
    if not message:
        return None
    said = one_line(_COMMAND.sub(r"\1", _WRAPPING.sub("", message)), 500)
    return Finding(
        f"is not compared: {said}",
        (Fix(text="See whether it renders here; then read the log of Argo CD's repo-server.", command="indigo check"),
         refresh(case)),
        (Reason(source=f"Application {case.ref.name}, condition ComparisonError", text=said),),
    )  # fmt: skip


def project_refused(case: Case) -> Finding | None:
    """The project does not allow the repository, the destination or the Application, or is not there."""
    candidates = (_error(case, "InvalidSpecError", "UnknownError"), _operation_message(case))
    message = next((one for one in candidates if _PROJECT.search(one)), "")
    if not message or _results_say(case):
        return None
    project = (case.application.get("spec") or {}).get("project", "")
    said = one_line(message)
    return Finding(
        f"is refused by its project: {said}",
        (
            Fix(
                text=f"Allow it in the AppProject {project} (argocd/environment/templates/project.yaml, for the "
                "delivery argocd/bootstrap/templates/project.yaml), or mend what the Application asks for.",
                command=f"kubectl -n {case.ref.namespace} get appproject {project} -o yaml",
            ),
        ),
        (Reason(source=f"Application {case.ref.name}, condition InvalidSpecError", text=said),),
    )


def _results_say(case: Case) -> bool:
    results = (case.operation.get("syncResult") or {}).get("resources") or []
    return any(one.get("status") == "SyncFailed" for one in results)


def error_condition(case: Case) -> Finding | None:
    """Any other error that Argo CD notes at the Application."""
    message = _error(case, "InvalidSpecError", "UnknownError", "DeletionError")
    if not message:
        return None
    said = one_line(message, 500)
    kind = next(one.get("type") for one in case.conditions if one.get("message") == message)
    return Finding(
        f"is not synced: {said}",
        (refresh(case),),
        (Reason(source=f"Application {case.ref.name}, condition {kind}", text=said),),
    )


def shared_object(case: Case) -> Finding | None:
    """Two Applications claim one object."""
    message = _error(case, "SharedResourceWarning")
    if not message:
        return None
    said = one_line(message)
    return Finding(
        f"claims an object of another Application: {said}",
        (Fix(text="Take the object out of one of the two: one platform per namespace, one owner per object."),),
        (Reason(source=f"Application {case.ref.name}, condition SharedResourceWarning", text=said),),
    )


def sync_window(case: Case) -> Finding | None:
    """A sync window of the project is closed."""
    if "blocked by sync window" not in _operation_message(case):
        return None
    project = (case.application.get("spec") or {}).get("project", "")
    return Finding(
        f"is not synced now: a sync window of the project {project} is closed",
        (Fix(text="Wait for the window, or open it.", command=f"argocd proj windows list {project}"),),
    )


def confirmation(case: Case) -> Finding | None:
    """Argo CD waits for somebody to confirm that an object is removed."""
    found = re.search(r"waiting for pruning confirmation of \S*?/(\w+)/(\S+)", _operation_message(case))
    if not found:
        return None
    name, namespace = case.ref.name, case.ref.namespace
    return Finding(
        f"waits until somebody confirms that {found[1]} {found[2]} is removed (Prune=confirm)",
        (
            Fix(
                text="If it is meant to go, and its data is kept elsewhere, confirm with the present time; else put it "
                "back into the values.",
                command=f"kubectl -n {namespace} annotate application {name} --overwrite "
                'argocd.argoproj.io/deletion-approved="$(date -u +%Y-%m-%dT%H:%M:%SZ)"',
            ),
        ),
    )


def gave_up(case: Case) -> Finding | None:
    """The last sync failed and is not tried again."""
    phase = str(case.operation.get("phase", ""))
    if phase not in ("Failed", "Error") or _well(case):
        return None
    said = one_line(api_message(_operation_message(case)))
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
    said = one_line(api_message(_operation_message(case)))
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

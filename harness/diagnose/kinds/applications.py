"""Blockages of an Application before its objects: it cannot be compared, or may not be synced."""

from __future__ import annotations

import re

from harness.diagnose.cases import Case
from harness.diagnose.finding import Finding, refresh, values_file
from harness.diagnose.model import Fix, Reason
from harness.diagnose.objects import condition, is_true
from harness.diagnose.text import RenderRefusal, one_line, render_refusal

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

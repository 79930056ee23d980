"""Blockages of workloads, Jobs and objects as a whole; the last two fit anything that is left."""

from __future__ import annotations

from harness.diagnose.cases import Case
from harness.diagnose.containers import Container, containers, culprit
from harness.diagnose.finding import Finding, describe, kubectl, logs, sync_again
from harness.diagnose.health import State
from harness.diagnose.kinds.pods import how_it_ended, probe_fact
from harness.diagnose.model import Fix, Reason, Verdict
from harness.diagnose.objects import Object, condition, duration, is_true, name_of, status_of
from harness.diagnose.text import one_line


def deleting(case: Case) -> Finding | None:
    """An object is being deleted and does not go."""
    metadata = (case.live or {}).get("metadata") or {}
    if not metadata.get("deletionTimestamp"):
        return None
    age = case.view.age(metadata["deletionTimestamp"]) or 0
    finalizers = [str(one) for one in metadata.get("finalizers") or []]
    held = f", held by {', '.join(finalizers)}" if finalizers else ""
    return Finding(
        f"is being deleted for {duration(age)}{held}",
        (
            Fix(
                text="Whoever set the finalizer has to remove it: see that its controller runs "
                "(kubernetes.io/pvc-protection goes when no pod uses the claim)."
                if finalizers
                else "A pod ends within its grace period; on a node that is down it waits for the node.",
                command=kubectl(case, f"get {case.ref.kind.lower()} {case.ref.name} -o yaml"),
            ),
        ),
        verdict=Verdict.RUNNING if age < 60 else Verdict.BLOCKED,
    )


def job_failed(case: Case) -> Finding | None:
    """A Job, or a hook, has failed for good."""
    if case.refused or case.ref.kind not in ("Job", "Pod", "Workflow"):
        return None
    failed = condition(case.live or {}, "Failed") if is_true(case.live or {}, "Failed") else {}
    hook = case.result.get("hookPhase") in ("Failed", "Error") and case.live is None
    if not failed and not hook:
        return None
    message = one_line(str(failed.get("message") or case.result.get("message", "")))
    last = _last_end(case)
    why = f"failed: {last}" if last else f"failed: {message}"
    gone = () if last or not failed else tuple(_gone_pods(case))
    if gone:
        why += f" (its last pod: {gone[0].text})"
    run_again = Fix(
        text="Mend the cause, then delete the Job: the sync makes it anew and goes on.",
        command=kubectl(case, f"delete job {case.ref.name}"),
    )
    return Finding(why, (logs(case), run_again), gone)


def _last_end(case: Case) -> str:
    """Return how the last failed pod ended, empty where no pod is left."""
    for pod in case.pods:
        failed = [one for one in containers(pod) if one.failed]
        if failed:
            return how_it_ended(case, failed[0])
    return ""


def _gone_pods(case: Case) -> list[Reason]:
    """Return the last warning about pods of the Job that are gone (a Job past its deadline deletes its pods)."""
    prefix = f"{case.ref.name}-"
    told = [
        event
        for event in case.view.snapshot.get("events", [])
        if event.get("type") == "Warning"
        and (event.get("involvedObject") or {}).get("kind") == "Pod"
        and str((event.get("involvedObject") or {}).get("name", "")).startswith(prefix)
    ]
    if not told:
        return []
    about = (told[-1].get("involvedObject") or {}).get("name", "")
    return [Reason(source=f"event of pod {about}, which is gone", text=one_line(str(told[-1].get("message", ""))))]


def job_retrying(case: Case) -> Finding | None:
    """Pods of a Job fail, and it may try again."""
    live = case.live or {}
    failed = int(status_of(live).get("failed") or 0)
    if case.ref.kind != "Job" or not failed or case.health.state is not State.PROGRESSING:
        return None
    attempts = int((live.get("spec") or {}).get("backoffLimit", 6)) + 1
    last = _last_end(case)
    return Finding(
        f"failed {failed} of {attempts} times and tries again" + (f": {last}" if last else ""),
        (logs(case), describe(case)),
    )


def suspended(case: Case) -> Finding | None:
    """A rollout or a Job is paused."""
    if case.health.state is not State.SUSPENDED:
        return None
    verb = "rollout resume deployment" if case.ref.kind == "Deployment" else "describe job"
    return Finding(
        f"is paused: {one_line(case.health.message)}",
        (Fix(text="Somebody paused it by hand; let it go on.", command=kubectl(case, f"{verb} {case.ref.name}")),),
    )


def lost(case: Case) -> Finding | None:
    """The sync waits for an object that is not there."""
    if case.live is not None or "it might have been deleted" not in str(case.result.get("message", "")):
        return None
    return Finding(
        "was there and is gone: somebody or something removed it during the sync",
        (Fix(text="See who removes it (a TTL, a delete policy, a person).",
             command=kubectl(case, "get events --sort-by=.lastTimestamp")), sync_again(case)),
    )  # fmt: skip


def progressing(case: Case) -> Finding | None:
    """It is still within its time: nothing is wrong yet."""
    if case.failed or case.age >= case.allowed:
        return None
    verb = "still runs" if case.ref.kind == "Job" else "is not ready yet"
    return Finding(
        f"{verb}, for {duration(case.age)} of at most {duration(case.allowed)}: {_step(case)}",
        verdict=Verdict.RUNNING,
    )


def unhealthy(case: Case) -> Finding | None:
    """It is not healthy, and no other kind fits."""
    words = _step(case) if case.culprit else case.health.message
    late = f" after {duration(case.age)}" if not case.failed else ""
    return Finding(
        f"is {case.health.state.value}{late}: {one_line(words) or 'it gives no reason'}",
        (logs(case), *([describe(case)] if case.culprit else [])),
    )


def _step(case: Case) -> str:
    """Return what an object that is not ready does at the moment."""
    if case.live is None:
        return "it is not there yet"
    if not case.pods:
        return one_line(case.health.message) or "its pod is not there yet"
    pod = case.pods[0]
    one = culprit(pod)
    if one is None:
        return one_line(case.health.message) or "its pods are changed one after the other"
    return f"pod {name_of(pod)}: {_container_step(case, one, pod)}"


def _container_step(case: Case, one: Container, pod: Object) -> str:
    if condition(pod, "PodScheduled").get("status") == "False":
        return "waits for a node"
    if one.init:
        return f"init container {one.name} {'runs' if one.running else 'waits'}"
    if not one.running:
        return f"{one.name} is being created" + (f" ({one.waits})" if one.waits else "")
    if case.ref.kind == "Job":
        return f"{one.name} runs"
    probe, said = probe_fact(case, one)
    return f"{one.name} runs and is not ready" + (f": {said}" if said else f"; {probe}" if probe else "")

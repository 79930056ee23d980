"""The facts of a case in the order an operator wants them: container, log, events, then what Argo CD says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.diagnose.cases import Case
from harness.diagnose.containers import Container, containers
from harness.diagnose.model import Reason
from harness.diagnose.objects import Object, condition, duration, name_of, status_of
from harness.diagnose.snapshot import last_seen, times_seen
from harness.diagnose.text import api_message, last_lines, one_line

LOG_LINES = 12
EVENTS = 6
_ORDINARY = {"Scheduled", "Pulling", "Pulled", "Created", "Started", "SuccessfulCreate", "SuccessfulDelete",
             "ScalingReplicaSet", "Completed", "Killing"}  # fmt: skip


def evidence(case: Case, first: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """Return the facts of a case, each once, those given before the others."""
    found: dict[str, Reason] = {}
    for reason in (*first, *_pod(case), *_log(case), *_events(case), *_object(case), *_argocd(case)):
        if reason.text and not (reason.text in found and not reason.lines):
            found.setdefault(f"{reason.text}{reason.lines}", reason)
    return tuple(_without_repetition(list(found.values())))


def _without_repetition(reasons: list[Reason]) -> Iterator[Reason]:
    """Yield the reasons whose text is not part of an earlier one."""
    said: list[str] = []
    for reason in reasons:
        if reason.lines or not any(reason.text in text for text in said):
            said.append(reason.text)
            yield reason


def _pod(case: Case) -> Iterator[Reason]:
    if not case.pods:
        return
    pod = case.pods[0]
    source = f"pod {name_of(pod)}"
    message = str(status_of(pod).get("message", ""))
    if message:
        yield Reason(source=source, text=one_line(_joined(status_of(pod).get("reason"), message)))
    placed = condition(pod, "PodScheduled")
    if placed.get("status") == "False":
        yield Reason(
            source=f"{source}, condition PodScheduled",
            text=one_line(_joined(placed.get("reason"), str(placed.get("message", "")))),
        )
    for one in containers(pod):
        state = _state(one)
        if state and (one is case.culprit or one.failed or one.name == (case.culprit.name if case.culprit else "")):
            kind = "init container" if one.init else "container"
            yield Reason(source=f"{source}, {kind} {one.name}", text=state)


def _state(one: Container) -> str:
    parts = []
    if one.waits:
        parts.append(one_line(_joined(one.waits, str(one.waiting.get("message", "")))))
    if one.failed:
        parts.append(
            f"ended with {one.end()}" + (f": {one_line(str(one.ended['message']))}" if one.ended.get("message") else "")
        )
    if one.running and not one.status.get("ready"):
        parts.append("runs, not ready" if not one.init else "runs")
    if one.restarts:
        parts.append(f"{one.restarts} restarts" if one.restarts > 1 else "1 restart")
    return "; ".join(parts)


def _joined(reason: object, message: str) -> str:
    return f"{reason}: {message}" if reason and message else str(reason or message)


def _log(case: Case) -> Iterator[Reason]:
    """Yield the end of the log of the container at fault; of a restarted one that of the run that failed."""
    pods = case.pods[:1]
    wanted = [case.culprit] if case.culprit else [one for pod in pods for one in containers(pod) if one.failed][:1]
    for one in wanted:
        pod = name_of(one.pod)
        for previous in (True, False) if one.running and one.restarts else (False, True):
            lines = last_lines(case.view.log(pod, one.name, previous=previous), LOG_LINES)
            if lines:
                which = ", before it was started again" if previous else ""
                yield Reason(
                    source=f"log of {pod}, container {one.name}{which}",
                    text=f"last {len(lines)} lines",
                    lines=tuple(lines),
                )
                return


def _events(case: Case) -> Iterator[Reason]:
    """Yield what happened, similar events as one, the last ones in the order of time."""
    groups: dict[tuple[str, str, str], list[Object]] = {}
    for event in case.events:
        if event.get("type") == "Warning" or event.get("reason") not in _ORDINARY:
            about = event.get("involvedObject") or {}
            message = api_message(str(event.get("message", "")))
            key = (f"{about.get('kind', '')} {about.get('name', '')}", str(event.get("reason", "")), message)
            groups.setdefault(key, []).append(event)
    latest = sorted(groups.items(), key=lambda group: last_seen(group[1][-1]))[-EVENTS:]
    for (about, reason, message), events in latest:
        times = sum(times_seen(event) for event in events)
        ago = case.view.age(last_seen(events[-1]))
        seen = (f"{times} times" if times > 1 else "") + (
            f"{', last ' if times > 1 else ''}{duration(ago)} ago" if ago is not None else ""
        )
        kind, _, name = about.partition(" ")
        yield Reason(
            source=f"event of {kind.lower() if kind == 'Pod' else kind} {name}, {seen}".rstrip(", "),
            text=one_line(f"{reason}: {message}"),
        )


def _object(case: Case) -> Iterator[Reason]:
    """Yield what the conditions of the object itself say of a failure."""
    for kind, bad in (("Failed", "True"), ("ReplicaFailure", "True"), ("Progressing", "False")):
        found = condition(case.live or {}, kind)
        if case.ref.kind != "Application" and found.get("status") == bad:
            text = _joined(found.get("reason"), api_message(str(found.get("message", ""))))
            yield Reason(source=f"{case.ref.kind} {case.ref.name}, condition {kind}", text=one_line(text))


def _argocd(case: Case) -> Iterator[Reason]:
    name = case.application.get("metadata", {}).get("name", "")
    message = api_message(str(case.result.get("message", "")))
    if message and (case.refused or case.result.get("hookPhase") in ("Failed", "Error")):
        yield Reason(
            source=f"Application {name}, sync result of {case.ref.kind} {case.ref.name}", text=one_line(message)
        )
    if case.health.message and case.ref.kind != "Application":
        source = f"health of {case.ref.kind} {case.ref.name}: {case.health.state.value}"
        yield Reason(source=source, text=one_line(case.health.message))
    operation = one_line(_short(api_message(str(case.operation.get("message", "")))))
    if operation and case.operation.get("phase") != "Succeeded":
        yield Reason(source=f"Application {name}, sync {case.operation.get('phase', '')}", text=operation)
    for one in case.conditions:
        kind = str(one.get("type", ""))
        if kind.endswith("Error") and kind not in ("SyncError", "ComparisonError"):
            yield Reason(source=f"Application {name}, condition {kind}", text=one_line(str(one.get("message", ""))))


def _short(message: str) -> str:
    """Return the sync's message without the list of every object's own message."""
    return re.sub(
        r"(failed to apply|unsuccessfully|not valid)((?: \(dry run\))?)(?:, reason)?: .*?(?=\. Retrying| \(retried|$)",
        r"\1\2",
        message,
        flags=re.S,
    )

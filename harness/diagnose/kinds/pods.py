"""Blockages of pods that exist: not placed, not started, ended, or waiting."""

from __future__ import annotations

import re

from harness.diagnose.cases import Case
from harness.diagnose.containers import CONFIG, IMAGE, START, STARTING, WAIT_FOR, Container
from harness.diagnose.finding import Finding, describe, indigo, kubectl, logs, values_file
from harness.diagnose.kinds.storage import claim_fact, claim_fixes
from harness.diagnose.model import Fix, Reason, Verdict
from harness.diagnose.objects import Object, condition, duration, name_of, pod_template, secret_names
from harness.diagnose.text import best_line, last_lines, one_line

PATIENCE = 30  # seconds in which the scheduler, the kubelet and provisioners may be late without a fault


def _named(case: Case) -> str:
    return case.component or case.ref.name


def unschedulable(case: Case) -> Finding | None:
    """No node takes the pod."""
    pod = case.pods[0] if case.pods else {}
    placed = condition(pod, "PodScheduled")
    if placed.get("status") != "False" or (case.view.age(placed.get("lastTransitionTime")) or 0) < PATIENCE:
        return None
    message = one_line(str(placed.get("message", "")).split(" preemption:")[0])
    if case.claims or "PersistentVolumeClaim" in message:
        facts = tuple(claim_fact(case, claim) for claim in case.claims)
        cause = facts[0].text if facts else message
        return Finding(f"has no pod on a node: {cause}", claim_fixes(case), facts)
    if "Insufficient" in message:
        fix = Fix(text=f"Lower `resources.requests` of {_named(case)} in {values_file(case)}, or add a node.",
                  command="kubectl describe nodes | grep -A8 'Allocated resources'")  # fmt: skip
    elif "volume node affinity" in message:
        fix = Fix(text="Its volume belongs to a node that does not take it: bring that node back, or restore the data.",
                  command=kubectl(case, "get persistentvolumeclaims -o wide"))  # fmt: skip
    else:
        fix = Fix(text=f"Compare `scheduling` in {values_file(case)} with the labels and taints of the nodes.",
                  command="kubectl get nodes --show-labels")  # fmt: skip
    return Finding(f"has no pod on a node: {message}", (fix,))


def volume(case: Case) -> Finding | None:
    """A volume of the pod is not there or cannot be mounted."""
    one = case.culprit
    if one is None or one.waits not in STARTING or one.running or case.age < PATIENCE:
        return None
    failed = [
        event for event in case.view.events_of(one.pod) if event.get("reason") in ("FailedMount", "FailedAttachVolume")
    ]
    if not failed:
        return None
    message = str(failed[-1].get("message", ""))
    missing = _missing(case, message)
    if missing:
        return missing
    return Finding(
        f"cannot mount a volume: {one_line(message)}",
        (
            Fix(
                text="Multi-Attach: the volume is still attached to another node, which is down or where the old pod "
                "still ends. Wait about 6 minutes, or delete that pod.",
                command="kubectl get volumeattachments",
            ),
            describe(case),
        ),
    )


def container_config(case: Case) -> Finding | None:
    """The kubelet cannot make the container's configuration: a Secret, a key, a ConfigMap, or its user."""
    one = case.culprit
    if one is None or one.waits not in CONFIG:
        return None
    message = str(one.waiting.get("message", ""))
    missing = _missing(case, message)
    if missing:
        return missing
    if "runAsNonRoot" in message:
        contract = case.view.graph.contracts.get(case.component)
        file = contract.file if contract else f"charts/{_named(case)}/contract.yaml"
        fix = Fix(text=f"The image runs as root and may not: write `image.uid` in {file}.")
    else:
        fix = describe(case)
    return Finding(f"cannot start {one.name}: {one_line(message)}", (fix,))


def _missing(case: Case, message: str) -> Finding | None:
    """Return the finding for a missing Secret, key or ConfigMap that a message of the kubelet names."""
    key = re.search(r"couldn't find key (\S+) in (Secret|ConfigMap) (?:[^/\s]*/)?([\w.-]+)", message)
    lost = re.search(r"references non-existent (secret|config) key: (\S+)", message)
    gone = re.search(r'(secret|configmap) "(?:[^"/]*/)?([^"]+)" not found', message, re.I)
    if key:
        what, kind = f"{key[2]} {key[3]} has no key {key[1]}", key[2]
        name = key[3]
    elif gone:
        kind, name = ("Secret" if gone[1].lower() == "secret" else "ConfigMap"), gone[2]
        what = f"{kind} {name} does not exist"
    elif lost:
        kind, name = ("Secret" if lost[1] == "secret" else "ConfigMap"), ""
        what = f"a {kind} has no key {lost[2]}"
    else:
        return None
    if kind == "ConfigMap":
        return Finding(
            f"cannot start: {what}",
            (Fix(text="It comes with the component: see whether it was applied or removed by hand.",
                 command=kubectl(case, "get configmaps")),),
        )  # fmt: skip
    return Finding(f"cannot start: {what}", _secret_fixes(case), _secret_facts(case, name))


def _secret_fixes(case: Case) -> tuple[Fix, ...]:
    return (
        Fix(
            text="See which Secrets and keys are missing, and who supplies each.", command=indigo(case, "secrets plan")
        ),
        Fix(
            text="Make those that can be made up; the pod starts by itself then.", command=indigo(case, "secrets apply")
        ),
    )


def _secret_facts(case: Case, name: str) -> tuple[Reason, ...]:
    facts = []
    declared = case.view.graph.secrets().get(name)
    if declared:
        keys = "; ".join(f"{key}: {one.purpose}" for key, one in sorted(declared[1].keys.items()))
        facts.append(
            Reason(source=f"contract of {declared[0]}", text=f"Secret {name}: {declared[1].purpose} Keys: {keys}")
        )
    if case.view.secrets is not None:
        workloads = [item for kind in ("Deployment", "StatefulSet", "Job") for item in case.view.of_kind(kind)]
        wanted = {one for item in workloads for one in secret_names(pod_template(item))}
        missing = sorted(wanted - set(case.view.secrets) - {name})
        if missing:
            facts.append(Reason(source=f"namespace {case.view.namespace}", text=f"missing too: {', '.join(missing)}"))
    return tuple(facts)


def image(case: Case) -> Finding | None:
    """An image cannot be pulled."""
    one = case.culprit
    if one is None or one.waits not in IMAGE:
        return None
    wanted = str(one.spec.get("image", ""))
    pulled = [event for event in case.view.events_of(one.pod) if "pull" in str(event.get("message", "")).lower()]
    said = [str(event.get("message", "")) for event in pulled if "Back-off" not in str(event.get("message", ""))]
    message = (said or [str(one.waiting.get("message", ""))])[-1]
    lower = message.lower()
    if any(word in lower for word in ("unauthorized", "authentication", "denied", "forbidden")):
        fix = "The registry wants a login: name a pull Secret in `global.images.pullSecrets`."
    elif any(word in lower for word in ("no such host", "timeout", "connection refused", "x509", "toomanyrequests")):
        fix = "The nodes do not get through to the registry: name a mirror in `global.images.registry`."
    else:
        fix = (
            f"See that repository and tag exist: the contract's `image`, or `{case.component or '<component>'}.image`."
        )
    return Finding(
        f"cannot pull the image {wanted}: {one.waits}",
        (Fix(text=f"{fix} The values are in {values_file(case)}."), describe(case)),
        (Reason(source=f"pod {name_of(one.pod)}", text=one_line(message)),) if message else (),
    )


def start_error(case: Case) -> Finding | None:
    """The runtime cannot start the container."""
    one = case.culprit
    if one is None or one.waits not in START:
        return None
    return Finding(
        f"cannot start {one.name}: {one.waits}: {one_line(str(one.waiting.get('message', '')))}",
        (Fix(text="Compare command, user and mounts of the container with what the image has."), describe(case)),
    )


def init_waiting(case: Case) -> Finding | None:
    """An init container waits for another component; that one is what blocks."""
    one = case.culprit
    if one is None or not one.init or not one.name.startswith(WAIT_FOR) or not one.started_once:
        return None
    needed = one.name.removeprefix(WAIT_FOR)
    lines = last_lines(_log(case, one), 3)
    said = re.search(rf"waits for {re.escape(needed)} at (\S+)", "\n".join(lines))
    target = f" at {said[1]}" if said else ""
    outside = needed in case.view.graph.contracts and needed not in case.view.tracked()
    early = case.age < PATIENCE and not one.failed
    where = "which runs outside the platform" if outside else "which is up"
    fixes = [
        Fix(text=f"See whether {needed} answers from inside that pod.",
            command=kubectl(case, f"logs {name_of(one.pod)} -c {one.name} --tail=5")),
        Fix(text="A NetworkPolicy, a Service without endpoints or a wrong `global.components` address looks like this.",
            command=kubectl(case, f"get endpointslices,networkpolicies -l app.kubernetes.io/name={needed}")),
    ]  # fmt: skip
    if early:
        return Finding(f"waits for {needed}{target}, for {duration(case.age)}", needs=needed, verdict=Verdict.RUNNING)
    return Finding(
        f"waits for {needed}{target}, {where} but does not answer it",
        tuple(fixes[:1] if outside else fixes),
        (Reason(source=f"pod {name_of(one.pod)}, init container {one.name}", text=f"waits for {needed}{target}"),),
        needs=needed,
    )


def _log(case: Case, one: Container) -> str:
    name = name_of(one.pod)
    if one.running and one.restarts and not one.init:
        return case.view.log(name, one.name, previous=True) or case.view.log(name, one.name)
    return case.view.log(name, one.name) or case.view.log(name, one.name, previous=True)


def how_it_ended(case: Case, one: Container) -> str:
    """Return how a container ended and what it said last."""
    message = one_line(str(one.ended.get("message", "")), 200) or best_line(last_lines(_log(case, one), 40))
    return one.end() + (f": {message}" if message else "")


def init_failed(case: Case) -> Finding | None:
    """An init container ends with an error."""
    one = case.culprit
    if one is None or not one.init or not one.failed:
        return None
    return Finding(f"its init container {one.name} fails: {how_it_ended(case, one)}", (logs(case),))


def crash(case: Case) -> Finding | None:
    """The container ends, and is started again and again."""
    one = case.culprit
    if one is None or case.ref.kind == "Job" or not (one.failed or one.waits == "CrashLoopBackOff"):
        return None
    times = f" {one.restarts} times" if one.restarts > 1 else ""
    fixes = [logs(case, previous=one.running)]
    if one.ended.get("reason") == "OOMKilled":
        fixes.insert(0, Fix(text=f"Raise `resources.limits.memory` of {_named(case)} in {values_file(case)}, or lower "
                            "what it keeps in memory."))  # fmt: skip
    elif _killed_by_probe(case, one):
        fixes.insert(
            0, Fix(text="Its liveness probe killed it: see whether it hangs, or starts too slowly for its probe.")
        )
    return Finding(f"crashed{times}: {how_it_ended(case, one)}", tuple(fixes))


def _killed_by_probe(case: Case, one: Container) -> bool:
    events = case.view.events_of(one.pod)
    return any(event.get("reason") == "Killing" and "probe" in str(event.get("message", "")) for event in events)


def not_ready(case: Case) -> Finding | None:
    """It runs and does not become ready within its time."""
    one = case.culprit
    if one is None or not one.running or (case.age < case.allowed and not case.failed):
        return None
    probe, said = probe_fact(case, one)
    return Finding(
        f"is not ready after {duration(case.age)}: {said or probe or 'its pod runs but is not ready'}",
        (
            logs(case),
            Fix(text="Ask what the probe asks. A component that answers 503 usually misses something that it uses."),
        ),
        (Reason(source=f"pod {name_of(one.pod)}", text=probe),) if probe and said else (),
    )


def probe_fact(case: Case, one: Container) -> tuple[str, str]:
    """Return what the readiness (else startup) probe asks, and what its last failure said."""
    probe = one.spec.get("readinessProbe") or one.spec.get("startupProbe") or {}
    failures = [event for event in case.view.events_of(one.pod) if event.get("reason") == "Unhealthy"]
    said = one_line(str(failures[-1].get("message", "")), 200) if failures else ""
    return _asks(probe), said


def _asks(probe: Object) -> str:
    if "httpGet" in probe:
        return f"its probe asks GET {probe['httpGet'].get('path', '/')} on port {probe['httpGet'].get('port', '')}"
    if "tcpSocket" in probe:
        return f"its probe connects to port {probe['tcpSocket'].get('port', '')}"
    if "exec" in probe:
        return f"its probe runs {one_line(' '.join(probe['exec'].get('command') or []), 80)}"
    return ""

"""Blockages of claims and addresses: what a provisioner outside the platform has to give."""

from __future__ import annotations

from harness.diagnose.cases import Case
from harness.diagnose.finding import Finding, describe, kubectl, values_file
from harness.diagnose.model import Fix, Reason
from harness.diagnose.objects import Object, claim_names, duration, name_of, pod_template
from harness.diagnose.text import one_line

PATIENCE = 60  # seconds that a provisioner or a load balancer may take
SAME_WAVE = 10  # seconds within which everything of a wave has been applied


def claim_fact(case: Case, claim: Object) -> Reason:
    """Return why a claim is not bound: its last event, else that it is pending."""
    events = [event for event in case.view.events_of(claim) if event.get("reason") != "WaitForFirstConsumer"]
    storage_class = (claim.get("spec") or {}).get("storageClassName")
    shown = f"storage class {storage_class}" if storage_class else "the default storage class"
    message = one_line(str(events[-1].get("message", "")), 200) if events else f"nothing was provisioned by {shown}"
    return Reason(source=f"claim {name_of(claim)} ({shown})", text=f"claim {name_of(claim)} is not bound: {message}")


def claim_fixes(case: Case) -> tuple[Fix, ...]:
    """Advise where the storage class is set, and how to see what there is."""
    return (
        Fix(
            text=f"Name a storage class that the cluster has: `global.storage.className` in {values_file(case)}.",
            command="kubectl get storageclasses",
        ),
        Fix(text="See what the provisioner says.", command=kubectl(case, "describe persistentvolumeclaims")),
    )


def claim_deadlock(case: Case) -> Finding | None:
    """A claim waits for its first pod, and the pod is in a later wave, which waits for the claim."""
    if case.ref.kind != "PersistentVolumeClaim" or case.live is None:
        return None
    events = case.view.events_of(case.live)
    if not events or events[-1].get("reason") != "WaitForFirstConsumer":
        return None
    if any(case.ref.name in claim_names(pod) for pod in case.view.pods):
        return None
    users = [item for kind in ("Deployment", "StatefulSet") for item in case.view.of_kind(kind)
             if case.ref.name in claim_names({"kind": "Pod", "spec": pod_template(item)})]  # fmt: skip
    if users or case.age < SAME_WAVE:
        return None
    return Finding(
        "waits for its first pod, which is in a later wave, and that wave waits for the claim",
        (
            Fix(
                text="The storage class binds late (WaitForFirstConsumer): put claim and workload into one wave, or "
                f"name another class in `global.storage.className` in {values_file(case)}.",
                command="kubectl get storageclasses",
            ),
        ),
    )


def claim_pending(case: Case) -> Finding | None:
    """A claim gets no volume."""
    if case.ref.kind != "PersistentVolumeClaim" or case.live is None or case.health.message == "Pending deletion":
        return None
    warned = any(event.get("type") == "Warning" for event in case.view.events_of(case.live))
    if case.age < PATIENCE and not case.failed and not warned:
        return None
    fact = claim_fact(case, case.live)
    return Finding(
        f"is not bound after {duration(case.age)}: {fact.text.partition(': ')[2] or fact.text}",
        claim_fixes(case),
        (fact,),
    )


def no_address(case: Case) -> Finding | None:
    """A Service or an Ingress gets no address from outside."""
    if case.ref.kind not in ("Service", "Ingress") or case.live is None or case.age < PATIENCE or case.refused:
        return None
    return Finding(
        f"has no address after {duration(case.age)}: nothing in the cluster gives one to a {case.ref.kind}",
        (
            Fix(text="Install or mend what gives addresses (a load balancer, an ingress controller)."),
            describe(case),
        ),
    )

"""Blockages where something was refused: by the API server, by an admission check, by the project.

Each is asked for an object that could not be applied, and for a workload whose pods could not be created: the message
is the same (`Case.refusal`).
"""

from __future__ import annotations

import re

from harness.diagnose.cases import Case
from harness.diagnose.finding import Finding, describe, kubectl, values_file
from harness.diagnose.model import Fix, Reason
from harness.diagnose.objects import Object, name_of, namespace_of, status_of
from harness.diagnose.text import one_line

_POD_FIELDS = ("seccompProfile", "runAsNonRoot", "capabilities", "allowPrivilegeEscalation", "hostNetwork", "hostPath")


def _refused(case: Case, pattern: str) -> str:
    """Return the refusal where it matches."""
    return case.refusal if re.search(pattern, case.refusal) else ""


def _what(case: Case) -> str:
    return "could not be applied" if case.refused else "gets no pods"


def _finding(case: Case, message: str, *fixes: Fix, reasons: tuple[Reason, ...] = ()) -> Finding:
    return Finding(f"{_what(case)}: {one_line(message)}", fixes, reasons)


def project_refused(case: Case) -> Finding | None:
    """The project does not allow the kind, the name or the namespace of the object."""
    message = _refused(case, r"is not permitted in project")
    if not message:
        return None
    project = (case.application.get("spec") or {}).get("project", "")
    return _finding(
        case,
        message,
        Fix(
            text=f"Components may make only the kinds that the AppProject {project} lists: add this one in "
            "argocd/environment/templates/project.yaml if the charts should make it, else remove the object.",
            command=f"kubectl -n {namespace_of(case.application) or 'argocd'} get appproject {project} -o yaml",
        ),
    )


def namespace_missing(case: Case) -> Finding | None:
    """The namespace is not there, or goes away."""
    message = _refused(case, r'^namespaces? "[^"]*" not found|because it is being terminated')
    if not message:
        return None
    name = case.ref.namespace or case.view.namespace
    if "terminated" in message:
        fix = Fix(text="The namespace is being deleted: see what keeps it, and let the delivery make it anew.",
                  command=f"kubectl get namespace {name} -o yaml")  # fmt: skip
    else:
        fix = Fix(
            text=f"The Application {case.view.maker('Namespace', name)} makes the namespace {name}: see why it has not "
            "(Argo CD is told never to make one itself).",
            command=f"kubectl get namespace {name}",
        )
    return _finding(case, message, fix)


def kind_unknown(case: Case) -> Finding | None:
    """The cluster does not serve the kind."""
    message = _refused(
        case,
        r"no matches for kind|could not find the requested resource|The Kubernetes API could not find|CRD is installed",
    )
    if not message:
        return None
    return _finding(
        case,
        message,
        Fix(
            text=f"Install the CustomResourceDefinition of {case.ref.kind} first (the operator that serves it).",
            command=f"kubectl api-resources | grep -w {case.ref.kind}",
        ),
    )


def immutable(case: Case) -> Finding | None:
    """A field was changed that cannot be changed in place."""
    message = _refused(
        case, r"field is immutable|updates to \w+ spec for fields other than|may not change once set|cannot be changed"
    )
    if not message:
        return None
    if case.ref.kind == "StatefulSet":
        fix = Fix(
            text="Replace the StatefulSet and keep its pods and claims; Argo CD makes it anew with the new fields. "
            "A claim's size is changed in the claim itself.",
            command=kubectl(case, f"delete statefulset {case.ref.name} --cascade=orphan"),
        )
    elif case.ref.kind == "Job":
        fix = Fix(
            text="A Job cannot be changed; ours carry a hash of what they run in their name. Delete it to run it anew.",
            command=kubectl(case, f"delete job {case.ref.name}"),
        )
    else:
        fix = Fix(
            text="Take the change back, or delete the object: Argo CD makes it anew; mind who uses it meanwhile.",
            command=kubectl(case, f"delete {case.ref.kind.lower()} {case.ref.name}"),
        )
    return _finding(case, message, fix)


def quota(case: Case) -> Finding | None:
    """The namespace's quota or limit range does not allow it."""
    message = _refused(case, r"exceeded quota|failed quota|maximum \w+ usage per|minimum \w+ usage per")
    if not message:
        return None
    name = case.ref.namespace or case.view.namespace
    if "must specify" in message:
        fix = Fix(text=f"Under a quota each container must say it: write `resources` in {values_file(case)}.",
                  command=f"kubectl -n {name} describe resourcequota")  # fmt: skip
        return _finding(case, message, fix)
    return _finding(
        case,
        message,
        Fix(
            text=f"Raise `quota` in {values_file(case).replace('values.yaml', 'config.yaml')}, or lower `resources` in "
            "the values.yaml beside it.",
            command=f"kubectl -n {name} describe resourcequota",
        ),
        reasons=tuple(_usage(item) for item in case.view.of_kind("ResourceQuota")),
    )


def _usage(item: Object) -> Reason:
    status = status_of(item)
    used = status.get("used") or {}
    rows = [f"{resource} {used.get(resource, '0')} of {hard}" for resource, hard in (status.get("hard") or {}).items()]
    return Reason(source=f"ResourceQuota {name_of(item)}", text="used: " + (", ".join(rows) or "unknown"))


def pod_security(case: Case) -> Finding | None:
    """The namespace's PodSecurity profile refuses the pods."""
    message = _refused(case, r"violates PodSecurity|disallowed by cluster policy")
    if not message:
        return None
    named = [field for field in _POD_FIELDS if field in message]
    return _finding(
        case,
        message,
        Fix(
            text="The namespace enforces the profile `podSecurity` of the environment's config.yaml. The contract's "
            f"`security` says what {case.component or 'the component'} needs"
            + (f" ({', '.join(named)} here)" if named else "")
            + ": mend the pod, not the profile.",
            command=f"kubectl get namespace {case.ref.namespace or case.view.namespace} --show-labels",
        ),
        Fix(text="The same is found before a commit by the checks.", command="indigo check"),
    )


def admission(case: Case) -> Finding | None:
    """An admission webhook or policy refuses it, or does not answer."""
    called = _refused(case, r"failed calling webhook")
    denied = _refused(case, r"admission webhook .* denied|ValidatingAdmissionPolicy|denied request|denied the request")
    if called:
        found = re.search(r'failed calling webhook "([^"]*)"', called)
        name = found[1] if found else "the webhook"
        return _finding(
            case,
            called,
            Fix(
                text=f"The webhook {name} does not answer, and its failurePolicy is Fail: bring its server back.",
                command="kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
            ),
        )
    if denied:
        return _finding(
            case,
            denied,
            Fix(text="A policy of the cluster forbids it: follow its message, or ask who owns the policy."),
        )
    return None


def service_account(case: Case) -> Finding | None:
    """The pods' ServiceAccount is not there."""
    message = _refused(case, r"error looking up service account")
    if not message:
        return None
    found = re.search(r'serviceaccount "([^"]*)" not found', message)
    name = found[1] if found else ""
    return _finding(
        case,
        message,
        Fix(
            text=f"The ServiceAccount {name} comes with the component, in its first wave: see whether it was applied, "
            "or removed by hand.",
            command=kubectl(case, "get serviceaccounts"),
        ),
    )


def conflict(case: Case) -> Finding | None:
    """Somebody else owns the field, or changed the object meanwhile."""
    message = _refused(case, r"Apply failed with \d+ conflict|conflict with |the object has been modified")
    if not message:
        return None
    return _finding(
        case,
        message,
        Fix(
            text="See who else writes the field, and let only one do it.",
            command=kubectl(case, f"get {case.ref.kind.lower()} {case.ref.name} -o yaml --show-managed-fields"),
        ),
    )


def forbidden(case: Case) -> Finding | None:
    """Argo CD, or a controller, may not do it."""
    message = _refused(case, r"cannot (?:create|update|patch|delete|get|list) resource|is forbidden")
    if not message:
        return None
    return _finding(
        case,
        message,
        Fix(text="Whoever is named in the message lacks the right: give it a Role, or mend what asks for it.",
            command=kubectl(case, "get rolebindings")),
    )  # fmt: skip


def invalid(case: Case) -> Finding | None:
    """The object is not valid."""
    message = _refused(case, r"is invalid|unknown field|strict decoding|Invalid value|Required value|cannot unmarshal")
    if not message:
        return None
    return _finding(
        case,
        message,
        Fix(text=f"Mend the value in {values_file(case)} or the template; the checks validate every object.",
            command="indigo check"),
    )  # fmt: skip


def refused_otherwise(case: Case) -> Finding | None:
    """It was refused with a message that is not known here."""
    if not case.refusal:
        return None
    return _finding(case, case.refusal, describe(case))

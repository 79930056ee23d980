"""Blockages of routes: what a gateway outside the platform has to say."""

from __future__ import annotations

from harness.diagnose.cases import Case
from harness.diagnose.finding import Finding, kubectl, values_file
from harness.diagnose.health import health
from harness.diagnose.kinds.storage import PATIENCE
from harness.diagnose.model import Fix


def not_accepted(case: Case) -> Finding | None:
    """No gateway has accepted an HTTPRoute, or one has refused it."""
    found = health(case.live)
    if case.ref.kind != "HTTPRoute" or case.live is None or found.well or case.age < PATIENCE:
        return None
    spec = case.live.get("spec") or {}
    parents = [
        f"{parent.get('namespace', case.ref.namespace)}/{parent.get('name')}" for parent in spec.get("parentRefs") or ()
    ]
    namespace, _, name = parents[0].partition("/") if parents else ("", "", "")
    gateway = f"{', '.join(parents) or 'none'}"
    return Finding(
        f"is not accepted by its Gateway ({gateway}): {found.message}",
        (
            Fix(
                text="See that the Gateway is there, has the listener of that name, and allows routes from this "
                "namespace (allowedRoutes.namespaces).",
                command=f"kubectl -n {namespace} get gateway {name} -o yaml",
            ),
            Fix(
                text=f"Name another one in `global.routes.gateway` in {values_file(case)}, or route elsewhere with "
                "`global.routes.kind: none`.",
                command=kubectl(case, f"get httproute {case.ref.name} -o yaml"),
            ),
        ),
    )

"""Selectors hold name and role only: they cannot be changed in place, so nothing in them changes with a version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import NAME, OPERATED, ROLE
from harness.render.objects import Object


def _check(platform: Platform) -> Iterator[Problem]:
    for item in platform.objects:
        spec = item.get("spec") or {}
        kind = item["kind"]
        if kind == "Service":
            yield from _exactly(item, "spec.selector", spec.get("selector") or {}, {NAME, ROLE})
        elif kind in ("Deployment", "StatefulSet", "PodDisruptionBudget"):
            yield from _labels(item, "spec.selector", spec.get("selector") or {})
            yield from _exactly(
                item, "spec.selector.matchLabels", (spec.get("selector") or {}).get("matchLabels") or {}, {NAME, ROLE}
            )
        elif kind == "NetworkPolicy":
            yield from _policy(item, spec)


def _policy(item: Object, spec: Mapping[str, Any]) -> Iterator[Problem]:
    selectors = [("spec.podSelector", spec.get("podSelector") or {})]
    selectors += [
        (f"spec.{direction}[{index}].{peers}[{place}].podSelector", peer["podSelector"])
        for direction, peers in (("ingress", "from"), ("egress", "to"))
        for index, rule in enumerate(spec.get(direction) or ())
        for place, peer in enumerate(rule.get(peers) or ())
        if "podSelector" in peer
    ]
    for path, selector in selectors:
        yield from _labels(item, path, selector)
        labels = (selector or {}).get("matchLabels") or {}
        # the pods that an operator makes have the operator's name and ours beside it
        yield from _exactly(item, f"{path}.matchLabels", labels, {OPERATED} if set(labels) == {OPERATED} else {NAME})


def _labels(item: Object, path: str, selector: Mapping[str, Any]) -> Iterator[Problem]:
    if (selector or {}).get("matchExpressions"):
        yield Problem(item, f"{path}.matchExpressions", "selects by an expression")


def _exactly(item: Object, path: str, labels: Mapping[str, str], wanted: set[str]) -> Iterator[Problem]:
    extra = sorted(set(labels) - wanted)
    if extra:
        yield Problem(item, path, f"selects by {', '.join(extra)}")
    missing = sorted(wanted - set(labels))
    if missing:
        yield Problem(item, path, f"does not select by {', '.join(missing)}")


RULE = Rule(
    id="selectors-minimal",
    title="Selectors hold the component's name and the pod's role, and nothing else",
    fix=f"select by {NAME} and {ROLE} (a NetworkPolicy by the name alone)",
    source="Kubernetes documentation, Deployment (selector is immutable); docs/explanation/architecture.md, Names",
    why="A selector cannot be changed in place. With a version in it, every upgrade deletes and makes the "
    "workload anew; without the role, a Service sends requests to Jobs.",
    example=Example(
        given='matchLabels: {app.kubernetes.io/version: "11.4"}',
        says="selects by app.kubernetes.io/version",
    ),
    environment=_check,
)

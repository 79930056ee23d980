"""Order: nothing syncs before what it needs, objects are in their component's waves, pods wait for what they need."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import NAME, ROLE, SERVER, pods_of
from harness.model.contract import Need
from harness.model.graph import WAVE
from harness.render.objects import Object

ANNOTATION = "argocd.argoproj.io/sync-wave"


def wave(item: Object) -> int | None:
    """Return an object's sync wave: 0 without one, None where it is no whole number (the rule argocd-sync says so)."""
    written = (item["metadata"].get("annotations") or {}).get(ANNOTATION, "0")
    try:
        return int(written)
    except (TypeError, ValueError):
        return None


def _check(platform: Platform) -> Iterator[Problem]:
    own: set[int] = set()
    for item in platform.objects:
        component = platform.component(item)
        found = wave(item)
        if component and found is not None:
            wanted = _wanted(platform, component, item)
            if found != wanted:
                own.add(id(item))
                yield Problem(item, f"metadata.annotations.{ANNOTATION}", f"is {found}, by the graph it is {wanted}")
    yield from _needs(platform, own)


def _wanted(platform: Platform, component: str, item: Object) -> int:
    """Return the wave that the graph gives an object of a component."""
    phases = platform.graph.phases(component)
    for pod in pods_of(item):
        role = pod.labels.get(ROLE, "")
        if role == SERVER:
            return phases["workload"]
        job = platform.contracts[component].jobs.get(role)
        if job is not None:
            return phases[job.when]
    operator = platform.contracts[component].operator
    if operator and item["kind"] in operator.provides:
        return phases["provide"]
    if item["kind"] == "PersistentVolumeClaim":
        # pending until its first consumer is there, where the storage class says so: it may not be waited for before
        return phases["workload"]
    return platform.graph.wave(component)


def _needs(platform: Platform, told: set[int]) -> Iterator[Problem]:
    """Pods against the workloads that they need hard: by what is rendered, not by what the graph says."""
    waves = {
        pod.component: (number, pod.owner)
        for _, pod in platform.component_pods
        if pod.server and (number := wave(pod.owner)) is not None
    }
    waves |= {
        platform.component(item): (number, item)
        for item in platform.objects
        if _server(platform, item) and (number := wave(item)) is not None
    }
    for contract, pod in platform.component_pods:
        hard = [edge for edge in platform.graph.requirements(contract.component) if edge.need is Need.HARD]
        job = contract.jobs.get(pod.labels.get(ROLE, ""))
        own = wave(pod.owner)
        for edge in hard:
            provider = waves.get(edge.provider)
            if provider and own is not None and own <= provider[0] and not {id(pod.owner), id(provider[1])} & told:
                yield Problem(
                    pod.owner,
                    f"metadata.annotations.{ANNOTATION}",
                    f"syncs in wave {own}, but needs {edge.provider}, which comes in wave {provider[0]}",
                )
            waits = pod.server or (job is not None and job.when == "prepare")
            if waits and f"wait-for-{edge.provider}" not in {item.name for item in pod.containers if item.init}:
                yield Problem(
                    pod.owner, f"{pod.path}.initContainers", f"does not wait for {edge.provider}, which it needs hard"
                )


def _server(platform: Platform, item: Object) -> bool:
    """Whether an object is a server that an operator makes."""
    contract = platform.contracts.get(platform.component(item))
    operator = contract.operator if contract else None
    return operator is not None and item["kind"] in operator.kinds and item["kind"] not in operator.provides


RULE = Rule(
    id="graph-waves",
    title="No workload syncs before what it needs, and every object is in its component's waves",
    fix=f"let common.metadata write the wave ({WAVE} per level) and common.wait the waits; label what it is ({NAME})",
    source="docs/explanation/architecture.md, Order; Argo CD documentation, sync waves",
    why="Argo CD waits for the health of a wave before it begins the next: what comes before its database fails, "
    "and the sync waits for it.",
    example=Example(
        given='argocd.argoproj.io/sync-wave: "0" on Deployment/orchestrator, which needs mariadb',
        says="is 0, by the graph it is 10",
    ),
    environment=_check,
)

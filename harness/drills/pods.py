"""Drills on pods and nodes: one is killed, a node is emptied, a node loses its power."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from functools import partial

from harness.cluster import ApiError, Object
from harness.drills.model import Drill, Recovered, Scene, everybody, whole
from harness.drills.probe import answering, component_of, serving
from harness.e2e.platform import Platform
from harness.engines.base import Ability
from harness.errors import UserError
from harness.model.contract import Need

EVICTION = 60.0  # seconds for the eviction of the pods of a node
LOST = 50.0  # until a silent node counts as lost: Kubernetes' default since 1.32 (node-monitor-grace-period)
EVICTED = 300.0  # until its pods are evicted, where they say nothing else: Kubernetes' default
UNREACHABLE = "node.kubernetes.io/unreachable"


def running(platform: Platform, data: bool) -> list[str]:
    """Return the components that serve, with or without those that keep data."""
    found = [(name, platform.graph.contracts[name]) for name in platform.components]
    return [name for name, one in found if one.workload.kind != "CronJob" and (one.tier == "data") is data]


def with_consumers(scene: Scene) -> set[str]:
    """Return the component and all that need it hard, directly or not: they may be away with it."""
    return _needing(scene, {scene.component})


def itself(scene: Scene) -> set[str]:
    """Return the component where its one pod is all there is of it: who asks it must miss it."""
    return {scene.component} if len(pods_of(scene, scene.component)) == 1 else set()


def _needing(scene: Scene, components: Collection[str]) -> set[str]:
    graph, found = scene.platform.graph, set(components)
    hard = [edge for edge in graph.edges if edge.need is Need.HARD]
    while more := {edge.consumer for edge in hard if edge.provider in found} - found:
        found |= more
    return found


def pods_of(scene: Scene, component: str = "") -> list[Object]:
    """Return the serving pods of a component, or of all."""
    found = serving(scene.platform.cluster, scene.namespace)()
    return [pod for pod in found if not component or component_of(pod) == component]


def claims_of(pod: Object) -> list[str]:
    """Return the names of the claims that a pod mounts."""
    volumes = pod["spec"].get("volumes", ())
    return [one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one]


def all_answer(scene: Scene, but: frozenset[str] = frozenset()) -> bool:
    """Whether every component that serves has a pod that is ready."""
    wanted = {*running(scene.platform, data=True), *running(scene.platform, data=False)} - but
    return wanted <= answering(pods_of(scene))


def _killed(scene: Scene) -> Recovered:
    killed = {pod["metadata"]["uid"] for pod in pods_of(scene, scene.component)}
    for pod in pods_of(scene, scene.component):
        scene.platform.cluster.delete("Pod", pod["metadata"]["name"], scene.namespace, grace_seconds=0)

    def recovered() -> bool:
        left = {pod["metadata"]["uid"] for pod in pods_of(scene, scene.component)} & killed
        return not left and all_answer(scene)

    return recovered


def own_budget(scene: Scene) -> float:
    """Return the seconds in which the component's contract says that a killed pod is ready again."""
    return float(scene.platform.graph.contracts[scene.component].availability.budget)


def _fixed(scene: Scene, pods: Collection[Object]) -> dict[str, set[str]]:
    """Return by node the components of the pods on it whose volumes cannot leave it."""
    bound = set()
    for volume in scene.platform.cluster.list("PersistentVolume"):
        claim = volume["spec"].get("claimRef") or {}
        if claim.get("namespace") == scene.namespace and volume["spec"].get("nodeAffinity"):
            bound.add(claim["name"])
    found: dict[str, set[str]] = {}
    for pod in pods:
        if bound.intersection(claims_of(pod)):
            found.setdefault(pod["spec"].get("nodeName", ""), set()).add(component_of(pod))
    return found


def _node(scene: Scene) -> tuple[str, set[str]]:
    """Return the worker that most pods may leave, and the components whose volumes keep their pods on it.

    They are waived, with those that need them: nobody can bring them back before the node is.

    Raises:
        UserError: there are not two nodes that take pods, or no pod may leave either: nothing would be learned.
    """
    nodes = [node for node in scene.platform.cluster.list("Node") if not node["spec"].get("taints")]
    names = [str(node["metadata"]["name"]) for node in nodes]
    if len(names) < 2:
        raise UserError("there is no second node that takes pods", fix="start the engine with three nodes")
    pods = pods_of(scene)
    fixed = _fixed(scene, pods)
    placed = [(component_of(pod), str(pod["spec"].get("nodeName", ""))) for pod in pods]
    free = Counter(node for component, node in placed if component not in fixed.get(node, ()))
    name = max(names, key=lambda name: free[name])
    if not free[name]:
        raise UserError(
            "no pod may leave its node: their volumes hold all of them",
            fix="deliver a component without a volume, or a storage class whose volumes are not bound to a node",
        )
    stay = fixed.get(name, set())
    if stay:
        scene.notes.append(f"their volumes cannot leave {name}: {', '.join(sorted(stay))}; they wait for it")
    scene.waived.update(_needing(scene, stay))
    return name, stay


def _drained(scene: Scene) -> Recovered:
    cluster, (node, _) = scene.platform.cluster, _node(scene)
    scene.undo.callback(cluster.patch, "Node", node, {"spec": {"unschedulable": None}})
    cluster.patch("Node", node, {"spec": {"unschedulable": True}})
    moved = [pod for pod in pods_of(scene) if pod["spec"].get("nodeName") == node]
    scene.notes.append(f"drained: {node}, {len(moved)} pods")
    end = time.monotonic() + EVICTION
    for pod in moved:
        while not _evict(scene, pod):
            if time.monotonic() > end:
                raise UserError(f"{pod['metadata']['name']} cannot be evicted: its disruption budget does not let it")
            time.sleep(0.5)
    uids = {pod["metadata"]["uid"] for pod in moved}

    def recovered() -> bool:
        return not uids & {pod["metadata"]["uid"] for pod in pods_of(scene)} and all_answer(
            scene, frozenset(scene.waived)
        )

    return recovered


def _evict(scene: Scene, pod: Object) -> bool:
    """Ask for an eviction; returns False where a disruption budget says not now."""
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{scene.namespace}/pods/{metadata['name']}/eviction"
    about = {"name": metadata["name"], "namespace": scene.namespace}
    try:
        scene.platform.cluster.request(
            "POST", path, body={"apiVersion": "policy/v1", "kind": "Eviction", "metadata": about}
        )
    except ApiError as error:
        if error.status == 404:
            return True
        if error.status == 429:
            return False
        raise
    return True


def _stopped(scene: Scene) -> Recovered:
    engine, (node, stay) = scene.platform.engine, _node(scene)
    scene.notes.append(f"stopped: {node}")
    scene.undo.callback(engine.restart, node)
    engine.kill(node)
    waived = frozenset(scene.waived)

    def recovered() -> bool:
        left = {
            component_of(pod)
            for pod in pods_of(scene)
            if pod["spec"].get("nodeName") == node and "deletionTimestamp" not in pod["metadata"]
        }
        # who needs what waits for the node cannot be ready; away from it must be everybody who may
        return left <= stay and all_answer(scene, waived)

    return recovered


def _longest(extra: float = 0.0) -> Callable[[Scene], float]:
    def budget(scene: Scene) -> float:
        contracts = scene.platform.graph.contracts
        names = running(scene.platform, data=False) + running(scene.platform, data=True)
        return extra + max(contracts[name].availability.budget for name in names)

    return budget


def _lost(scene: Scene) -> float:
    """Return the seconds until the pods of a lost node are started elsewhere, by their own tolerations."""
    named = [
        float(one["tolerationSeconds"])
        for pod in pods_of(scene)
        for one in pod["spec"].get("tolerations", ())
        if one.get("key") == UNREACHABLE and "tolerationSeconds" in one
        and not claims_of(pod)
    ]  # fmt: skip
    return LOST + max(named, default=EVICTED) + _longest()(scene)


DRILLS = (
    Drill(
        "kill-pod",
        "When every pod of {component} is killed at once, it is ready again within the budget of its contract, and "
        "nobody who does not need it is away.",
        partial(running, data=False),
        _killed,
        own_budget,
        with_consumers,
        noticed=itself,
    ),
    Drill(
        "kill-store",
        "When the pod of {component} is killed, it is ready again within the budget of its contract, and "
        "all who need it come back without hands.",
        partial(running, data=True),
        _killed,
        own_budget,
        with_consumers,
        noticed=itself,
    ),
    Drill(
        "drain-node",
        "When a node is drained, disruption budgets are respected, and what may move is ready elsewhere.",
        whole,
        _drained,
        _longest(EVICTION),
        everybody,
    ),
    Drill(
        "stop-node",
        "When a node loses its power, every component that may move is ready elsewhere once the node counts as lost.",
        whole,
        _stopped,
        _lost,
        everybody,
        frozenset({Ability.NODES}),
    ),
)

"""What every pod has: no service links, no token, bounded resources, time to stop; and budgets where they help."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import Pod, matches
from harness.model.contract import Contract

_BUDGET = {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}


def _check(platform: Platform) -> Iterator[Problem]:
    for pod in platform.pods:
        for key in ("enableServiceLinks", "automountServiceAccountToken"):
            if pod.spec.get(key) is not False:
                yield Problem(pod.owner, f"{pod.path}.{key}", "is not false")
        for container in pod.containers:
            resources = container.data.get("resources") or {}
            for group, names in (("requests", ("cpu", "memory")), ("limits", ("memory",))):
                for name in names:
                    if not (resources.get(group) or {}).get(name):
                        yield Problem(
                            pod.owner,
                            f"{container.path}.resources.{group}.{name}",
                            f"container {container.name} has none",
                        )
        if pod.owner["kind"] == "Job":
            yield from _job(pod)
    for item in platform.of_kind("ServiceAccount"):
        if item.get("automountServiceAccountToken") is not False:
            yield Problem(item, "automountServiceAccountToken", "is not false")
    for contract, pod in platform.component_pods:
        yield from _stopping(contract, pod)
        if pod.server:
            yield from _availability(platform, pod)


def _job(pod: Pod) -> Iterator[Problem]:
    spec = pod.owner["spec"]
    for key in ("activeDeadlineSeconds", "backoffLimit"):
        if spec.get(key) is None:
            yield Problem(pod.owner, f"spec.{key}", "is not set: a Job that never ends holds up every later wave")
    if pod.spec.get("restartPolicy") != "Never":
        yield Problem(
            pod.owner,
            f"{pod.path}.restartPolicy",
            "is not Never: the log of a failed try would be gone with its container",
        )


def _stopping(contract: Contract, pod: Pod) -> Iterator[Problem]:
    grace, wanted = pod.spec.get("terminationGracePeriodSeconds"), contract.workload.gracePeriod
    if grace != wanted:
        yield Problem(pod.owner, f"{pod.path}.terminationGracePeriodSeconds", f"is {grace}, the contract says {wanted}")
    if pod.server and pod.main is not None:
        lifecycle = (pod.main.data.get("lifecycle") or {}).get("preStop") or {}
        sleep = (lifecycle.get("sleep") or {}).get("seconds", 0)
        if sleep != contract.workload.preStop:
            yield Problem(
                pod.owner,
                f"{pod.main.path}.lifecycle.preStop",
                f"sleeps {sleep} s, the contract says {contract.workload.preStop}",
            )
        if grace is not None and sleep >= grace:
            yield Problem(
                pod.owner,
                f"{pod.main.path}.lifecycle.preStop",
                f"sleeps all of the {grace} s that the pod has to stop: the software is killed and not ended",
                f"raise workload.gracePeriod in charts/{contract.chart}/contract.yaml, or lower preStop",
            )


def _availability(platform: Platform, pod: Pod) -> Iterator[Problem]:
    replicas = pod.owner["spec"].get("replicas", 1)
    budgets = [
        item
        for item in platform.of_kind("PodDisruptionBudget")
        if matches(item["spec"].get("selector") or {}, pod.labels)
    ]
    if replicas <= 1:
        for item in budgets:
            yield Problem(item, "spec", f"guards {replicas} replica: it would stop every drain of a node")
        return
    if not budgets:
        yield Problem(
            pod.owner, "spec.replicas", f"{replicas} replicas without a PodDisruptionBudget: a drain may take all"
        )
    for item in budgets:
        for key, value in _BUDGET.items():
            if item["spec"].get(key) != value:
                yield Problem(item, f"spec.{key}", f"is {item['spec'].get(key)}, wanted is {value}")
    if not pod.spec.get("topologySpreadConstraints"):
        yield Problem(
            pod.owner, f"{pod.path}.topologySpreadConstraints", f"{replicas} replicas may all land on one node"
        )


RULE = Rule(
    id="pod-hygiene",
    title="Pods have no service links and no token, bounded resources, time to stop; budgets are where they help",
    fix="let common.pod and common.disruptionbudget render it from contract and values",
    source="Kubernetes documentation, pods and disruptions; helm/charts issue 7127 (budget on one replica)",
    why="Tokens that nobody needs are there to be stolen, a pod without requests is refused by the quota, one "
    "that is killed too early loses work, and a budget on a single pod blocks every drain.",
    example=Example(
        given="a PodDisruptionBudget for a Deployment with replicas: 1",
        says="guards 1 replica",
    ),
    environment=_check,
)

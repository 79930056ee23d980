"""A workload is of the contract's kind, replaced as it says, with no more pods than the software survives."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule
from harness.model.contract import Contract
from harness.render.objects import Object

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "CronJob")


def _check(platform: Platform) -> Iterator[Problem]:
    for name in platform.embedded:
        contract = platform.contracts[name]
        found = [item for item in platform.of_kind(*_WORKLOADS) if platform.component(item) == name]
        right = [item for item in found if (item["kind"], item["metadata"]["name"]) == (contract.workload.kind, name)]
        if not right:
            yield Problem(None, f"{contract.workload.kind}/{name}", "is missing", component=name)
        for item in found:
            if item in right:
                yield from _workload(item, contract)
            else:
                yield Problem(item, "kind", f"{item['kind']} is not what the contract says: {contract.workload.kind}")
    scaled = {(item["kind"], item["metadata"]["name"]) for item in platform.of_kind("Deployment", "StatefulSet")}
    for item in platform.of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        target = (item.get("spec") or {}).get("scaleTargetRef") or {}
        if (target.get("kind"), target.get("name")) in scaled:
            message = f"changes the replicas of {target['kind']}/{target['name']}, and every sync takes the change back"
            yield Problem(item, "spec.scaleTargetRef", message, "render no replicas there, or no autoscaler")


def _workload(item: Object, contract: Contract) -> Iterator[Problem]:
    if item["kind"] == "CronJob":
        yield from _cronjob(item, contract)
        return
    replicas = item["spec"].get("replicas", 1)
    most = contract.replicas.max
    if most is not None and replicas > most:
        yield Problem(
            item,
            "spec.replicas",
            f"{replicas} replicas are more than the {most} that the software survives: {contract.replicas.why}",
            f"write replicas: {most} or less in the environment's values",
        )
    key = "strategy" if item["kind"] == "Deployment" else "updateStrategy"
    strategy = (item["spec"].get(key) or {}).get("type")
    if strategy != contract.workload.strategy:
        yield Problem(
            item,
            f"spec.{key}.type",
            f"is {strategy}, the contract says {contract.workload.strategy}: {contract.workload.why}",
        )


def _cronjob(item: Object, contract: Contract) -> Iterator[Problem]:
    policy = item["spec"].get("concurrencyPolicy", "Allow")
    if policy != contract.workload.strategy:
        yield Problem(
            item,
            "spec.concurrencyPolicy",
            f"is {policy}, the contract says {contract.workload.strategy}: {contract.workload.why}",
        )
    job = item["spec"]["jobTemplate"]["spec"]
    if not job.get("activeDeadlineSeconds"):
        yield Problem(
            item,
            "spec.jobTemplate.spec.activeDeadlineSeconds",
            "is not set: a run that hangs would keep all later ones from starting",
        )
    for key in ("parallelism", "completions"):
        if job.get(key, 1) != 1:
            yield Problem(item, f"spec.jobTemplate.spec.{key}", f"is {job[key]}: a run is one pod")


RULE = Rule(
    id="contract-replicas",
    title="Kind, strategy and number of pods are what the contract says the software survives",
    fix="change workload or replicas in the component's contract.yaml, with the reason",
    source="charts/<component>/contract.yaml, workload and replicas",
    why="Software that keeps state of its own corrupts it when it runs twice, also for the seconds of a rolling "
    "update.",
    example=Example(
        given="replicas: 2 of orchestrator, whose contract says that it survives 1",
        says="2 replicas are more than the 1 that the software survives",
    ),
    environment=_check,
)

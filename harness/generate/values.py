"""`values.yaml` of a component: the values every chart has, then its contract's options, each with its meaning."""

from __future__ import annotations

from typing import Any

from harness.generate.text import comment, sentence, to_yaml
from harness.model.contract import Contract, Replicas


def render(contract: Contract) -> str:
    """Return the text of the file; values that the component has no use for (volumes, jobs) are left out."""
    blocks = [
        _header(contract),
        _schedule(contract) if contract.workload.kind == "CronJob" else _replicas(contract.replicas),
        _image(contract),
        _resources(contract),
        _settings(contract),
        _volumes(contract),
        _annotations(),
        _jobs(contract),
        _scheduling(),
        _egress(),
        _route(contract),
        _operator(contract),
        *(_option(name, option.default, option.meaning) for name, option in contract.options.items()),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def defaults(contract: Contract) -> dict[str, Any]:
    """Return the same values as data (`resources` and `volumes` as the contract has them)."""
    kept = {volume.name: {"size": volume.size, "storageClass": ""} for volume in contract.writable if volume.keep}
    jobs: dict[str, Any] = {name: {"podAnnotations": {}} for name in sorted(contract.jobs)}
    cron = {"schedule": contract.workload.schedule, "suspend": False}
    return {
        **(cron if contract.workload.kind == "CronJob" else {"replicas": contract.replicas.default}),
        "image": {"repository": "", "tag": "", "digest": ""},
        "resources": resources(contract),
        "settings": {},
        **({"volumes": kept} if kept else {}),
        "podAnnotations": {},
        **({"jobs": jobs} if jobs else {}),
        "scheduling": {"nodeSelector": {}, "tolerations": [], "affinity": {}, "priorityClassName": ""},
        "extraEgress": [],
        **({"route": {}} if contract.exposed else {}),
        **({"operator": {"replicas": contract.operator.replicas.default}} if contract.operator else {}),
        **{name: option.default for name, option in contract.options.items()},
    }


def resources(contract: Contract) -> dict[str, dict[str, str]]:
    """Return requests and limits, CPU before memory; what the contract leaves open is absent."""
    asked, allowed = contract.resources.requests, contract.resources.limits
    return {
        "requests": {name: asked[name] for name in ("cpu", "memory") if name in asked},
        "limits": {name: allowed[name] for name in ("cpu", "memory") if name in allowed},
    }


def _header(contract: Contract) -> list[str]:
    return [
        *comment(f"Values of the chart {contract.component}: {contract.title} {contract.upstream.version}"),
        *comment("Written by `indigo generate` from contract.yaml: change that file, not this one"),
        *comment(
            "In the umbrella chart all of this stands under the component's name; what several components share is in "
            "`global` (charts/indigo-paas/values.yaml), with the switch that turns this one on and off"
        ),
    ]


def _replicas(replicas: Replicas) -> list[str]:
    most = "Any number is survived" if replicas.max is None else f"At most {replicas.max}"
    return [
        *comment("How many pods run; 0 stops the software and keeps its data", f"{most}: {replicas.why}"),
        f"replicas: {replicas.default}",
    ]


def _schedule(contract: Contract) -> list[str]:
    return [
        *comment("When it runs, as cron writes it; runs never overlap"),
        f'schedule: "{contract.workload.schedule}"',
        "",
        *comment("true lets no further run begin; one that is under way goes on"),
        "suspend: false",
    ]


def _egress() -> list[str]:
    return [
        *comment(
            "Further addresses that the pods may reach, beyond what the contract opens: a list of {cidrs: [...], "
            "ports: [...]}; for a provider or a store on an unusual port"
        ),
        "extraEgress: []",
    ]


def _route(contract: Contract) -> list[str]:
    if contract.exposed is None:
        return []
    return [
        *comment(
            "What differs from `global.routes` for this component, with the same keys; `{kind: none}` leaves it "
            "unreachable from outside. Host and path are those of `global.urls`"
        ),
        "route: {}",
    ]


def _operator(contract: Contract) -> list[str]:
    if contract.operator is None:
        return []
    return [
        *comment("Where `global.components` has the mode operator"),
        "operator:",
        *comment("How many pods the operator makes", contract.operator.replicas.why, indent=2),
        f"  replicas: {contract.operator.replicas.default}",
    ]


def _image(contract: Contract) -> list[str]:
    image = contract.image
    return [
        *comment(
            f"Which image runs. What is empty comes from the contract: {image.repository}:{image.tag}",
            "Write something here to try another version or a build of your own; a mirror of all images is "
            "`global.images.registry`",
        ),
        *comment(image.note),
        "image:",
        *comment("Name of the image, with its registry where that is not the usual one", indent=2),
        '  repository: ""',
        *comment("Version; never a tag that moves", indent=2),
        '  tag: ""',
        *comment("Digest (sha256:...), which pins the image whatever happens to its tag", indent=2),
        '  digest: ""',
    ]


def _resources(contract: Contract) -> list[str]:
    return [
        *comment(
            "CPU and memory asked for and allowed; raise them when the pod is throttled or killed for memory",
            contract.resources.why,
        ),
        *to_yaml({"resources": resources(contract)}),
    ]


def _settings(contract: Contract) -> list[str]:
    return [
        *comment(
            f"Settings of {contract.title} by the names upstream gives them, for example to change a time-out",
            "They win over what the chart derives",
            "README.md lists them; secret ones are refused here, they come from Secrets",
        ),
        "settings: {}",
    ]


def _volumes(contract: Contract) -> list[str]:
    kept = [volume for volume in contract.writable if volume.keep]
    if not kept:
        return []
    later = (
        "Write their size before the first deployment: Kubernetes refuses to change the claim template of a StatefulSet"
        if contract.workload.kind == "StatefulSet"
        else "Write their size before the first deployment: later it only grows, where the storage class allows that"
    )
    lines = [
        *comment("Volumes that outlive the pods", later),
        "volumes:",
    ]
    for volume in kept:
        lines += [
            *comment(f"{sentence(volume.purpose)} Mounted at {volume.path}", indent=2),
            f"  {volume.name}:",
            f"    size: {volume.size}",
            *comment("Storage class of this volume; empty for `global.storage.className`", indent=4),
            '    storageClass: ""',
        ]
    return lines


def _annotations() -> list[str]:
    return [
        *comment("Annotations of every pod of the workload, for what a site's own tools ask for (scraping, backups)"),
        "podAnnotations: {}",
    ]


def _jobs(contract: Contract) -> list[str]:
    if not contract.jobs:
        return []
    lines = [*comment("The Jobs that belong to the component"), "jobs:"]
    for name, job in sorted(contract.jobs.items()):
        when = "before the workload" if job.when == "prepare" else "after the workload"
        lines += [
            *comment(f"Runs {when}: {sentence(job.purpose)}", indent=2),
            f"  {name}:",
            *comment("Annotations of the Job's pods, for example to leave them out of a service mesh", indent=4),
            "    podAnnotations: {}",
        ]
    return lines


def _scheduling() -> list[str]:
    return [
        *comment("Where pods may run; write something here when nodes are set aside for this software"),
        "scheduling:",
        *comment("Labels that a node must have", indent=2),
        "  nodeSelector: {}",
        *comment("Taints of nodes that are borne", indent=2),
        "  tolerations: []",
        *comment("Rules of attraction and repulsion, in Kubernetes' own form", indent=2),
        "  affinity: {}",
        *comment("PriorityClass of the pods; data stores deserve a high one", indent=2),
        '  priorityClassName: ""',
    ]


def _option(name: str, default: Any, meaning: str) -> list[str]:
    return [*comment(meaning), *to_yaml({name: default})]

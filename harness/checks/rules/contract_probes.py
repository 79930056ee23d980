"""Probes are the contract's, to the second; and liveness asks nothing outside the pod."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import Container, Pod
from harness.model.contract import Contract, Probe

_KINDS = ("startup", "readiness", "liveness")
_URL = re.compile(r"[a-z]+://(?!localhost|127\.0\.0\.1|\[::1\])")


def _check(platform: Platform) -> Iterator[Problem]:
    for contract, pod in platform.component_pods:
        for container in pod.containers:
            expected = {f"{kind}Probe": _rendered(probe) for kind, probe in contract.all_probes()}
            if container is not pod.main or not pod.server:
                expected = {}
            for kind in _KINDS:
                key = f"{kind}Probe"
                path = f"{container.path}.{key}"
                found = container.data.get(key)
                for text in _differences(found, expected.get(key)):
                    yield Problem(pod.owner, path, f"the {kind} probe {text}")
            yield from _liveness(contract, pod, container, platform)


def _rendered(probe: Probe) -> dict[str, Any]:
    """Return a probe of the contract as Kubernetes writes it."""
    ask: dict[str, Any]
    if probe.command is not None:
        ask = {"exec": {"command": list(probe.command)}}
    elif probe.path is not None:
        headers = [{"name": name, "value": value} for name, value in probe.headers.items()]
        ask = {"httpGet": {"path": probe.path, "port": probe.port} | ({"httpHeaders": headers} if headers else {})}
    else:
        ask = {"tcpSocket": {"port": probe.port}}
    return ask | {
        "periodSeconds": probe.period, "timeoutSeconds": probe.timeout, "failureThreshold": probe.failures
    }  # fmt: skip


def _differences(found: Mapping[str, Any] | None, expected: Mapping[str, Any] | None) -> Iterator[str]:
    if found is None or expected is None:
        if found is not None:
            yield "is not in the contract"
        if expected is not None:
            yield "of the contract is missing"
        return
    for key in sorted(set(found) | set(expected)):
        if found.get(key) != expected.get(key):
            yield f"has {key} {found.get(key)!r}, the contract says {expected.get(key)!r}"


def _liveness(contract: Contract, pod: Pod, container: Container, platform: Platform) -> Iterator[Problem]:
    probe = container.data.get("livenessProbe") or {}
    outside = {name for name in platform.contracts if name != contract.component}
    hosts = [probe[ask]["host"] for ask in ("httpGet", "tcpSocket") if (probe.get(ask) or {}).get("host")]
    words = " ".join((probe.get("exec") or {}).get("command") or ())
    asked = [name for name in sorted(outside) if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", words)]
    urls = [words[match.start() :].split()[0] for match in _URL.finditer(words)]
    for target in (*hosts, *asked, *urls):
        yield Problem(
            pod.owner,
            f"{container.path}.livenessProbe",
            f"the liveness probe asks {target}, which is outside the pod: it would kill what is well",
            "ask the pod itself; what it needs from others belongs into readiness",
        )


RULE = Rule(
    id="contract-probes",
    title="Probes are those of the contract, and liveness asks nothing outside the pod",
    fix="change probes in the component's contract.yaml; common.probes renders them",
    source="charts/<component>/contract.yaml, probes; Kubernetes documentation, liveness probes",
    why="An impatient probe kills software that is still starting; liveness that asks a database restarts every "
    "pod when the database is away.",
    example=Example(
        given="startupProbe.failureThreshold: 1, where the contract of orchestrator says 60",
        says="failureThreshold 1, the contract says 60",
    ),
    environment=_check,
)

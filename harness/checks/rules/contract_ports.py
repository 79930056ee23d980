"""Containers listen on the contract's ports and Services offer them, by the contract's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import SERVER
from harness.model.contract import Contract

_APPLICATION = ("http", "https", "grpc")  # protocols that a Service names for gateways


def _check(platform: Platform) -> Iterator[Problem]:
    for contract, pod in platform.component_pods:
        for container in pod.containers:
            wanted = container is pod.main and pod.server
            expected = {name: (port.port, "TCP") for name, port in contract.ports.items()} if wanted else {}
            found = {
                str(port.get("name")): (port.get("containerPort"), port.get("protocol", "TCP"))
                for port in container.data.get("ports") or ()
            }
            for text in _differences(found, expected):
                yield Problem(pod.owner, f"{container.path}.ports", f"container {container.name}: {text}")
    for name in platform.embedded:
        yield from _services(platform, platform.contracts[name])


def _services(platform: Platform, contract: Contract) -> Iterator[Problem]:
    expected = {
        name: (port.port, name, "TCP", port.protocol if port.protocol in _APPLICATION else None)
        for name, port in contract.ports.items()
        if port.service
    }
    services = [item for item in platform.of_kind("Service") if platform.component(item) == contract.component]
    named = [item for item in services if item["metadata"]["name"] == contract.component]
    if expected and not named:
        yield Problem(None, f"Service/{contract.component}", "is missing", component=contract.component)
    for item in named:
        for text in _differences(
            {str(port.get("name")): _offer(port) for port in item["spec"].get("ports") or ()}, expected
        ):
            yield Problem(item, "spec.ports", text)


def _offer(port: Mapping[str, Any]) -> tuple[Any, ...]:
    return port.get("port"), port.get("targetPort"), port.get("protocol", "TCP"), port.get("appProtocol")


def _differences(found: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(set(found) | set(expected)):
        if name not in expected:
            yield f"port {name} is not in the contract"
        elif name not in found:
            yield f"port {name} of the contract is missing"
        elif found[name] != expected[name]:
            yield f"port {name} is {_shown(found[name])}, the contract says {_shown(expected[name])}"


def _shown(parts: tuple[Any, ...]) -> str:
    return ", ".join(str(part) for part in parts if part is not None)


RULE = Rule(
    id="contract-ports",
    title=f"Ports of containers (role {SERVER}) and Services are those of the contract",
    fix="change ports in the component's contract.yaml; common.pod and common.service render them",
    source="charts/<component>/contract.yaml, ports",
    why="Services, NetworkPolicies, probes and other components all take ports from the contract: a container "
    "that listens elsewhere is up and cannot be reached.",
    example=Example(
        given="containerPort: 3307, where the contract of mariadb says 3306",
        says="port mysql is 3307, TCP, the contract says 3306, TCP",
    ),
    environment=_check,
)

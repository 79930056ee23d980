"""The network is the graph: what is declared is open in both directions, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from harness.checks.flows import Flow, flows
from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import matches
from harness.model.contract import Contract
from harness.model.environment import Mode
from harness.render.objects import Object

_BOTH = ["Egress", "Ingress"]


def _check(platform: Platform) -> Iterator[Problem]:
    policies = platform.of_kind("NetworkPolicy")
    yield from _default_deny(platform)
    for pod in platform.pods:
        selecting = [item for item in policies if matches((item.get("spec") or {}).get("podSelector"), pod.labels)]
        types = {kind for item in selecting for kind in item["spec"].get("policyTypes") or ()}
        if types != set(_BOTH):
            yield Problem(
                pod.owner,
                f"{pod.path.removesuffix('.spec')}.metadata.labels",
                "no policy selects it in both directions",
            )
    for name in platform.delivered:
        yield from _component(platform, name, [item for item in policies if platform.component(item) == name])
    for item in policies:
        if not platform.component(item):
            yield Problem(item, "metadata.labels", "belongs to no component, and opens what no contract declares")


def _component(platform: Platform, name: str, policies: list[Object]) -> Iterator[Problem]:
    expected = set(_expected(platform, name))
    found = {flow: item for item in policies for flow in flows(item)}
    anchor = policies[0] if policies else None
    for flow in sorted(expected - set(found)):
        yield Problem(
            anchor,
            _path(flow),
            f"the contracts ask for traffic {flow}, and the policy does not let it pass",
            component=name,
        )
    for flow in sorted(set(found) - expected):
        yield Problem(
            found[flow],
            _path(flow),
            f"traffic {flow} is open, and no contract asks for it",
            "declare it under requires or egress in contract.yaml, or remove it",
        )


def _path(flow: Flow) -> str:
    return "spec.ingress" if flow.direction == "from" else "spec.egress"


def _expected(platform: Platform, name: str) -> Iterator[Flow]:
    """Yield what the contracts and the environment's values declare for a component."""
    contract = platform.contracts[name]
    if platform.modes[name] is Mode.OPERATOR:
        yield from _operated(platform, contract)
        return
    network = platform.section("network")
    monitoring = platform.section("monitoring")
    watched = bool(monitoring.get("enabled"))
    gateway = f"namespace {network.get('gatewayNamespace') or 'gateway'}"
    cidrs = [f"network {cidr}" for cidr in network.get("internetCidrs") or ["0.0.0.0/0"]]
    if name in platform.provisioned:
        yield from _provisioning(platform, contract)
        return
    for title, port in contract.ports.items():
        for consumer in platform.graph.consumers(name, title):
            if platform.modes[consumer].here:
                yield Flow("from", f"component {consumer}", str(port.port))
        if contract.peers or contract.jobs:
            yield Flow("from", f"component {name}", str(port.port))
            yield Flow("to", f"component {name}", str(port.port))
        if contract.exposed == title:
            yield Flow("from", gateway, str(port.port))
        if watched and contract.metrics.port == title:
            yield Flow("from", f"namespace {monitoring.get('namespace') or 'monitoring'}", str(port.port))
    for protocol in ("UDP", "TCP"):
        yield Flow("to", f"namespace {network.get('dnsNamespace') or 'kube-system'}", "53", protocol)
    for edge in platform.graph.requirements(name):
        entry: Any = platform.section("components").get(edge.provider) or {}
        if platform.modes[edge.provider].here:
            yield Flow("to", f"component {edge.provider}", str(edge.number))
        elif platform.modes[edge.provider] is Mode.EXTERNAL and isinstance(entry, Mapping) and entry.get("host"):
            own = entry.get("cidrs")
            for cidr in [f"network {address}" for address in own] if own else cidrs:
                yield Flow("to", cidr, str(entry.get("port") or edge.number))
        elif platform.modes[edge.provider] is Mode.EXTERNAL and (url := platform.section("urls").get(edge.provider)):
            for cidr in cidrs:
                yield Flow("to", cidr, str(_port(str(url))))
    for out in contract.egress:
        peers = cidrs
        if out.to == "gateway":
            peers = [gateway, *(f"network {cidr}" for cidr in network.get("gatewayCidrs") or ())]
        for peer in peers:
            for number in out.ports:
                yield Flow("to", peer, str(number))
    values = platform.values.get(name) or {}
    for extra in values.get("extraEgress") or () if isinstance(values, Mapping) else ():
        for cidr in extra["cidrs"]:
            for number in extra["ports"]:
                yield Flow("to", f"network {cidr}", str(number))


def _provisioning(platform: Platform, contract: Contract) -> Iterator[Flow]:
    """Yield what the Job may do that makes things on a component elsewhere: reach it, by its name."""
    network = platform.section("network")
    entry: Any = platform.section("components").get(contract.component) or {}
    for protocol in ("UDP", "TCP"):
        yield Flow("to", f"namespace {network.get('dnsNamespace') or 'kube-system'}", "53", protocol)
    for cidr in entry.get("cidrs") or network.get("internetCidrs") or ["0.0.0.0/0"]:
        for port in contract.ports.values():
            if port.service:
                yield Flow("to", f"network {cidr}", str(entry.get("port") or port.port))


def _operated(platform: Platform, contract: Contract) -> Iterator[Flow]:
    """Yield what the pods of a component that an operator makes may do: the operator's contract says it."""
    operator, network = contract.operator, platform.section("network")
    assert operator is not None, f"{contract.component} has no operator"
    own = f"component {contract.component}"
    for title, port in contract.ports.items():
        for consumer in platform.graph.consumers(contract.component, title):
            if platform.modes[consumer].here:
                yield Flow("from", f"component {consumer}", str(port.port))
    for number in operator.reached:
        yield Flow("from", f"namespace {network.get('operatorNamespace') or 'indigo-operators'}", str(number))
    for number in operator.between:
        yield Flow("from", own, str(number))
        yield Flow("to", own, str(number))
    monitoring = platform.section("monitoring")
    if monitoring.get("enabled"):
        yield Flow("from", f"namespace {monitoring.get('namespace') or 'monitoring'}", str(operator.metrics.port))
    for protocol in ("UDP", "TCP"):
        yield Flow("to", f"namespace {network.get('dnsNamespace') or 'kube-system'}", "53", protocol)
    api = network.get("apiServer") or {}
    for cidr in api.get("cidrs") or ():
        for number in api.get("ports") or (443, 6443):
            yield Flow("to", f"network {cidr}", str(number))


def _port(url: str) -> int:
    parsed = urlsplit(url)
    return parsed.port or (443 if parsed.scheme == "https" else 80)


def _default_deny(platform: Platform) -> Iterator[Problem]:
    denying = [item for item in platform.delivery if item["kind"] == "NetworkPolicy" and _denies(item, platform)]
    if not denying:
        yield Problem(
            None,
            f"namespace {platform.namespace}",
            "has no default deny: a pod that nobody wrote a policy for is open in both directions",
            "keep NetworkPolicy/default-deny in argocd/namespace/templates/namespace.yaml",
        )


def _denies(item: Object, platform: Platform) -> bool:
    spec = item.get("spec") or {}
    return (
        item["metadata"].get("namespace") == platform.namespace
        and spec.get("podSelector") == {}
        and sorted(spec.get("policyTypes") or ()) == _BOTH
        and not spec.get("ingress")
        and not spec.get("egress")
    )


RULE = Rule(
    id="graph-policies",
    title="NetworkPolicies open what the contracts declare, in both directions, and nothing else",
    fix="let common.networkpolicy write the policy from the graph; run indigo generate after a contract changed",
    source="docs/explanation/architecture.md, Order; contract.yaml: requires, egress, exposed, metrics",
    why="With default deny, an edge that is missing is a connection that times out, in the one environment where "
    "it is enforced; an edge too many is a way in that nobody decided.",
    example=Example(
        given="ingress: [{}] in the NetworkPolicy of mariadb",
        says="traffic from everywhere on every port/TCP is open",
    ),
    environment=_check,
)

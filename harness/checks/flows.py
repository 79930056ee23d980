"""NetworkPolicies as sets of flows: who may connect to whom on which port, in one direction each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.checks.pods import NAME, OPERATED
from harness.render.objects import Object

NAMESPACE = "kubernetes.io/metadata.name"


@dataclass(frozen=True, order=True)
class Flow:
    """One permission of a policy, seen from the pods that it selects."""

    direction: str  # from (ingress) or to (egress)
    peer: str  # component X, namespace X, network CIDR, everywhere, or the selector as it stands
    port: str
    protocol: str = "TCP"

    def __str__(self) -> str:
        return f"{self.direction} {self.peer} on {self.port}/{self.protocol}"


def flows(policy: Object) -> Iterator[Flow]:
    """Yield what a NetworkPolicy opens."""
    spec = policy.get("spec") or {}
    for key, direction, peers in (("ingress", "from", "from"), ("egress", "to", "to")):
        for rule in spec.get(key) or ():
            for peer in rule.get(peers) or [None]:
                for port in rule.get("ports") or [None]:
                    yield Flow(direction, _peer(peer), _port(port), str((port or {}).get("protocol", "TCP")))


def _port(port: Mapping[str, Any] | None) -> str:
    if not port or "port" not in port:
        return "every port"
    return f"{port['port']}-{port['endPort']}" if "endPort" in port else str(port["port"])


def _peer(peer: Mapping[str, Any] | None) -> str:
    if not peer:
        return "everywhere"
    if set(peer) == {"podSelector"}:
        labels = (peer["podSelector"] or {}).get("matchLabels") or {}
        if len(labels) == 1 and set(peer["podSelector"]) == {"matchLabels"}:
            for key in (NAME, OPERATED):
                if key in labels:
                    return f"component {labels[key]}"
    if set(peer) == {"namespaceSelector"}:
        labels = (peer["namespaceSelector"] or {}).get("matchLabels") or {}
        if set(labels) == {NAMESPACE} and set(peer["namespaceSelector"]) == {"matchLabels"}:
            return f"namespace {labels[NAMESPACE]}"
    if set(peer) == {"ipBlock"} and set(peer["ipBlock"]) == {"cidr"}:
        return f"network {peer['ipBlock']['cidr']}"
    return json.dumps(peer, sort_keys=True)

"""Asks the components themselves, at least five times a second, from pods that NetworkPolicies let through.

Who asks is a pod with the label of a component that needs the asked one, or a pod of the gateway's namespace where it
is exposed: it gets through for the same reason as they do. What is asked is the Service, by its address, on a
connection of its own each time: over HTTP the path of the readiness probe, else what the protocol begins with.
"""

from __future__ import annotations

import base64
import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from harness.cluster import Cluster, Conflict, Object
from harness.doubles.image import PROBE
from harness.drills.requests import Requests
from harness.e2e.platform import Platform
from harness.e2e.restricted import POD, READ_ONLY
from harness.errors import UserError
from harness.model.contract import Contract
from harness.model.environment import read_values
from harness.model.graph import Graph

GATEWAY = "gateway"
MARK = "indigo-drill"
OURS = {"app.kubernetes.io/managed-by": MARK}
START = 60.0  # seconds for the pods that ask
# What a client says first, by port; empty: the server does. Sources: RESP (valkey.io/topics/protocol); Bolt's handshake
# (neo4j.com/docs/bolt, versions 5.4 to 5.0); MariaDB's server greets (mariadb.com/kb, connection phase).
FIRST_WORDS = {
    "valkey": b"PING\r\n",
    "bolt": bytes.fromhex("6060b017" + "00040405" + 3 * "00000000"),
    "mysql": b"",
}


@dataclass(frozen=True)
class Target:
    """A component that can be asked: by whom, and how; `how` is http, tls or tcp."""

    component: str
    asker: str
    port: int
    how: str
    path: str = ""
    says: bytes = b""
    hears: bool = False


def targets(graph: Graph, components: Iterable[str]) -> list[Target]:
    """Return how each component can be asked that somebody may ask, by as few askers as do."""
    here = sorted(set(components))
    ways = {name: found for name in here if (found := _ways(graph, name, here))}
    chosen: list[Target] = []
    while ways:
        askers = Counter(asker for found in ways.values() for asker in found)
        asker = min(askers, key=lambda name: (-askers[name], name))
        for name in [name for name, found in ways.items() if asker in found]:
            chosen.append(_target(graph.contracts[name], asker, ways.pop(name)[asker]))
    return sorted(chosen, key=lambda target: target.component)


def _ways(graph: Graph, component: str, here: Sequence[str]) -> dict[str, str]:
    """Return the askers of a component, each with the port that it may ask."""
    contract = graph.contracts[component]
    if contract.workload.kind == "CronJob":
        return {}
    probe = contract.probes.readiness
    first = str(probe.port) if probe and probe.path else ""
    found: dict[str, str] = {}
    for port in sorted(contract.ports, key=lambda name: name != first):
        if contract.ports[port].service:
            askers = [name for name in graph.consumers(component, port) if name in here]
            for asker in [*askers, *([GATEWAY] if contract.exposed == port else [])]:
                found.setdefault(asker, port)
    return found


def _target(contract: Contract, asker: str, port: str) -> Target:
    declared, probe = contract.ports[port], contract.probes.readiness
    if declared.protocol == "http":
        path = probe.path if probe and probe.path and probe.port == port else None
        return Target(contract.component, asker, declared.port, "http", path or "/")
    if port == "tls":
        return Target(contract.component, asker, declared.port, "tls")
    return Target(
        contract.component, asker, declared.port, "tcp", says=FIRST_WORDS.get(port, b""), hears=port in FIRST_WORDS
    )


class Askers:
    """The pods that ask, from `with` to its end.

    Args:
        platform: what is asked.
        kubectl: the program; its `exec` is how they are told what to ask.
        node: where they run: one that no drill stops.
    """

    def __init__(self, platform: Platform, kubectl: Path, node: str) -> None:
        self.platform, self.kubectl, self.node = platform, kubectl, node
        self.cluster: Cluster = platform.cluster
        self.targets = targets(platform.graph, platform.components)
        network = read_values(platform.tree, platform.environment).get("global", {}).get("network", {})
        self._gateway = str(network.get("gatewayNamespace") or GATEWAY)
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        names = sorted({target.asker for target in self.targets})
        with contextlib.ExitStack() as undo:
            undo.callback(self._remove)
            self._remove()
            if GATEWAY in names:
                with contextlib.suppress(Conflict):  # one that was there before is not ours, and stays
                    space = {"name": self._gateway, "labels": OURS}
                    self.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": space})
            for name in names:
                self.cluster.create(self._pod(name))
            end = time.monotonic() + START
            while late := [name for name in names if not self._runs(name)]:
                if time.monotonic() > end:
                    raise UserError(f"the pods that ask do not run after {START:g} s: {', '.join(late)}")
                time.sleep(0.2)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def asking(self) -> Requests:
        """Return the requests of one drill, not begun yet."""
        addresses = {item["metadata"]["name"]: item["spec"]["clusterIP"]
                     for item in self.cluster.list("Service", self.platform.namespace)}  # fmt: skip
        parts = {}
        for name in sorted({target.asker for target in self.targets}):
            command = [
                str(self.kubectl), f"--kubeconfig={self.cluster.kubeconfig}", f"--namespace={self._space(name)}",
                "exec", "--stdin", self._name(name), "--", "/double", "probe", "watch",
            ]  # fmt: skip
            asked = [_asked(target, addresses[target.component]) for target in self.targets if target.asker == name]
            parts[name] = (command, asked)
        return Requests(parts)

    def _space(self, asker: str) -> str:
        return self._gateway if asker == GATEWAY else self.platform.namespace

    @staticmethod
    def _name(asker: str) -> str:
        return f"{MARK}-as-{asker}"

    def _runs(self, asker: str) -> bool:
        pod = self.cluster.find("Pod", self._name(asker), self._space(asker))
        return bool(pod and any(status["ready"] for status in pod["status"].get("containerStatuses", ())))

    def _remove(self) -> None:
        """Delete what is ours, of an earlier run that was killed, too, and wait until it is gone."""
        label = f"app.kubernetes.io/managed-by={MARK}"
        for space in {self.platform.namespace, self._gateway}:
            for pod in self.cluster.list("Pod", space, labels=label):
                self.cluster.delete("Pod", pod["metadata"]["name"], space, grace_seconds=0)
        for item in self.cluster.list("Namespace", labels=label):
            self.cluster.delete("Namespace", item["metadata"]["name"])
        end = time.monotonic() + START
        while self.cluster.list("Namespace", labels=label) or self.cluster.list("Pod", labels=label):
            if time.monotonic() > end:
                raise UserError(
                    f"what a drill made is not gone after {START:g} s", fix=f"kubectl get pods -A -l {label}"
                )
            time.sleep(0.2)

    def _pod(self, asker: str) -> Object:
        labels = dict(OURS)
        if asker != GATEWAY:  # no other label: neither Services nor ReplicaSets take it for one of theirs
            labels |= {"app.kubernetes.io/name": asker, "indigo-paas/role": "probe"}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self._name(asker), "namespace": self._space(asker), "labels": labels},
            "spec": {
                "nodeName": self.node,
                "tolerations": [{"operator": "Exists"}],
                "terminationGracePeriodSeconds": 1,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": POD,
                "containers": [
                    {
                        "name": "probe",
                        "image": PROBE,
                        "imagePullPolicy": "Never",
                        "args": ["probe", "serve"],
                        "resources": {
                            "requests": {"cpu": "10m", "memory": "16Mi"},
                            "limits": {"memory": "64Mi"},
                        },
                        "securityContext": READ_ONLY,
                    }
                ],
            },
        }


def _asked(target: Target, address: str) -> dict[str, Any]:
    """Return a target as the program reads it."""
    return {
        "name": target.component,
        "how": target.how,
        "address": f"{address}:{target.port}",
        "host": f"{target.component}:{target.port}",
        "path": target.path,
        "says": base64.b64encode(target.says).decode(),
        "hears": target.hears,
    }

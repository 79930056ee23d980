"""The live network matrix: who may connect to whom, asked from inside of pods, against what the contracts say.

One small pod stands for each component, with its labels, its ports and nothing else of it; the NetworkPolicies are the
charts' own. What is expected comes from the graph alone, never from the policies. Each question is asked twice: before
the policies are there, when everything has to connect (or a port that nobody listens on would pass for a closed one),
and with them.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cluster import Cluster, Object
from harness.e2e.restricted import CONTAINER, LOW_PORTS, POD
from harness.errors import UserError
from harness.model.graph import Graph
from harness.process import run

GATEWAY, STRANGER, NEIGHBOUR, OUTSIDE = "gateway", "stranger", "neighbour", "outside"
"""The gateway's namespace; a pod of another namespace; one of ours without labels; what stands for the internet."""
NAME = "kubernetes.default.svc.cluster.local."
NEVER = (22, 2379)
"""Ports that no contract opens to the outside."""
ROUNDS = 4
PARALLEL = 6


@dataclass(frozen=True)
class Question:
    """May `source` connect to `port` of `target`? With port 0: may it look up a name?"""

    source: str
    target: str
    port: int
    allowed: bool
    service: bool = False
    """Whether it is asked by the name of the Service, as the components do, instead of by the pod's address."""

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}" + (f":{self.port}" if self.port else "")


@dataclass(frozen=True)
class Answer:
    """What came of a question."""

    question: Question
    connected: bool
    error: str
    milliseconds: int

    @property
    def expected(self) -> bool:
        """Whether it is what the graph says."""
        return self.connected == self.question.allowed

    def __str__(self) -> str:
        got = "connects" if self.connected else f"does not connect ({self.error})"
        return f"{self.question} {got}, and the graph says that it {'must' if self.question.allowed else 'must not'}"


def questions(graph: Graph, components: Iterable[str]) -> list[Question]:
    """Return every question over these components: each pair and port, the gateway, strangers, the outside, DNS."""
    here = sorted(set(components))
    found = []
    for target in here:
        contract = graph.contracts[target]
        for name, port in sorted(contract.ports.items()):
            consumers = set(graph.consumers(target, name))
            for source in here:
                if source != target:  # a pod always reaches itself
                    allowed = source in consumers
                    found.append(Question(source, target, port.port, allowed, service=allowed and port.service))
            found.append(Question(GATEWAY, target, port.port, contract.exposed == name))
            found += [Question(source, target, port.port, False) for source in (STRANGER, NEIGHBOUR)]
    for source in here:
        opened = {"internet": set[int](), "gateway": set[int]()}
        for egress in graph.contracts[source].egress:
            opened[egress.to].update(egress.ports)
        inside = opened["gateway"] | opened["internet"]  # the internet is every address, the gateway's too
        found += [Question(source, OUTSIDE, port, port in opened["internet"]) for port in outside_ports(graph)]
        found += [Question(source, GATEWAY, port, port in inside) for port in outside_ports(graph)]
        found.append(Question(source, "DNS", 0, True))
    return found


def outside_ports(graph: Graph) -> list[int]:
    """Return the ports that any contract opens to the outside, and some that none does."""
    declared = {port for contract in graph.contracts.values() for egress in contract.egress for port in egress.ports}
    return sorted(declared.union(NEVER))


class Matrix:
    """The pods of one matrix on a cluster that runs containers.

    Args:
        cluster: its API.
        kubeconfig: for `kubectl exec`.
        kubectl: the program.
        image: one that has the program of `harness/doubles/go` as its entry point.
        graph: what is expected.
        components: those that take part.
        namespace: made and removed here, with `-gateway`, `-stranger` and `-outside` beside it.
    """

    def __init__(
        self,
        cluster: Cluster,
        kubeconfig: Path,
        kubectl: Path,
        *,
        image: str,
        graph: Graph,
        components: Iterable[str],
        namespace: str = "indigo-matrix",
    ) -> None:
        self.cluster = cluster
        self.kubeconfig = kubeconfig
        self.kubectl = kubectl
        self.image = image
        self.graph = graph
        self.components = sorted(set(components))
        self.namespace = namespace
        self.questions = questions(graph, self.components)
        self.addresses: dict[str, str] = {}

    def namespace_of(self, name: str) -> str:
        """Return the namespace of a pod."""
        return f"{self.namespace}-{name}" if name in (GATEWAY, STRANGER, OUTSIDE) else self.namespace

    # ---------------------------------------------------------------------- pods

    def start(self, services: Iterable[Object], seconds: float = 120.0) -> None:
        """Make namespaces, pods and the charts' Services, and return when every pod has an address.

        Raises:
            UserError: a pod does not run in time; names it and its state.
        """
        names = [*self.components, GATEWAY, STRANGER, NEIGHBOUR, OUTSIDE]
        for namespace in sorted({self.namespace_of(name) for name in names}):
            self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        for service in services:
            self.cluster.apply(moved(service, self.namespace))
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(self.cluster.apply, map(self._pod, names)))
        end = time.monotonic() + seconds
        while True:
            pods = [
                pod for space in {self.namespace_of(name) for name in names} for pod in self.cluster.list("Pod", space)
            ]
            ready = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in pods if _ready(pod)}
            if len(ready) == len(names):
                self.addresses = ready
                return
            if time.monotonic() > end:
                late = ", ".join(f"{pod['metadata']['name']} ({_state(pod)})" for pod in pods if not _ready(pod))
                raise UserError(f"the matrix' pods do not run after {seconds:g} s: {late}")
            time.sleep(0.5)

    def _pod(self, name: str) -> Object:
        contract = self.graph.contracts.get(name)
        labels = {"app.kubernetes.io/managed-by": "indigo-matrix"}
        ports = outside_ports(self.graph) if name in (GATEWAY, OUTSIDE) else [1]
        declared: list[dict[str, Any]] = []
        if contract:
            labels |= {"app.kubernetes.io/name": name, "indigo-paas/role": "server"}
            labels |= {"app.kubernetes.io/part-of": "indigo-paas"}
            ports = sorted(port.port for port in contract.ports.values()) or [1]
            declared = [{"name": key, "containerPort": port.port} for key, port in sorted(contract.ports.items())]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": self.namespace_of(name), "labels": labels},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": {**POD, **LOW_PORTS},
                "containers": [
                    {
                        "name": "probe",
                        "image": self.image,
                        "imagePullPolicy": "IfNotPresent",
                        "args": ["probe", "serve", *map(str, ports)],
                        "ports": declared,
                        "readinessProbe": {"tcpSocket": {"port": ports[0]}, "periodSeconds": 1},
                        "resources": {
                            "requests": {"cpu": "1m", "memory": "8Mi"},
                            "limits": {"memory": "64Mi"},
                        },
                        "securityContext": CONTAINER,
                    }
                ],
            },
        }

    def enforce(self, policies: Iterable[Object]) -> int:
        """Apply NetworkPolicies to the namespace, the gateway's name replaced; return how many."""
        count = 0
        for policy in policies:
            text = json.dumps(moved(policy, self.namespace))
            own = text.replace('{"kubernetes.io/metadata.name": "gateway"}', json.dumps(
                {"kubernetes.io/metadata.name": self.namespace_of(GATEWAY)}
            ))  # fmt: skip
            self.cluster.apply(json.loads(own))
            count += 1
        return count

    def relax(self) -> None:
        """Delete the namespace's NetworkPolicies."""
        for policy in self.cluster.list("NetworkPolicy", self.namespace):
            self.cluster.delete("NetworkPolicy", policy["metadata"]["name"], self.namespace)

    def remove(self) -> None:
        """Delete its namespaces, without waiting for the end of it."""
        for name in ("", GATEWAY, STRANGER, OUTSIDE):
            self.cluster.delete("Namespace", f"{self.namespace}-{name}".rstrip("-"))

    # ----------------------------------------------------------------- questions

    def ask(self, asked: Iterable[Question], milliseconds: int = 1000) -> list[Answer]:
        """Ask questions from inside of the pods, all of one source at once; return the answers in their order."""
        by_source: dict[str, list[Question]] = defaultdict(list)
        order = list(asked)
        for question in order:
            by_source[question.source].append(question)
        with ThreadPoolExecutor(PARALLEL) as pool:
            parts = pool.map(lambda item: self._ask(item[0], item[1], milliseconds), by_source.items())
            known = {answer.question: answer for part in parts for answer in part}
        return [known[question] for question in order]

    def _ask(self, source: str, asked: list[Question], milliseconds: int) -> list[Answer]:
        connect = [question for question in asked if question.port]
        lookup = [question for question in asked if not question.port]
        content = {
            "milliseconds": milliseconds,
            "connect": [self._target(question) for question in connect],
            "lookup": [NAME for _ in lookup],
        }
        done = run(
            self.kubectl, f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace_of(source)}",
            "exec", "--stdin", source, "--", "/double", "probe", "ask",
            stdin=json.dumps(content), timeout=60 + milliseconds * len(asked) / 1000,
        )  # fmt: skip
        replies = json.loads(done.stdout)
        return [
            Answer(question, not reply["error"], reply["error"], reply["milliseconds"])
            for question, reply in zip([*connect, *lookup], replies, strict=True)
        ]

    def _target(self, question: Question) -> str:
        host = question.target if question.service else self.addresses[question.target]
        return f"{host}:{question.port}"

    def unexpected(self, answers: Iterable[Answer]) -> list[Answer]:
        """Return the answers that are not what the graph says, each asked again a few times first.

        A policy is in force a moment after the API shows it, and a busy machine may need longer than the time limit.
        """
        wrong = [answer for answer in answers if not answer.expected]
        for again in range(1, ROUNDS):
            if not wrong:
                break
            time.sleep(0.5 * again)
            wrong = [answer for answer in self.ask([w.question for w in wrong], 1000 * again) if not answer.expected]
        return wrong

    def require_enforced(self) -> None:
        """Refuse a cluster on which policies have no effect, instead of reporting hundreds of open ports.

        Raises:
            UserError: none of the connections from outside of the platform is stopped.
        """
        asked = [question for question in self.questions if question.source == STRANGER]
        if all(answer.connected for answer in self.ask(asked)):
            time.sleep(2)
            if all(answer.connected for answer in self.ask(asked)):
                raise UserError(
                    f"the cluster does not enforce NetworkPolicies: all {len(asked)} connections from a foreign "
                    "namespace go through",
                    fix="use a network plugin that does (kindnet of a current kind, Calico, Cilium)",
                )


def moved(item: Object, namespace: str) -> Object:
    """Return an object of a chart for another namespace, without what Argo CD alone understands."""
    metadata = {"name": item["metadata"]["name"], "namespace": namespace}
    labels: Mapping[str, str] = item["metadata"].get("labels", {})
    return {**item, "metadata": {**metadata, "labels": dict(labels)}}


def open_edge(source: str, target: str) -> list[Object]:
    """Return policies that let one component connect to every port of another one."""

    def select(name: str) -> Object:
        return {"matchLabels": {"app.kubernetes.io/name": name}}

    head = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    ingress = {
        "podSelector": select(target),
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": select(source)}]}],
    }
    egress = {
        "podSelector": select(source),
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": select(target)}]}],
    }
    return [
        {**head, "metadata": {"name": "too-much-in"}, "spec": ingress},
        {**head, "metadata": {"name": "too-much-out"}, "spec": egress},
    ]


def _ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _state(pod: Object) -> str:
    for status in pod["status"].get("containerStatuses", ()):
        for state in status["state"].values():
            if reason := state.get("reason"):
                return f"{reason}: {state.get('message', '')}"
    return str(pod["status"].get("phase", "unknown"))

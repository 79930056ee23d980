"""The control plane: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and kwok for nodes and pods.

etcd listens on unix sockets only (no port, and nobody but the user reaches it), the API server on 127.0.0.1, the others
on nothing. Everything that Kubernetes itself decides is real: admission with PodSecurity and quota, RBAC, defaulting,
garbage collection, scheduling, the controllers. What a machine or a cloud would do is simulated (`stages/README.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import kubeconfig
from harness.cluster import Cluster, Object
from harness.engines.embedded import pki
from harness.engines.embedded.objects import ensure
from harness.engines.embedded.place import Place
from harness.engines.ports import HOST

STAGES = Path(__file__).parent / "stages"
SERVICE_RANGE = "10.96.0.0/16"
ZONES = "abc"
USERS = ("admin", "argocd", "kube-controller-manager", "kube-scheduler", "kwok")
KUBERNETES_VERSION_ANNOTATION = "simulation.indigo-paas/kubelet-version"


@dataclass
class ControlPlane:
    """The servers of one control plane, each started as soon as what it needs is there."""

    place: Place
    port: int
    nodes: int

    @property
    def server(self) -> str:
        """The API server's address."""
        return f"https://{HOST}:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """For users: the cluster's administrator, namespace `default`."""
        return self.place.run_dir / "kubeconfig"

    @property
    def argocd_kubeconfig(self) -> Path:
        """For Argo CD and `argocd --core`: the same cluster, namespace `argocd`."""
        return self.place.run_dir / "argocd.kubeconfig"

    def start_etcd(self) -> None:
        """Start etcd; its data is as short-lived as the run, so nothing is synced to the disk."""
        self.place.start(
            "etcd",
            [
                f"--data-dir={self.place.run_dir / 'etcd'}",
                # relative to the run directory: a unix socket's path has at most 107 bytes
                "--listen-client-urls=unix://etcd.sock",
                "--advertise-client-urls=unix://etcd.sock",
                "--listen-peer-urls=unix://etcd-peer.sock",
                "--initial-advertise-peer-urls=http://localhost:1",
                "--initial-cluster=default=http://localhost:1",
                "--unsafe-no-fsync",
                "--log-level=warn",
            ],
        )

    def create_credentials(self) -> None:
        """Make certificates, tokens and kubeconfigs."""
        made = pki.create(self.place.run_dir / "pki", USERS)
        for user, file, namespace in (
            ("admin", self.kubeconfig, "default"),
            ("argocd", self.argocd_kubeconfig, "argocd"),
            *((user, self._own_kubeconfig(user), "default") for user in USERS[2:]),
        ):
            name = f"indigo-{self.place.run_dir.name}"
            token = made.tokens[user]
            kubeconfig.write(
                file, server=self.server, ca=made.ca, token=token, name=name, user=user, namespace=namespace
            )
        self.pki = made

    def _own_kubeconfig(self, user: str) -> Path:
        return self.place.run_dir / "pki" / f"{user}.kubeconfig"

    def start_api_server(self) -> None:
        """Start the API server; it waits for etcd by itself."""
        self.place.start(
            "kube-apiserver",
            [
                "--etcd-servers=unix://etcd.sock",
                f"--bind-address={HOST}",
                f"--advertise-address={HOST}",
                f"--secure-port={self.port}",
                f"--tls-cert-file={self.pki.certificate}",
                f"--tls-private-key-file={self.pki.key}",
                f"--token-auth-file={self.pki.tokens_file}",
                "--authorization-mode=RBAC",
                "--allow-privileged=true",  # as kubeadm has it; PodSecurity decides
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={self.pki.service_account_public}",
                f"--service-account-signing-key-file={self.pki.service_account_key}",
                f"--service-cluster-ip-range={SERVICE_RANGE}",
                "--endpoint-reconciler-type=none",  # nothing reaches the `kubernetes` Service
                "--profiling=false",
            ],
            ports=(self.port,),
        )

    def start_controllers(self) -> None:
        """Start the controller manager and the scheduler.

        They give up when the API server's /healthz is not well within 10 s (app/controllermanager.go), which on a busy
        machine it is not: they are started after that.
        """
        place = self.place
        place.start(
            "kube-controller-manager",
            [
                f"--kubeconfig={self._own_kubeconfig('kube-controller-manager')}",
                "--leader-elect=false",
                "--secure-port=0",
                f"--service-account-private-key-file={self.pki.service_account_key}",
                f"--root-ca-file={self.pki.ca}",
                "--kube-api-qps=200",
                "--kube-api-burst=400",
            ],
        )
        place.start(
            "kube-scheduler",
            [
                f"--kubeconfig={self._own_kubeconfig('kube-scheduler')}",
                "--leader-elect=false",
                "--secure-port=0",
                "--kube-api-qps=200",
                "--kube-api-burst=400",
            ],
        )

    def start_kwok(self, more: Iterable[Path] = ()) -> None:
        """Start kwok; it waits for an API server that is ready.

        Args:
            more: files with stages of kinds that are not Kubernetes' own; the API server must serve these already.
        """
        self.place.start(
            "kwok",
            [
                f"--kubeconfig={self._own_kubeconfig('kwok')}",
                "--manage-all-nodes=true",
                f"--node-ip={HOST}",
                *(f"--config={file}" for file in (*sorted(STAGES.glob("*.yaml")), *more)),
            ],
        )

    def wait_for_api(self, seconds: float) -> Cluster:
        """Wait until the API server answers requests (it may not be ready yet) and return an adapter to it."""
        cluster = Cluster(self.kubeconfig)
        self.place.supervisor.wait(
            lambda: cluster.answers("/livez/ping"), "kube-apiserver does not answer", seconds, 0.03
        )
        return cluster

    def populate(self, cluster: Cluster, pool: ThreadPoolExecutor) -> list[Future[Any]]:
        """Create the nodes and the storage classes; returns what is under way."""
        version = cluster.request("GET", "/version")["gitVersion"]
        return [pool.submit(ensure, cluster, manifest) for manifest in (*self._nodes(version), *storage_classes())]

    def _nodes(self, version: str) -> list[Object]:
        manifests = []
        for index in range(self.nodes):
            name, zone = f"node-{index + 1}", ZONES[index % len(ZONES)]
            labels = {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/region": "simulated",
                "topology.kubernetes.io/zone": zone,
                "node-role.kubernetes.io/worker": "",
            }
            metadata = {"name": name, "labels": labels, "annotations": {KUBERNETES_VERSION_ANNOTATION: version}}
            spec = {"podCIDR": f"10.244.{index}.0/24", "podCIDRs": [f"10.244.{index}.0/24"]}
            manifests.append({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec})
        return manifests

    def ready(self, cluster: Cluster) -> Callable[[], bool]:
        """Return the question whether pods can be created and scheduled everywhere."""

        def reached() -> bool:
            nodes = cluster.list("Node")
            schedulable = [node for node in nodes if not node["spec"].get("taints")]
            return len(schedulable) >= self.nodes and bool(cluster.find("ServiceAccount", "default", "default"))

        return reached


def storage_classes() -> list[Object]:
    """Return the storage classes: `standard` binds late, as kind's does, `standard-immediate` at once."""
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name, "annotations": annotations},
            "provisioner": "simulation.indigo-paas",
            "reclaimPolicy": "Delete",
            "volumeBindingMode": mode,
        }
        for name, mode, annotations in (
            ("standard", "WaitForFirstConsumer", default),
            ("standard-immediate", "Immediate", {}),
        )
    ]

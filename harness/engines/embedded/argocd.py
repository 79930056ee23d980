"""A headless Argo CD: repository server, application controller, ApplicationSet controller and their cache.

It needs a kubeconfig whose context has the namespace `argocd`, and nothing else of the cluster it works on: an engine
on kind runs the same class. Sources: Argo CD 3.6.1, cmd/argocd-*/commands (flags), common/common.go (variables).
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.argo.pacer import ANNOTATION as PACE
from harness.cluster import Cluster, NotFound, Object
from harness.engines import crds
from harness.engines.embedded.objects import ensure, ensure_definition, patiently
from harness.engines.embedded.place import Place
from harness.engines.embedded.settings import ArgoSettings
from harness.engines.health import answers
from harness.engines.ports import HOST, Claim
from harness.paths import cache_dir

NAMESPACE = "argocd"
CACHE = "valkey"
REPO_SERVER = "argocd-repo-server"
CONTROLLER = "argocd-application-controller"
APPLICATION_SETS = "argocd-applicationset-controller"
PORTS = 7
PART_OF = {"app.kubernetes.io/part-of": "argocd"}
IGNORED_OF_APPLICATIONS = "resource.customizations.ignoreResourceUpdates.argoproj.io_Application"
CLUSTER = "https://kubernetes.default.svc"
"""The destination that means the cluster of the engine."""


@dataclass
class ArgoCD:
    """The servers of one headless Argo CD; `module` is Argo CD's own source directory (its CRDs are there)."""

    place: Place
    kubeconfig: Path
    module: Path
    settings: ArgoSettings
    claim: Claim
    namespace: str = NAMESPACE
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of what it creates that is in no namespace."""
    shared: frozenset[str] = frozenset()
    """Definitions that are in the cluster already, and stay as they are."""
    health: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        take = self.claim.take
        self.cache, self.repo, self.repo_metrics, self.controller_metrics = take(), take(), take(), take()
        self.sets_metrics, self.sets_probe, self.sets_webhook = take(), take(), take()
        self.password = secrets.token_urlsafe(24)
        self.health = {
            REPO_SERVER: f"http://{HOST}:{self.repo_metrics}/healthz?full=true",
            CONTROLLER: f"http://{HOST}:{self.controller_metrics}/healthz",
            APPLICATION_SETS: f"http://{HOST}:{self.sets_metrics}/metrics",  # it registers no health check (3.6.1)
        }

    # ------------------------------------------------------------------- servers

    def start_cache(self) -> None:
        """Start the cache: nothing is saved, and a password keeps the machine's other users out."""
        config = self.place.run_dir / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"bind {HOST}\nport {self.cache}\nrequirepass {self.password}\n"
            f'save ""\nappendonly no\ndir {self.place.tmp}\nmaxmemory 128mb\nmaxmemory-policy allkeys-lru\n'
        )
        self.place.start(CACHE, [str(config)], program="valkey-server", ports=(self.cache,))

    def start_repo_server(self) -> None:
        """Start the repository server; it needs the cache."""
        wrapper = self.place.programs / "git-verify-wrapper.sh"
        shutil.copyfile(self.module / "hack" / wrapper.name, wrapper)
        wrapper.chmod(0o700)  # without it every generation of manifests fails with a bare "permission denied"
        for directory in ("gpg/keys", "gpg/source", "tls", "ssh", "plugins"):
            (self.place.run_dir / "argocd" / directory).mkdir(parents=True, mode=0o700)
        (self.place.run_dir / "argocd" / "ssh" / "ssh_known_hosts").touch()
        self.place.start(
            REPO_SERVER,
            [
                f"--address={HOST}",
                f"--port={self.repo}",
                f"--metrics-address={HOST}",
                f"--metrics-port={self.repo_metrics}",
                f"--redis={HOST}:{self.cache}",
                "--disable-tls",
                "--client-ca-path=",  # its default is refused together with --disable-tls
                f"--loglevel={self.settings.log_level}",
            ],
            env=self._environment(),
            ports=(self.repo, self.repo_metrics),
        )

    def start_controllers(self) -> None:
        """Start the application controller and the ApplicationSet controller; they need what `install` creates."""
        settings = self.settings
        status, operation = settings.processors
        self.place.start(
            CONTROLLER,
            [
                f"--kubeconfig={self.kubeconfig}",
                f"--namespace={self.namespace}",
                f"--redis={HOST}:{self.cache}",
                f"--repo-server={HOST}:{self.repo}",
                "--repo-server-plaintext",
                f"--metrics-port={self.controller_metrics}",
                "--hydrator-enabled=false",
                f"--app-resync={settings.reconciliation}",
                f"--app-resync-jitter={settings.reconciliation_jitter}",
                f"--self-heal-timeout-seconds={settings.self_heal_timeout}",
                f"--self-heal-backoff-timeout-seconds={settings.self_heal_backoff}",
                f"--self-heal-backoff-factor={settings.self_heal_backoff_factor}",
                f"--self-heal-backoff-cap-seconds={settings.self_heal_backoff_cap}",
                f"--status-processors={status}",
                f"--operation-processors={operation}",
                f"--server-side-diff-enabled={str(settings.server_side_diff).lower()}",
                f"--loglevel={settings.log_level}",
            ],
            env=self._environment(),
            ports=(self.controller_metrics,),
        )
        self.place.start(
            APPLICATION_SETS,
            [
                f"--kubeconfig={self.kubeconfig}",
                f"--namespace={self.namespace}",
                f"--argocd-repo-server={HOST}:{self.repo}",
                "--repo-server-plaintext",
                f"--metrics-addr={HOST}:{self.sets_metrics}",
                f"--probe-addr={HOST}:{self.sets_probe}",
                f"--webhook-addr={HOST}:{self.sets_webhook}",
                f"--loglevel={settings.log_level}",
            ],
            env=self._environment(),
            ports=(self.sets_metrics, self.sets_probe, self.sets_webhook),
        )

    def _environment(self) -> dict[str, str]:
        base = self.place.run_dir / "argocd"
        settings = self.settings
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": str(settings.gpg).lower(),
            "ARGOCD_GNUPGHOME": str(base / "gpg" / "keys"),
            "ARGOCD_GPG_DATA_PATH": str(base / "gpg" / "source"),
            "ARGOCD_TLS_DATA_PATH": str(base / "tls"),
            "ARGOCD_SSH_DATA_PATH": str(base / "ssh"),
            "ARGOCD_PLUGINSOCKFILEPATH": str(base / "plugins"),
            "ARGOCD_ASK_PASS_SOCK": str(self._ask_pass_socket()),
            "ARGOCD_SYNC_WAVE_DELAY": str(settings.sync_wave_delay),
            "ARGOCD_CLUSTER_CACHE_EVENTS_PROCESSING_INTERVAL": settings.cluster_events_interval,
            "ARGOCD_RECONCILIATION_TIMEOUT": f"{settings.reconciliation}s",
            "ARGOCD_K8S_CLIENT_QPS": "200",
            "HOSTNAME": f"{CONTROLLER}-0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "ARGOCD_GIT_MODULES_ENABLED": "false",
            "REDIS_PASSWORD": self.password,
        }

    def _ask_pass_socket(self) -> Path:
        """Return where the repository server offers passwords to git; by default two engines would share /tmp's.

        A unix socket's path has at most 107 bytes: below a longer run directory it is relative, which serves
        everything but private repositories.
        """
        path = self.place.run_dir / "argocd" / "ask-pass.sock"
        return path if len(bytes(path)) < 108 else path.relative_to(self.place.run_dir)

    # ------------------------------------------------------------------- objects

    def install(self, cluster: Cluster, pool: ThreadPoolExecutor) -> None:
        """Create what Argo CD's controllers look for at their start, and return when it is there."""
        definitions = crds.prepared(argocd_definitions(self.module), cache_dir() / "crds")
        futures: list[Future[Any]] = [
            pool.submit(ensure_definition, cluster, name, labelled(body, self.labels))
            for name, body in sorted(definitions.items(), key=lambda item: -len(item[1]))
            if name not in self.shared
        ]
        metadata = {"name": self.namespace, **({"labels": dict(self.labels)} if self.labels else {})}
        ensure(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        key = {"server.secretkey": secrets.token_urlsafe(24)}
        for manifest in (self._object("ConfigMap", "argocd-cm", data=self._config()),
                         self._object("Secret", "argocd-secret", stringData=key)):  # fmt: skip
            futures.append(pool.submit(ensure, cluster, manifest))
        for future in futures:
            future.result()

    def served(self, cluster: Cluster) -> Callable[[], bool]:
        """Return the question whether Argo CD's kinds are served; a controller that is earlier waits for 10 s."""

        def reached() -> bool:
            try:
                answer = cluster.request("GET", "/apis/argoproj.io/v1alpha1")
            except NotFound:
                return False
            return {entry["name"] for entry in answer["resources"]} >= {
                "applications",
                "applicationsets",
                "appprojects",
            }

        return reached

    def create_default_project(self, cluster: Cluster) -> None:
        """Create the AppProject `default` (argocd-server would, and there is none).

        It is applied, not posted: an API server lets whoever *creates* an object of a kind that is younger than 2 s
        wait for 2 s (k8s.io/apiextensions-apiserver, pkg/apiserver/customresource_handler.go).
        """
        spec = {
            "sourceRepos": ["*"],
            "destinations": [{"namespace": "*", "server": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        }
        manifest = self._object("AppProject", "default", "argoproj.io/v1alpha1", spec=spec)
        collection = f"/apis/argoproj.io/v1alpha1/namespaces/{self.namespace}/appprojects"
        patiently(lambda: cluster.apply_at(collection, manifest))

    def take_over(
        self, cluster: Cluster, pool: ThreadPoolExecutor, wait: Callable[[Callable[[], bool], str], None]
    ) -> None:
        """Bring it to a cluster that answers: its objects, then its controllers, and wait until all are healthy."""
        self.install(cluster, pool)
        wait(self.served(cluster), "Argo CD's kinds are not served")
        self.start_controllers()
        self.create_default_project(cluster)
        wait(self.healthy(), "Argo CD is not healthy")

    def _object(self, kind: str, name: str, api_version: str = "v1", **content: Any) -> Object:
        metadata = {"name": name, "namespace": self.namespace, "labels": PART_OF}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}

    def _config(self) -> dict[str, str]:
        """Return argocd-cm as Argo CD's installation has it, with the pacer's annotation ignored as its own are.

        Without `ignoreResourceUpdates` every status of a child Application has its parent compared again.
        """
        from harness import toolchain

        shipped = toolchain.tool("argocd-config") / "argocd-cm.yaml"
        data: dict[str, str] = yaml.safe_load(shipped.read_text(encoding="utf-8"))["data"]
        ignored = data[IGNORED_OF_APPLICATIONS].rstrip("\n")
        data[IGNORED_OF_APPLICATIONS] = f"{ignored}\n  - '.metadata.annotations.\"{PACE}\"'\n"
        return {**data, "timeout.reconciliation": f"{self.settings.reconciliation}s", **self.settings.config}

    # -------------------------------------------------------------------- health

    def healthy(self, *servers: str) -> Callable[[], bool]:
        """Return the question whether these servers (all of them without a name) answer that they are healthy."""
        urls = [url for name, url in self.health.items() if not servers or name in servers]

        def reached() -> bool:
            while urls and answers(urls[0]):
                urls.pop(0)
            return not urls

        return reached


def argocd_definitions(module: Path) -> list[Path]:
    """Return the files with Argo CD's own definitions."""
    return sorted((module / "manifests" / "crds").glob("*-crd.yaml"))


def labelled(definition: bytes, labels: Mapping[str, str]) -> bytes:
    """Return a definition (JSON) with labels."""
    if not labels:
        return definition
    content = json.loads(definition)
    content["metadata"].setdefault("labels", {}).update(labels)
    return json.dumps(content).encode()

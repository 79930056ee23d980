"""The engine `kind`, put together: a cluster in Docker below the keeper of the other engines, and an Argo CD for it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from harness.cluster import Cluster
from harness.console import err
from harness.engines.base import Ability, EngineStatus, ProcessStatus
from harness.engines.embedded import argocd
from harness.engines.embedded.argocd import ArgoCD
from harness.engines.embedded.place import Place
from harness.engines.kept import KeptEngine
from harness.engines.kind import images, inside, nodes, own_image, preflight, removal
from harness.engines.kind.docker import Docker
from harness.engines.kind.settings import KindSettings
from harness.engines.runs import sweep_all
from harness.errors import UserError

ONCE = "kind-"
CREATE = f"{ONCE}create"
LOAD_SECONDS = 600.0
NETWORK = "KIND_EXPERIMENTAL_DOCKER_NETWORK"
TOOLS = ("helm", "argocd", "valkey-server", "kind")


@dataclass(frozen=True)
class Loads:
    """What is loaded into the nodes: images of this machine's Docker, archives, and Argo CD's two if we make them."""

    images: tuple[str, ...]
    archives: tuple[Path, ...]
    argocd: tuple[str, ...]


class KindEngine(KeptEngine):
    """A kind cluster of our own, and an Argo CD outside or inside of it.

    The nodes are Docker's containers, not children of the keeper: the run directory says how they go
    (`removal.register`) before the first one is made, and whoever removes the run directory does that first.

    Args:
        name: of the engine; the cluster is called `indigo-<name>`.
        settings: see there.
        runs: directory of run directories; without it the user's cache.
    """

    kind = "kind"
    abilities = frozenset({Ability.ARGOCD, Ability.FAULTS, Ability.REAL_PODS, Ability.NODES})
    stop_seconds = 300.0  # a node full of images and volumes is gigabytes to remove

    def __init__(
        self, name: str = "default", settings: KindSettings | None = None, *, runs: Path | None = None
    ) -> None:
        super().__init__(name, runs=runs)
        self.settings = settings or KindSettings()
        self.cluster_name = removal.cluster_name(name)
        self.notes: list[str] = []
        """What is not as pinned or unusual about this machine, in sentences."""
        self._docker: Docker | None = None
        self._loading: Future[None] | None = None

    @property
    def docker(self) -> Docker:
        """The Docker that the nodes run in."""
        self._docker = self._docker or Docker.find()
        return self._docker

    @property
    def inside(self) -> bool:
        """Whether Argo CD runs in the cluster."""
        return str(self.description().get("argocd", self.settings.argocd)) == "inside"

    @property
    def source_dir(self) -> Path:
        """See `Engine.source_dir`; every node mounts it."""
        return self.run_dir / removal.SHARED

    # --------------------------------------------------------------------- start

    def up(self) -> None:
        """See `Engine.up`; all that can be refused is refused before anything is made."""
        from harness import toolchain

        docker, settings = self.docker, self.settings
        host = docker.host()
        self.notes = preflight.check(host, settings.nodes)
        tools = toolchain.ensure(*TOOLS)
        sweep_all(self.run_dir.parent)
        removal.sweep(docker, self.run_dir.parent)
        removal.require_free(docker, self.name, self.run_dir.parent)
        image = nodes.image(docker)
        self.notes += [image.note] if image.note else []
        images.collect(docker, settings.images).require()
        names = inside.images(inside.manifests()) if self.inside else ()
        own = images.collect(docker, names)
        if own.missing:
            self.notes.append(f"{' and '.join(own.missing)}: made of our own binaries, as {own.reason}")
        for note in self.notes:
            err.print(f"[yellow]![/] {note}", highlight=False)
        begin = time.monotonic()
        supervisor, claim = self.keep(argocd.PORTS)
        with self.starting():
            removal.register(self.run_dir, docker, self.cluster_name)
            place = Place(self.run_dir, settings.logs or self.run_dir / "logs", supervisor, {})
            place.lay_out(tools)
            self.source_dir.mkdir(mode=0o755)
            self._write_down(place, {}, 0.0)
            argo = ArgoCD(place, self.argocd_kubeconfig, toolchain.argocd_module_dir(), settings.timing, claim)
            loads = Loads((*settings.images, *own.present), settings.archives, tuple(own.missing) and names)
            self._start(place, argo, image.name, loads, cgroup_v1=host.cgroup == "1", begin=begin)
            self._write_down(place, {} if self.inside else argo.health, time.time())
        self.mark("up", begin)

    def _start(self, place: Place, argo: ArgoCD, image: str, loads: Loads, *, cgroup_v1: bool, begin: float) -> None:
        if not self.inside:
            argo.start_cache()
            argo.start_repo_server()
        self._create(place, image, cgroup_v1=cgroup_v1)
        self.mark("cluster created", begin)
        cluster = self.cluster()
        pool = ThreadPoolExecutor(8, thread_name_prefix="up")
        later = ThreadPoolExecutor(1, thread_name_prefix="images")
        try:
            load = pool.submit(self._load, place, loads)
            if self.inside:
                self._argocd_inside(argo, cluster)
            else:
                argo.take_over(cluster, pool, self._wait)
            self.mark("argocd healthy", begin)
            self._wait(lambda: self._nodes_ready(cluster), "the nodes are not ready")
            self._wait(load.done, "the images are not loaded")
            load.result()
            self._loading = later.submit(self._load_images, place, loads.images, begin)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            later.shutdown(wait=False)

    def _create(self, place: Place, image: str, *, cgroup_v1: bool) -> None:
        config = self.run_dir / "kind.yaml"
        content = nodes.configuration(self.settings.nodes, self.source_dir, cgroup_v1=cgroup_v1)
        config.write_text(yaml.safe_dump(content))
        environment = {
            **self.docker.environment,
            "KIND_EXPERIMENTAL_PROVIDER": "docker",
            NETWORK: self.cluster_name,  # one of our own: it can go when the cluster goes
            "TMPDIR": str(place.tmp),
        }
        log = place.logs / f"{CREATE}.log"
        argv = [
            str(place.programs / "kind"), "create", "cluster", f"--name={self.cluster_name}", f"--image={image}",
            f"--config={config}", f"--kubeconfig={self.kubeconfig}", "--verbosity=1",
        ]  # fmt: skip
        end = self.keeper().run_once(
            CREATE, argv, env=environment, cwd=self.run_dir, log=log, seconds=self.settings.start_seconds
        )
        if end.status != 0:
            raise UserError(
                f"kind cannot make the cluster {self.cluster_name!r}: it {end.cause}",
                fix="read kind's last lines below; https://kind.sigs.k8s.io/docs/user/known-issues lists causes",
                details=end.tail,
            )
        own = yaml.safe_load(self.kubeconfig.read_text())
        for context in own["contexts"]:
            context["context"]["namespace"] = argocd.NAMESPACE
        descriptor = os.open(self.argocd_kubeconfig, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            yaml.safe_dump(own, file)

    def _argocd_inside(self, argo: ArgoCD, cluster: Cluster) -> None:
        inside.install(cluster, self.source_dir)
        self._wait(argo.served(cluster), "Argo CD's kinds are not served")
        argo.create_default_project(cluster)
        self._wait(inside.healthy(cluster), "Argo CD is not healthy")

    def _load(self, place: Place, loads: Loads) -> None:
        kind = place.programs / "kind"
        if loads.argocd:  # first: what waits for it takes longest
            own = place.tmp / "argocd.tar"
            own_image.write(own, *loads.argocd)
            images.load_archive(kind, self.cluster_name, own, self._below)
            own.unlink()
        for archive in loads.archives:
            images.load_archive(kind, self.cluster_name, archive, self._below)

    def _load_images(self, place: Place, names: tuple[str, ...], begin: float) -> None:
        images.load(self.docker, place.programs / "kind", self.cluster_name, names, place.tmp, self._below)
        self.mark("images loaded", begin)

    def _below(self, name: str, argv: list[str]) -> None:
        """Run a program below the keeper; when the harness is killed, it goes with the engine."""
        environment = {**self.docker.environment, "TMPDIR": str(self.run_dir / "tmp")}
        log = Path(self.description()["logs"]) / f"{name}.log"
        end = self.keeper().run_once(name, argv, env=environment, cwd=self.run_dir, log=log, seconds=LOAD_SECONDS)
        if end.status != 0:
            raise UserError(f"{self.cluster_name} does not get its images: {name} {end.cause}", details=end.tail)

    def wait_for_images(self, seconds: float) -> None:
        """Wait until the nodes have the images of the settings: `up` does not, they are gigabytes.

        Raises:
            UserError: they cannot be loaded, or not in time.
        """
        if self._loading is not None:
            try:
                self._loading.result(seconds)
            except TimeoutError as error:
                message = f"the images are not in the nodes of {self.cluster_name} after {seconds:g} s"
                raise UserError(message, fix="a busy disk or too little memory are the usual causes") from error

    def load(self, archive: Path) -> None:
        """Load one more archive of images (as `docker save` writes) into every node that runs.

        Raises:
            UserError: a node refuses it.
        """
        from harness import toolchain

        (kind,) = toolchain.ensure("kind").values()
        images.load_archive(kind, self.cluster_name, archive, self._below)

    def _nodes_ready(self, cluster: Cluster) -> bool:
        found = cluster.list("Node")
        return len(found) == max(self.settings.nodes, 1) and all(
            condition["status"] == "True"
            for node in found
            for condition in node["status"].get("conditions", ())
            if condition["type"] == "Ready"
        )

    def _wait(self, reached: Callable[[], bool], what: str) -> None:
        self.keeper().wait(reached, what, self.settings.start_seconds, pause=0.2)

    def _write_down(self, place: Place, health: Mapping[str, str], started: float) -> None:
        server = ""
        if started:
            server = yaml.safe_load(self.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        self.describe(
            {
                "started": started,
                "logs": str(place.logs),
                "server": server,
                "ports": place.ports,
                "health": health,
                "marks": self.marks,
                "cluster": self.cluster_name,
                "argocd": self.settings.argocd,
            }
        )

    # ---------------------------------------------------------------- afterwards

    def down(self) -> None:
        """See `Engine.down`.

        Raises:
            UserError: Docker still has something of it.
        """
        if self.supervisor is None:
            return
        super().down()
        left = removal.left_of(self.docker, self.name)
        if left:
            raise UserError(
                f"the cluster {self.cluster_name!r} is not gone: {', '.join(left)}",
                fix="see what Docker says (docker ps, docker info), then: indigo down --all",
            )

    def nodes(self) -> dict[str, str]:
        """Return the state of each node's container (running, exited, paused) by the node's name."""
        return {node.name: node.state for node in self.docker.nodes(self.cluster_name)}

    def status(self) -> EngineStatus:
        """See `Engine.status`; a node's memory is that of its first process only."""
        base = super().status()
        containers = tuple(
            ProcessStatus(
                node.name, node.pid, node.state == "running", 0, 0, base.started, (), "docker logs " + node.name
            )
            for node in self.docker.nodes(self.cluster_name)
        )
        servers = tuple(process for process in base.processes if not process.name.startswith(ONCE))
        return replace(base, processes=containers + servers)

    def kill(self, server: str, number: int = signal.SIGKILL) -> None:
        """See `Engine.kill`; a node is named by its container, and gets SIGKILL as a machine that loses its power."""
        if server in self.nodes():
            action = {signal.SIGSTOP: "pause", signal.SIGCONT: "unpause"}.get(signal.Signals(number), "kill")
            self.docker.ask(action, server)
        elif self.inside:
            cluster = self.cluster()
            for pod in inside.pods(cluster, server):
                cluster.delete("Pod", pod, argocd.NAMESPACE, grace_seconds=0)
        else:
            super().kill(server, number)

    def restart(self, server: str) -> None:
        """See `Engine.restart`; a node counts when Kubernetes says that it is ready."""
        state = self.nodes().get(server)
        if state is None and self.inside:
            before = inside.pods(self.cluster(), server)
            self.kill(server)
            self._wait(inside.replaced(self.cluster(), server, before), f"{server} is not ready")
            return
        if state is None:
            super().restart(server)
            return
        self.docker.ask("restart" if state == "running" else "start", server)
        cluster = self.cluster()

        def ready() -> bool:
            node = cluster.find("Node", server) if cluster.answers("/readyz") else None
            found = node["status"].get("conditions", ()) if node else ()
            return any(item["type"] == "Ready" and item["status"] == "True" for item in found)

        self._wait(ready, f"the node {server} is not ready")

    def on_node(self, node: str, *command: str) -> str:
        """See `Engine.on_node`."""
        return self.docker.ask("exec", node, *command, seconds=120)

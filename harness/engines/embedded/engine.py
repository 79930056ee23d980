"""The engine `embedded`, put together: who starts when."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.cluster import Cluster
from harness.engines import crds, ports
from harness.engines.base import Ability
from harness.engines.embedded import argocd
from harness.engines.embedded.argocd import ArgoCD
from harness.engines.embedded.control_plane import ControlPlane
from harness.engines.embedded.objects import install_families
from harness.engines.embedded.place import Place
from harness.engines.embedded.settings import Settings
from harness.engines.kept import KeptEngine
from harness.engines.runs import sweep_all


@dataclass(frozen=True)
class Tools:
    """The programs the engine runs, and Argo CD's module directory (CRDs, git-verify-wrapper.sh)."""

    programs: Mapping[str, Path]
    argocd_module: Path

    @classmethod
    def pinned(cls) -> Tools:
        """Return the pinned programs of the toolchain, built on first use."""
        from harness import toolchain

        programs = toolchain.ensure("helm", "kubernetes", "argocd", "valkey-server")
        return cls(programs, toolchain.argocd_module_dir())


class EmbeddedEngine(KeptEngine):
    """A control plane and a headless Argo CD as plain processes below one keeper.

    Args:
        name: of the engine, and of its run directory; a second one of the same name is refused.
        settings: see there.
        runs: directory of run directories; without it the user's cache.
        tools: the programs; without them those of the toolchain.
    """

    kind = "embedded"
    abilities = frozenset({Ability.ARGOCD, Ability.FAULTS, Ability.SIMULATED_PODS})

    def __init__(
        self,
        name: str = "default",
        settings: Settings | None = None,
        *,
        runs: Path | None = None,
        tools: Tools | None = None,
    ) -> None:
        super().__init__(name, runs=runs)
        self.settings = settings or Settings()
        self.tools = tools

    # --------------------------------------------------------------------- start

    def up(self) -> None:
        """Start everything that can be started side by side; see `Engine.up`."""
        begin = time.monotonic()
        settings = self.settings
        if settings.api_port is not None:
            ports.require_free(settings.api_port, "--api-port")
        tools = self.tools or Tools.pinned()
        sweep_all(self.run_dir.parent)
        supervisor, claim = self.keep(argocd.PORTS + 1)
        with self.starting():
            place = Place(self.run_dir, settings.logs or self.run_dir / "logs", supervisor, settings.go)
            place.lay_out(tools.programs)
            plane = ControlPlane(place, settings.api_port or claim.take(), settings.nodes)
            argo = ArgoCD(place, plane.argocd_kubeconfig, tools.argocd_module, settings.argocd, claim)
            self._start(plane, argo, begin)
            self._describe(plane, argo)
        self.mark("up", begin)

    def _start(self, plane: ControlPlane, argo: ArgoCD, begin: float) -> None:
        wait, seconds = plane.place.supervisor.wait, self.settings.start_seconds
        plane.start_etcd()
        plane.create_credentials()
        plane.start_api_server()
        argo.start_cache()
        argo.start_repo_server()
        self.mark("processes", begin)
        cluster = plane.wait_for_api(seconds)
        self.mark("api answers", begin)
        pool = ThreadPoolExecutor(8, thread_name_prefix="up")
        try:
            parts = [
                pool.submit(self._start_argocd, argo, cluster, pool, begin),
                pool.submit(self._start_controllers, plane, cluster, begin),
                pool.submit(self._start_kwok, plane, cluster, pool, begin),
                *plane.populate(cluster, pool),
            ]
            wait(lambda: all(part.done() for part in parts), "the servers are not started", seconds)
            for part in parts:
                part.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        wait(argo.healthy(), "Argo CD is not healthy", seconds)
        self.mark("argocd healthy", begin)
        wait(plane.ready(cluster), "the nodes are not ready", seconds)

    def _start_argocd(self, argo: ArgoCD, cluster: Cluster, pool: ThreadPoolExecutor, begin: float) -> None:
        argo.install(cluster, pool)
        self.mark("crds created", begin)
        wait = argo.place.supervisor.wait
        wait(argo.served(cluster), "Argo CD's kinds are not served", self.settings.start_seconds)
        self.mark("crds served", begin)
        argo.start_controllers()
        argo.create_default_project(cluster)

    def _start_kwok(self, plane: ControlPlane, cluster: Cluster, pool: ThreadPoolExecutor, begin: float) -> None:
        """Start kwok, once the kinds are served that it is to simulate the operators of."""
        families = [crds.family(name) for name in self.settings.families]
        if families:
            install_families(cluster, families, pool, plane.place.supervisor.wait, self.settings.start_seconds)
            self.mark("families served", begin)
        more = []
        for family in families:
            if text := crds.stages(family):
                more.append(plane.place.run_dir / f"stages-{family.name}.yaml")
                more[-1].write_text(text)
        plane.start_kwok(more)

    def _start_controllers(self, plane: ControlPlane, cluster: Cluster, begin: float) -> None:
        wait = plane.place.supervisor.wait
        wait(lambda: cluster.answers("/healthz"), "kube-apiserver is not healthy", self.settings.start_seconds)
        self.mark("api healthy", begin)
        plane.start_controllers()

    def _describe(self, plane: ControlPlane, argo: ArgoCD) -> None:
        self.describe(
            {
                "started": time.time(),
                "logs": str(plane.place.logs),
                "server": plane.server,
                "ports": plane.place.ports,
                "health": argo.health,
                "marks": self.marks,
            }
        )

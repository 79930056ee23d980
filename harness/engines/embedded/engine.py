"""The engine `embedded`, put together: who starts when, and what `status`, faults and `down` mean on it."""

from __future__ import annotations

import errno
import json
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import paths
from harness.cluster import Cluster
from harness.engines import crds, ports
from harness.engines.base import Ability, Engine, EngineStatus, ProcessStatus
from harness.engines.children import tail
from harness.engines.embedded import argocd
from harness.engines.embedded.argocd import ArgoCD
from harness.engines.embedded.control_plane import ControlPlane
from harness.engines.embedded.objects import install_families
from harness.engines.embedded.place import Place
from harness.engines.embedded.settings import Settings
from harness.engines.runs import sweep_all
from harness.engines.supervision import ServerInfo, Supervisor
from harness.errors import UserError

DESCRIPTION = "engine.json"


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


class EmbeddedEngine(Engine):
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
        super().__init__(name)
        self.settings = settings or Settings()
        self.run_dir = (runs or paths.runs_dir()).absolute() / name
        self.tools = tools
        self.supervisor: Supervisor | None = None
        self.marks: dict[str, float] = {}
        """Seconds from the call of `up` to each step of it, for the report."""

    # --------------------------------------------------------------------- start

    def up(self) -> None:
        """Start everything that can be started side by side; see `Engine.up`."""
        begin = time.monotonic()
        settings = self.settings
        if settings.api_port is not None:
            ports.require_free(settings.api_port, "--api-port")
        tools = self.tools or Tools.pinned()
        sweep_all(self.run_dir.parent)
        claim = ports.claim(argocd.PORTS + 1)
        try:
            supervisor = Supervisor.start(self.run_dir, keep=[claim.holder.fileno()])
        finally:
            claim.release()
        self.supervisor = supervisor
        try:
            place = Place(self.run_dir, settings.logs or self.run_dir / "logs", supervisor, settings.go)
            place.lay_out(tools.programs)
            plane = ControlPlane(place, settings.api_port or claim.take(), settings.nodes)
            argo = ArgoCD(place, plane.argocd_kubeconfig, tools.argocd_module, settings.argocd, claim)
            self._start(plane, argo, begin)
            self._describe(plane, argo)
        except OSError as error:
            self._give_up(error)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise UserError(
                f"the engine cannot be started: {error}", fix="free disk space" if full else None
            ) from error
        except BaseException as error:
            self._give_up(error)
            raise
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

    def mark(self, step: str, begin: float) -> None:
        """Note when a step was reached."""
        self.marks[step] = round(time.monotonic() - begin, 3)

    def _describe(self, plane: ControlPlane, argo: ArgoCD) -> None:
        content = {
            "name": self.name,
            "kind": self.kind,
            "started": time.time(),
            "logs": str(plane.place.logs),
            "server": plane.server,
            "ports": plane.place.ports,
            "health": argo.health,
            "marks": self.marks,
        }
        fresh = self.run_dir / f"{DESCRIPTION}.new"
        fresh.write_text(json.dumps(content, indent=2))
        fresh.rename(self.run_dir / DESCRIPTION)

    def _give_up(self, error: BaseException) -> None:
        """Stop what had been started; what its logs say at the end goes into the error, they go themselves."""
        if self.supervisor is None:
            return
        if isinstance(error, UserError):
            if not error.details:
                error.details = self._ends_of_logs()
            if error.where and Path(error.where).is_relative_to(self.run_dir):
                error.where = None
        self.supervisor.stop()
        self.supervisor = None

    def _ends_of_logs(self) -> str:
        """Return the last three lines of each server's log."""
        try:
            servers = self._keeper().servers()
        except UserError:
            return ""
        parts = [(server.name, tail(server.log).splitlines()[-3:]) for server in servers]
        return "\n".join(f"{name}: {line}" for name, lines in parts for line in lines)

    # ---------------------------------------------------------------- afterwards

    @classmethod
    def attach(cls, name: str = "default", runs: Path | None = None) -> EmbeddedEngine:
        """Return a running engine, started by another process; leaving it does not end it.

        Raises:
            UserError: none of that name runs.
        """
        engine = cls(name, runs=runs)
        engine.supervisor = Supervisor.attach(engine.run_dir)
        return engine

    def detach(self) -> None:
        """Let it live on when this process ends, until `down`."""
        self._keeper().detach()

    def down(self) -> None:
        """See `Engine.down`; whatever state it is in, nothing of it is left."""
        if self.supervisor is not None:
            self.supervisor.stop()
            self.supervisor = None

    def _keeper(self) -> Supervisor:
        if self.supervisor is None:
            raise UserError(f"the engine {self.name!r} does not run", fix=f"indigo up --name {self.name}")
        return self.supervisor

    @property
    def kubeconfig(self) -> Path:
        """See `Engine.kubeconfig`."""
        return self.run_dir / "kubeconfig"

    @property
    def argocd_kubeconfig(self) -> Path:
        """See `Engine.argocd_kubeconfig`."""
        return self.run_dir / "argocd.kubeconfig"

    def check(self) -> None:
        """See `Engine.check`."""
        self._keeper().check()

    def description(self) -> dict[str, Any]:
        """Return what `up` wrote down, empty while it is under way."""
        try:
            content: dict[str, Any] = json.loads((self.run_dir / DESCRIPTION).read_text())
        except FileNotFoundError:
            return {}
        return content

    def status(self) -> EngineStatus:
        """See `Engine.status`; memory is asked of the kernel now."""
        known = self.description()
        return EngineStatus(
            name=self.name,
            kind=self.kind,
            run_dir=str(self.run_dir),
            logs=known.get("logs", str(self.run_dir / "logs")),
            server=known.get("server", ""),
            kubeconfig=str(self.kubeconfig),
            argocd_kubeconfig=str(self.argocd_kubeconfig),
            started=known.get("started", 0.0),
            processes=tuple(_process(server, known.get("ports", {})) for server in self._keeper().servers()),
        )

    def kill(self, server: str, number: int = signal.SIGKILL) -> None:
        """See `Engine.kill`; the servers' names are those of `status`."""
        self._keeper().kill(server, number)

    def restart(self, server: str) -> None:
        """See `Engine.restart`."""
        self._keeper().restart(server)
        self.wait_healthy(server)

    def wait_healthy(self, server: str, seconds: float = 30.0) -> None:
        """Wait until a server answers; one that answers nobody (etcd, kwok, ...) counts as soon as it runs."""
        url = self.description().get("health", {}).get(server)
        if url:
            self._keeper().wait(lambda: argocd.answers(url), f"{server} is not healthy", seconds)
        elif server == "kube-apiserver":
            cluster = self.cluster()
            self._keeper().wait(lambda: cluster.answers("/readyz"), f"{server} is not ready", seconds)


def _process(server: ServerInfo, taken: Mapping[str, list[int]]) -> ProcessStatus:
    rss, pss = memory(server.pid) if server.running else (0, 0)
    return ProcessStatus(
        name=server.name,
        pid=server.pid,
        running=server.running,
        rss=rss,
        pss=pss,
        started=server.started,
        ports=tuple(taken.get(server.name, ())),
        log=server.log,
    )


def memory(pid: int) -> tuple[int, int]:
    """Return a process's resident and proportional set size in bytes (proc(5), smaps_rollup); 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}
    return sizes.get("Rss", 0), sizes.get("Pss", 0)

"""What the engines that start servers of their own share: the keeper, what `up` wrote down, faults, and the end."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from harness import paths
from harness.engines import ports
from harness.engines.base import Engine, EngineStatus, ProcessStatus
from harness.engines.children import tail
from harness.engines.health import answers
from harness.engines.ports import Claim
from harness.engines.supervision import ServerInfo, Supervisor
from harness.errors import UserError

DESCRIPTION = "engine.json"


class KeptEngine(Engine):
    """An engine whose servers live below one keeper, in a run directory.

    Args:
        name: of the engine, and of its run directory; a second one of the same name is refused.
        runs: directory of run directories; without it the user's cache.
    """

    stop_seconds = 20.0
    """How long `down` waits until everything is gone."""

    def __init__(self, name: str = "default", *, runs: Path | None = None) -> None:
        super().__init__(name)
        self.run_dir = (runs or paths.runs_dir()).absolute() / name
        self.supervisor: Supervisor | None = None
        self.marks: dict[str, float] = {}
        """Seconds from the call of `up` to each step of it, for the report."""

    def mark(self, step: str, begin: float) -> None:
        """Note when a step was reached."""
        self.marks[step] = round(time.monotonic() - begin, 3)

    def describe(self, content: Mapping[str, Any]) -> None:
        """Write down what `status`, and whoever attaches later, must know."""
        fresh = self.run_dir / f"{DESCRIPTION}.new"
        fresh.write_text(json.dumps({"name": self.name, "kind": self.kind, **content}, indent=2))
        fresh.rename(self.run_dir / DESCRIPTION)

    def keep(self, count: int) -> tuple[Supervisor, Claim]:
        """Claim a block of ports, start the keeper, which holds it from then on, and return both.

        Args:
            count: how many ports.
        """
        claim = ports.claim(count)
        try:
            self.supervisor = Supervisor.start(self.run_dir, keep=[claim.holder.fileno()])
        finally:
            claim.release()
        return self.supervisor, claim

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        """Give up where something goes wrong within it, whatever it is; a full disk is said by its name."""
        try:
            yield
        except OSError as error:
            self.give_up(error)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            fix = "free disk space" if full else None
            raise UserError(f"the engine cannot be started: {error}", fix=fix) from error
        except BaseException as error:
            self.give_up(error)
            raise

    def give_up(self, error: BaseException) -> None:
        """Stop what had been started; what its logs say at the end goes into the error, they go themselves."""
        if self.supervisor is None:
            return
        if isinstance(error, UserError):
            if not error.details:
                error.details = self._ends_of_logs()
            if error.where and Path(error.where).is_relative_to(self.run_dir):
                error.where = None
        self.supervisor.stop(self.stop_seconds)
        self.supervisor = None

    def _ends_of_logs(self) -> str:
        """Return the last three lines of each server's log."""
        try:
            servers = self.keeper().servers()
        except UserError:
            return ""
        parts = [(server.name, tail(server.log).splitlines()[-3:]) for server in servers]
        return "\n".join(f"{name}: {line}" for name, lines in parts for line in lines)

    # ---------------------------------------------------------------- afterwards

    @classmethod
    def attach(cls, name: str = "default", runs: Path | None = None) -> Self:
        """Return a running engine, started by another process; leaving it does not end it.

        Raises:
            UserError: none of that name runs.
        """
        engine = cls(name, runs=runs)
        engine.supervisor = Supervisor.attach(engine.run_dir)
        return engine

    def detach(self) -> None:
        """Let it live on when this process ends, until `down`."""
        self.keeper().detach()

    def down(self) -> None:
        """See `Engine.down`; whatever state it is in, nothing of it is left."""
        if self.supervisor is not None:
            self.supervisor.stop(self.stop_seconds)
            self.supervisor = None

    def keeper(self) -> Supervisor:
        """Return the connection to the keeper; raises UserError where the engine does not run."""
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

    @property
    def source_dir(self) -> Path:
        """See `Engine.source_dir`."""
        return self.run_dir

    def check(self) -> None:
        """See `Engine.check`."""
        self.keeper().check()

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
            processes=tuple(_process(server, known.get("ports", {})) for server in self.keeper().servers()),
        )

    def kill(self, server: str, number: int = signal.SIGKILL) -> None:
        """See `Engine.kill`; the servers' names are those of `status`."""
        self.keeper().kill(server, number)

    def restart(self, server: str) -> None:
        """See `Engine.restart`."""
        self.keeper().restart(server)
        self.wait_healthy(server)

    def wait_healthy(self, server: str, seconds: float = 30.0) -> None:
        """Wait until a server answers; one that answers nobody (etcd, kwok, ...) counts as soon as it runs."""
        url = self.description().get("health", {}).get(server)
        if url:
            self.keeper().wait(lambda: answers(url), f"{server} is not healthy", seconds)
        elif server == "kube-apiserver":
            cluster = self.cluster()
            self.keeper().wait(lambda: cluster.answers("/readyz"), f"{server} is not ready", seconds)


def _process(server: ServerInfo, taken: Mapping[str, list[int]]) -> ProcessStatus:
    rss, pss = memory(server.pid) if server.running else (0, 0)
    return ProcessStatus(
        name=server.name,
        pid=server.pid,
        running=server.running,
        rss=rss,
        pss=pss,
        cpu=processor_seconds(server.pid) if server.running else 0.0,
        started=server.started,
        ports=tuple(taken.get(server.name, ())),
        log=server.log,
    )


def processor_seconds(pid: int) -> float:
    """Return what a process has used of the processors, in seconds (proc(5), stat: utime, stime); 0 when it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> tuple[int, int]:
    """Return a process's resident and proportional set size in bytes (proc(5), smaps_rollup); 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}
    return sizes.get("Rss", 0), sizes.get("Pss", 0)

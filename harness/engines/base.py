"""What every engine offers: a Kubernetes API with an Argo CD that follows a Git repository, its processes, and faults.

An engine is one class. `embedded` runs everything as plain processes; an engine on kind or on a cluster that the user
already has implements the same few methods, and says by `abilities` what it cannot be asked for.
"""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.cluster import Cluster
from harness.errors import UserError


class Ability(StrEnum):
    """What a test may need of an engine beyond a Kubernetes API."""

    ARGOCD = "argocd"
    """An Argo CD that reads `file://` repositories of this machine."""
    FAULTS = "faults"
    """`kill` and `restart` of the servers by name."""
    SIMULATED_PODS = "simulated-pods"
    """Pods are simulated and obey the annotations `simulation.indigo-paas/*`."""
    REAL_PODS = "real-pods"
    """Containers run and NetworkPolicies are enforced."""
    NODES = "nodes"
    """`kill`, `restart` and `on_node` of nodes by name."""


@dataclass(frozen=True)
class ProcessStatus:
    """One server of an engine; sizes in bytes, `started` in seconds since the epoch."""

    name: str
    pid: int
    running: bool
    rss: int
    pss: int
    started: float
    ports: tuple[int, ...]
    log: str
    cpu: float = 0.0
    """Seconds of processor time since it was started."""


@dataclass(frozen=True)
class EngineStatus:
    """What `indigo status` shows of one engine."""

    name: str
    kind: str
    run_dir: str
    logs: str
    server: str
    kubeconfig: str
    argocd_kubeconfig: str
    started: float
    processes: tuple[ProcessStatus, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return asdict(self)


class Engine(ABC):
    """A tier's ground: started by `up` or `with`, gone without a trace after `down`, or when this process ends."""

    kind: str
    abilities: frozenset[Ability]

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def up(self) -> None:
        """Start it and return when Argo CD is healthy and pods can be scheduled.

        Raises:
            UserError: it cannot be started; what had been started is gone again.
        """

    @abstractmethod
    def down(self) -> None:
        """Stop it and return when everything it made is gone; a second call does nothing."""

    @property
    @abstractmethod
    def kubeconfig(self) -> Path:
        """The kubeconfig for users and tests (cluster administrator, namespace `default`)."""

    @property
    @abstractmethod
    def argocd_kubeconfig(self) -> Path:
        """The kubeconfig whose context has the namespace `argocd`, as `argocd --core` wants it."""

    @property
    def argocd_namespace(self) -> str:
        """Where its Argo CD has its Applications."""
        return "argocd"

    @property
    @abstractmethod
    def source_dir(self) -> Path:
        """Directory for Git repositories that Argo CD is to read by `file://`, under the same path wherever it runs."""

    @abstractmethod
    def status(self) -> EngineStatus:
        """Return what runs now."""

    @abstractmethod
    def check(self) -> None:
        """Raise a UserError with the last log lines if a server has died by itself."""

    def kill(self, server: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to one server (SIGSTOP and SIGCONT make it hang for a while)."""
        raise self._cannot(Ability.FAULTS)

    def restart(self, server: str) -> None:
        """Start one server again, ending it first if it runs, and return when it answers."""
        raise self._cannot(Ability.FAULTS)

    def tree_files(self, repository: Path, environment: str) -> dict[str, str | None]:
        """Return what the Git repository has otherwise for an environment here: path -> text, None: no file."""
        return {}

    def prepare(self, namespace: str) -> None:
        """Do what has to be done before an environment is brought to a namespace.

        Raises:
            UserError: the namespace may not be used.
        """
        return

    def on_node(self, node: str, *command: str) -> str:
        """Run a command as root on a node and return what it prints.

        Raises:
            UserError: it fails, or nodes of this engine run nothing.
        """
        raise self._cannot(Ability.NODES)

    def cluster(self) -> Cluster:
        """Return an adapter to its API server, with the user's kubeconfig."""
        return Cluster(self.kubeconfig)

    def require(self, *abilities: Ability) -> None:
        """Raise a UserError unless the engine has these abilities."""
        for ability in abilities:
            if ability not in self.abilities:
                raise self._cannot(ability)

    def _cannot(self, ability: Ability) -> UserError:
        return UserError(f"the engine {self.kind!r} has no {ability.value!r}", fix="run this on another engine")

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

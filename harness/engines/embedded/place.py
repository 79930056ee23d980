"""Where one run of an engine is: its directories, its programs, its keeper; and how a server is started there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.engines.supervision import Supervisor
from harness.errors import UserError

ROLES = {
    "kubernetes": ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"),
    "argocd": ("argocd-repo-server", "argocd-application-controller", "argocd-applicationset-controller"),
    "valkey-server": ("valkey-server",),
    "helm": ("helm",),
    "kind": ("kind",),
}
# servers are killed in this order at the end: nothing sees what it depends on go away first
STOP_ORDER = (
    "argocd-applicationset-controller",
    "argocd-application-controller",
    "argocd-repo-server",
    "valkey",
    "kwok",
    "kube-scheduler",
    "kube-controller-manager",
    "kube-apiserver",
    "etcd",
)


@dataclass
class Place:
    """One run: every file of it is below `run_dir` (mode 0700), but for logs that are to outlive it."""

    run_dir: Path
    logs: Path
    supervisor: Supervisor
    go: Mapping[str, Mapping[str, str]]
    ports: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def programs(self) -> Path:
        """Directory of links to the programs, one per role: the multi-call binaries go by the name they are called."""
        return self.run_dir / "bin"

    @property
    def tmp(self) -> Path:
        """TMPDIR of every server."""
        return self.run_dir / "tmp"

    def lay_out(self, tools: Mapping[str, Path]) -> None:
        """Make the directories and the links to the programs.

        Raises:
            UserError: git is not there, or the disk is full.
        """
        git = shutil.which("git")
        if git is None:
            raise UserError("git is not on the PATH; Argo CD reads repositories with it", fix="install git")
        try:
            for directory in (self.programs, self.tmp, self.run_dir / "home"):
                directory.mkdir()
            self.logs.mkdir(parents=True, exist_ok=True)
            for tool, roles in ROLES.items():
                for role in roles:
                    if tool in tools:
                        (self.programs / role).symlink_to(tools[tool])
            (self.programs / "git").symlink_to(git)
        except OSError as error:
            raise UserError(
                f"cannot write the run directory: {error.strerror}", where=str(self.run_dir), fix="free disk space"
            ) from error

    def environment(self, name: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return a server's whole environment: nothing of the user's reaches it (Git's settings, proxies, tokens)."""
        return {
            "PATH": f"{self.programs}:{os.defpath}",
            "HOME": str(self.run_dir / "home"),
            "TMPDIR": str(self.tmp),
            "LANG": "C.UTF-8",
            **self.go.get(name, {}),
            **(extra or {}),
        }

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        program: str | None = None,
        env: Mapping[str, str] | None = None,
        ports: tuple[int, ...] = (),
    ) -> None:
        """Start a server.

        Args:
            name: its name, and that of its log; also of the program unless `program` says otherwise.
            arguments: without the program.
            program: name of the link in `programs`.
            env: variables beyond those every server gets.
            ports: those it listens on, for `status`.

        Raises:
            UserError: it cannot be executed.
        """
        log = self.logs / f"{name}.log"
        if name not in self.ports:  # the first start of this run: what stands there is of an earlier one
            log.unlink(missing_ok=True)
        self.ports[name] = ports
        self.supervisor.start_server(
            name,
            [str(self.programs / (program or name)), *arguments],
            env=self.environment(name, env),
            cwd=self.run_dir,
            log=log,
            order=STOP_ORDER.index(name) if name in STOP_ORDER else 0,
        )

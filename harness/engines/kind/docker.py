"""Docker, by its command line: what is asked of it, and what is said when it cannot answer."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.process import ProcessError, ProcessTimeout, run

CLUSTER_LABEL = "io.x-k8s.kind.cluster"  # kind 0.33.0, pkg/cluster/internal/providers/docker/constants.go
ELSE = "or run the tier that needs no Docker: make e2e"
PASSED_ON = ("HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


@dataclass(frozen=True)
class Host:
    """What the engine says of the machine it runs on; memory in bytes."""

    memory: int
    cpus: int
    cgroup: str
    root: Path
    security: tuple[str, ...]


@dataclass(frozen=True)
class Container:
    """A node of a kind cluster."""

    name: str
    cluster: str
    state: str
    pid: int
    mounts: tuple[str, ...]
    """Paths of the host that are mounted in it."""


@dataclass(frozen=True)
class Docker:
    """The command line `docker` at a path."""

    program: Path

    @classmethod
    def find(cls) -> Docker:
        """Return the one on the PATH.

        Raises:
            UserError: there is none.
        """
        found = shutil.which("docker")
        if found is None:
            raise UserError(
                "no docker on the PATH; the engine kind needs it for its nodes", fix=f"install Docker, {ELSE}"
            )
        return cls(Path(found))

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that decide which Docker is asked: whoever asks later needs the same ones."""
        chosen = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {"PATH": f"{self.program.parent}:{os.defpath}", **chosen}

    def ask(self, *arguments: str, seconds: float = 60.0) -> str:
        """Return what a command of docker prints.

        Raises:
            UserError: it fails; the message is Docker's own.
        """
        try:
            return run(self.program, *arguments, timeout=seconds).stdout
        except ProcessError as error:
            said = (error.stderr or error.stdout).strip().splitlines() or ["no output"]
            raise UserError(f"docker {' '.join(arguments[:2])}: {said[-1]}", details="\n".join(said[-12:-1])) from error
        except ProcessTimeout as error:
            raise UserError(f"docker {' '.join(arguments[:2])} gave no answer in {seconds:g} s") from error

    def host(self) -> Host:
        """Return what the engine says of its machine.

        Raises:
            UserError: it does not answer.
        """
        try:
            said: dict[str, Any] = json.loads(self.ask("info", "--format", "{{json .}}", seconds=20))
            problems = said.get("ServerErrors") or []
        except (UserError, ValueError) as error:
            said, problems = {}, [str(error).splitlines()[0]]
        if problems:
            raise UserError(
                f"Docker does not answer: {problems[0]}",
                fix=f"start it, or become a member of the group docker, or set DOCKER_HOST; {ELSE}",
            )
        return Host(
            memory=int(said.get("MemTotal", 0)),
            cpus=int(said.get("NCPU", 0)),
            cgroup=str(said.get("CgroupVersion", "")),
            root=Path(said.get("DockerRootDir", "/var/lib/docker")),
            security=tuple(said.get("SecurityOptions") or ()),
        )

    # -------------------------------------------------------------------- images

    def image_id(self, name: str) -> str | None:
        """Return the id of an image that is there under a name (with a tag or a digest), or None."""
        done = run(self.program, "image", "inspect", "--format", "{{.Id}}", name, check=False)
        return done.stdout.strip() or None

    def images(self, repository: str) -> list[str]:
        """Return the tags of a repository that are there, newest image first."""
        said = self.ask("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository)
        return [line for line in said.split() if not line.endswith(":<none>")]

    def pull(self, name: str, seconds: float = 900.0) -> str | None:
        """Pull an image; returns None, or why it could not be pulled, in one line."""
        try:
            self.ask("pull", "--quiet", name, seconds=seconds)
        except UserError as error:
            return error.message
        return None

    # ---------------------------------------------------------------- containers

    def nodes(self, cluster: str | None = None) -> list[Container]:
        """Return the nodes of one kind cluster, or of all of them, running or not."""
        label = CLUSTER_LABEL if cluster is None else f"{CLUSTER_LABEL}={cluster}"
        ids = self.ask("ps", "--all", "--quiet", "--filter", f"label={label}").split()
        if not ids:
            return []
        done = run(self.program, "inspect", *ids, check=False)  # one that vanished meanwhile is left out
        return [
            Container(
                name=item["Name"].lstrip("/"),
                cluster=item["Config"]["Labels"][CLUSTER_LABEL],
                state=item["State"]["Status"],
                pid=item["State"].get("Pid", 0),
                mounts=tuple(mount["Source"] for mount in item.get("Mounts", ()) if mount.get("Type") == "bind"),
            )
            for item in json.loads(done.stdout or "[]")
        ]

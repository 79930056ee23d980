"""Images for the nodes: found here or pulled, and loaded into every node as one archive."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from harness.engines.kind.docker import Docker
from harness.errors import UserError

Below = Callable[[str, list[str]], None]
"""Runs a program, by a name, that cannot outlive the engine; raises UserError where it fails."""


@dataclass
class Images:
    """What became of a list of images: those to load, and those that are not to be had, with the reason."""

    present: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    unreachable: str = ""
    """What Docker says of a registry that does not answer; an image that a registry does not have is another matter."""

    @property
    def reason(self) -> str:
        """Why the first of the missing ones is not to be had; empty where none is missing."""
        return next(iter(self.missing.values()), "")

    def require(self) -> None:
        """Raise a UserError that names every image that is not to be had."""
        if self.missing:
            raise UserError(
                f"{len(self.missing)} images are not here and cannot be pulled: {', '.join(sorted(self.missing))}",
                fix="pull or build them under these names, or run contract doubles (global.images.source: doubles)",
                details="\n".join(f"{name}: {why}" for name, why in sorted(self.missing.items())),
            )


def collect(docker: Docker, names: Iterable[str]) -> Images:
    """Return which of these images there are, pulling those that are not here; each is tried once."""
    found = Images()
    for name in sorted(set(names)):
        if docker.image_id(name):
            found.present.append(name)
            continue
        why = found.unreachable or docker.pull(name)
        if why is None:
            found.present.append(name)
        else:
            found.missing[name] = why
            if "no such host" in why or "connection refused" in why or "timeout" in why.lower():
                found.unreachable = why  # one registry that cannot be reached is not waited for thirty times
    return found


def load(docker: Docker, kind: Path, cluster: str, names: Iterable[str], scratch: Path, below: Below) -> None:
    """Load images of this machine's Docker into every node of a cluster.

    Raises:
        UserError: they cannot be saved, or a node refuses them.
    """
    wanted = sorted(set(names))
    if wanted:
        with tempfile.NamedTemporaryFile(dir=scratch, suffix=".tar") as file:
            below("kind-save", [str(docker.program), "save", "--output", file.name, *wanted])
            load_archive(kind, cluster, Path(file.name), below)


def load_archive(kind: Path, cluster: str, archive: Path, below: Below) -> None:
    """Load an archive of images (as `docker save` writes) into every node of a cluster.

    Raises:
        UserError: a node refuses it.
    """
    below(f"kind-load-{archive.stem}", [str(kind), "load", "image-archive", str(archive), "--name", cluster])

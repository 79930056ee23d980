"""Everything about the engine kind that a test or a developer may want otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.engines.embedded.settings import ArgoSettings


@dataclass(frozen=True)
class KindSettings:
    """How the engine kind is started."""

    nodes: int = 1
    """One control plane that takes pods; more: workers beside it."""
    argocd: Literal["outside", "inside"] = "outside"
    """Argo CD as processes of this machine, or in the cluster from upstream's manifests, as users run it."""
    images: tuple[str, ...] = ()
    """Images to load into the nodes while the rest starts; each has to be here or to be pulled."""
    archives: tuple[Path, ...] = ()
    """Archives of images (as `docker save` writes) to load as well."""
    logs: Path | None = None
    """Directory for logs; None: inside the run directory, gone with it."""
    start_seconds: float = 240.0
    """How long `up` may take before it gives up; pulls come before and do not count."""
    timing: ArgoSettings = field(default_factory=ArgoSettings)
    """Speed and behaviour of an Argo CD outside; inside it is upstream's."""

"""Everything about the engine cluster that may be wanted otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.engines.embedded.settings import ArgoSettings
from harness.errors import UserError


def refuse(changes: Sequence[str]) -> None:
    """Agree to nothing: whoever may agree has not been asked."""
    raise UserError(
        "nobody has agreed to changes of this cluster",
        fix="indigo up --engine cluster, or --yes",
        details=said(changes),
    )


def said(changes: Sequence[str]) -> str:
    """Return changes as lines."""
    return "\n".join(f"  {change}" for change in changes)


@dataclass(frozen=True)
class ClusterSettings:
    """How the engine cluster is started."""

    kubeconfig: Path
    """Of the cluster; its user makes what is made."""
    context: str | None = None
    """Of the kubeconfig; None: the current one."""
    agree: Callable[[Sequence[str]], None] = refuse
    """Is told what is going to be made, before the first change; raises UserError where that is not wanted."""
    run: str = ""
    """Suffix of the namespaces; empty: a random one."""
    logs: Path | None = None
    """Directory for logs; None: inside the run directory, gone with it."""
    start_seconds: float = 120.0
    """How long `up` may take before it gives up."""
    timing: ArgoSettings = field(default_factory=ArgoSettings)
    """Speed and behaviour of Argo CD."""

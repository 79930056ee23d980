"""Everything about the embedded engine that a test or an operator may want otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ArgoSettings:
    """Argo CD's speed and behaviour; the defaults make tests fast, `production()` is what upstream ships.

    Source of names and defaults: Argo CD 3.6.1, cmd/argocd-application-controller/commands and controller/sync.go.
    """

    sync_wave_delay: int = 0
    """Seconds between two sync waves (ARGOCD_SYNC_WAVE_DELAY)."""
    reconciliation: int = 0
    """Seconds between two comparisons without a reason; 0: only when an annotation or a change asks for it."""
    reconciliation_jitter: int = 0
    """Longest random delay of such a comparison, in seconds (--app-resync-jitter)."""
    self_heal_timeout: int = 1
    """Seconds before drift is healed again after a sync (--self-heal-timeout-seconds; used without a backoff)."""
    self_heal_backoff: int = 0
    """First seconds of the backoff between attempts to heal; 0: none, `self_heal_timeout` counts."""
    self_heal_backoff_factor: int = 3
    """By what each further attempt waits longer."""
    self_heal_backoff_cap: int = 300
    """Longest wait between two attempts, in seconds."""
    cluster_events_interval: str = "20ms"
    """How long changes of the cluster are collected before they count (a Go duration). At 1ms, the timer alone takes
    1.5 % of a processor, and one object after the other has its Application compared."""
    gpg: bool = False
    """Whether signatures of commits are checked."""
    server_side_diff: bool = False
    """Whether differences are computed by the API server (--server-side-diff-enabled)."""
    processors: tuple[int, int] = (20, 10)
    """Applications compared and operated on at once (--status-processors, --operation-processors)."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Entries of the ConfigMap argocd-cm (health checks, resource exclusions, ...)."""
    log_level: str = "info"
    """debug, info, warn or error."""

    @classmethod
    def production(cls) -> ArgoSettings:
        """Return upstream's own timing, for the one test that must see it."""
        return cls(
            sync_wave_delay=2,
            reconciliation=120,
            reconciliation_jitter=60,
            self_heal_timeout=0,
            self_heal_backoff=2,
            cluster_events_interval="100ms",
        )


@dataclass(frozen=True)
class Settings:
    """How the embedded engine is started."""

    nodes: int = 3
    """Simulated nodes, in the zones a, b and c in turn."""
    api_port: int | None = None
    """Port of the API server on 127.0.0.1; None: a free one."""
    logs: Path | None = None
    """Directory for the servers' logs; None: inside the run directory, gone with it."""
    families: tuple[str, ...] = ()
    """Families of kinds that the API server is to know beside its own and Argo CD's (harness/engines/crds)."""
    start_seconds: float = 90.0
    """How long `up` may take before it gives up."""
    argocd: ArgoSettings = field(default_factory=ArgoSettings)
    go: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: GO)
    """Variables of the Go run time per server (memory against time)."""


# Go collects garbage when the heap has grown by GOGC per cent; 100 where nothing is said. At 60 for the API server and
# 50 for Argo CD's controller, two fifths of their processor time went into it; at 150 and 200, with dev on it, the
# engine passes its gibibyte. No GOMEMLIMIT: a live heap above it would make them collect without end.
GO: Mapping[str, Mapping[str, str]] = {
    "kube-apiserver": {"GOGC": "80"},
}
_LAVISH = {"GOGC": "400"}
ROOMY: Mapping[str, Mapping[str, str]] = {
    "kube-apiserver": _LAVISH,
    "etcd": _LAVISH,
    "kube-controller-manager": _LAVISH,
    "argocd-application-controller": _LAVISH,
    "argocd-applicationset-controller": _LAVISH,
    "argocd-repo-server": _LAVISH,
}
"""Twice the memory for a quarter less processor time: for `make test`, where several engines share two cores. The
repository server's is inherited by the Helm that it runs."""

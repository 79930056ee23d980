"""Argo CD inside the cluster."""

from __future__ import annotations

from harness.cluster import Cluster
from harness.engines.kept import KeptEngine


def install(cluster: Cluster, engine: KeptEngine) -> None:
    """Install it."""
    raise NotImplementedError

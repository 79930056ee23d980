"""How a cluster of ours goes, whoever has to do it: this process, its keeper, or a later run.

Whether a cluster is ours is never told by its name: every node of ours mounts a directory of the run that made it
(`nodes.MOUNT`), which Docker shows for as long as the node exists, also where it does not run any more.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.engines import runs
from harness.engines.children import AT_END
from harness.engines.kind.docker import CLUSTER_LABEL, Container, Docker
from harness.errors import UserError
from harness.process import run

PREFIX = "indigo-"
# Two empty looks in a row: Docker may still be making a container for a client that was killed a moment ago.
REMOVE = r"""
docker=$1 cluster=$2 label=$3 empty=0
while [ $empty -lt 2 ]; do
  ids=$("$docker" ps --all --quiet --filter "label=$label=$cluster") || exit 1
  if [ -n "$ids" ]; then empty=0; "$docker" rm --force --volumes $ids || exit 1
  else empty=$((empty + 1)); [ $empty -gt 1 ] || sleep 0.3; fi
done
network=$("$docker" network ls --quiet --filter "name=^$cluster\$") || exit 1
[ -z "$network" ] || "$docker" network rm $network
"""
SHARED = "shared"
"""Directory of a run that its nodes mount."""


def cluster_name(engine: str) -> str:
    """Return the name of an engine's kind cluster, and of its Docker network."""
    return PREFIX + engine


def command(docker: Docker, cluster: str) -> list[str]:
    """Return the command that removes a cluster: nodes, their volumes, the network; it says nothing of what is gone."""
    return ["/bin/sh", "-c", REMOVE, "remove", str(docker.program), cluster, CLUSTER_LABEL]


def register(run_dir: Path, docker: Docker, cluster: str) -> None:
    """Let whoever removes the run directory remove the cluster first (`harness.engines.children.undo`)."""
    fresh = run_dir / f"{AT_END}.new"
    fresh.write_text(json.dumps([{"argv": command(docker, cluster), "env": docker.environment}]))
    fresh.rename(run_dir / AT_END)


def owner(node: Container, directory: Path) -> str | None:
    """Return the name of the run below a directory of runs that made a node, or None where it was none of them."""
    for mount in node.mounts:
        path = Path(mount)
        if path.name == SHARED and path.parent.parent == directory:
            return path.parent.name
    return None


def sweep(docker: Docker, directory: Path) -> list[str]:
    """Remove the clusters that dead runs below a directory of runs left behind; returns their names."""
    left = {
        node.cluster
        for node in docker.nodes()
        if (name := owner(node, directory)) and not runs.is_alive(directory / name)
    }
    for cluster in sorted(left):
        run(*command(docker, cluster), env=docker.environment, timeout=120)
    return sorted(left)


def require_free(docker: Docker, engine: str, directory: Path) -> None:
    """Refuse a name that a cluster has which no dead run of ours left.

    Raises:
        UserError: naming the cluster and its nodes.
    """
    cluster = cluster_name(engine)
    nodes = docker.nodes(cluster)
    if not nodes:
        return
    names = ", ".join(sorted(node.name for node in nodes))
    ours = any(owner(node, directory) for node in nodes)
    raise UserError(
        f"a kind cluster named {cluster!r} exists already ({names})"
        + ("" if ours else f", and it was not made below {directory}"),
        fix=f"take another name (--name), or remove it yourself: kind delete cluster --name {cluster}",
    )


def left_of(docker: Docker, engine: str) -> list[str]:
    """Return what is left of an engine's cluster in Docker, in words; empty when nothing is."""
    cluster = cluster_name(engine)
    found = [f"container {node.name} exists" for node in docker.nodes(cluster)]
    network = docker.ask("network", "ls", "--quiet", "--filter", f"name=^{cluster}$").strip()
    return found + ([f"network {cluster} exists"] if network else [])


def quietly_sweep(directory: Path) -> list[str]:
    """Return what `sweep` removes, nothing where no Docker answers; for `indigo down`, which must work without it."""
    if not os.environ.get("DOCKER_HOST") and not Path("/var/run/docker.sock").exists():
        return []
    try:
        docker = Docker.find()
        docker.host()
        return sweep(docker, directory)
    except UserError:
        return []

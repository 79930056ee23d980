"""The nodes: which image they are made of, and the configuration that kind is given."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engines.kind.docker import ELSE, Docker
from harness.errors import UserError

REPOSITORY = "kindest/node"
PINNED = f"{REPOSITORY}:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
"""Source: kind 0.33.0, pkg/apis/config/defaults/image.go (the image that this kind was released with)."""
CHOSEN = "INDIGO_NODE_IMAGE"


@dataclass(frozen=True)
class NodeImage:
    """What the nodes are made of; `note` says what is not as pinned."""

    name: str
    note: str = ""


def image(docker: Docker) -> NodeImage:
    """Return the node image: the pinned one, pulled if need be; else one of the same minor version that is there.

    `$INDIGO_NODE_IMAGE` names another one, which has to be there or to be pulled.

    Raises:
        UserError: there is none, and why none could be pulled.
    """
    wanted = os.environ.get(CHOSEN) or PINNED
    if docker.image_id(wanted):
        return NodeImage(wanted)
    problem = docker.pull(wanted)
    if problem is None:
        return NodeImage(wanted)
    minor = re.match(rf"{REPOSITORY}:(v\d+\.\d+)\.", PINNED)
    here = [name for name in docker.images(REPOSITORY) if minor and name.startswith(f"{REPOSITORY}:{minor[1]}.")]
    if not here or wanted != PINNED:
        raise UserError(
            f"the node image {wanted.partition('@')[0]} is not here and cannot be pulled: {problem}",
            where=wanted,
            fix=f"docker pull {wanted}, or name one that is here: {CHOSEN}={REPOSITORY}:<tag>, {ELSE}",
        )
    return NodeImage(here[0], f"{here[0]} is used as it is here; the pinned image cannot be pulled: {problem}")


def configuration(nodes: int, shared: Path, *, cgroup_v1: bool) -> dict[str, Any]:
    """Return kind's configuration of a cluster.

    Args:
        nodes: one control plane and the rest workers; a single node takes pods as well.
        shared: directory of this machine that every node sees read-only under the same path (Git repositories).
        cgroup_v1: whether the kubelet must be told that this host's cgroups are bearable.
    """
    mount = {"hostPath": str(shared), "containerPath": str(shared), "readOnly": True}
    content: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"apiServerAddress": "127.0.0.1"},
        "nodes": [
            {"role": "worker" if index else "control-plane", "extraMounts": [mount]} for index in range(max(nodes, 1))
        ],
    }
    if cgroup_v1:
        content["kubeadmConfigPatches"] = [json.dumps({"kind": "KubeletConfiguration", "failCgroupV1": False})]
    return content

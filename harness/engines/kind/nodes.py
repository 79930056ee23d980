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
RELEASED = {
    "1.37": f"{REPOSITORY}:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5",
    "1.36": f"{REPOSITORY}:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed",
    "1.35": f"{REPOSITORY}:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0",
    "1.34": f"{REPOSITORY}:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d",
}
"""The images that kind 0.33.0 was released with, by minor version. Source: its release notes, and for the newest, which
this kind takes by itself, pkg/apis/config/defaults/image.go."""
PINNED = RELEASED["1.37"]
CHOSEN = "INDIGO_NODE_IMAGE"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
"""The label of the node that no drill stops."""


@dataclass(frozen=True)
class NodeImage:
    """What the nodes are made of; `note` says what is not as pinned."""

    name: str
    note: str = ""


def image(docker: Docker) -> NodeImage:
    """Return the node image: the pinned one, pulled if need be; else one of the same minor version that is there.

    `$INDIGO_NODE_IMAGE` names another one, or its minor version (1.34); it has to be there or to be pulled.

    Raises:
        UserError: there is none, and why none could be pulled.
    """
    chosen = os.environ.get(CHOSEN) or PINNED
    wanted = RELEASED.get(chosen, chosen)
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

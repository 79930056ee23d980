"""What is looked at before a cluster is made, so that it does not fail after a minute with a kubelet's message."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.engines.kind.docker import ELSE, Host
from harness.errors import UserError

GIB = 2**30
FIRST_NODE, FURTHER_NODE = 3 * GIB, GIB  # measured: a control plane takes 1.1 GiB, a worker 0.3; the rest is for pods
FREE_DISK, FREE_DISK_NODE = 5 * GIB, 2 * GIB  # every node keeps its own copy of the images
# A node has about 25 inotify instances open (systemd, containerd, kubelet, kube-proxy); kind's own advice is 512
INSTANCES, INSTANCES_NODE = 32, 32
WATCHES_NODE = 8192
CGROUP_V1 = (
    "this host has cgroup v1, which the kubelet refuses since Kubernetes 1.35: it is started with failCgroupV1 false; "
    "hosts with cgroup v2 are what upstream supports"
)


def check(host: Host, nodes: int, proc: Path = Path("/proc")) -> list[str]:
    """Refuse a machine that cannot carry a cluster; return what is unusual about it, in sentences.

    Args:
        host: what Docker says of its machine.
        nodes: how many there are to be.
        proc: where the kernel of that machine is seen, if it is this one.

    Raises:
        UserError: too little memory or disk, inotify limits too low, an unknown cgroup version.
    """
    _memory(host, nodes, proc)
    _disk(host, nodes)
    _inotify(nodes, proc)
    if host.cgroup not in ("1", "2"):
        raise UserError(
            f"Docker reports cgroup version {host.cgroup or 'none'!r}; nodes need 2 (or 1)",
            fix=f"mount cgroup v2 at /sys/fs/cgroup and restart Docker, {ELSE}",
        )
    return [CGROUP_V1] if host.cgroup == "1" else []


def _memory(host: Host, nodes: int, proc: Path) -> None:
    needed = FIRST_NODE + (nodes - 1) * FURTHER_NODE
    available = min(host.memory, _available(proc) or host.memory)
    if available < needed:
        raise UserError(
            f"{available / GIB:.1f} GiB of memory are available, a cluster of {nodes} needs {needed / GIB:.0f} GiB",
            fix=f"stop other programs or give Docker's virtual machine more memory, {ELSE}",
        )


def _available(proc: Path) -> int | None:
    try:
        lines = (proc / "meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _disk(host: Host, nodes: int) -> None:
    if not host.root.exists():  # Docker is on another machine, or in a virtual one
        return
    needed, free = FREE_DISK + nodes * FREE_DISK_NODE, shutil.disk_usage(host.root).free
    if free < needed:
        raise UserError(
            f"{free / GIB:.1f} GiB of disk are free where Docker keeps its data, a cluster of {nodes} needs "
            f"{needed / GIB:.0f} GiB",
            where=str(host.root),
            fix="free disk space: docker system df shows what Docker holds, indigo tools clean empties our own cache",
        )


def _inotify(nodes: int, proc: Path) -> None:
    limits = {
        "max_user_instances": INSTANCES + nodes * INSTANCES_NODE,
        "max_user_watches": nodes * WATCHES_NODE,
    }
    for name, needed in limits.items():
        try:
            limit = int((proc / "sys/fs/inotify" / name).read_text())
        except (OSError, ValueError):
            continue
        if limit < needed:
            raise UserError(
                f"fs.inotify.{name} is {limit}, a cluster of {nodes} needs {needed}: pods would end with "
                "'too many open files'",
                where=f"/proc/sys/fs/inotify/{name}",
                fix=f"sudo sysctl fs.inotify.{name}={max(512, 2 * needed)}",
            )

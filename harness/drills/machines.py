"""Drills on what pods stand on, done by a node itself: the network of one component is cut, one volume is full."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial

from harness.cluster import Object
from harness.drills.model import Drill, Recovered, Scene
from harness.drills.pods import all_answer, claims_of, itself, own_budget, pods_of, running, with_consumers
from harness.e2e.platform import Platform
from harness.engines.base import Ability, Engine
from harness.errors import UserError

CUT = 15.0  # seconds without network
FULL = 15.0  # seconds without room
ROOM = 32  # MiB that are free on the small volume before it is filled
REPLACED = 180.0  # seconds for a pod to end and to be ready again
CHAIN = "INDIGO-DRILL"
WORK = "/run/indigo-drill"

# Policies add up and cannot take away, and Argo CD puts back what is deleted. So the node that the pod is on forwards
# nothing from and to its address, connections that are open included; the kubelet beside it, which is not forwarded to,
# goes on probing it, as it does where a switch is dead.
CUT_OFF = f"""
set -e
iptables -N {CHAIN}
for address; do iptables -A {CHAIN} -s $address -j DROP; iptables -A {CHAIN} -d $address -j DROP; done
iptables -I FORWARD 1 -j {CHAIN}
"""
JOIN = f"""
while iptables -D FORWARD -j {CHAIN} 2>/dev/null; do :; done
iptables -F {CHAIN} 2>/dev/null && iptables -X {CHAIN} || true
"""
# A volume of kind is a directory on the node's disk, which is this machine's. So a copy of it in memory, with little
# room, is laid over it, and nothing else can become full.
SHRINK = f"""
set -e
mkdir {WORK}
mount -t tmpfs -o size=$(( $(du -sm "$1" | cut -f 1) + $2 ))m indigo-drill {WORK}
mkdir {WORK}/data
cp -a "$1/." {WORK}/data/
chown --reference="$1" {WORK}/data && chmod --reference="$1" {WORK}/data
echo "$1" > {WORK}/path
mount --bind {WORK}/data "$1"
"""
FILL = f"""
dd if=/dev/zero of={WORK}/filler bs=64k 2>/dev/null
df --output=avail {WORK} | tail -n 1
"""
EMPTY = f"rm -f {WORK}/filler"
LEFT = f"[ ! -d {WORK} ] || cat {WORK}/path 2>/dev/null || echo a volume"
# Each step may have been done already: what is in memory goes last.
GROW = f"""
set -e
[ -d {WORK} ] || exit 0
if [ -f {WORK}/path ]; then
  path=$(cat {WORK}/path)
  rm -f {WORK}/filler
  ! mountpoint -q "$path" || umount "$path"
  find "$path" -mindepth 1 -delete
  cp -a {WORK}/data/. "$path/"
fi
! mountpoint -q {WORK} || umount {WORK}
rmdir {WORK}
"""


def mend(engine: Engine, nodes: Iterable[str]) -> None:
    """Let nodes forward everything again, and no volume be full, where a drill was killed before it had done so."""
    for node in nodes:
        engine.on_node(node, "sh", "-c", f"{JOIN}\n{EMPTY}")


def _on(scene: Scene, node: str, script: str, *words: str) -> str:
    return scene.platform.engine.on_node(node, "sh", "-c", script, "drill", *words)


def _placed(scene: Scene) -> dict[str, list[str]]:
    """Return the addresses of the component's pods by node."""
    found: dict[str, list[str]] = {}
    for pod in pods_of(scene, scene.component):
        found.setdefault(pod["spec"]["nodeName"], []).append(pod["status"]["podIP"])
    return found


def _cut(scene: Scene) -> Recovered:
    started = _restarts(scene)
    for node, addresses in _placed(scene).items():
        scene.undo.callback(_on, scene, node, JOIN)
        _on(scene, node, CUT_OFF, *addresses)
    time.sleep(CUT)
    for node in _placed(scene):
        _on(scene, node, JOIN)
    scene.notes.append(f"its node forwarded nothing from and to it for {CUT:g} s; the kubelet's probes went on")
    return partial(_same_pods, scene, started)


def _after(seconds: float, scene: Scene) -> float:
    return seconds + own_budget(scene)


def _restarts(scene: Scene) -> dict[str, int]:
    """Return how often the containers of the component's pods were started, by the pods' uids."""
    return {
        pod["metadata"]["uid"]: sum(one["restartCount"] for one in pod["status"].get("containerStatuses", ()))
        for pod in pods_of(scene, scene.component)
    }


def _same_pods(scene: Scene, started: dict[str, int]) -> bool:
    """Whether all are ready again; whoever of the component was started anew is noted."""
    if not all_answer(scene):
        return False
    again = sum(count - started.get(uid, 0) for uid, count in _restarts(scene).items())
    told = f"containers of it that were started anew: {again}"
    if again and told not in scene.notes:
        scene.notes.append(told)
    return True


# ---------------------------------------------------------------------------------------------------- a full volume


def _with_volume(platform: Platform) -> list[str]:
    """Return the components that keep data on a volume of their one pod."""
    contracts = platform.graph.contracts
    names = running(platform, data=True) + running(platform, data=False)
    return [
        name
        for name in names
        if contracts[name].workload.kind == "StatefulSet" and any(one.keep for one in contracts[name].writable)
    ]


def _volume(scene: Scene) -> tuple[str, str]:
    """Return the node and the directory of the component's first volume.

    Raises:
        UserError: it is no directory of a node.
    """
    pod = pods_of(scene, scene.component)[0]
    claim = scene.platform.cluster.get("PersistentVolumeClaim", claims_of(pod)[0], scene.namespace)
    volume = scene.platform.cluster.get("PersistentVolume", claim["spec"]["volumeName"])["spec"]
    path = (volume.get("hostPath") or volume.get("local") or {}).get("path")
    if not path:
        raise UserError(
            f"the volume of {scene.component} is no directory of its node", fix="use kind's own storage class"
        )
    return str(pod["spec"]["nodeName"]), str(path)


def _while_away(scene: Scene, node: str, script: str, *words: str) -> None:
    """Run a script on the node while the component's pod does not run, and wait until it is ready again."""
    cluster, platform = scene.platform.cluster, scene.platform
    before: list[Object] = pods_of(scene, scene.component)
    names = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in before}

    def gone() -> bool:
        found = {name: cluster.find("Pod", name, scene.namespace) for name in names}
        return all(pod is None or pod["metadata"]["uid"] != names[name] for name, pod in found.items())

    cluster.patch("Node", node, {"spec": {"unschedulable": True}})
    try:
        for name in names:
            cluster.delete("Pod", name, scene.namespace)
        platform.until(gone, f"the pod of {scene.component} has ended", REPLACED)
        _on(scene, node, script, *words)
    finally:
        cluster.patch("Node", node, {"spec": {"unschedulable": None}})
    platform.until(lambda: all_answer(scene), f"{scene.component} is ready again", REPLACED)


def _small(scene: Scene) -> None:
    node, path = _volume(scene)
    if left := _on(scene, node, LEFT).strip():
        raise UserError(
            f"a drill that was killed has left {left} of {node} as a copy in memory",
            fix="indigo down, and indigo up: nothing else gives the volume back",
        )
    scene.undo.callback(_while_away, scene, node, GROW)
    _while_away(scene, node, SHRINK, path, str(ROOM))
    scene.notes.append(
        f"for the drill its volume was a copy in memory with {ROOM} MiB of room; what was written to it was kept"
    )


def _filled(scene: Scene) -> Recovered:
    node, _ = _volume(scene)
    started = _restarts(scene)
    scene.undo.callback(_on, scene, node, EMPTY)
    left = _on(scene, node, FILL).strip()
    if left != "0":
        raise UserError(f"the volume of {scene.component} is not full: {left} KiB are left on {node}")
    time.sleep(FULL)
    _on(scene, node, EMPTY)
    scene.notes.append(f"its volume had no byte of room for {FULL:g} s")
    return partial(_same_pods, scene, started)


DRILLS = (
    Drill(
        "cut-network",
        f"When {{component}} is cut off from the network for {CUT:g} s, who does not need it goes on, and within the "
        "budget of its contract after that everything answers again, without hands.",
        lambda platform: running(platform, data=True) + running(platform, data=False),
        _cut,
        partial(_after, CUT),
        with_consumers,
        frozenset({Ability.NODES}),
        itself,
    ),
    Drill(
        "full-disk",
        f"When the volume of {{component}} is full for {FULL:g} s, who does not need it goes on, and within the budget "
        "of its contract after there is room again everything answers, without hands.",
        _with_volume,
        _filled,
        partial(_after, FULL),
        with_consumers,
        frozenset({Ability.NODES}),
        prepare=_small,
    ),
)

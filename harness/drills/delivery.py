"""Drills on what Argo CD delivers: objects edited or deleted by hand, a bad commit, Argo CD itself killed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from harness.argo.applications import is_idle
from harness.cluster import Object
from harness.drills.model import Drill, Recovered, Scene, everybody, whole
from harness.drills.pods import all_answer, pods_of, running
from harness.e2e.platform import Platform, converged
from harness.engines.base import Ability
from harness.errors import UserError

HEAL = 15.0  # seconds for Argo CD to put back what was changed by hand; its first try comes after 2 s, see engines
SYNC = 120.0  # seconds for a sync that rolls two components
ABSENT = 3.0  # seconds without the Secret
WRONG = "missing-0.0.0"  # a tag that no registry has; simulated pods take it for one, too


def _objects(scene: Scene, kind: str, component: str = "") -> dict[str, Object]:
    """Return the objects of a kind that Argo CD tracks, by name."""
    return {
        item["metadata"]["name"]: item
        for key, item in scene.platform.resources().items()
        if key.startswith(f"{kind}/")
        and component in ("", item["metadata"]["labels"].get("app.kubernetes.io/name", ""))
    }


def _configured(platform: Platform) -> list[str]:
    """Return the components that have a ConfigMap."""
    return sorted(
        {
            item["metadata"]["labels"]["app.kubernetes.io/name"]
            for key, item in platform.resources().items()
            if key.startswith("ConfigMap/")
        }
        & set(platform.components)
    )


def _corrupted(scene: Scene) -> Recovered:
    before = _objects(scene, "ConfigMap", scene.component)
    pods = {pod["metadata"]["uid"] for pod in pods_of(scene)}
    for name, item in before.items():
        broken = dict.fromkeys(item["data"], "corrupted by a drill")
        scene.platform.cluster.patch("ConfigMap", name, {"data": broken}, scene.namespace)

    def recovered() -> bool:
        now = _objects(scene, "ConfigMap", scene.component)
        healed = all(now.get(name, {}).get("data") == item["data"] for name, item in before.items())
        return healed and pods == {pod["metadata"]["uid"] for pod in pods_of(scene)}

    return recovered


def _policies_deleted(scene: Scene) -> Recovered:
    before = {item["metadata"]["name"]: item["spec"]
              for item in scene.platform.cluster.list("NetworkPolicy", scene.namespace)}  # fmt: skip
    scene.notes.append(f"{len(before)} NetworkPolicies were deleted")
    for name in before:
        scene.platform.cluster.delete("NetworkPolicy", name, scene.namespace)

    def recovered() -> bool:
        now = {item["metadata"]["name"]: item["spec"]
               for item in scene.platform.cluster.list("NetworkPolicy", scene.namespace)}  # fmt: skip
        return now == before

    return recovered


def _with_secret(platform: Platform) -> list[str]:
    """Return the components that read a Secret of their own."""
    return [name for name in running(platform, data=False) if _secrets(platform, name)]


def _secrets(platform: Platform, component: str) -> list[str]:
    found = {item["metadata"]["name"] for item in platform.cluster.list("Secret", platform.namespace)}
    return sorted(found & set(platform.graph.contracts[component].secrets))


def _secret_deleted(scene: Scene) -> Recovered:
    """A Secret is nothing that Argo CD could put back: whoever keeps the copy does, and nobody may suffer meanwhile."""
    name = _secrets(scene.platform, scene.component)[0]
    kept = scene.platform.cluster.get("Secret", name, scene.namespace)
    metadata = {key: kept["metadata"][key] for key in ("name", "namespace", "labels", "annotations")
                if key in kept["metadata"]}  # fmt: skip
    copy = {**{key: kept[key] for key in ("apiVersion", "kind", "type", "data")}, "metadata": metadata}
    pods = {pod["metadata"]["uid"] for pod in pods_of(scene)}

    def put_back() -> None:
        if scene.platform.cluster.find("Secret", name, scene.namespace) is None:
            scene.platform.cluster.create(copy)

    scene.undo.callback(put_back)
    scene.platform.cluster.delete("Secret", name, scene.namespace)
    scene.platform.refresh()  # whoever reads the Secret when it syncs has a reason to now
    time.sleep(ABSENT)
    if scene.platform.cluster.find("Secret", name, scene.namespace) is not None:
        raise UserError(
            f"the Secret {name} came back by itself", fix="see what makes it; this drill is about those of us"
        )
    scene.notes.append(f"{name} was away for {ABSENT:g} s, and put back from its copy as an operator would")
    put_back()

    def recovered() -> bool:
        same = pods == {pod["metadata"]["uid"] for pod in pods_of(scene)}
        return same and scene.platform.cluster.get("Secret", name, scene.namespace)["data"] == kept["data"]

    return recovered


def _two(platform: Platform) -> list[str]:
    """Return a component of the first wave and one of the last: a sync of both takes its time."""
    names = running(platform, data=True) + running(platform, data=False)
    waves = sorted(names, key=lambda name: (platform.graph.wave(name), name))
    return [waves[0], waves[-1]]


def _back(scene: Scene, begun_with: str) -> None:
    """Let the platform be again what it was before the drill."""
    platform = scene.platform
    if platform.source.head != begun_with:
        platform.deliver(platform.source.take(begun_with, "the end of a drill"), "the end of the drill", SYNC)


def _delivered(scene: Scene, revision: str) -> bool:
    """Whether the environment is Synced and Healthy at a commit, and every component answers."""
    apps = [scene.platform.apps.get(name) for name in scene.platform.environment.applications]
    return all(converged(revision)(app) for app in apps) and all_answer(scene)


def _argocd_killed(scene: Scene) -> Recovered:
    platform = scene.platform
    server = "argocd-application-controller"
    scene.undo.callback(_back, scene, platform.source.head)
    values: Mapping[str, Any] = {name: {"podAnnotations": {"drill/killed": "controller"}} for name in _two(platform)}
    revision = platform.values(values, "a sync during which Argo CD's controller dies", platform.source.head)
    platform.refresh()
    platform.wait(lambda app: not is_idle(app) and app.revision == revision, "in the middle of the sync")
    platform.engine.kill(server)
    platform.engine.restart(server)

    def recovered() -> bool:
        return _delivered(scene, revision)

    return recovered


def _rolling(platform: Platform) -> list[str]:
    """Return the components whose old pod stays until the new one is ready."""
    contracts = platform.graph.contracts
    return [
        name
        for name in running(platform, data=False)
        if contracts[name].workload.kind == "Deployment" and contracts[name].workload.strategy == "RollingUpdate"
    ]


def _bad_tag(scene: Scene) -> Recovered:
    platform, component = scene.platform, scene.component
    good = platform.source.head
    scene.undo.callback(_back, scene, good)
    wrong = {component: {"image": {"tag": WRONG, "digest": ""}}}
    bad = platform.values(wrong, f"{component} with a tag that is not there", good)
    platform.refresh()

    def stuck() -> bool:
        return any(
            (status.get("state", {}).get("waiting") or {}).get("reason") in ("ImagePullBackOff", "ErrImagePull")
            for pod in pods_of(scene, component)
            for status in pod.get("status", {}).get("containerStatuses", [])
        )

    platform.until(stuck, f"a pod of {component} waits for an image that is not there", 60)
    mended = platform.source.take(good, f"back from {bad[:8]}")
    platform.end_for(mended)  # as docs/how-to/when-a-sync-does-not-converge.md says
    scene.notes.append("the sync that waited for the image was ended by hand (argocd app terminate-op)")

    def recovered() -> bool:
        return _delivered(scene, mended) and not stuck()

    return recovered


DRILLS = (
    Drill(
        "corrupt-configmap",
        "When {component}'s ConfigMap is overwritten by hand, Argo CD puts it back, and no pod is replaced.",
        _configured,
        _corrupted,
        lambda scene: HEAL,
    ),
    Drill(
        "delete-networkpolicies",
        "When all NetworkPolicies of the namespace are deleted, Argo CD puts them back as they were, and everything "
        "answers.",
        whole,
        _policies_deleted,
        lambda scene: HEAL,
        everybody,  # the default deny is another Application's, and may be back before what allows (seen: 0.3 s)
    ),
    Drill(
        "delete-secret",
        "When a Secret that {component} reads is deleted, its pods run on until the copy is put back.",
        _with_secret,
        _secret_deleted,
        lambda scene: HEAL,
    ),
    Drill(
        "kill-argocd",
        "When Argo CD's controller is killed in the middle of a sync and started again, the sync ends well.",
        whole,
        _argocd_killed,
        lambda scene: SYNC,
        everybody,
        frozenset({Ability.FAULTS}),
    ),
    Drill(
        "bad-image-tag",
        "When a commit gives {component} an image that is not there, its old pod goes on answering, and the commit "
        "that takes it back is delivered.",
        _rolling,
        _bad_tag,
        lambda scene: SYNC,
    ),
)

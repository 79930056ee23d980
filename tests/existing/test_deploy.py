"""The platform in somebody's cluster, as far as that is safe: it comes up, follows commits, heals, stays at home."""

from __future__ import annotations

from harness.e2e.observe import Seen
from harness.e2e.platform import Platform
from harness.engines.existing import removal
from harness.engines.existing.engine import ExistingCluster

SECONDS = 600.0


def test_everything_is_in_namespaces_of_the_run(engine: ExistingCluster, running: tuple[Platform, list[Seen]]) -> None:
    platform, seen = running
    assert platform.namespace == f"indigo-dev-{engine.run}"
    ours = platform.cluster.list("Namespace", labels=f"{removal.LABEL}={engine.run}")
    assert {item["metadata"]["name"] for item in ours} == {platform.namespace, engine.argocd_namespace}
    assert {item.component for item in seen if item.kind in ("Deployment", "StatefulSet")} == set(platform.components)


def test_a_commit_is_delivered_and_rolls_one_component(running: tuple[Platform, list[Seen]]) -> None:
    platform, _ = running
    before = platform.pods()
    change = {"dashboard": {"podAnnotations": {"indigo-paas.example/tried": "yes"}}}
    platform.deliver(platform.values(change, "one annotation"), "one annotation", SECONDS)
    after = platform.pods()
    assert [name for name in before if before[name] != after[name]] == ["dashboard"]


def test_drift_is_healed(running: tuple[Platform, list[Seen]]) -> None:
    platform, _ = running
    selector = {"spec": {"selector": {"app.kubernetes.io/name": "nobody"}}}
    was = platform.cluster.get("Service", "dashboard", platform.namespace)["spec"]["selector"]
    platform.cluster.patch("Service", "dashboard", selector, platform.namespace)

    def healed() -> bool:
        return bool(platform.cluster.get("Service", "dashboard", platform.namespace)["spec"]["selector"] == was)

    platform.until(healed, "the Service selects the Dashboard again", 60)

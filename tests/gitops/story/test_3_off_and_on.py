"""A component that is switched off is pruned, its data and Secrets stay, and switching it on again finds them."""

from __future__ import annotations

import pytest

from harness.cluster import Object
from harness.e2e.platform import Platform

pytestmark = pytest.mark.gitops
COMPONENT = "orchestrator"  # keeps a transaction log on a claim; the Dashboard needs it only softly


def kept(platform: Platform) -> dict[str, str]:
    """Return what must outlive the component: `Kind/name` -> uid of its claims and Secrets."""
    contract = platform.graph.contracts[COMPONENT]
    claims = [f"{COMPONENT}-{volume.name}" for volume in contract.writable if volume.keep]
    wanted = [("PersistentVolumeClaim", name) for name in claims] + [("Secret", name) for name in contract.secrets]
    found = {f"{kind}/{name}": platform.cluster.find(kind, name, platform.namespace) for kind, name in wanted}
    assert any(key.startswith("PersistentVolumeClaim") for key in found)
    return {key: item["metadata"]["uid"] for key, item in found.items() if item is not None}


def mode(value: str) -> Object:
    """Return values that switch the component."""
    return {"global": {"components": {COMPONENT: {"mode": value}}}}


@pytest.mark.refutes("a claim without Prune=false, or a Secret that the chart owns")
def test_switching_off_prunes_and_keeps_the_data(running: Platform) -> None:
    before = kept(running)
    assert f"Deployment/{COMPONENT}" in running.resources()
    off = running.values(mode("off"), f"switch {COMPONENT} off")
    running.deliver(off, f"{COMPONENT} off")
    running.until(lambda: running.pods().get(COMPONENT) is None, "its pods are gone")
    left = {
        key
        for key, item in running.resources().items()
        if item["metadata"]["labels"].get("app.kubernetes.io/name") == COMPONENT
    }
    assert {key.split("/")[0] for key in left} == {"PersistentVolumeClaim"}
    assert kept(running) == before

    running.deliver(running.values(mode("embedded"), f"switch {COMPONENT} on"), f"{COMPONENT} on again")
    assert kept(running) == before
    assert running.pods()[COMPONENT]


@pytest.mark.refutes("a chart that renders a component whose hard requirement is off")
def test_switching_off_what_others_need_is_refused(running: Platform) -> None:
    pods = running.pods()
    revision = running.values({"global": {"components": {"mariadb": {"mode": "off"}}}}, "switch mariadb off")
    message = running.refused(revision)
    assert "global.components.mariadb.mode: is off, but" in message
    assert running.pods() == pods

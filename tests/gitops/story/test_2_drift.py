"""What is changed by hand is put back, and by how much time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from harness.cluster import Cluster
from harness.e2e.platform import PATIENCE, Platform, converged

pytestmark = pytest.mark.gitops
BUDGET = 20.0


@dataclass(frozen=True)
class Drift:
    """Something done by hand, and how to see that it is undone."""

    what: str
    inject: Callable[[Cluster, str], object]
    healed: Callable[[Cluster, str], bool]


def _image(cluster: Cluster, namespace: str) -> str:
    pod = cluster.get("Deployment", "orchestrator", namespace)["spec"]["template"]["spec"]
    image: str = pod["containers"][0]["image"]
    return image


DRIFTS = [
    Drift(
        "an edited image",
        lambda c, n: c.patch(
            "Deployment",
            "orchestrator",
            [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "example.org/other:1"}],
            n,
            how="json",
        ),
        lambda c, n: not _image(c, n).startswith("example.org/"),
    ),
    Drift(
        "a deleted Service",
        lambda c, n: c.delete("Service", "iam", n),
        lambda c, n: c.find("Service", "iam", n) is not None,
    ),
    Drift(
        "a deleted NetworkPolicy",
        lambda c, n: c.delete("NetworkPolicy", "mariadb", n),
        lambda c, n: c.find("NetworkPolicy", "mariadb", n) is not None,
    ),
    Drift(
        "a scaled Deployment",
        lambda c, n: c.patch("Deployment", "iam", {"spec": {"replicas": 0}}, n),
        lambda c, n: c.get("Deployment", "iam", n)["spec"]["replicas"] > 0,
    ),
    Drift(
        "an edited ConfigMap",
        lambda c, n: c.patch("ConfigMap", "mariadb-config", {"data": {"etc.mysql.conf.d.indigo.cnf": "by hand"}}, n),
        lambda c, n: "by hand" not in c.get("ConfigMap", "mariadb-config", n)["data"].values(),
    ),
]


@pytest.mark.refutes("self-heal switched off, or a field that Argo CD is told to ignore")
def test_drift_is_healed(running: Platform) -> None:
    """Five kinds of drift at once; Argo CD's controller is held meanwhile, so that each one is seen to be there."""
    cluster, namespace = running.cluster, running.namespace
    with running.held("argocd-application-controller"):
        for drift in DRIFTS:
            drift.inject(cluster, namespace)
        unseen = [drift.what for drift in DRIFTS if drift.healed(cluster, namespace)]
        assert not unseen, f"these injections changed nothing: {unseen}"
    start = time.monotonic()
    pending = {drift.what: drift for drift in DRIFTS}
    healed: dict[str, float] = {}
    with running.recorder.phase("drift healed", budget=BUDGET):
        while pending and time.monotonic() - start < PATIENCE:
            for what, drift in list(pending.items()):
                if drift.healed(cluster, namespace):
                    healed[what] = time.monotonic() - start
                    del pending[what]
            time.sleep(0.05)
    running.recorder.note(
        "healed by Argo CD: " + ", ".join(f"{what} after {seconds:.1f} s" for what, seconds in healed.items())
    )
    assert not pending, f"not healed within {PATIENCE:g} s: {', '.join(pending)}"
    running.wait(converged(running.source.head), "Synced and Healthy after the drift")

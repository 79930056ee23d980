"""What kwok simulates: pods that get ready, fail, crash and hang on demand, volumes, addresses."""

from __future__ import annotations

import time
from typing import Any

import pytest

from harness.cluster import Cluster
from tests.gitops.engine.support import eventually, pod

pytestmark = pytest.mark.gitops

FAIL, MESSAGE, NEVER = (f"simulation.indigo-paas/{word}" for word in ("fail", "message", "never-ready"))


def status_of(cluster: Cluster, name: str, namespace: str) -> dict[str, Any]:
    status: dict[str, Any] = (cluster.find("Pod", name, namespace) or {}).get("status", {})
    return status


def is_ready(status: dict[str, Any]) -> bool:
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in status.get("conditions", []))


def state_of(status: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = (status.get("containerStatuses") or [{}])[0].get("state", {})
    return state


def test_a_pod_gets_ready_step_by_step_with_its_volume(cluster: Cluster, namespace: str) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    cluster.apply(claim)
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    init = {"name": "init", "image": "example/init:1"}
    cluster.apply(pod("p", namespace, volumes=[volume], initContainers=[init]))
    seen: list[str] = []
    for kind, item in cluster.watch("Pod", namespace, name="p", seconds=20):
        status = item["status"]
        true = [entry["type"] for entry in status.get("conditions", []) if entry["status"] == "True"]
        for word in (kind, status.get("phase", ""), *true):
            if word not in seen:
                seen.append(word)
        if "Ready" in true:
            break
    wanted = ["Pending", "PodScheduled", "Initialized", "Running", "Ready"]
    assert [word for word in seen if word in wanted] == wanted
    assert cluster.get("PersistentVolumeClaim", "data", namespace)["status"]["phase"] == "Bound"
    assert status_of(cluster, "p", namespace)["podIP"].startswith("10.244.")
    cluster.delete("Pod", "p", namespace)
    eventually(lambda: not cluster.find("Pod", "p", namespace), "a deleted pod is gone quickly", 5)


def test_a_claim_without_a_pod_waits_as_on_kind_unless_its_class_binds_at_once(
    cluster: Cluster, namespace: str
) -> None:
    for name in ("standard", "standard-immediate"):
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {**spec, "storageClassName": name},
            }
        )

    def phase(name: str) -> str:
        return str(cluster.get("PersistentVolumeClaim", name, namespace)["status"].get("phase"))

    eventually(lambda: phase("standard-immediate") == "Bound", "bound at once")
    assert phase("standard") == "Pending"
    cluster.delete("PersistentVolumeClaim", "standard-immediate", namespace)
    eventually(
        lambda: not [v for v in cluster.list("PersistentVolume") if v["spec"]["claimRef"]["namespace"] == namespace],
        "the volume of a deleted claim is deleted",
    )


def test_jobs_succeed_or_fail_as_their_annotation_says(cluster: Cluster, namespace: str) -> None:
    for name, steered in (("good", {}), ("bad", {FAIL: "7", MESSAGE: "no such table"})):
        template = pod(name, namespace, restartPolicy="Never", annotations=steered)
        del template["metadata"]["name"], template["metadata"]["namespace"]
        cluster.apply(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"backoffLimit": 0, "template": {"metadata": template["metadata"], "spec": template["spec"]}},
            }
        )

    def finished(name: str) -> list[str]:
        conditions = cluster.get("Job", name, namespace).get("status", {}).get("conditions", [])
        return [entry["type"] for entry in conditions if entry["status"] == "True"]

    eventually(lambda: "Complete" in finished("good"), "the Job completes")
    eventually(lambda: "Failed" in finished("bad"), "the Job fails")
    (failed,) = cluster.list("Pod", namespace, labels="job-name=bad")
    terminated = failed["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["exitCode"], terminated["message"]) == (7, "no such table")


def test_pods_crash_hang_and_miss_their_image_on_demand(cluster: Cluster, namespace: str) -> None:
    cluster.apply(pod("crash", namespace, annotations={FAIL: "2", MESSAGE: "no DB_HOST"}))
    cluster.apply(pod("hang", namespace, annotations={NEVER: "true"}))
    cluster.apply(pod("missing", namespace, image="registry.example.org:5000/a/b:missing-1"))
    cluster.apply(pod("good", namespace))

    def reason(name: str) -> str:
        return str(state_of(status_of(cluster, name, namespace)).get("waiting", {}).get("reason"))

    eventually(lambda: is_ready(status_of(cluster, "good", namespace)), "a good pod gets ready beside them")
    eventually(lambda: reason("crash") == "CrashLoopBackOff", "the pod crashes")
    eventually(lambda: reason("missing") == "ImagePullBackOff", "the image is not there")
    eventually(lambda: "running" in state_of(status_of(cluster, "hang", namespace)), "it runs")
    time.sleep(0.5)
    last = status_of(cluster, "crash", namespace)["containerStatuses"][0]["lastState"]["terminated"]
    assert (last["exitCode"], last["message"]) == (2, "no DB_HOST")
    assert not any(is_ready(status_of(cluster, name, namespace)) for name in ("crash", "hang", "missing"))


def test_load_balancers_and_ingresses_get_an_address(cluster: Cluster, namespace: str) -> None:
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        }
    )
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    cluster.apply(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"defaultBackend": backend},
        }
    )
    for kind in ("Service", "Ingress"):
        eventually(
            lambda kind=kind: cluster.get(kind, "web", namespace)["status"]["loadBalancer"].get("ingress"),  # type: ignore[misc]
            f"the {kind} has an address",
        )

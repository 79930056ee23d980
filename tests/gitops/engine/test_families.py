"""Kinds of other projects: upstream's definitions refuse what is wrong, and what an operator would say is simulated."""

from __future__ import annotations

import time
from typing import Any

import pytest

from harness.cluster import ApiError, Cluster, Object
from harness.engines.crds import FAMILIES
from harness.engines.embedded import EmbeddedEngine
from tests import support
from tests.gitops.engine.support import eventually

pytestmark = pytest.mark.gitops


@pytest.fixture(scope="module")
def families(peopled: EmbeddedEngine) -> Cluster:
    return peopled.cluster()


def route(port: Any = 80, **annotations: str) -> Object:
    rules = [{"backendRefs": [{"name": "iam", "port": port}]}]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "iam", "namespace": "default", "annotations": annotations},
        "spec": {"parentRefs": [{"name": "public", "namespace": "gateway"}], "rules": rules},
    }


def other(api_version: str, kind: str, spec: Object, **annotations: str) -> Object:
    metadata = {"name": "one", "namespace": "default", "annotations": annotations}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def test_upstreams_definitions_refuse_a_wrong_object(families: Cluster) -> None:
    with pytest.raises(ApiError, match=r"spec\.rules\[0\]\.backendRefs\[0\]\.port"):
        families.apply(route("http"))
    with pytest.raises(ApiError, match=r"spec\.groups\[0\]\.rules\[0\]\.expr: Required value"):
        groups = [{"name": "g", "rules": [{"alert": "A"}]}]
        families.apply(other("monitoring.coreos.com/v1", "PrometheusRule", {"groups": groups}))


def test_a_route_is_accepted_by_its_parent_and_again_after_a_change(families: Cluster) -> None:
    families.apply(route())

    def observed() -> int:
        item = families.get("HTTPRoute", "iam", "default")
        (parent,) = item.get("status", {}).get("parents") or [{}]
        accepted = [entry for entry in parent.get("conditions", []) if entry["type"] == "Accepted"]
        return int(accepted[0]["observedGeneration"]) if accepted else 0

    eventually(lambda: observed() == 1, "accepted")
    families.apply(route(8080))
    eventually(lambda: observed() == 2, "accepted again")


RESOURCES: dict[str, tuple[str, Object, Object]] = {
    "MariaDB": ("k8s.mariadb.com/v1alpha1", {"replicas": 3, "storage": {"size": "1Gi"}}, {"replicas": "three"}),
    "KafkaTopic": ("kafka.strimzi.io/v1", {"partitions": 1, "replicas": 3}, {"partitions": 0}),
}


@pytest.mark.parametrize("kind", RESOURCES)
def test_an_operators_resource_is_judged_and_becomes_ready_unless_told_otherwise(families: Cluster, kind: str) -> None:
    api_version, spec, wrong = RESOURCES[kind]

    def ready(name: str) -> bool:
        conditions = families.get(kind, name, "default").get("status", {}).get("conditions", [])
        return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)

    with pytest.raises(ApiError, match=next(iter(wrong))):
        families.apply(other(api_version, kind, spec | wrong))
    never = other(api_version, kind, spec, **{"simulation.indigo-paas/never-ready": "true"})
    never["metadata"]["name"] = "never"
    families.apply(never)
    families.apply(other(api_version, kind, spec))
    eventually(lambda: ready("one"), "ready")
    settled = families.get(kind, "one", "default")["metadata"]["resourceVersion"]
    assert not ready("never")
    time.sleep(1)
    assert families.get(kind, "one", "default")["metadata"]["resourceVersion"] == settled, "the simulation never ends"


def test_the_resources_that_charts_write_are_taken_and_become_ready(families: Cluster) -> None:
    """What mode operator renders, judged by the API server with upstream's definitions, rules in CEL included."""
    operators = ("mariadb", "mariadb-iam", "mariadb-orchestrator", "kafka")
    components = {name: {"mode": "operator"} for name in operators} | {"log-shipper": {"mode": "embedded"}}
    network = {"apiServer": {"cidrs": ["192.0.2.1/32"]}}
    objects = support.render_umbrella({"global": {"components": components, "network": network}})
    resources = [item for item in objects if item["apiVersion"].startswith(("k8s.mariadb.com/", "kafka.strimzi.io/"))]
    assert {item["kind"] for item in resources} == {
        "MariaDB", "Database", "User", "Grant", "Kafka", "KafkaNodePool", "KafkaTopic",
    }  # fmt: skip
    for item in resources:
        item["metadata"] = item["metadata"] | {"namespace": "default"}
        families.apply(item)

    def ready(item: Object) -> bool:
        found = families.get(item["kind"], item["metadata"]["name"], "default")
        return any(entry["type"] == "Ready" for entry in found.get("status", {}).get("conditions", []))

    eventually(lambda: all(ready(item) for item in resources), "ready")


def test_nothing_of_it_is_there_unless_it_is_asked_for(cluster: Cluster) -> None:
    groups = {group["name"] for group in cluster.request("GET", "/apis")["groups"]}
    assert "argoproj.io" in groups
    assert groups.isdisjoint(family.group for family in FAMILIES)

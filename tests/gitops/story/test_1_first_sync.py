"""From an empty cluster to a running platform, in the order of the dependency graph, and then nothing moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.checks.pods import pods_of
from harness.e2e.observe import Seen
from harness.e2e.order import violations
from harness.e2e.platform import Platform

pytestmark = pytest.mark.gitops


@pytest.mark.refutes("a component that never becomes ready, or an object that the charts render and nobody created")
def test_everything_is_synced_and_healthy_from_an_empty_cluster(platform: Platform, first_sync: list[Seen]) -> None:
    app = platform.application()
    assert (app.sync, app.health) == ("Synced", "Healthy"), app.summary()
    rendered = {f"{item['kind']}/{item['metadata']['name']}" for item in platform.rendered()}
    assert set(platform.resources()) == rendered
    assert {seen.component for seen in first_sync} == set(platform.components)


@pytest.mark.refutes("one workload whose sync wave is moved before that of what it needs")
def test_every_object_came_after_what_it_needs(platform: Platform, first_sync: list[Seen]) -> None:
    assert violations(first_sync, platform.graph) == []
    # the same events, but with one consumer created first of all: the proof must notice
    consumer = next(seen for seen in reversed(first_sync) if seen.kind == "Deployment" and (seen.wave or 0) > 0)
    too_early = [replace(seen, created=1) if seen is consumer else seen for seen in first_sync]
    assert any(consumer.key in sentence for sentence in violations(too_early, platform.graph))


@pytest.mark.refutes("a template that renders differently each time, or a default that the API server adds")
def test_a_second_sync_changes_nothing(running: Platform) -> None:
    before = running.resource_versions()
    running.sync_again()
    assert running.resource_versions() == before
    # an object that is touched does move: what is compared can differ
    running.cluster.patch(
        "ConfigMap", "mariadb-config", {"metadata": {"labels": {"touched": "yes"}}}, running.namespace
    )
    assert running.resource_versions() != before


@pytest.mark.refutes("a parent Application that creates the umbrella before its namespace is labelled")
def test_the_namespace_came_first_with_its_labels_and_quota(platform: Platform, first_sync: list[Seen]) -> None:
    namespace = platform.cluster.get("Namespace", platform.namespace)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == platform.environment.podSecurity
    quota = platform.cluster.get("ResourceQuota", "environment", platform.namespace)
    assert quota["spec"]["hard"] == platform.environment.quota
    application = platform.cluster.get("Application", platform.name, "argocd")
    moments = [item["metadata"]["creationTimestamp"] for item in (namespace, quota, application)]
    assert moments == sorted(moments)
    assert moments[-1] <= min(item["metadata"]["creationTimestamp"] for item in platform.resources().values())


@pytest.mark.refutes("a key of a Secret that a pod reads, and no contract declares")
def test_every_key_of_a_secret_that_a_pod_reads_is_there(platform: Platform, first_sync: list[Seen]) -> None:
    """kwok starts a pod whose Secret is missing; a kubelet does not."""
    assert first_sync
    there = {
        (item["metadata"]["name"], key)
        for item in platform.cluster.list("Secret", platform.namespace)
        for key in item.get("data") or {}
    }
    read = set()
    for item in platform.rendered():
        for pod in pods_of(item):
            for container in pod.containers:
                for entry in container.data.get("env") or ():
                    source = (entry.get("valueFrom") or {}).get("secretKeyRef")
                    if source and not source.get("optional"):
                        read.add((source["name"], source["key"]))
            for volume in pod.spec.get("volumes") or ():
                for secret in [volume["secret"]] if "secret" in volume else []:
                    if not secret.get("optional"):
                        read |= {(secret["secretName"], key["key"]) for key in secret.get("items") or ()}
    assert read
    assert read - there == set()

"""Does it work as it was rendered: Services lead to pods, Secrets have their keys, nothing restarts again and again."""

from __future__ import annotations

from pathlib import Path

import pykube
import pytest

from harness.cluster import Cluster
from harness.model.environment import read_values, secret_names
from harness.model.load import load_contracts
from harness.model.placement import place
from harness.paths import repository
from harness.render import Rendered
from harness.render.objects import Object
from harness.secrets.plan import State, plan, wanted
from harness.secrets.store import ClusterStore
from tests.cluster.conftest import found, of_kind

pytestmark = [pytest.mark.cluster, pytest.mark.functional]
RESTARTS = 5


class EndpointSlice(pykube.objects.NamespacedAPIObject):  # type: ignore[misc]
    """The addresses behind a Service; pykube does not know the kind."""

    version = "discovery.k8s.io/v1"
    endpoint = "endpointslices"
    kind = "EndpointSlice"


class NetworkPolicy(pykube.objects.NamespacedAPIObject):  # type: ignore[misc]
    """Who may connect to whom; pykube knows an older version only."""

    version = "networking.k8s.io/v1"
    endpoint = "networkpolicies"
    kind = "NetworkPolicy"


@pytest.mark.refutes("a Service whose selector fits no pod, or that was deleted")
def test_every_service_leads_to_a_pod_that_is_ready(
    client: pykube.HTTPClient, objects: list[Object], namespace: str
) -> None:
    services = [name for name, item in of_kind(objects, "Service").items() if item["spec"].get("selector")]
    assert services
    ready = {
        item["metadata"]["labels"]["kubernetes.io/service-name"]
        for item in found(client, EndpointSlice, namespace).values()
        if any(one.get("conditions", {}).get("ready") for one in item.get("endpoints") or [])
    }
    assert [name for name in services if name not in ready] == []


@pytest.mark.refutes("a key of a Secret that a pod needs and nobody made")
def test_every_secret_has_its_keys(kube_config: str, rendered: Rendered, namespace: str) -> None:
    values = read_values(repository(), rendered.environment)
    placed = place(load_contracts(repository() / "charts"), values)
    items = wanted(placed.graph, placed.modes, secret_names(values), placed.provisioned)
    planned = plan(items, ClusterStore(Cluster(Path(kube_config)), namespace))
    missing = {item.wanted.name: [*item.of(State.MAKE), *item.of(State.PERSON)] for item in planned}
    assert {name: keys for name, keys in missing.items() if keys} == {}


@pytest.mark.refutes("a NetworkPolicy that was edited or deleted by hand")
def test_the_network_policies_are_the_rendered_ones(
    client: pykube.HTTPClient, objects: list[Object], namespace: str
) -> None:
    there = found(client, NetworkPolicy, namespace)
    policies = of_kind(objects, "NetworkPolicy")
    assert policies
    different = [
        name for name, item in policies.items() if _rules(item["spec"]) != _rules(there.get(name, {}).get("spec") or {})
    ]
    assert different == []


def _rules(spec: Object) -> Object:
    """Return a specification without what the API server writes where nothing was said."""
    return {key: value for key, value in spec.items() if value}


@pytest.mark.refutes("a container in a crash loop, or one that cannot get its image")
def test_no_container_waits_or_restarts_again_and_again(client: pykube.HTTPClient, namespace: str) -> None:
    wrong = []
    for name, pod in found(client, pykube.Pod, namespace).items():
        for status in pod.get("status", {}).get("containerStatuses") or []:
            waiting = (status.get("state", {}).get("waiting") or {}).get("reason", "")
            if waiting or status.get("restartCount", 0) > RESTARTS:
                wrong.append(f"{name}/{status['name']}: {waiting or status['restartCount']}")
    assert wrong == []


@pytest.mark.refutes("a Job of the platform that failed, which Argo CD forgets with the next sync")
def test_no_job_has_failed(client: pykube.HTTPClient, namespace: str) -> None:
    failed = [
        name
        for name, job in found(client, pykube.Job, namespace).items()
        if any(one["type"] == "Failed" and one["status"] == "True" for one in job["status"].get("conditions") or [])
    ]
    assert failed == []

"""Is it there at all: the namespace as it was rendered, and every workload with all its pods."""

from __future__ import annotations

import pykube
import pytest
from pytest_helm_charts.k8s.deployment import wait_for_deployments_to_run
from pytest_helm_charts.k8s.stateful_set import wait_for_stateful_sets_to_run

from harness.render import Rendered
from harness.render.objects import Object
from tests.cluster.conftest import of_kind

pytestmark = [pytest.mark.cluster, pytest.mark.smoke]
SECONDS = 60


@pytest.mark.refutes("a namespace made by hand, without the labels that restrict its pods")
def test_the_namespace_has_its_labels(client: pykube.HTTPClient, rendered: Rendered, namespace: str) -> None:
    wanted = of_kind(rendered.delivery, "Namespace")[namespace]["metadata"]["labels"]
    labels = pykube.Namespace.objects(client).get_by_name(namespace).labels
    assert wanted.items() <= labels.items()


@pytest.mark.refutes("a Deployment that is missing, or one of whose pods is not available")
def test_deployments_run(client: pykube.HTTPClient, objects: list[Object], namespace: str) -> None:
    names = list(of_kind(objects, "Deployment"))
    assert names
    wait_for_deployments_to_run(client, names, namespace, SECONDS, missing_ok=False)


@pytest.mark.refutes("a StatefulSet that is missing, or one of whose pods is not ready")
def test_stateful_sets_run(client: pykube.HTTPClient, objects: list[Object], namespace: str) -> None:
    names = list(of_kind(objects, "StatefulSet"))
    assert names
    wait_for_stateful_sets_to_run(client, names, namespace, SECONDS, missing_ok=False)

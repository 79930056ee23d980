"""Tests of a platform that runs somewhere: they read, and change nothing.

They follow the conventions of pytest-helm-charts and app-test-suite: the markers `smoke` and `functional`, the options
`--kubeconfig` (KUBECONFIG) and `--test_extra_info environment=prod` (ATS_EXTRA_ENVIRONMENT=prod). What has to be there
is what this checkout renders for the environment.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import pykube
import pytest
from pytest_helm_charts.clusters import Cluster

from harness.render import Rendered, render_environment
from harness.render.objects import Object


@pytest.fixture(scope="session", autouse=True)
def own_temporary_files() -> Iterator[None]:
    """pykube writes the certificates and keys of a kubeconfig to files that all can read, and leaves them there."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="indigo-smoke-") as folder:
        tempfile.tempdir = folder
        yield
        tempfile.tempdir = before


@pytest.fixture(scope="module")
def rendered(test_extra_info: Mapping[str, str]) -> Rendered:
    """What the environment's Applications make; `dev` where no other is named."""
    return render_environment(test_extra_info.get("environment", "dev"))


@pytest.fixture(scope="module")
def namespace(rendered: Rendered) -> str:
    """The platform's namespace."""
    return rendered.environment.namespace


@pytest.fixture(scope="module")
def objects(rendered: Rendered) -> list[Object]:
    """The objects of its Applications."""
    return rendered.objects()


@pytest.fixture(scope="module")
def client(kube_cluster: Cluster) -> pykube.HTTPClient:
    """The cluster, as pytest-helm-charts reaches it."""
    return kube_cluster.kube_client


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    """Return the objects of a kind by name."""
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


def found(client: pykube.HTTPClient, kind: type[pykube.objects.NamespacedAPIObject], namespace: str) -> dict[str, Any]:
    """Return what the cluster has of a kind, by name, as plain data."""
    return {item.name: item.obj for item in kind.objects(client, namespace=namespace)}

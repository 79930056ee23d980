"""A namespace of the shared engine for each test of this folder."""

from __future__ import annotations

import pytest

from harness.cluster import Cluster
from tests.gitops.engine.support import eventually


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """Make a namespace for one test."""
    name = f"t-{abs(hash(request.node.name)) % 10**8}"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    eventually(lambda: cluster.find("ServiceAccount", "default", name), "the ServiceAccount controller works")
    return name

"""Creating objects on an API server that has just begun to answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import urllib3

from harness.cluster import ApiError, Cluster, Conflict, Object, Query
from harness.engines.crds import Family, definitions

PATIENCE = 20.0
RECONNECT = 2.0
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"  # every kind in one answer


def ensure(cluster: Cluster, manifest: Object) -> None:
    """Create an object; where it exists, apply it."""
    try:
        patiently(lambda: cluster.create(manifest))
    except Conflict:
        cluster.apply(manifest)


def ensure_definition(cluster: Cluster, name: str, body: bytes) -> None:
    """Create a CustomResourceDefinition from its JSON; where it exists, apply it."""
    try:
        patiently(lambda: cluster.request("POST", DEFINITIONS, body=body))
    except Conflict:
        query: Query = {"fieldManager": "indigo", "force": True}
        path = f"{DEFINITIONS}/{name}"
        cluster.request("PATCH", path, query=query, body=body, content_type="application/apply-patch+yaml")


def install_families(
    cluster: Cluster,
    families: Iterable[Family],
    pool: ThreadPoolExecutor,
    wait: Callable[[Callable[[], bool], str, float], None],
    seconds: float,
) -> None:
    """Create the definitions of families of kinds and return when the API server serves them.

    Args:
        cluster: answers already.
        families: see harness/engines/crds.
        pool: creates the definitions side by side.
        wait: asks until the answer is yes (`Supervisor.wait`).
        seconds: how long it may take.
    """
    wanted = {name: body for family in families for name, body in definitions(family).items()}
    for future in [pool.submit(ensure_definition, cluster, name, body) for name, body in wanted.items()]:
        future.result()
    specs = [json.loads(body)["spec"] for body in wanted.values()]
    kinds = {
        (spec["group"], one["name"], spec["names"]["kind"])
        for spec in specs
        for one in spec["versions"]
        if one["served"]
    }
    paths = {f"apis/{group}/{version}" for group, version, _ in kinds}

    def served() -> bool:
        # kwok gives up where discovery does not list the kind of a stage; a version is there before all of its kinds
        groups = cluster.request("GET", "/apis", accept=DISCOVERY)["items"]
        listed = {
            (group["metadata"]["name"], version["version"], resource["responseKind"]["kind"])
            for group in groups
            for version in group["versions"]
            for resource in version.get("resources", ())
        }
        if not kinds <= listed:
            return False
        answer = cluster.request("GET", "/openapi/v3")  # JSON, sent as text/plain
        return paths <= set((json.loads(answer) if isinstance(answer, str) else answer)["paths"])

    wait(served, "these kinds are not served", seconds)


def patiently(call: Callable[[], Any]) -> Any:
    """Return what a request returns; while the server says that it is not ready yet, ask again for 20 s.

    A server that cannot be reached any more is asked for 2 s: it answered before, so it has died.
    """
    begin = time.monotonic()
    while True:
        try:
            return call()
        except ApiError as error:
            early = error.status in (404, 429, 500, 503, 504) or "not yet ready" in error.message
            if not early or time.monotonic() - begin > PATIENCE:
                raise
        except urllib3.exceptions.HTTPError:
            if time.monotonic() - begin > RECONNECT:
                raise
        time.sleep(0.05)

"""What the tests of the engine share."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.cluster import Object

ROOT = Path(__file__).parents[3]


def eventually(reached: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """Return what `reached` returns as soon as that is true; fail after some seconds."""
    end = time.monotonic() + seconds
    while not (value := reached()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return value


def pod(name: str, namespace: str, **spec: Any) -> Object:
    annotations = spec.pop("annotations", {})
    containers = [{"name": "main", "image": spec.pop("image", "example/main:1")}]
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **spec}}

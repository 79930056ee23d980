"""Since when an API of Kubernetes is deprecated, when it is no longer served, and what takes its place.

`apis.json` is taken from Kubernetes' own declarations (`k8s:prerelease-lifecycle-gen`, in the modules that it names),
which the API server itself goes by, and which the deprecation guide is written from
(https://kubernetes.io/docs/reference/using-api/deprecation-guide/). A new version is taken in with

    python -m harness.checks.lifecycle <folder of k8s.io/api> <of apiextensions-apiserver> <of kube-aggregator>
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.checks.versions import ordered

TABLE = Path(__file__).resolve().parent / "apis.json"


@dataclass(frozen=True)
class Lifecycle:
    """The ends of one kind of one API version; versions as 1.25, empty where there is none."""

    deprecated: str
    removed: str
    instead: str  # Kind of group/version; empty: nothing takes its place

    def is_removed(self, version: str) -> bool:
        """Return whether a version of Kubernetes does not serve it any more."""
        return bool(self.removed) and ordered(version) >= ordered(self.removed)

    def is_deprecated(self, version: str) -> bool:
        """Return whether a version of Kubernetes warns of it; what is removed is deprecated too."""
        return bool(self.deprecated) and ordered(version) >= ordered(self.deprecated)


@functools.cache
def lifecycles() -> Mapping[tuple[str, str], Lifecycle]:
    """Return every API that ends, by apiVersion and kind."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))["apis"]
    return {
        (api, kind): Lifecycle(entry["deprecated"], entry["removed"], entry["instead"])
        for api, kinds in table.items()
        for kind, entry in kinds.items()
    }

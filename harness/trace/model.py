"""What is said of an object's origin, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.history import Commit


@dataclass(frozen=True)
class Source:
    """A file that the object is made of, and the last commit that touched it (None: none is known)."""

    path: str
    role: str
    commit: Commit | None
    changed: bool = False  # differs from the last commit

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "path": self.path,
            "role": self.role,
            "commit": self.commit.to_json() if self.commit else None,
            "uncommitted": self.changed,
        }


@dataclass(frozen=True)
class Decided:
    """A value of the site or its profile without which the object would be another one."""

    key: str
    value: Any
    path: str
    line: int
    commit: Commit | None
    required: bool = False  # without it nothing is rendered at all

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "key": self.key,
            "value": self.value,
            "path": self.path,
            "line": self.line,
            "commit": self.commit.to_json() if self.commit else None,
            "required": self.required,
        }


@dataclass(frozen=True)
class Synced:
    """How it came to the cluster.

    Attributes:
        revision: the commit that the Application was last synced to.
        at: when that sync ended (RFC 3339), or empty.
        by: who asked for it.
        since: when the commit that last changed the object first reached the cluster; empty where that is not known.
        state: what Argo CD says of the object: Synced or OutOfSync; empty where it does not list it.
        repository: what the Application follows.
    """

    revision: str
    at: str
    by: str
    since: str
    state: str
    repository: str

    def to_json(self) -> dict[str, str]:
        """Return it as plain data."""
        return dict(vars(self))


@dataclass(frozen=True)
class Origin:
    """Where an object comes from.

    Attributes:
        object: Kind/name that was asked for.
        namespace: of it; empty for what is in none.
        made_by: from the object that was asked for up to the one that is in Git (a Pod's ReplicaSet, its Deployment).
        environment: folder of argocd/environments; empty for what an operator applies once.
        application: of Argo CD; empty where nothing in Git makes it.
        component: that it belongs to; empty without one.
        chart: folder of the chart.
        revision: commit that was looked at; empty for the working tree.
        commit: the last commit that changed this object as it is rendered; None where that is not known.
        sources: the files it is made of.
        decided: the values of the environment that make it what it is.
        synced: how it came to the cluster; None where none was asked.
        notes: what else is to be known.
    """

    object: str
    namespace: str
    made_by: tuple[str, ...]
    environment: str
    application: str
    component: str
    chart: str
    revision: str
    commit: Commit | None
    sources: tuple[Source, ...]
    decided: tuple[Decided, ...]
    synced: Synced | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "object": self.object,
            "namespace": self.namespace,
            "madeBy": list(self.made_by),
            "environment": self.environment,
            "application": self.application,
            "component": self.component,
            "chart": self.chart,
            "revision": self.revision,
            "commit": self.commit.to_json() if self.commit else None,
            "synced": self.synced.to_json() if self.synced else None,
            "sources": [source.to_json() for source in self.sources],
            "decided": [decided.to_json() for decided in self.decided],
            "notes": list(self.notes),
        }

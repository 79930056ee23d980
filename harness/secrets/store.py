"""Where Secrets are kept: the little that is needed of a cluster, and the cluster as such."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3

from harness.cluster import ApiError, Cluster, Conflict, NotFound
from harness.errors import UserError
from harness.secrets.shapes import Hidden


class Changed(Exception):
    """Somebody else made, changed or removed the Secret in between: read it again."""


@dataclass(frozen=True)
class Stored:
    """A Secret as it is in the cluster; its values do not show."""

    keys: Mapping[str, Hidden]
    version: str
    locked: str | None = None  # why no key may be added: immutable, or another object writes it


class SecretStore(Protocol):
    """The Secrets of one namespace. Nothing but `replace` overwrites a key, and nothing but a rotation replaces."""

    def get(self, name: str) -> Stored | None:
        """Return a Secret, or None where there is none."""

    def create(
        self, name: str, data: Mapping[str, Hidden], labels: Mapping[str, str], annotations: Mapping[str, str]
    ) -> None:
        """Create a Secret; raises Changed where it exists by now."""

    def add(self, name: str, data: Mapping[str, Hidden], version: str) -> None:
        """Add keys to a Secret and leave the others alone; raises Changed where it is no longer of this version."""

    def replace(self, name: str, data: Mapping[str, Hidden], version: str) -> None:
        """Give keys of a Secret new values, all or none; raises Changed where it is no longer of this version."""


class ClusterStore:
    """The Secrets of a namespace of a cluster, through its API only: values are in no argument and in no file."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace

    def get(self, name: str) -> Stored | None:
        """Return a Secret, or None where there is none.

        Raises:
            UserError: the cluster cannot be reached, or refuses.
        """
        with self._asking("read", name):
            found = self._cluster.find("Secret", name, self._namespace, "v1")
        if found is None:
            return None
        metadata = found["metadata"]
        values = {key: Hidden(base64.b64decode(text)) for key, text in (found.get("data") or {}).items()}
        return Stored(values, metadata["resourceVersion"], _locked(found))

    def create(
        self, name: str, data: Mapping[str, Hidden], labels: Mapping[str, str], annotations: Mapping[str, str]
    ) -> None:
        """Create a Secret.

        Raises:
            Changed: it exists by now.
            UserError: the namespace is absent, the cluster cannot be reached, or refuses.
        """
        metadata = {
            "name": name,
            "namespace": self._namespace,
            "labels": dict(labels),
            "annotations": dict(annotations),
        }
        with self._asking("create", name):
            self._cluster.create(
                {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": _encoded(data)}
            )

    def add(self, name: str, data: Mapping[str, Hidden], version: str) -> None:
        """Add keys to a Secret of this version.

        Raises:
            Changed: it has another version by now, or is gone.
            UserError: the cluster cannot be reached, or refuses.
        """
        self._write(name, data, version)

    def replace(self, name: str, data: Mapping[str, Hidden], version: str) -> None:
        """Give keys of a Secret of this version new values; one request, so that all of them change or none.

        Raises:
            Changed: it has another version by now, or is gone.
            UserError: the cluster cannot be reached, or refuses.
        """
        self._write(name, data, version)

    def _write(self, name: str, data: Mapping[str, Hidden], version: str) -> None:
        # a merge patch with resourceVersion: the API server refuses it with 409 when the object changed meanwhile
        # (Kubernetes API concepts, "Patch" and "Resource versions"), so that no key of somebody else is replaced
        patch = {"metadata": {"resourceVersion": version}, "data": _encoded(data)}
        with self._asking("change", name, gone=True):
            self._cluster.patch("Secret", name, patch, self._namespace, api_version="v1")

    @contextmanager
    def _asking(self, verb: str, name: str, gone: bool = False) -> Iterator[None]:
        """Turn what the API server answers into errors that hold none of what was sent or received."""
        try:
            yield
        except Conflict:
            raise Changed(name) from None
        except NotFound:
            if gone:
                raise Changed(name) from None
            raise UserError(
                f"namespace {self._namespace} does not exist",
                fix=f"sync the environment's project first, or: kubectl create namespace {self._namespace}",
            ) from None
        except ApiError as refused:
            raise UserError(
                f"the cluster refused to {verb} Secret {name} in namespace {self._namespace}: "
                f"{refused.status} {refused.reason}".rstrip(),
                fix="renew the kubeconfig's credentials"
                if refused.status == 401
                else f"look at: kubectl auth can-i --list --namespace {self._namespace}",
            ) from None
        except urllib3.exceptions.HTTPError as failed:
            raise UserError(
                f"the cluster's API server cannot be reached ({type(failed).__name__})",
                where=str(self._cluster.kubeconfig),
                fix="start the cluster (indigo up), or name another kubeconfig with --kubeconfig",
            ) from None


def _encoded(data: Mapping[str, Hidden]) -> dict[str, str]:
    return {key: base64.b64encode(value.reveal()).decode() for key, value in sorted(data.items())}


def _locked(secret: Mapping[str, Any]) -> str | None:
    if secret.get("immutable"):
        return "is immutable: it has to be made anew by whoever made it"
    for owner in secret["metadata"].get("ownerReferences") or ():
        return f"is written by {owner.get('kind')} {owner.get('name')}: add the key there"
    return None

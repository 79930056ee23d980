"""The store sends the cluster what Kubernetes wants, and repeats nothing of what either side said."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
import urllib3

from harness.cluster import ApiError, Conflict, NotFound
from harness.errors import UserError
from harness.secrets.shapes import Hidden
from harness.secrets.store import Changed, ClusterStore

LEAK = "leaked-value"


class Recording:
    """A cluster that holds one Secret and keeps what it is sent."""

    kubeconfig = Path("kubeconfig")

    def __init__(self, **secret: Any) -> None:
        self.secret = {"metadata": {"name": "db", "resourceVersion": "7"}, **secret}
        self.sent: list[Any] = []

    def find(self, *arguments: Any) -> Any:
        self.sent.append(arguments)
        return self.secret

    def create(self, manifest: Any) -> None:
        self.sent.append(manifest)

    def patch(self, kind: str, name: str, patch: Any, namespace: str, api_version: str) -> None:
        self.sent.append((kind, name, patch, namespace, api_version))


def test_the_cluster_is_sent_what_kubernetes_wants() -> None:
    cluster: Any = Recording(data={"user": "Y2xpZW50"})
    store = ClusterStore(cluster, "indigo-dev")
    stored = store.get("db")
    assert stored is not None
    assert (stored.version, stored.locked) == ("7", None)
    assert stored.keys["user"].reveal() == b"client"
    store.create("db", {"user": Hidden(b"client")}, {"label": "x"}, {"note": "y"})
    store.add("db", {"user": Hidden(b"client")}, "7")
    assert cluster.sent[1:] == [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "db",
                "namespace": "indigo-dev",
                "labels": {"label": "x"},
                "annotations": {"note": "y"},
            },
            "type": "Opaque",
            "data": {"user": "Y2xpZW50"},
        },
        ("Secret", "db", {"metadata": {"resourceVersion": "7"}, "data": {"user": "Y2xpZW50"}}, "indigo-dev", "v1"),
    ]


def test_the_cluster_says_who_else_writes_a_secret() -> None:
    owner = {"name": "db", "resourceVersion": "7", "ownerReferences": [{"kind": "ExternalSecret", "name": "vault"}]}
    for cluster, reason in (
        (Recording(immutable=True), "is immutable: it has to be made anew by whoever made it"),
        (Recording(metadata=owner), "is written by ExternalSecret vault: add the key there"),
    ):
        anything: Any = cluster
        stored = ClusterStore(anything, "indigo-dev").get("db")
        assert stored is not None
        assert stored.locked == reason


class Refusing:
    """A cluster whose every answer is an error that repeats what was sent."""

    kubeconfig = Path("kubeconfig")

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def refuse(*arguments: Any, **named: Any) -> None:
            raise self.error

        return refuse


def refusing(kind: type[ApiError], status: int) -> ClusterStore:
    cluster: Any = Refusing(kind(status, {"reason": "Invalid", "message": LEAK}, "POST"))
    return ClusterStore(cluster, "indigo-dev")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ApiError(403, {"reason": "Forbidden", "message": LEAK}, "POST"),
         "the cluster refused to create Secret db in namespace indigo-dev: 403 Forbidden\n"
         "fix: look at: kubectl auth can-i --list --namespace indigo-dev"),
        (NotFound(404, {"message": LEAK}, "POST"),
         "namespace indigo-dev does not exist\n"
         "fix: sync the environment's project first, or: kubectl create namespace indigo-dev"),
        (urllib3.exceptions.NewConnectionError(None, LEAK),  # type: ignore[arg-type]
         "the cluster's API server cannot be reached (NewConnectionError)\n"
         "where: kubeconfig\n"
         "fix: start the cluster (indigo up), or name another kubeconfig with --kubeconfig"),
    ],
)  # fmt: skip
def test_what_the_cluster_answers_is_not_repeated(error: Exception, message: str) -> None:
    cluster: Any = Refusing(error)
    with pytest.raises(UserError) as caught:
        ClusterStore(cluster, "indigo-dev").create("db", {"password": Hidden(LEAK.encode())}, {}, {})
    assert str(caught.value) == message
    assert LEAK not in "".join(traceback.format_exception(caught.value))


def test_a_conflict_means_that_somebody_was_first() -> None:
    store = refusing(Conflict, 409)
    with pytest.raises(Changed):
        store.create("db", {}, {}, {})
    with pytest.raises(Changed):
        store.add("db", {}, "1")
    with pytest.raises(Changed):
        refusing(NotFound, 404).add("db", {}, "1")

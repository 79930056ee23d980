"""Up from an object of a cluster to what Argo CD tracks; what nobody tracks is said."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cluster import NotFound, Resource
from harness.errors import UserError
from harness.trace.live import trace_live
from harness.trace.rendered import Wanted

TRACKING = "argocd.argoproj.io/tracking-id"
GROUPS = {"Deployment": "apps", "StatefulSet": "apps", "ReplicaSet": "apps", "Application": "argoproj.io"}


def thing(kind: str, name: str, owner: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "ns", **more.pop("metadata", {})}
    if owner:
        group = GROUPS.get(owner["kind"], "")
        reference = {"kind": owner["kind"], "name": owner["metadata"]["name"], "controller": True}
        metadata["ownerReferences"] = [{"apiVersion": f"{group}/v1".lstrip("/"), **reference}]
    return {"kind": kind, "metadata": metadata, **more}


class Few:
    """A cluster of a few objects: what `trace_live` asks of one."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items = items

    def resource(self, kind: str, api_version: str | None = None) -> Resource:
        name = next((item["kind"] for item in self.items if item["kind"].lower() == kind.lower()), kind)
        return Resource(GROUPS.get(name, ""), "v1", name.lower() + "s", name, namespaced=True)

    def find(self, kind: str, name: str, namespace: str | None = None, api_version: str | None = None) -> Any:
        found = [item for item in self.items if (item["kind"], item["metadata"]["name"]) == (kind, name)]
        return found[0] if found else None

    def get(self, kind: str, name: str, namespace: str | None = None) -> Any:
        found = self.find(kind, name)
        if found is None:
            raise NotFound(404, {}, f"GET {kind}/{name}")
        return found

    def list(self, kind: str, namespace: str | None = None) -> Any:
        return [item for item in self.items if item["kind"] == kind]


def trace(wanted: str, *items: dict[str, Any]) -> Any:
    kind, _, name = wanted.partition("/")
    cluster: Any = Few(*items)
    return trace_live(Wanted(kind, name, "ns"), cluster, [])


def tracked(kind: str, name: str, application: str = "indigo-dev", **more: Any) -> dict[str, Any]:
    group = GROUPS.get(kind, "")
    return thing(kind, name, metadata={"annotations": {TRACKING: f"{application}:{group}/{kind}:ns/{name}"}}, **more)


APPLICATION = thing(
    "Application",
    "indigo-dev",
    spec={"source": {"repoURL": "https://git.example.org/x.git", "targetRevision": "main"}},
    status={
        "sync": {"revision": "b" * 40, "status": "Synced"},
        "history": [
            {"id": 0, "revision": "a" * 40, "deployedAt": "2026-01-01T00:00:00Z", "initiatedBy": {"automated": True}},
            {"id": 1, "revision": "b" * 40, "deployedAt": "2026-02-01T00:00:00Z", "initiatedBy": {"username": "ada"}},
        ],
        "resources": [{"kind": "Deployment", "name": "iam", "namespace": "ns", "status": "OutOfSync"}],
    },
)


def test_a_pod_is_traced_up_its_owners_to_the_application() -> None:
    deployment = tracked("Deployment", "iam")
    replica_set = thing("ReplicaSet", "iam-1", deployment)
    origin = trace("pod/iam-1-x", thing("Pod", "iam-1-x", replica_set), replica_set, deployment, APPLICATION)
    assert origin.object == "Pod/iam-1-x"
    assert origin.made_by == ("Pod/iam-1-x", "ReplicaSet/iam-1", "Deployment/iam")
    assert (origin.application, origin.revision) == ("indigo-dev", "b" * 40)
    assert origin.synced is not None
    assert (origin.synced.by, origin.synced.at, origin.synced.state) == ("ada", "2026-02-01T00:00:00Z", "OutOfSync")
    assert "is in no repository at hand; git fetch" in origin.notes[0]


def test_a_claim_of_a_stateful_set_is_found_by_its_name() -> None:
    claims = [{"metadata": {"name": "data"}}]
    server = tracked("StatefulSet", "mariadb", spec={"volumeClaimTemplates": claims})
    claim, other = thing("PersistentVolumeClaim", "data-mariadb-0"), thing("PersistentVolumeClaim", "data-mariadb-old")
    items = (claim, other, server, APPLICATION)
    assert trace("persistentvolumeclaim/data-mariadb-0", *items).made_by[-1] == "StatefulSet/mariadb"
    assert trace("persistentvolumeclaim/data-mariadb-old", *items).application == ""


def test_a_copied_annotation_is_not_believed() -> None:
    copied = thing("Service", "debug", metadata={"annotations": {TRACKING: "indigo-dev:/Service:ns/iam"}})
    origin = trace("service/debug", copied, APPLICATION)
    assert origin.application == ""
    assert origin.notes[0] == "no Application of Argo CD tracks it: it is not in Git"


def test_a_secret_names_the_contract_that_wanted_it() -> None:
    annotations = {"indigo-paas/owner": "iam", "indigo-paas/contract": "charts/iam/contract.yaml secrets.iam-db"}
    fields = [{"manager": "indigo", "operation": "Update", "time": "2026-01-01T00:00:00Z"}]
    secret = thing(
        "Secret", "iam-db", metadata={"annotations": annotations, "managedFields": fields}, data={"a": "aGk="}
    )
    origin = trace("secret/iam-db", secret)
    assert origin.component == "iam"
    assert "because of charts/iam/contract.yaml secrets.iam-db" in origin.notes[0]
    assert origin.notes[1] == "written by indigo (Update, 2026-01-01T00:00:00Z)"
    assert "aGk=" not in str(origin.to_json())


def test_an_application_that_is_gone_is_said() -> None:
    origin = trace("deployment/iam", tracked("Deployment", "iam", "indigo-old"))
    assert origin.application == "indigo-old"
    assert "is not in the namespace argocd" in origin.notes[0]


def test_an_object_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UserError, match="no deployment/iamm in ns") as refused:
        trace("deployment/iamm", tracked("Deployment", "iam"))
    assert refused.value.fix == "there are: iam"

"""Mistakes against the versions of Kubernetes that the charts are for."""

from __future__ import annotations

from tests.static.edit import Edit
from tests.static.mistakes import mistake


@mistake("kubernetes-schema", "unknown field evictionResponders (Kubernetes 1.34, 1.35, 1.36)")
def a_field_that_only_the_newest_version_has(edit: Edit) -> None:
    edit.pod("iam")["spec"]["evictionResponders"] = [{"name": "a", "priority": 1}]


@mistake("kubernetes-schema", "unknown field workloadRef (Kubernetes 1.34, 1.36, 1.37)")
def a_field_that_was_given_up(edit: Edit) -> None:
    edit.pod("iam")["spec"]["workloadRef"] = {"name": "a", "podGroup": "b"}


@mistake("kubernetes-removed", "Kubernetes 1.16 and later serve no Deployment of apps/v1beta2")
def an_api_that_is_not_served_any_more(edit: Edit) -> None:
    edit.workload("iam")["apiVersion"] = "apps/v1beta2"


@mistake("kubernetes-deprecated", "Endpoints of v1 is deprecated since Kubernetes 1.33")
def a_deprecated_api(edit: Edit) -> None:
    edit.allow("", "Endpoints")
    own = edit.get("ConfigMap", "iam-config")
    edit.objects.append({"apiVersion": "v1", "kind": "Endpoints", "metadata": {**own["metadata"], "name": "iam"}})


@mistake("kubernetes-deprecated", "serviceAccount is deprecated; use serviceAccountName")
def a_deprecated_field(edit: Edit) -> None:
    spec = edit.pod("iam")["spec"]
    spec["serviceAccount"] = spec["serviceAccountName"]


@mistake("kubernetes-deprecated", "the node label failure-domain.beta.kubernetes.io/zone is deprecated")
def a_deprecated_label_of_nodes(edit: Edit) -> None:
    edit.pod("iam")["spec"]["nodeSelector"] = {"failure-domain.beta.kubernetes.io/zone": "a"}


@mistake("kubernetes-deprecated", "container.apparmor.security.beta.kubernetes.io/iam is deprecated")
def a_deprecated_annotation(edit: Edit) -> None:
    key = "container.apparmor.security.beta.kubernetes.io/iam"
    edit.pod("iam")["metadata"].setdefault("annotations", {})[key] = "runtime/default"

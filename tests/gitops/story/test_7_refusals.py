"""What may not be: a pod that breaks the profile of its namespace, and anything outside the environment's project."""

from __future__ import annotations

import pytest

from harness.argo.applications import Application
from harness.cluster import ApiError, Object
from harness.e2e.platform import Platform

pytestmark = pytest.mark.gitops


def pod(name: str, **security: object) -> Object:
    """Return a pod that is right for the restricted profile but for what is given."""
    context = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    } | security
    resources = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}}
    container = {"name": "main", "image": "busybox:1.36", "securityContext": context, "resources": resources}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}


BREAKS: dict[str, Object] = {
    "privileged": {"privileged": True, "allowPrivilegeEscalation": True},
    "NET_ADMIN": {"capabilities": {"add": ["NET_ADMIN"]}},
    "runAsUser=0": {"runAsNonRoot": False, "runAsUser": 0},
}


@pytest.mark.refutes("a namespace without the enforce label")
def test_a_pod_that_breaks_the_namespace_s_profile_is_refused(running: Platform) -> None:
    enforced = running.environment.podSecurity
    for said, security in BREAKS.items():
        manifest = pod("refused", **security)
        manifest["metadata"]["namespace"] = running.namespace
        if said == "runAsUser=0" and enforced == "baseline":
            running.cluster.create(manifest, dry_run=True)  # what baseline is there for
            continue
        with pytest.raises(ApiError, match=f'violates PodSecurity "{enforced}.*{said}'):
            running.cluster.create(manifest, dry_run=True)
    fine = pod("fine")
    fine["metadata"]["namespace"] = running.namespace
    running.cluster.create(fine, dry_run=True)


OUTSIDE = {
    "kind": ("a Secret", "resource :Secret is not permitted in project"),
    "namespace": ("another namespace", "do not match any of the allowed destinations in project"),
    "repository": ("another repository", "is not permitted in project"),
}


@pytest.mark.refutes("a project with a wildcard")
def test_the_project_refuses_what_is_outside_it(running: Platform) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: smuggled}\n"
    running.source.commit("a manifest that the project does not allow", {"refused/secret.yaml": secret})
    source = {"repoURL": running.source.url, "targetRevision": "main", "path": "refused"}
    here = {"server": running.environment.cluster, "namespace": running.namespace}
    wrong = {
        "kind": (source, here),
        "namespace": (source, {**here, "namespace": "kube-system"}),
        "repository": ({**source, "repoURL": f"{running.source.url}-other"}, here),
    }
    for what, (place, destination) in wrong.items():
        spec = {"project": running.name, "source": place, "destination": destination}
        running.apps.apply(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": f"refused-{what}"},
                "spec": {**spec, "syncPolicy": {"automated": {}}},
            }
        )
    try:
        for what, (title, text) in OUTSIDE.items():

            def said(app: Application, text: str = text) -> bool:
                return text in app.summary()

            running.apps.wait_for(f"refused-{what}", said, what=f"refused for {title}")
    finally:
        for what in wrong:
            running.apps.delete(f"refused-{what}", cascade=False)
    assert running.cluster.find("Secret", "smuggled", running.namespace) is None

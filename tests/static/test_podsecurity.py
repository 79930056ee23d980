"""The Pod Security Standards, field by field: what baseline and restricted refuse, and what they let pass."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.podsecurity import violations
from tests.static.edit import minimal_pod


def of_container(**security: Any) -> dict[str, Any]:
    """Return a pod's containers whose one has a changed security context."""
    base = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {"containers": [{"name": "main", "securityContext": {**base, **security}}]}


def of_pod(**security: Any) -> dict[str, Any]:
    """Return a changed security context of a pod."""
    return {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **security}}


BASELINE: list[tuple[str, dict[str, Any]]] = [
    ("hostNetwork", {"hostNetwork": True}),
    ("hostPID", {"hostPID": True}),
    ("hostIPC", {"hostIPC": True}),
    ("volumes[0].hostPath", {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}),
    ("privileged", of_container(privileged=True)),
    ("capabilities.add", of_container(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]})),
    ("procMount", of_container(procMount="Unmasked")),
    ("hostPort", {"containers": [{**of_container()["containers"][0], "ports": [{"hostPort": 80}]}]}),
    (
        "livenessProbe.httpGet.host",
        {"containers": [{**of_container()["containers"][0], "livenessProbe": {"httpGet": {"host": "x", "port": 1}}}]},
    ),
    (
        "lifecycle.preStop.httpGet.host",
        {"containers": [{**of_container()["containers"][0], "lifecycle": {"preStop": {"httpGet": {"host": "x"}}}}]},
    ),
    ("sysctls[0]", of_pod(sysctls=[{"name": "kernel.msgmax", "value": "1"}])),
    ("seccompProfile.type", of_container(seccompProfile={"type": "Unconfined"})),
    ("appArmorProfile.type", of_container(appArmorProfile={"type": "Unconfined"})),
    ("seLinuxOptions.type", of_pod(seLinuxOptions={"type": "spc_t"})),
    ("seLinuxOptions.user", of_container(seLinuxOptions={"user": "root"})),
    ("windowsOptions.hostProcess", of_container(windowsOptions={"hostProcess": True})),
]
RESTRICTED: list[tuple[str, dict[str, Any]]] = [
    ("allowPrivilegeEscalation", of_container(allowPrivilegeEscalation=True)),
    ("runAsNonRoot", of_pod(runAsNonRoot=False)),
    ("runAsNonRoot", of_container(runAsNonRoot=False)),
    ("runAsUser", of_pod(runAsUser=0)),
    ("runAsUser", of_container(runAsUser=0)),
    ("seccompProfile.type", {"securityContext": {"runAsNonRoot": True}}),
    ("capabilities.drop", of_container(capabilities={})),
    ("capabilities.add", of_container(capabilities={"drop": ["ALL"], "add": ["CHOWN"]})),
    ("volumes[0]", {"volumes": [{"name": "a", "nfs": {"server": "x", "path": "/"}}]}),
]
ALLOWED: list[dict[str, Any]] = [
    {},
    of_container(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
    of_container(runAsUser=1000, seccompProfile={"type": "Localhost"}),
    of_pod(sysctls=[{"name": "net.ipv4.tcp_syncookies", "value": "1"}], seLinuxOptions={"type": "container_t"}),
    {"volumes": [{"name": name, kind: {}} for name, kind in enumerate(["configMap", "emptyDir", "secret", "image"])]},
    {**of_pod(runAsUser=0, runAsNonRoot=False), "hostUsers": False},
]


def paths(spec: dict[str, Any], profile: str) -> list[str]:
    return [path for path, _ in violations(minimal_pod(**spec), profile)]


@pytest.mark.parametrize(("path", "spec"), BASELINE, ids=[path for path, _ in BASELINE])
def test_what_baseline_refuses(path: str, spec: dict[str, Any]) -> None:
    for profile in ("baseline", "restricted"):
        found = paths(spec, profile)
        assert len(found) == 1, found
        assert found[0].endswith(path), found


@pytest.mark.parametrize(("path", "spec"), RESTRICTED, ids=[f"{path}-{n}" for n, (path, _) in enumerate(RESTRICTED)])
def test_what_only_restricted_refuses(path: str, spec: dict[str, Any]) -> None:
    assert paths(spec, "baseline") == []
    found = paths(spec, "restricted")
    assert len(found) == 1, found
    assert found[0].endswith(path), found


@pytest.mark.parametrize("spec", ALLOWED, ids=str)
def test_what_restricted_lets_pass(spec: dict[str, Any]) -> None:
    assert paths(spec, "restricted") == []


def test_init_containers_are_looked_at_too() -> None:
    spec = {"initContainers": [{"name": "first", "image": "x"}]}
    assert all("initContainers[0]" in path for path in paths(spec, "restricted"))
    assert len(paths(spec, "restricted")) == 2


def test_a_switched_off_apparmor_annotation_is_refused() -> None:
    pod = minimal_pod()
    pod.owner["metadata"]["annotations"] = {"container.apparmor.security.beta.kubernetes.io/main": "unconfined"}
    assert [path for path, _ in violations(pod, "baseline")] == ["metadata.annotations"]

"""The Pod Security Standards, profiles baseline and restricted, as published for Kubernetes 1.37.

Fields and allowed values are those of the Kubernetes documentation, "Pod Security Standards". It is evaluated here
because a pod that a namespace refuses shows up late in a sync, as a ReplicaSet without pods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from harness.checks.pods import Container, Pod

Violation = tuple[str, str]  # path in the owner, message

_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
_SELINUX = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem", "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat",
}  # fmt: skip
_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_PROFILES = ("RuntimeDefault", "Localhost")


def violations(pod: Pod, profile: Literal["baseline", "restricted"] | str) -> Iterator[Violation]:
    """Yield what a pod does that a profile forbids: the place in its owner, and a sentence."""
    yield from _baseline_pod(pod)
    for container in pod.containers:
        yield from _baseline_container(container)
    if profile == "restricted":
        yield from _restricted_pod(pod)
        for container in pod.containers:
            yield from _restricted_container(container, pod)


def _context(pod: Pod) -> Mapping[str, Any]:
    return pod.spec.get("securityContext") or {}


def _baseline_pod(pod: Pod) -> Iterator[Violation]:
    spec, path = pod.spec, pod.path
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"{path}.{key}", "shares a namespace of the host"
    for index, volume in enumerate(spec.get("volumes") or ()):
        if "hostPath" in volume:
            yield f"{path}.volumes[{index}].hostPath", "mounts a path of the host"
    for index, sysctl in enumerate(_context(pod).get("sysctls") or ()):
        if sysctl.get("name") not in _SYSCTLS:
            yield f"{path}.securityContext.sysctls[{index}]", f"sets {sysctl.get('name')}, which is not a safe one"
    for key, value in (pod.metadata.get("annotations") or {}).items():
        if key.startswith(_APPARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/"):
            yield f"{path.removesuffix('spec')}metadata.annotations", f"switches AppArmor off ({key})"
    yield from _both(_context(pod), f"{path}.securityContext")


def _both(security: Mapping[str, Any], path: str) -> Iterator[Violation]:
    """What is forbidden in the security context of a pod and of a container alike."""
    if (security.get("windowsOptions") or {}).get("hostProcess"):
        yield f"{path}.windowsOptions.hostProcess", "is a process of the host"
    linux = security.get("seLinuxOptions") or {}
    if linux.get("type", "") not in _SELINUX:
        yield f"{path}.seLinuxOptions.type", f"is {linux['type']}"
    for key in ("user", "role"):
        if linux.get(key):
            yield f"{path}.seLinuxOptions.{key}", "is set"
    armor = (security.get("appArmorProfile") or {}).get("type")
    if armor not in (None, *_PROFILES):
        yield f"{path}.appArmorProfile.type", f"is {armor}"
    seccomp = (security.get("seccompProfile") or {}).get("type")
    if seccomp not in (None, *_PROFILES):
        yield f"{path}.seccompProfile.type", f"is {seccomp}"


def _baseline_container(container: Container) -> Iterator[Violation]:
    security, path = container.security, f"{container.path}.securityContext"
    if security.get("privileged"):
        yield f"{path}.privileged", "is true"
    added = set((security.get("capabilities") or {}).get("add") or ())
    if added - _CAPABILITIES:
        yield f"{path}.capabilities.add", f"adds {', '.join(sorted(added - _CAPABILITIES))}"
    if security.get("procMount") not in (None, "Default"):
        yield f"{path}.procMount", "uncovers /proc"
    for index, port in enumerate(container.data.get("ports") or ()):
        if port.get("hostPort"):
            yield f"{container.path}.ports[{index}].hostPort", "is a port of the host"
    handlers = {key: container.data.get(key) for key in ("startupProbe", "readinessProbe", "livenessProbe")}
    handlers |= {f"lifecycle.{key}": value for key, value in (container.data.get("lifecycle") or {}).items()}
    for key, handler in handlers.items():
        for ask in ("httpGet", "tcpSocket"):
            if ((handler or {}).get(ask) or {}).get("host"):
                yield f"{container.path}.{key}.{ask}.host", "asks another host"
    yield from _both(security, path)


def _restricted_pod(pod: Pod) -> Iterator[Violation]:
    for index, volume in enumerate(pod.spec.get("volumes") or ()):
        kinds = set(volume) - {"name"}
        if not kinds <= _VOLUMES and "hostPath" not in kinds:
            yield f"{pod.path}.volumes[{index}]", f"is a volume of type {', '.join(sorted(kinds - _VOLUMES))}"
    if _context(pod).get("runAsUser") == 0 and pod.spec.get("hostUsers") is not False:
        yield f"{pod.path}.securityContext.runAsUser", "is root"


def _restricted_container(container: Container, pod: Pod) -> Iterator[Violation]:
    security, path = container.security, f"{container.path}.securityContext"
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{path}.allowPrivilegeEscalation", "is not false"
    own_users = pod.spec.get("hostUsers") is False
    if not own_users and security.get("runAsNonRoot", _context(pod).get("runAsNonRoot")) is not True:
        yield f"{path}.runAsNonRoot", "is not true, nor is the pod's"
    if not own_users and security.get("runAsUser") == 0:
        yield f"{path}.runAsUser", "is root"
    if not (security.get("seccompProfile") or _context(pod).get("seccompProfile")):
        yield f"{path}.seccompProfile.type", "is not set, nor is the pod's"
    capabilities = security.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or ()):
        yield f"{path}.capabilities.drop", "does not hold ALL"
    extra = set(capabilities.get("add") or ()) & _CAPABILITIES - {"NET_BIND_SERVICE"}
    if extra:
        yield f"{path}.capabilities.add", f"adds {', '.join(sorted(extra))}"

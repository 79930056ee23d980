"""Pods run as the contract's user, and under the PodSecurity profile that it and the namespace name."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.podsecurity import violations

_ENFORCE = "pod-security.kubernetes.io/enforce"


def _check(platform: Platform) -> Iterator[Problem]:
    enforced = _enforced(platform)
    if enforced not in ("baseline", "restricted"):
        yield Problem(
            None, f"Namespace/{platform.namespace}", f"enforces {enforced or 'no profile'}, which stops nothing"
        )
    needing = [name for name in platform.embedded if platform.contracts[name].security.profile == "baseline"]
    if enforced == "baseline" and not needing:
        yield Problem(
            None,
            f"Namespace/{platform.namespace}",
            "enforces baseline, and no component that runs here needs more than restricted",
            "write podSecurity: restricted in the environment's config.yaml",
        )
    for contract, pod in platform.component_pods:
        security = pod.spec.get("securityContext") or {}
        for key, value in (
            ("runAsUser", contract.image.uid),
            ("runAsGroup", contract.image.gid),
            ("fsGroup", contract.image.gid),
        ):
            if security.get(key) != value:
                yield Problem(
                    pod.owner, f"{pod.path}.securityContext.{key}", f"is {security.get(key)}, the contract says {value}"
                )
        main = pod.main
        for key in ("runAsUser", "runAsGroup"):
            if main is not None and main.security.get(key, security.get(key)) != security.get(key):
                yield Problem(
                    pod.owner, f"{main.path}.securityContext.{key}", f"{main.security[key]} overrides the pod's user"
                )
    for pod in platform.pods:
        contracted = platform.contracts.get(pod.component)
        profile = contracted.security.profile if contracted else "restricted"
        strictest = "restricted" if "restricted" in (profile, enforced) else "baseline"
        for path, message in violations(pod, strictest):
            yield Problem(
                pod.owner,
                path,
                f"{message} (profile {strictest})",
                None
                if profile == strictest
                else f"the contract asks for {profile}: write podSecurity: {profile} in the environment's config.yaml",
            )


def _enforced(platform: Platform) -> str:
    for item in platform.delivery:
        if item["kind"] == "Namespace" and item["metadata"]["name"] == platform.namespace:
            return str((item["metadata"].get("labels") or {}).get(_ENFORCE, ""))
    return ""


RULE = Rule(
    id="contract-user",
    title="Pods run as the contract's user and meet the PodSecurity profile of contract and namespace",
    fix="let common.pod write the security context from image.uid, image.gid and security of the contract",
    source="Kubernetes documentation, Pod Security Standards; charts/<component>/contract.yaml, image and security",
    why="A pod that breaks the PodSecurity profile of its namespace is refused by the API server when it is made,"
    " minutes after the sync was accepted; another user than the image's cannot read its own files.",
    example=Example(
        given="securityContext.runAsUser: 1000, where the contract of mariadb says 999",
        says="is 1000, the contract says 999",
    ),
    environment=_check,
)

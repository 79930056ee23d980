"""Rights in the cluster: none that are not spelt out, none on Secrets at large, none beyond the namespace."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule
from harness.render.objects import Object

_WIDE = ("ClusterRole", "ClusterRoleBinding")
_POWERS = {"escalate", "bind", "impersonate"}  # each is all rights there are, by a detour
_READS = {"get", "list", "watch", "*"}


def _check(platform: Platform) -> Iterator[Problem]:
    for item in platform.of_kind(*_WIDE):
        message = "holds in the whole cluster, and a platform is one namespace"
        yield Problem(item, "kind", message, "write a Role and a RoleBinding")
    for item in platform.of_kind("Role", "ClusterRole"):
        for index, rule in enumerate(item.get("rules") or ()):
            yield from _rule(item, f"rules[{index}]", rule)
    accounts = {item["metadata"]["name"] for item in platform.of_kind("ServiceAccount")}
    roles = {item["metadata"]["name"] for item in platform.of_kind("Role")}
    for item in platform.of_kind("RoleBinding", "ClusterRoleBinding"):
        yield from _binding(platform, item, accounts, roles)


def _rule(item: Object, path: str, rule: dict[str, list[str]]) -> Iterator[Problem]:
    for key in ("apiGroups", "resources", "verbs"):
        if "*" in (rule.get(key) or ()):
            yield Problem(item, f"{path}.{key}", "is a wildcard: it gives what nobody listed, and what comes later")
    verbs, resources = set(rule.get("verbs") or ()), set(rule.get("resources") or ())
    if verbs & _POWERS:
        yield Problem(
            item, f"{path}.verbs", f"holds {', '.join(sorted(verbs & _POWERS))}, which is every right there is"
        )
    if {"secrets", "*"} & resources and verbs & _READS and not rule.get("resourceNames"):
        yield Problem(item, f"{path}.resources", "reads every Secret of the namespace: name those that are needed")
    if "pods/exec" in resources:
        yield Problem(item, f"{path}.resources", "holds pods/exec, which is a shell in every pod and its Secrets")


def _binding(platform: Platform, item: Object, accounts: set[str], roles: set[str]) -> Iterator[Problem]:
    role = item.get("roleRef") or {}
    if role.get("kind") == "ClusterRole":
        message = f"gives the ClusterRole {role.get('name')}, which is not written here and may grow"
        yield Problem(item, "roleRef", message)
    elif role.get("name") not in roles:
        yield Problem(item, "roleRef", f"no Role {role.get('name')}")
    for index, subject in enumerate(item.get("subjects") or ()):
        path = f"subjects[{index}]"
        own = subject.get("namespace", platform.namespace) == platform.namespace
        if subject.get("kind") != "ServiceAccount" or not own or subject.get("name") == "default":
            name = f"{subject.get('kind')} {subject.get('name')}"
            yield Problem(item, path, f"gives rights to {name}, which is no account of a component")
        elif subject.get("name") not in accounts:
            yield Problem(item, path, f"no ServiceAccount {subject.get('name')}")


RULE = Rule(
    id="rbac-minimal",
    title="Roles spell out what they give, read no Secrets at large, and stay in the namespace",
    fix="list groups, resources, verbs and names; most components need no rights at all",
    source="Kubernetes documentation, RBAC good practices; wiz-sec/charts#93, nginx/kubernetes-ingress#4021",
    why="Who takes over a pod has its rights. A wildcard also holds kinds that come later, and reading "
    "Secrets at large is reading every password of the platform.",
    example=Example(
        given="a Role with verbs: ['*']",
        says="is a wildcard",
    ),
    environment=_check,
)

"""What the tests of the federation components share: values that render them, and the template of a run."""

from __future__ import annotations

from typing import Any

import pytest

from tests import support

URLS = {
    **support.URLS,
    "federation-registry": "https://registry.example.org",
    "federation-manager": "https://manager.example.org",
    "federation-manager-dashboard": "https://federation.example.org",
}
ISSUER = "https://iam.example.org/"


def render(component: str, **values: Any) -> list[support.Object]:
    """Render a component with public URLs; `components` is short for `global.components`."""
    platform = {"urls": URLS, **values.pop("global", {})}
    if "components" in values:
        platform["components"] = values.pop("components")
    return support.render_chart(component, {"global": platform, **values})


def refusal(component: str, **values: Any) -> str:
    """Return the message with which the values are refused."""
    with pytest.raises(support.Refused) as refused:
        render(component, **values)
    return str(refused.value)


def run_pod(objects: list[support.Object], component: str) -> dict[str, Any]:
    """Return the pod's spec of a CronJob's runs."""
    template = support.find(objects, "CronJob", component)["spec"]["jobTemplate"]["spec"]["template"]
    spec: dict[str, Any] = template["spec"]
    return spec


def env_of(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the environment of a pod's first container: name -> text, or the valueFrom object."""
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in spec["containers"][0]["env"]}


def secret(name: str, key: str) -> dict[str, Any]:
    """Return the source of a variable that comes from a Secret."""
    return {"secretKeyRef": {"name": name, "key": key}}


def mounts(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the volumes of a pod's first container by the path they are mounted at."""
    volumes = {item["name"]: item for item in spec["volumes"]}
    return {item["mountPath"]: volumes[item["name"]] for item in spec["containers"][0]["volumeMounts"]}


def sources(objects: list[support.Object], component: str) -> set[str]:
    """Return who may reach a component: names of components, and "gateway"."""
    found = set()
    for rule in support.find(objects, "NetworkPolicy", component)["spec"]["ingress"] or ():
        for peer in rule["from"]:
            labels = peer.get("podSelector", {}).get("matchLabels", {})
            found.add(labels.get("app.kubernetes.io/name", "gateway"))
    return found

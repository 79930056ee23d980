"""What tests share: rendering with the project's own Helm, and finding objects in what came out."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from harness import toolchain
from harness.paths import repository
from harness.process import ProcessError, run
from harness.render import cache as renders

Object = dict[str, Any]

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

URLS = {
    "iam": "https://iam.example.org",
    "orchestrator": "https://orchestrator.example.org",
    "dashboard": "https://dashboard.example.org",
}


class Refused(Exception):
    """Helm refused to render; the text is what a user would read."""


def render_chart(component: str, values: dict[str, Any] | None = None) -> list[Object]:
    """Render one chart by itself, with public URLs of the platform filled in.

    Args:
        component: a folder below charts/.
        values: the site's values; `global.urls` has defaults.

    Raises:
        Refused: when Helm refuses, with its message.
    """
    return list(_render(component, json.dumps(values or {}, sort_keys=True)))


@cache
def _render(component: str, values: str) -> tuple[Object, ...]:
    wanted: dict[str, Any] = json.loads(values)
    merged = {"global": {"urls": URLS, "environment": "test"}} | wanted
    if "global" in wanted:
        merged["global"] = {"urls": URLS, "environment": "test"} | wanted["global"]
    answer = _helm(repository() / "charts" / component, json.dumps(merged))
    if "refused" in answer:
        raise Refused(answer["refused"])
    return tuple(document for document in yaml.load_all(answer["rendered"], Loader=Loader) if document)


def _helm(chart: Path, values: str) -> dict[str, str]:
    """Return what Helm says, from the cache of renders where the same bytes were given to the same Helm before."""
    helm = toolchain.tool("helm")
    key = renders.Key()
    key.add("helm", str(helm.stat().st_mtime_ns))
    key.add("values", values)
    key.add_tree(chart)
    known: dict[str, str] | None = renders.load(key.text())
    if known is None:
        try:
            done = run(helm, "template", "test", chart, "--namespace", "indigo-test", "-f", "-", stdin=values)
            known = {"rendered": done.stdout}
        except ProcessError as error:
            known = {"refused": error.stderr}
        renders.store(key.text(), known)
    return known


def find(objects: list[Object], kind: str, name: str) -> Object:
    """Return the one object of this kind and name; fails with what there is instead."""
    found = [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]
    names = sorted(f"{item['kind']}/{item['metadata']['name']}" for item in objects)
    assert len(found) == 1, f"{kind}/{name}: {len(found)} found among {names}"
    return found[0]


def pod(objects: list[Object], component: str) -> Object:
    """Return the pod template of a component's Deployment or StatefulSet."""
    workloads = [
        item
        for item in objects
        if item["kind"] in ("Deployment", "StatefulSet") and item["metadata"]["name"] == component
    ]
    assert len(workloads) == 1, f"{component}: {len(workloads)} workloads"
    template: Object = workloads[0]["spec"]["template"]
    return template


def container(objects: list[Object], component: str) -> Object:
    """Return the main container of a component."""
    first: Object = pod(objects, component)["spec"]["containers"][0]
    return first


def environment(objects: list[Object], component: str) -> dict[str, Any]:
    """Return the environment of a component's main container: name -> text, or the valueFrom object."""
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container(objects, component)["env"]}


def config(objects: list[Object], component: str) -> dict[str, str]:
    """Return the data of a component's ConfigMap: path with dots -> text."""
    data: dict[str, str] = find(objects, "ConfigMap", f"{component}-config")["data"]
    return data


def charts() -> Path:
    """Return the folder of charts."""
    return repository() / "charts"

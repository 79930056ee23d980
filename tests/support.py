"""What tests share: rendering with the project's own Helm, and finding objects in what came out."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import toolchain
from harness.model.contract import Contract
from harness.model.load import load_contract, load_contracts
from harness.paths import repository
from harness.process import ProcessError, run
from harness.render import cache as renders
from harness.render import helm_template

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


def parse(text: str) -> Any:
    """Return the one YAML document in a text, ten times as fast as `yaml.safe_load`."""
    return yaml.load(text, Loader=Loader)


SITE_CA: dict[str, Any] = {"global": {"trustedCa": {"configMap": "site-ca"}}}  # a site with an authority of its own


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


@cache
def _program() -> Path:
    return toolchain.tool("helm")


def _helm(chart: Path, values: str) -> dict[str, str]:
    """Return what Helm says, from the cache of renders where the same bytes were given to the same Helm before."""
    helm = _program()
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


# what a site must say before every component can be switched on
SITE: dict[str, Any] = {
    "federation-manager-dashboard": {"image": {"digest": f"sha256:{64 * '0'}"}},
    "rucio-connector": {
        "rucio": {
            "account": "paas",
            "authUrl": "https://rucio-auth.example.org",
            "url": "https://rucio.example.org",
        }
    },
}


def everything(**platform: Any) -> dict[str, Any]:
    """Return values of the umbrella with every component switched on; `platform` is put over `global`."""
    contracts = load_contracts(charts())
    modes = {name: {"mode": "embedded"} for name in contracts}
    urls = {name: f"https://{name}.example.org" for name, item in contracts.items() if item.exposed}
    return SITE | {"global": {"environment": "test", "components": modes, "urls": urls, **platform}}


def find(objects: list[Object], kind: str, name: str) -> Object:
    """Return the one object of this kind and name; fails with what there is instead."""
    found = [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]
    names = sorted(f"{item['kind']}/{item['metadata']['name']}" for item in objects)
    assert len(found) == 1, f"{kind}/{name}: {len(found)} found among {names}"
    return found[0]


def pod(objects: list[Object], component: str) -> Object:
    """Return the pod template of a component's Deployment, StatefulSet or CronJob."""
    workloads = [
        item
        for item in objects
        if item["kind"] in ("Deployment", "StatefulSet", "CronJob") and item["metadata"]["name"] == component
    ]
    assert len(workloads) == 1, f"{component}: {len(workloads)} workloads"
    spec = workloads[0]["spec"]
    template: Object = (spec["jobTemplate"]["spec"] if workloads[0]["kind"] == "CronJob" else spec)["template"]
    return template


def container(objects: list[Object], component: str) -> Object:
    """Return the main container of a component."""
    first: Object = pod(objects, component)["spec"]["containers"][0]
    return first


def environment(objects: list[Object], component: str) -> dict[str, Any]:
    """Return the environment of a component's main container: name -> text, or the valueFrom object."""
    return env_of(pod(objects, component)["spec"])


def env_of(spec: Object) -> dict[str, Any]:
    """Return the environment of a pod's first container: name -> text, or the valueFrom object."""
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in spec["containers"][0]["env"]}


def mounts(spec: Object) -> dict[str, Object]:
    """Return the volumes of a pod's first container by the path they are mounted at."""
    volumes = {item["name"]: item for item in spec["volumes"]}
    return {item["mountPath"]: volumes[item["name"]] for item in spec["containers"][0]["volumeMounts"]}


def secret(name: str, key: str) -> Object:
    """Return the source of a variable that comes from a Secret."""
    return {"secretKeyRef": {"name": name, "key": key}}


def sources(objects: list[Object], component: str) -> set[str]:
    """Return who may reach a component: names of components, and "gateway"."""
    found = set()
    for rule in find(objects, "NetworkPolicy", component)["spec"].get("ingress") or ():
        for peer in rule["from"]:
            labels = peer.get("podSelector", {}).get("matchLabels", {})
            found.add(labels.get("app.kubernetes.io/name", "gateway"))
    return found


def config(objects: list[Object], component: str) -> dict[str, str]:
    """Return the data of a component's ConfigMap: path with dots -> text."""
    data: dict[str, str] = find(objects, "ConfigMap", f"{component}-config")["data"]
    return data


def charts() -> Path:
    """Return the folder of charts."""
    return repository() / "charts"


@cache
def contract(component: str) -> Contract:
    """Return a component's contract. It is read once: not to be changed."""
    return load_contract(charts() / component)


def render_umbrella(values: dict[str, Any], *profiles: str) -> list[Object]:
    """Render the umbrella with profiles (`minimal` without any) and values over them; public URLs are filled in.

    Raises:
        UserError: it is refused; the text is what a user would read.
    """
    chart = charts() / "indigo-paas"
    files = [chart / "profiles" / f"{name}.yaml" for name in profiles or ("minimal",)]
    platform = {"environment": "test", **values.get("global", {})}
    platform["urls"] = URLS | platform.get("urls", {})
    inline = {**values, "global": platform}
    return helm_template(chart, *files, release="test", namespace="indigo-test", inline=inline)


class Chart:
    """The chart of one component, by itself: its contract, and what it makes of a site's values.

    Values are given by keyword, as they stand under the component's key of the umbrella's values; `components` is
    short for `global.components`. Every method but `contract` renders with them: `chart.env(replicas=2)["PORT"]`.
    """

    def __init__(self, name: str, urls: dict[str, str] | None = None, **defaults: Any) -> None:
        """
        Args:
            name: a folder below charts/.
            urls: public URLs of the platform; those of `URLS` where none are given.
            defaults: values that every rendering has unless it says otherwise.
        """
        self.name = name
        self._urls = urls or URLS
        self._defaults = defaults

    @property
    def contract(self) -> Contract:
        """The component's contract. It is read once: not to be changed."""
        return contract(self.name)

    def render(self, **values: Any) -> list[Object]:
        """Return the objects, or raise `Refused`."""
        values = self._defaults | values
        platform = {"urls": self._urls, **values.pop("global", {})}
        if "components" in values:
            platform["components"] = values.pop("components")
        return render_chart(self.name, {"global": platform, **values})

    def refusal(self, **values: Any) -> str:
        """Return the message with which the values are refused."""
        with pytest.raises(Refused) as refused:
            self.render(**values)
        return str(refused.value)

    def find(self, kind: str, **values: Any) -> Object:
        """Return the object of this kind that is named after the component."""
        return find(self.render(**values), kind, self.name)

    def job(self, **values: Any) -> Object:
        """Return the only Job."""
        (found,) = [item for item in self.render(**values) if item["kind"] == "Job"]
        return found

    def pod(self, **values: Any) -> Object:
        """Return the spec of the pods of the Deployment, StatefulSet or CronJob."""
        spec: Object = pod(self.render(**values), self.name)["spec"]
        return spec

    def container(self, **values: Any) -> Object:
        """Return the main container."""
        return container(self.render(**values), self.name)

    def env(self, **values: Any) -> dict[str, Any]:
        """Return the environment of the main container: name -> text, or the valueFrom object."""
        return environment(self.render(**values), self.name)

    def config(self, **values: Any) -> dict[str, str]:
        """Return the data of the ConfigMap: path with dots -> text."""
        return config(self.render(**values), self.name)

    def sources(self, **values: Any) -> set[str]:
        """Return who may reach the component: names of components, and "gateway"."""
        return sources(self.render(**values), self.name)

"""A route leads to the exposed port under the public URL, as the contract asks; the software believes the gateway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from harness.checks.model import Example, Platform, Problem, Rule
from harness.model.contract import Contract, Route
from harness.render.objects import Object

KINDS = ("HTTPRoute", "Ingress")


def _check(platform: Platform) -> Iterator[Problem]:
    for item in platform.of_kind(*KINDS):
        name = platform.component(item)
        contract = platform.contracts.get(name)
        if contract is None or contract.exposed is None or contract.route is None:
            yield Problem(item, "metadata.labels", f"{name or 'what it routes to'} is not exposed by any contract")
            continue
        yield from _route(platform, item, contract, contract.route)
    for name in platform.embedded:
        contract = platform.contracts[name]
        if contract.route is not None:
            yield from _believes(platform, contract, contract.route)


def _route(platform: Platform, item: Object, contract: Contract, route: Route) -> Iterator[Problem]:
    name = contract.component
    url = urlsplit(str(platform.section("urls").get(name) or ""))
    port = contract.ports[str(contract.exposed)].port
    path = f"/{url.path.strip('/')}"
    if item["kind"] == "Ingress":
        hosts = [rule.get("host") for rule in item["spec"]["rules"]]
        ways = [way for rule in item["spec"]["rules"] for way in rule["http"]["paths"]]
        paths = [way["path"] for way in ways]
        ports = [way["backend"]["service"]["port"].get("name") for way in ways]
        wanted: list[Any] = [contract.exposed]
    else:
        rules = item["spec"]["rules"]
        hosts = list(item["spec"].get("hostnames") or [])
        paths = [match["path"]["value"] for rule in rules for match in rule["matches"]]
        ports = [backend["port"] for rule in rules for backend in rule["backendRefs"]]
        wanted = [port]
        yield from _limits(item, route)
        yield from _prefix(item, path, route)
    if hosts != [url.hostname]:
        yield Problem(item, "spec", f"is for {_shown(hosts)}, global.urls.{name} says {url.hostname}")
    if paths != [path]:
        yield Problem(item, "spec.rules", f"takes {_shown(paths)}, global.urls.{name} says {path}")
    if ports != wanted:
        yield Problem(item, "spec.rules", f"leads to port {_shown(ports)}, the contract exposes {_shown(wanted)}")


def _limits(item: Object, route: Route) -> Iterator[Problem]:
    wanted = f"{route.timeout.value}s" if route.timeout else None
    for index, rule in enumerate(item["spec"]["rules"]):
        found = (rule.get("timeouts") or {}).get("request")
        if found != wanted:
            yield Problem(item, f"spec.rules[{index}].timeouts.request", f"is {found}, the contract says {wanted}")


def _prefix(item: Object, path: str, route: Route) -> Iterator[Problem]:
    cut = path != "/" and route.prefix.mode == "strip"
    for index, rule in enumerate(item["spec"]["rules"]):
        filters = rule.get("filters") or []
        rewritten = any(entry["type"] == "URLRewrite" for entry in filters)
        headers = {
            header["name"]
            for entry in filters
            for header in (entry.get("requestHeaderModifier") or {}).get("set") or ()
        }
        if rewritten != cut:
            word = "is not cut off" if cut else "is cut off"
            message = f"the path {path} {word}, the contract says prefix.mode: {route.prefix.mode}"
            yield Problem(item, f"spec.rules[{index}].filters", message)
        if cut and "X-Forwarded-Prefix" in route.forwarded.reads and "X-Forwarded-Prefix" not in headers:
            message = "X-Forwarded-Prefix is not set, and the software makes its links of it"
            yield Problem(item, f"spec.rules[{index}].filters", message)


def _believes(platform: Platform, contract: Contract, route: Route) -> Iterator[Problem]:
    name = route.forwarded.setting
    if name is None:
        return
    declared = contract.settings[name]
    for owner, pod in platform.component_pods:
        main = pod.main
        if owner is not contract or not pod.server or main is None:
            continue
        value: Any = declared.default
        if declared.where == "env":
            entry: Mapping[str, Any] = next((env for env in main.data.get("env") or () if env["name"] == name), {})
            value = entry.get("value", value)
        else:
            own = (platform.values.get(contract.component) or {}).get("settings") or {}
            value = own.get(name, value)
        text = str(value if value is not None else "")
        if (text.lower() if isinstance(value, bool) else text) in route.forwarded.distrusts:
            yield Problem(
                pod.owner,
                f"{main.path}.env" if declared.where == "env" else declared.where,
                f"{name} is {text!r}: {', '.join(route.forwarded.reads)} of the gateway are not believed",
                f"set it in charts/{contract.component}/templates/_wiring.tpl. {route.forwarded.why}",
            )


def _shown(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values) or "nothing"


RULE = Rule(
    id="contract-routes",
    title="Routes lead to exposed ports under the public URLs, and what is behind them believes the gateway's headers",
    fix="let common.routes write it from global.urls, global.routes and the contract's exposed and route",
    source="charts/<component>/contract.yaml, exposed and route; Gateway API v1, HTTPRoute",
    why="A route for another host or path answers 404, one to a port that is not exposed opens what is meant to "
    "be inside, and software that distrusts the gateway redirects to http or to a host that is not there.",
    example=Example(
        given="hostnames: [www.example.org], where global.urls.iam is https://iam.dev.indigo.example",
        says="is for www.example.org, global.urls.iam says iam.dev.indigo.example",
    ),
    environment=_check,
)

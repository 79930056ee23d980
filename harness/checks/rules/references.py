"""What an object names is there: pods behind selectors, ports, Services behind routes, files, accounts, claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import NAME, OPERATED, Container, Pod, matches
from harness.model.environment import Mode
from harness.render.objects import Object


def _check(platform: Platform) -> Iterator[Problem]:
    there = {(item["kind"], item["metadata"]["name"]): item for item in platform.objects}
    trusted = platform.section("trustedCa")
    if trusted.get("configMap"):  # a site's own, which it makes itself with the keys that it names
        keys = {str(trusted.get(key) or default): "" for key, default in TRUSTED.items()}
        there.setdefault(("ConfigMap", str(trusted["configMap"])), {"kind": "ConfigMap", "data": keys})
    for item in platform.objects:
        kind = item["kind"]
        if kind == "Service":
            yield from _service(item, platform)
        elif kind == "PodDisruptionBudget":
            if not _selected(platform, item["spec"].get("selector")):
                yield Problem(item, "spec.selector", "selects no pod")
        elif kind == "NetworkPolicy":
            yield from _policy(item, platform)
        elif kind == "HTTPRoute":
            for index, rule in enumerate(item["spec"]["rules"]):
                for place, backend in enumerate(rule.get("backendRefs") or ()):
                    path = f"spec.rules[{index}].backendRefs[{place}]"
                    yield from _backend(item, path, backend["name"], "port", backend.get("port"), there)
        elif kind == "Ingress":
            for index, rule in enumerate(item["spec"].get("rules") or ()):
                for place, way in enumerate(rule["http"]["paths"]):
                    service, path = way["backend"]["service"], f"spec.rules[{index}].http.paths[{place}].backend"
                    (key, value), *_ = service["port"].items()
                    yield from _backend(item, path, service["name"], "port" if key == "number" else key, value, there)
        elif kind == "PodMonitor":
            yield from _monitor(item, platform)
        elif kind == "StatefulSet" and ("Service", item["spec"].get("serviceName")) not in there:
            yield Problem(item, "spec.serviceName", f"no Service {item['spec'].get('serviceName')}")
    for pod in platform.pods:
        yield from _pod(pod, there)
        for container in pod.containers:
            yield from _container(pod, container, there)


def _selected(platform: Platform, selector: Mapping[str, Any] | None) -> list[Pod]:
    if not selector:
        return []
    name = (selector.get("matchLabels") or selector).get(NAME)  # nearly all name the component: a pod or two to look at
    pods = platform.pods_named.get(name, []) if isinstance(name, str) else platform.pods
    return [pod for pod in pods if matches(selector, pod.labels)]


def _meant(platform: Platform, selector: Mapping[str, Any]) -> bool:
    """Whether a policy's selector names pods that are rendered, or those that an operator makes of what is."""
    operated = (selector.get("matchLabels") or {}).get(OPERATED)
    return platform.modes.get(operated) is Mode.OPERATOR if operated else bool(_selected(platform, selector))


def _service(item: Object, platform: Platform) -> Iterator[Problem]:
    pods = _selected(platform, item["spec"].get("selector"))
    if not pods:
        yield Problem(item, "spec.selector", "selects no pod")
        return
    for index, port in enumerate(item["spec"].get("ports") or ()):
        target = port.get("targetPort", port.get("port"))
        for pod in pods:
            if not any(_listens(container, target) for container in pod.containers):
                yield Problem(
                    item, f"spec.ports[{index}].targetPort", f"no container of {pod.component} listens on {target}"
                )


def _listens(container: Container, target: Any) -> bool:
    key = "name" if isinstance(target, str) else "containerPort"
    return any(port.get(key) == target for port in container.data.get("ports") or ())


def _policy(item: Object, platform: Platform) -> Iterator[Problem]:
    spec = item["spec"]
    if spec.get("podSelector") and not _meant(platform, spec["podSelector"]):
        yield Problem(item, "spec.podSelector", "selects no pod")
    for key, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(key) or ()):
            for place, peer in enumerate(rule.get(peers) or ()):
                selector = peer.get("podSelector")
                if selector and "namespaceSelector" not in peer and not _meant(platform, selector):
                    named = (selector.get("matchLabels") or {}).get(NAME, "a pod")
                    yield Problem(
                        item,
                        f"spec.{key}[{index}].{peers}[{place}].podSelector",
                        f"names {named}, which does not run here",
                    )


def _backend(item: Object, path: str, name: str, key: str, value: Any, there: There) -> Iterator[Problem]:
    """A route's Service, with a port whose `key` (name, port) has this value."""
    service = there.get(("Service", name))
    if service is None:
        yield Problem(item, path, f"no Service {name}")
    elif not any(port.get(key) == value for port in service["spec"].get("ports") or ()):
        yield Problem(item, path, f"Service {name} has no port {value}")


def _monitor(item: Object, platform: Platform) -> Iterator[Problem]:
    operated = ((item["spec"].get("selector") or {}).get("matchLabels") or {}).get(OPERATED)
    if operated and platform.modes.get(operated) is Mode.OPERATOR:
        operator = platform.contracts[operated].operator
        offered = operator.metrics.name if operator else ""
        for index, endpoint in enumerate(item["spec"].get("podMetricsEndpoints") or ()):
            if endpoint.get("port") != offered:
                path = f"spec.podMetricsEndpoints[{index}].port"
                yield Problem(item, path, f"the operator's pods of {operated} have no port {endpoint.get('port')}")
        return
    pods = _selected(platform, item["spec"].get("selector"))
    if not pods:
        yield Problem(item, "spec.selector", "selects no pod")
    for index, endpoint in enumerate(item["spec"]["podMetricsEndpoints"]):
        for pod in pods:
            if not any(_listens(container, endpoint["port"]) for container in pod.containers):
                message = f"no container of {pod.component} listens on {endpoint['port']}"
                yield Problem(item, f"spec.podMetricsEndpoints[{index}].port", message)


TRUSTED = {"bundle": "ca-bundle.crt", "own": "own.crt"}  # charts/common/templates/_trust.tpl
There = Mapping[tuple[str, str], Object]


def _pod(pod: Pod, there: There) -> Iterator[Problem]:
    account = pod.spec.get("serviceAccountName")
    if account is not None and ("ServiceAccount", account) not in there:
        yield Problem(pod.owner, f"{pod.path}.serviceAccountName", f"no ServiceAccount {account}")
    for index, volume in enumerate(pod.spec.get("volumes") or ()):
        path = f"{pod.path}.volumes[{index}]"
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim is not None and ("PersistentVolumeClaim", claim) not in there:
            yield Problem(pod.owner, path, f"no PersistentVolumeClaim {claim}")
        sources = [
            ("configMap", volume),
            *(("configMap", part) for part in (volume.get("projected") or {}).get("sources") or ()),
        ]
        for key, part in sources:
            source = part.get(key)
            if source:
                yield from _config(pod.owner, path, source, there)
    for index, spread in enumerate(pod.spec.get("topologySpreadConstraints") or ()):
        if not matches(spread.get("labelSelector"), pod.labels):
            yield Problem(pod.owner, f"{pod.path}.topologySpreadConstraints[{index}]", "does not select its own pods")
    if not matches((pod.owner.get("spec") or {}).get("selector") or {}, pod.labels):
        yield Problem(pod.owner, "spec.selector", "does not select its own pods")


def _config(owner: Object, path: str, source: Mapping[str, Any], there: There) -> Iterator[Problem]:
    name = source.get("name", "")
    if source.get("optional"):
        return
    found = there.get(("ConfigMap", name))
    if found is None:
        yield Problem(owner, path, f"no ConfigMap {name}", "render it, or mark the volume optional")
        return
    keys = {*(found.get("data") or {}), *(found.get("binaryData") or {})}
    wanted = [item.get("key") for item in source.get("items") or ()] + ([source["key"]] if "key" in source else [])
    for key in wanted:
        if key not in keys:
            yield Problem(owner, path, f"ConfigMap {name} has no key {key}, but {', '.join(sorted(keys)) or 'none'}")


def _container(pod: Pod, container: Container, there: There) -> Iterator[Problem]:
    volumes = {volume.get("name"): volume for volume in pod.spec.get("volumes") or ()}
    claims = {item["metadata"]["name"] for item in (pod.owner.get("spec") or {}).get("volumeClaimTemplates") or ()}
    places: set[str] = set()
    for index, mount in enumerate(container.data.get("volumeMounts") or ()):
        path = f"{container.path}.volumeMounts[{index}]"
        name, place = mount.get("name"), str(mount.get("mountPath"))
        if place in places:
            yield Problem(pod.owner, path, f"{place} is mounted twice")
        places.add(place)
        if name not in volumes and name not in claims:
            yield Problem(pod.owner, path, f"no volume {name}")
        config = (volumes.get(name) or {}).get("configMap")
        if config and mount.get("subPath") and not config.get("items"):
            yield from _config(pod.owner, path, {"name": config.get("name"), "key": mount["subPath"]}, there)
    for index, entry in enumerate(container.data.get("env") or ()):
        source = (entry.get("valueFrom") or {}).get("configMapKeyRef")
        if source:
            yield from _config(pod.owner, f"{container.path}.env[{index}]", source, there)
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        for ask in ("httpGet", "tcpSocket"):
            port = ((container.data.get(kind) or {}).get(ask) or {}).get("port")
            if isinstance(port, str) and not _listens(container, port):
                yield Problem(pod.owner, f"{container.path}.{kind}.{ask}.port", f"the container has no port {port}")


RULE = Rule(
    id="references",
    title="What an object names is there: pods, ports, Services, files, accounts, claims",
    fix="mend the name, or render what it names",
    source="Kubernetes documentation of each field; a pod with a dangling reference does not start",
    why="Kubernetes accepts an object that names what is not there: a pod stays in ContainerCreating, a Service "
    "has no endpoint, and nothing says why.",
    example=Example(
        given="serviceAccountName: nobody",
        says="no ServiceAccount nobody",
    ),
    environment=_check,
)

"""What a component is told to connect to answers: the Service is there, has the port, and the graph lets it through."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import Pod
from harness.model.contract import Contract
from harness.render.objects import Object

# host:port, with the credentials of a URL before it or none; a name with a dot is outside, unless it ends in .svc
_ADDRESS = re.compile(
    r"(?<![\w.:-])(?:(?P<scheme>[a-z][a-z0-9+]*)://(?:[^\s/@\"']*@|(?![^\s/@\"']*@)))?"
    r"(?P<host>[a-z][a-z0-9-]*[a-z0-9])(?:\.[a-z0-9-]+\.svc(?:\.cluster\.local)?)?(?::(?P<port>[0-9]{2,5}))?(?![\w.@-])"
)
_HOST = re.compile(r"HOST$|_SERVER$")
_LOCAL = {"localhost"}
_SCHEMES = {"http", "https", "mysql", "redis", "bolt", "amqp", "tcp"}


def _check(platform: Platform) -> Iterator[Problem]:
    services = {item["metadata"]["name"] for item in platform.of_kind("Service")}
    maps = {item["metadata"]["name"]: item for item in platform.of_kind("ConfigMap")}
    for contract, pod in platform.component_pods:
        seen: set[tuple[str, str]] = set()
        for path, text in _texts(pod, maps):
            for host, port, scheme in addresses(text, path):
                if (host, port) not in seen:
                    seen.add((host, port))
                    for problem in _address(platform, contract, services, host, port, scheme):
                        yield Problem(pod.owner, path, problem)


def addresses(text: str, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield host, port (empty without one) and scheme of each address in the platform that a text names.

    Without port and scheme a word counts only where the variable's name says that it is a host.
    """
    for found in _ADDRESS.finditer(text):
        bare = not found["port"] and not found["scheme"]
        if found["host"] in _LOCAL or (bare and not (_HOST.search(path) and found[0] == text)):
            continue
        yield found["host"], found["port"] or "", found["scheme"] or ""


def _texts(pod: Pod, maps: Mapping[str, Object]) -> Iterator[tuple[str, str]]:
    """Yield what the component's own container is told, with the place: variables, and the files that it reads."""
    main = pod.main
    if main is None:
        return
    for entry in main.data.get("env") or ():
        if "value" in entry:
            yield f"{main.path}.env.{entry['name']}", str(entry["value"])
    names = {name for volume in pod.spec.get("volumes") or () if (name := (volume.get("configMap") or {}).get("name"))}
    for name in sorted(names & set(maps)):
        for key, text in (maps[name].get("data") or {}).items():
            yield f"ConfigMap/{name} {key}", str(text)


def _address(
    platform: Platform, contract: Contract, services: Collection[str], host: str, port: str, scheme: str
) -> Iterator[str]:
    provider = _provider(platform, host)
    if provider == contract.component:
        return
    if provider is None:
        if host not in services and (port or scheme in _SCHEMES):
            yield f"names {host}, and no Service of that name is here; of one elsewhere, write the whole name"
        return
    edges = [edge for edge in platform.graph.requirements(contract.component) if edge.provider == provider]
    written = f"{host}:{port}" if port else host
    if not platform.modes[provider].here:
        if not edges:
            yield f"names {written}, but {provider} does not run here, and {contract.component} does not require it"
        return
    number = int(port) if port else {"http": 80, "https": 443}.get(scheme, 0)
    offered = sorted(entry.port for entry in platform.contracts[provider].ports.values() if entry.service)
    if number and number not in offered:
        yield f"names {written}, and the Service {host} offers {', '.join(map(str, offered)) or 'nothing'}"
        return
    if not [edge for edge in edges if not number or edge.number == number]:
        yield f"names {written}, which the contract of {contract.component} does not require: the policies drop it"


def _provider(platform: Platform, host: str) -> str | None:
    """Return the component that a host name belongs to: its own Service, that of its peers, or its operator's."""
    for name, contract in platform.contracts.items():
        names = {name, f"{name}-peers"}
        if contract.operator:
            names.add(contract.operator.service.format(name=name))
        if host in names:
            return name
    return None


RULE = Rule(
    id="endpoints",
    title="Addresses that a component is told are those of Services with that port, and of what its contract requires",
    fix="let common.endpoint, common.host or common.url write it, and declare the way under requires in contract.yaml",
    source="charts/README.md, The wiring; a wrong port or a closed way shows as a time-out, long after the sync",
    why="A wrong port or a way that no policy opens shows as a time-out in a log, long after the sync was green.",
    example=Example(
        given="ORCHESTRATOR_DB_ENDPOINT: mariadb:3307",
        says="names mariadb:3307, and the Service mariadb offers 3306",
    ),
    environment=_check,
)

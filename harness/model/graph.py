"""The dependency graph over all contracts: levels, sync waves, consumers, and what does not fit together.

A contract is checked by itself in `harness.model.contract`; what two contracts say of each other is checked here.
"""

from __future__ import annotations

import difflib
import itertools
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.model.contract import Contract, Database, Need, Requirement, Secret, Topic

WAVE = 10  # sync waves per level: room for the phases below (docs/explanation/architecture.md, Order)
PREPARE, WORKLOAD, PROVIDE = 1, 2, 3


@dataclass(frozen=True)
class Edge:
    """One component's need of a port of another one."""

    consumer: str
    provider: str
    port: str
    number: int
    need: Need
    why: str
    path: str | None
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class OwnedDatabase:
    """A database on a server, and the component that owns it."""

    name: str
    owner: str
    database: Database


@dataclass(frozen=True)
class Problem:
    """Something that two contracts say differently: where it stands, what is wrong, what to write."""

    where: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}; {self.fix}"


@dataclass(frozen=True)
class Graph:
    """All contracts and the edges between them; made by `build`, which refuses what does not fit."""

    contracts: Mapping[str, Contract]
    edges: tuple[Edge, ...]
    levels: Mapping[str, int]

    @classmethod
    def build(cls, contracts: Mapping[str, Contract]) -> Graph:
        """Return the graph of the contracts.

        Raises:
            UserError: the contracts contradict each other; every problem is named once, with file, key and fix.
        """
        ordered = dict(sorted(contracts.items()))
        kinds = (_broken_edges, _claims, _topics, _options, _cycles)
        problems = [problem for kind in kinds for problem in kind(ordered)]
        if problems:
            raise _refusal(problems)
        edges = tuple(
            Edge(
                name, need.component, need.port, ordered[need.component].ports[need.port].port, need.need, need.why,
                need.path, need.secrets,
            )
            for name, contract in ordered.items()
            for need in sorted(contract.requires, key=lambda need: (need.component, need.port))
        )  # fmt: skip
        return cls(ordered, edges, _levels(ordered))

    def wave(self, component: str) -> int:
        """Return the sync wave of a component's first objects: ten times its level."""
        return WAVE * self.levels[component]

    def phases(self, component: str) -> dict[str, int]:
        """Return the sync waves of a component's jobs and workload, of those it has, in the order they run."""
        jobs = {job.when for job in self.contracts[component].jobs.values()}
        wave = self.wave(component)
        phases = {"prepare": wave + PREPARE} if "prepare" in jobs else {}
        phases["workload"] = wave + (WORKLOAD if "prepare" in jobs else 0)
        if "provide" in jobs:
            phases["provide"] = wave + PROVIDE
        return phases

    def requirements(self, component: str) -> tuple[Edge, ...]:
        """Return what a component needs, by component and port."""
        return tuple(edge for edge in self.edges if edge.consumer == component)

    def dependants(self, component: str) -> tuple[Edge, ...]:
        """Return the edges that end at a component, by consumer."""
        return tuple(edge for edge in self.edges if edge.provider == component)

    def consumers(self, component: str, port: str) -> list[str]:
        """Return the components that connect to a port of a component, sorted."""
        return sorted({edge.consumer for edge in self.dependants(component) if edge.port == port})

    def databases(self, server: str) -> list[OwnedDatabase]:
        """Return the databases that other components own on a server, by name."""
        return sorted(
            (
                OwnedDatabase(name, owner, database)
                for owner, contract in self.contracts.items()
                for name, database in contract.databases.items()
                if database.server == server
            ),
            key=lambda owned: owned.name,
        )

    def topics(self) -> dict[str, tuple[str, Topic]]:
        """Return every Kafka topic with its owner and declaration, by name."""
        declared = {
            name: (owner, topic)
            for owner, contract in self.contracts.items()
            for name, topic in contract.topics.items()
        }
        return dict(sorted(declared.items()))

    def secrets(self) -> dict[str, tuple[str, Secret]]:
        """Return every Secret id with its owner and declaration, by id."""
        declared = {
            identifier: (owner, secret)
            for owner, contract in self.contracts.items()
            for identifier, secret in contract.secrets.items()
        }
        return dict(sorted(declared.items()))

    def waves(self) -> dict[int, list[str]]:
        """Return the components by wave, in the order Argo CD syncs them."""
        waves: dict[int, list[str]] = defaultdict(list)
        for component in self.contracts:
            waves[self.wave(component)].append(component)
        return dict(sorted(waves.items()))

    def to_json(self) -> dict[str, Any]:
        """Return the graph as plain data: waves, and per component what it needs and who needs it."""
        return {
            "waves": [{"wave": wave, "components": names} for wave, names in self.waves().items()],
            "components": {name: self._component_json(name) for name in self.contracts},
        }

    def _component_json(self, name: str) -> dict[str, Any]:
        contract = self.contracts[name]
        return {
            "title": contract.title,
            "tier": contract.tier,
            "level": self.levels[name],
            "wave": self.wave(name),
            "phases": self.phases(name),
            "ports": {port: item.port for port, item in contract.ports.items()},
            "requires": [
                {
                    "component": edge.provider,
                    "port": edge.port,
                    "number": edge.number,
                    "need": edge.need.value,
                    "why": edge.why,
                    "path": edge.path,
                    "secrets": list(edge.secrets),
                }
                for edge in self.requirements(name)
            ],
            "requiredBy": [
                {"component": edge.consumer, "port": edge.port, "need": edge.need.value}
                for edge in self.dependants(name)
            ],
            "secrets": {identifier: sorted(secret.keys) for identifier, secret in sorted(contract.secrets.items())},
            "databases": [
                {"name": owned.name, "owner": owned.owner, "user": owned.database.user}
                for owned in self.databases(name)
            ],
        }

    def to_mermaid(self) -> str:
        """Return a Mermaid flow chart: one box per wave, solid arrows for hard needs, dotted ones for soft needs."""
        lines = ["flowchart LR"]
        for wave, names in self.waves().items():
            lines.append(f'  subgraph wave{wave}["wave {wave}"]')
            lines += [f'    {_node(name)}["{_text(self.contracts[name].title)}"]' for name in names]
            lines.append("  end")
        for edge in self.edges:
            arrow = "-->" if edge.need is Need.HARD else "-.->"
            lines.append(f'  {_node(edge.consumer)} {arrow}|"{edge.port} {edge.number}"| {_node(edge.provider)}')
        return "\n".join(lines) + "\n"


def settled(contracts: Mapping[str, Contract], shared: Collection[str]) -> dict[str, Contract]:
    """Return the contracts of an environment in which some instances are served by the component they are one of.

    Those instances are gone; what requires them, or has a database there, requires the component instead.
    """
    names = {name: contract.like for name, contract in contracts.items() if name in shared and contract.like}

    def served(need: Requirement) -> Requirement:
        return need.model_copy(update={"component": names.get(need.component, need.component)})

    result = {}
    for name, contract in contracts.items():
        if name in names:
            continue
        if any(need.component in names for need in contract.requires):
            requires = {(need.component, need.port): need for need in reversed([*map(served, contract.requires)])}
            databases = {
                title: item.model_copy(update={"server": names.get(item.server, item.server)})
                for title, item in contract.databases.items()
            }
            contract = contract.model_copy(
                update={"requires": tuple(reversed(requires.values())), "databases": databases}
            )
        result[name] = contract
    return result


def _node(component: str) -> str:
    # a prefix, because a node called `end` or one that begins with `x` or `o` breaks Mermaid's arrows
    return "c_" + component.replace("-", "_")


def _text(title: str) -> str:
    return title.replace('"', "#quot;")


def _candidates(wrong: str, right: Iterable[str]) -> str:
    names = sorted(right)
    near = difflib.get_close_matches(wrong, names, n=1)
    return f"write {near[0]}" if near else f"write one of {', '.join(names)}" if names else "there is none to choose"


def _refusal(problems: list[Problem]) -> UserError:
    if len(problems) == 1:
        return UserError(problems[0].message, where=problems[0].where, fix=problems[0].fix)
    return UserError(
        f"{len(problems)} problems between the contracts",
        where="charts/*/contract.yaml",
        fix="mend each of these",
        details="\n".join(str(problem) for problem in problems),
    )


def _broken_edges(contracts: Mapping[str, Contract]) -> Iterator[Problem]:
    """Yield the requirements that name what is not there."""
    for name, contract in contracts.items():
        seen: set[tuple[str, str]] = set()
        for index, need in enumerate(contract.requires):
            where = f"{contract.file} requires[{index}]"
            if need.component == name:
                yield Problem(f"{where}.component", f"{name} requires itself", "remove it, or write peers: true")
                continue
            if (need.component, need.port) in seen:
                yield Problem(where, f"{need.component}:{need.port} is required twice", "make one entry of the two")
            seen.add((need.component, need.port))
            yield from _broken_edge(where, need, contracts)


def _broken_edge(where: str, need: Requirement, contracts: Mapping[str, Contract]) -> Iterator[Problem]:
    provider = contracts.get(need.component)
    if provider is None:
        fix = f"{_candidates(need.component, contracts)}, or add charts/{need.component}/contract.yaml"
        yield Problem(f"{where}.component", f"no component {need.component}", fix)
        return
    port = provider.ports.get(need.port)
    if port is None:
        message = f"{need.component} has no port {need.port}"
        yield Problem(f"{where}.port", message, _candidates(need.port, provider.ports))
    elif not port.service:
        message = f"port {need.port} of {need.component} is not offered by its Service"
        yield Problem(f"{where}.port", message, f"remove service: false in {provider.file}")
    for secret in need.secrets:
        if secret not in provider.secrets:
            owners = [other for other, contract in contracts.items() if secret in contract.secrets]
            owner = f"it belongs to {owners[0]}: require that one" if owners else ""
            yield Problem(
                f"{where}.secrets",
                f"{need.component} owns no Secret {secret}",
                owner or _candidates(secret, provider.secrets),
            )


def _claims(contracts: Mapping[str, Contract]) -> Iterator[Problem]:
    """Yield what two components claim as theirs: Secret ids, databases and database users."""

    def server(name: str) -> str:
        # an instance and the component that it is one of are the same server in some environments
        return (name in contracts and contracts[name].like) or name

    secrets: dict[str, str] = {}
    databases: dict[tuple[str, str], str] = {}
    users: dict[tuple[str, str], tuple[str, str, str]] = {}
    for name, contract in contracts.items():
        for secret in contract.secrets:
            if secret in secrets:
                message = f"Secret {secret} is declared by {secrets[secret]} too"
                yield Problem(contract.place_of_secret(secret), message, "give one of them another id")
            secrets.setdefault(secret, name)
        for title, database in contract.databases.items():
            where = f"{contract.file} databases.{title}"
            host = server(database.server)
            if (host, title) in databases:
                message = f"database {title} on {host} is claimed by {databases[host, title]} too"
                yield Problem(where, message, "give one of them another name")
            databases.setdefault((host, title), name)
            claim = users.setdefault((host, database.user), (name, title, database.secret))
            if (claim[0], claim[2]) != (name, database.secret):
                # one user of one component for several of its databases is usual; two passwords for it are not
                message = f"user {database.user} on {host} is claimed by databases.{claim[1]} of {claim[0]}"
                fix = "give each component its own user, and each user one Secret"
                yield Problem(f"{where}.user", message, fix)


def _topics(contracts: Mapping[str, Contract]) -> Iterator[Problem]:
    """Yield topics and buckets with two owners, and topics that are read and that nobody writes."""
    owners: dict[tuple[str, str, str], str] = {}
    for name, contract in contracts.items():
        for key, things in (("topics", contract.topics), ("buckets", contract.buckets)):
            for title, thing in things.items():
                other = owners.setdefault((key, thing.server, title), name)
                if other != name:
                    message = f"{key[:-1]} {title} is owned by {other} too"
                    yield Problem(f"{contract.file} {key}.{title}", message, "let one own it and the other consume it")
    written = {title for key, _, title in owners if key == "topics"}
    for contract in contracts.values():
        for title in contract.consumes:
            if title not in written:
                where = f"{contract.file} consumes"
                yield Problem(where, f"no component owns a topic {title}", _candidates(title, written))


def _options(contracts: Mapping[str, Contract]) -> Iterator[Problem]:
    """Yield options that have the name of a component.

    Helm compares each chart's values with those of the whole umbrella when it looks for conditions of dependencies
    (pkg/chart/v2/util/dependencies.go, processDependencyEnabled) and warns in every render: "Not a table".
    """
    for name, contract in contracts.items():
        for option in contract.options:
            if option in contracts and not contract.like:
                message = f"option {option} of {name} has the name of a component, and Helm takes one for the other"
                yield Problem(f"{contract.file} options.{option}", message, "give the option another name")


def _hard(contracts: Mapping[str, Contract], component: str) -> dict[str, str]:
    """Return the components that one needs hard, each with the key that says so."""
    return {
        need.component: f"{contracts[component].file} requires[{index}]"
        for index, need in enumerate(contracts[component].requires)
        if need.need is Need.HARD and need.component in contracts and need.component != component
    }


def _cycles(contracts: Mapping[str, Contract]) -> Iterator[Problem]:
    """Yield a shortest cycle through each component that is on one and was not reported yet."""
    reported: set[str] = set()
    for start in contracts:
        cycle = [] if start in reported else _way_back(contracts, start, reported)
        if cycle:
            reported.update(cycle)
            steps = [*cycle, start]
            keys = ", ".join(_hard(contracts, a)[b] for a, b in itertools.pairwise(steps))
            yield Problem(
                keys,
                f"hard requirements form a cycle: {' -> '.join(steps)}",
                "write need: soft where the component starts without the other one",
            )


def _way_back(contracts: Mapping[str, Contract], start: str, without: set[str]) -> list[str]:
    """Return the components of a shortest cycle through `start`, beginning with it; empty where there is none."""
    ways = deque([[start]])
    seen = set(without)
    while ways:
        way = ways.popleft()
        for following in sorted(_hard(contracts, way[-1])):
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def _levels(contracts: Mapping[str, Contract]) -> dict[str, int]:
    """Return each component's level: one more than the highest level of what it needs hard; 0 without."""
    levels: dict[str, int] = {}

    def level(component: str) -> int:
        if component not in levels:
            levels[component] = max((1 + level(other) for other in _hard(contracts, component)), default=0)
        return levels[component]

    return {component: level(component) for component in contracts}

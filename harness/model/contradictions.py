"""What does not fit between contracts: each problem with the place where it stands and what to write."""

from __future__ import annotations

import difflib
import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.errors import UserError
from harness.model.contract import Contract, Need, Requirement


@dataclass(frozen=True)
class Problem:
    """Something that two contracts say differently: where it stands, what is wrong, what to write."""

    where: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}; {self.fix}"


def refuse(contracts: Mapping[str, Contract]) -> None:
    """Accept contracts that fit together.

    Raises:
        UserError: they contradict each other; every problem is named once, with file, key and fix.
    """
    kinds = (_broken_edges, _encryption, _claims, _topics, _options, _cycles)
    if problems := [problem for kind in kinds for problem in kind(contracts)]:
        raise _refusal(problems)


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


def _encryption(contracts: Mapping[str, Contract]) -> Iterator[Problem]:
    """Yield edges of which it is not said whether they can be encrypted, and those that say it for nothing."""
    for contract in contracts.values():
        for index, need in enumerate(contract.requires):
            provider = contracts.get(need.component)
            switched = bool(provider and provider.external and provider.external.encryption == "value")
            where = f"{contract.file} requires[{index}]"
            if switched and need.tls is None:
                message = f"global.components.{need.component}.tls switches TLS, and nothing says whether this one can"
                yield Problem(where, message, "write tls: {setting, checks, source}, or tls: {cannot, source}")
            elif need.tls is not None and not switched:
                yield Problem(where, f"tls: no value switches TLS to {need.component}", "remove it")


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


def hard(contracts: Mapping[str, Contract], component: str) -> dict[str, str]:
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
            keys = ", ".join(hard(contracts, a)[b] for a, b in itertools.pairwise(steps))
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
        for following in sorted(hard(contracts, way[-1])):
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []

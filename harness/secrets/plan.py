"""Which Secrets an environment asks for, and what has to be done for each of their keys."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.model.contract import Secret, SecretKey
from harness.model.environment import Mode
from harness.model.graph import Graph
from harness.secrets.certificates import AUTHORITY
from harness.secrets.shapes import Origin, origin
from harness.secrets.store import SecretStore, Stored


class State(enum.StrEnum):
    """What is the case with a key, and what `apply` does about it."""

    EXISTS = "exists"
    MAKE = "to be made"
    SIGN = "to be signed"
    PERSON = "a person supplies it"
    OPTIONAL = "optional, not there"
    LOCKED = "missing, cannot be added"


@dataclass(frozen=True)
class Wanted:
    """A Secret that some component of the environment reads."""

    identifier: str
    name: str
    owner: str
    secret: Secret
    outside: bool  # the owner runs elsewhere: its values are that one's, nothing can be made up
    notes: tuple[str, ...]
    declared: str
    """File and key of the contract that declares it."""
    optional: str = ""
    """When it is not needed; empty where it is, always or in this environment."""

    def origin(self, key: str) -> Origin:
        """Return where the value of a key comes from."""
        return Origin.PERSON if self.outside else origin(self.secret.keys[key])


@dataclass(frozen=True)
class PlannedKey:
    """A key and its state."""

    key: str
    spec: SecretKey
    state: State


@dataclass(frozen=True)
class Planned:
    """A Secret and the states of its keys."""

    wanted: Wanted
    exists: bool
    locked: str | None
    keys: tuple[PlannedKey, ...]

    def of(self, state: State) -> list[str]:
        """Return the keys in a state."""
        return [planned.key for planned in self.keys if planned.state is state]


def wanted(
    graph: Graph,
    modes: Mapping[str, Mode],
    names: Mapping[str, str],
    provisioned: Collection[str] = (),
    demanded: Collection[str] = (),
) -> list[Wanted]:
    """Return the Secrets that the components which run here need, by name.

    They are those of the components that run here, and those that one of them reads of one that runs elsewhere.

    Args:
        graph: the contracts as the environment has them (harness.model.placement).
        modes: where each component runs.
        names: `global.secrets`: names of Kubernetes Secrets by id, where they are not the id itself.
        provisioned: components elsewhere on which a Job makes things (harness.model.placement).
        demanded: names of Secrets without which a pod of the environment does not start (`references.demanded`): an
            optional one among them is not optional there.

    Raises:
        UserError: `global.secrets` has an id that nobody declares or an empty name, or gives one name to two Secrets
            with the same key.
    """
    declared = graph.secrets()
    for identifier, name in names.items():
        if identifier not in declared or not name:
            problem = "no contract declares this Secret" if identifier not in declared else "names no Secret"
            raise UserError(
                f"global.secrets.{identifier}: {problem}",
                where="values of the environment",
                fix=f"write the name of a Secret under one of: {', '.join(declared)}",
            )
    read = {
        secret
        for edge in graph.edges
        if modes[edge.consumer].here and modes[edge.provider] is Mode.EXTERNAL
        for secret in edge.secrets
    }
    for name in provisioned:
        outside = graph.contracts[name].external
        read |= set(outside.secrets) if outside else set()
    result = [
        Wanted(
            identifier,
            names.get(identifier, identifier),
            owner,
            secret,
            not modes[owner].here,
            tuple(_notes(graph, modes, owner, identifier)),
            graph.contracts[owner].place_of_secret(identifier),
            "" if names.get(identifier, identifier) in demanded else secret.optional,
        )
        for identifier, (owner, secret) in declared.items()
        if modes[owner].here or identifier in read
    ]
    _refuse_shared_keys(result)
    return sorted(result, key=lambda item: (item.name, item.identifier))


def _notes(graph: Graph, modes: Mapping[str, Mode], owner: str, identifier: str) -> Iterator[str]:
    if not modes[owner].here:
        yield f"{owner} runs elsewhere: write its values"
    for title, database in sorted(graph.contracts[owner].databases.items()):
        if database.secret == identifier and modes[database.server] is Mode.EXTERNAL:
            yield f"the {database.server} outside needs database {title} and user {database.user} with this password"


def _refuse_shared_keys(items: Sequence[Wanted]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for item in items:
        for key in item.secret.keys:
            other = taken.setdefault((item.name, key), item.identifier)
            if other != item.identifier:
                raise UserError(
                    f"global.secrets: {other} and {item.identifier} would share key {key} of Secret {item.name}",
                    where="values of the environment",
                    fix="give each of them a Secret of its own",
                )


def plan(items: Sequence[Wanted], store: SecretStore) -> list[Planned]:
    """Return what there is and what has to be done; reads the store and changes nothing.

    Raises:
        UserError: the store cannot be read.
    """
    found = {item.name: store.get(item.name) for item in items}
    signs = can_sign(items, found, store.get(AUTHORITY))
    return [decide(item, found[item.name], signs) for item in items]


def can_sign(items: Sequence[Wanted], found: Mapping[str, Stored | None], authority: Stored | None) -> bool:
    """Return whether the platform's authority can sign what is missing.

    It is there; or nothing is signed yet, and it can begin. Where certificates exist without it, they are from
    somewhere else, and nobody would trust those of a new one.
    """
    if authority is not None:
        return True
    holders = [(keys, found[item.name]) for item in items if (keys := item.secret.certificate_keys())]
    return not any(stored and set(keys) & set(stored.keys) for keys, stored in holders)


def decide(item: Wanted, stored: Stored | None, signs: bool) -> Planned:
    """Return what has to be done for one Secret, given what is stored under its name.

    Args:
        item: the Secret.
        stored: what there is of it.
        signs: whether the platform's authority can sign certificates (`can_sign`).
    """
    absent = [key for key in item.secret.keys if stored is None or key not in stored.keys]
    # the keys of a certificate belong together: those of a half are a person's, nobody can make the other half
    whole = signs and set(item.secret.certificate_keys() or ()) <= set(absent)

    def origin_of(key: str) -> Origin:
        found = item.origin(key)
        return Origin.PERSON if found is Origin.SIGNED and not whole else found

    # an optional Secret is not begun when somebody else has to end it
    spared = bool(item.optional) and stored is None and any(origin_of(key) is Origin.PERSON for key in absent)
    locked = stored.locked if stored else None

    def state(key: str) -> State:
        if key not in absent:
            return State.EXISTS
        if spared:
            return State.OPTIONAL
        if origin_of(key) is Origin.PERSON:
            return State.PERSON
        if locked:
            return State.LOCKED
        return State.SIGN if origin_of(key) is Origin.SIGNED else State.MAKE

    keys = tuple(PlannedKey(key, spec, state(key)) for key, spec in sorted(item.secret.keys.items()))
    return Planned(item, stored is not None, locked, keys)


def to_json(planned: Sequence[Planned]) -> list[dict[str, Any]]:
    """Return the plan as plain data without any value."""
    return [
        {
            "id": one.wanted.identifier,
            "name": one.wanted.name,
            "owner": one.wanted.owner,
            "purpose": one.wanted.secret.purpose,
            "exists": one.exists,
            "locked": one.locked,
            "notes": list(one.wanted.notes),
            "keys": [
                {
                    "key": item.key,
                    "state": item.state.value,
                    "origin": one.wanted.origin(item.key).value,
                    "shape": item.spec.shape,
                    "purpose": item.spec.purpose,
                }
                for item in one.keys
            ],
        }
        for one in planned
    ]

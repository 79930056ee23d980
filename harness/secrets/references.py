"""Which Secrets the rendered objects read, held against what the contracts declare, in both directions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.model.contract import Contract

NAME_LABEL = "app.kubernetes.io/name"
POD_SPECS = {
    "Pod": ("spec",),
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}


@dataclass(frozen=True, order=True)
class SecretRef:
    """An object's use of a Secret."""

    component: str  # label app.kubernetes.io/name of the object; empty without
    kind: str
    object: str
    secret: str
    key: str | None  # None: all of its keys
    where: str  # container and variable, or volume
    optional: bool

    @property
    def place(self) -> str:
        """Return object, container and variable as a person would look for them."""
        return f"{self.kind}/{self.object} {self.where}"


def references(objects: Iterable[Mapping[str, Any]]) -> set[SecretRef]:
    """Return every Secret that pods (variables, `envFrom`, volumes; not `imagePullSecrets`) and resources read."""
    return {reference for item in objects for reference in _of_object(item)}


def demanded(objects: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names of the Secrets without which some pod does not start, or some resource is not complete."""
    return {reference.secret for reference in references(objects) if not reference.optional}


def _of_object(item: Mapping[str, Any]) -> Iterator[SecretRef]:
    metadata = item.get("metadata") or {}
    owner = (metadata.get("labels") or {}).get(NAME_LABEL, "")
    uses: list[Use] = []
    if item.get("kind") in POD_SPECS:
        spec: Any = item
        for step in POD_SPECS[item["kind"]]:
            spec = spec.get(step) or {}
        uses = [*_of_containers(spec), *_of_volumes(spec)]
    elif "." in str(item.get("apiVersion")):
        uses = [*_of_resource(item.get("spec"), "spec")]
    for secret, key, where, optional in uses:
        yield SecretRef(owner, item["kind"], metadata.get("name", ""), secret, key, where, optional)


Use = tuple[str, str | None, str, bool]


def _of_resource(value: Any, where: str) -> Iterator[Use]:
    """Yield the Secrets that a custom resource names: `...SecretKeyRef`, a certificate and its key, volumes."""
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _of_resource(entry, f"{where}[{index}]")
    if not isinstance(value, Mapping):
        return
    yield from _of_volumes(value)
    if {"secretName", "certificate", "key"} <= set(value):
        yield from ((value["secretName"], value[name], where, False) for name in ("certificate", "key"))
    for name, entry in value.items():
        if name.endswith("SecretKeyRef") and isinstance(entry, Mapping):
            yield entry["name"], entry["key"], f"{where}.{name}", False
        elif name != "volumes":
            yield from _of_resource(entry, f"{where}.{name}")


def _of_containers(spec: Mapping[str, Any]) -> Iterator[Use]:
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(group) or ():
            name = container.get("name", "")
            for variable in container.get("env") or ():
                source = (variable.get("valueFrom") or {}).get("secretKeyRef")
                if source:
                    yield source["name"], source["key"], f"{name}, {variable['name']}", bool(source.get("optional"))
            for block in container.get("envFrom") or ():
                source = block.get("secretRef")
                if source:
                    yield source["name"], None, f"{name}, envFrom", bool(source.get("optional"))


def _of_volumes(spec: Mapping[str, Any]) -> Iterator[Use]:
    for volume in spec.get("volumes") or ():
        where = f"volume {volume.get('name', '')}"
        if volume.get("secret"):
            yield from _of_volume(volume["secret"], volume["secret"].get("secretName", ""), where)
        for source in (volume.get("projected") or {}).get("sources") or ():
            if source.get("secret"):
                yield from _of_volume(source["secret"], source["secret"].get("name", ""), where)


def _of_volume(source: Mapping[str, Any], secret: str, where: str) -> Iterator[Use]:
    optional = bool(source.get("optional"))
    items = source.get("items")
    keys: Sequence[str | None] = [item["key"] for item in items] if items else [None]
    for key in keys:
        yield secret, key, where, optional


def two_way(
    objects: Sequence[Mapping[str, Any]],
    contracts: Mapping[str, Contract],
    global_secrets: Mapping[str, str],
    needed: Collection[str] = (),
) -> list[str]:
    """Return what rendered objects and contracts say differently about Secrets; empty where they agree.

    Every key that an object reads is declared by a contract, and read only by its owner, by a component that requires
    it (`requires[].secrets`), or by the server on which the owner has a database with that Secret. Every declared key
    of a component that is rendered is read by some object, unless its Secret is optional and not needed here. And the
    other way round: an optional Secret without which a pod does not start is needed by what its contract names.

    Args:
        objects: the rendered objects of one environment.
        contracts: all contracts.
        global_secrets: `global.secrets` of the environment.
        needed: ids of optional Secrets that the environment's values make needed.

    Returns:
        sentences that name component, object, key and fix, sorted.
    """
    declared = {
        (global_secrets.get(identifier) or identifier, key): (owner, identifier, contract)
        for owner, contract in contracts.items()
        for identifier, secret in contract.secrets.items()
        for key in secret.keys
    }
    found = references(objects)
    problems = {problem for reference in found for problem in _undeclared(reference, declared, contracts)}
    used = {(reference.secret, reference.key) for reference in found}
    rendered = {((item.get("metadata") or {}).get("labels") or {}).get(NAME_LABEL) for item in objects if _serves(item)}
    for (name, key), (owner, identifier, contract) in declared.items():
        spared = contract.secrets[identifier].optional and identifier not in needed
        if owner in rendered and not spared and not used & {(name, key), (name, None)}:
            problems.add(
                f"{owner}: no object reads key {key} of Secret {name}; wire it in charts/{contract.chart}/templates/"
                f"_wiring.tpl or remove {contract.place_of_secret(identifier)}.keys.{key}"
            )
    must = demanded(objects)
    for owner, contract in contracts.items():
        for identifier, secret in contract.secrets.items():
            name = global_secrets.get(identifier) or identifier
            if owner in rendered and secret.neededWith and identifier not in needed and name in must:
                problems.add(
                    f"{owner}: a pod does not start without Secret {name}, and with these values "
                    f"{contract.place_of_secret(identifier)} calls it optional; add the value to neededWith"
                )
    return sorted(problems)


def _serves(item: Mapping[str, Any]) -> bool:
    """Whether an object is a component itself, and not only a Job that makes things on one elsewhere."""
    group = str(item.get("apiVersion")).rpartition("/")[0]
    resource = "." in group and not group.endswith(".k8s.io")
    return resource or item.get("kind") in ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Pod")


Declared = Mapping[tuple[str, str], tuple[str, str, Contract]]


def _undeclared(reference: SecretRef, declared: Declared, contracts: Mapping[str, Contract]) -> Iterator[str]:
    who = reference.component
    if not who:
        yield f"{reference.place} reads Secret {reference.secret} for nobody; give it the label {NAME_LABEL}"
        return
    keys = sorted(key for name, key in declared if name == reference.secret)
    if not keys:
        yield (
            f"{who}: {reference.place} reads Secret {reference.secret}, which no contract declares; declare it under "
            "secrets of its owner's contract.yaml and run: indigo generate"
        )
        return
    if reference.key is not None and reference.key not in keys:
        yield (
            f"{who}: {reference.place} reads key {reference.key} of Secret {reference.secret}, which declares only "
            f"{', '.join(keys)}; use one of these or declare it"
        )
        return
    for key in keys if reference.key is None else [reference.key]:
        owner, identifier, contract = declared[reference.secret, key]
        reader = contracts[who].file if who in contracts else f"charts/{who}/contract.yaml"
        if reference.component not in _readers(owner, identifier, contract, contracts):
            yield (
                f"{who}: {reference.place} reads Secret {reference.secret} of {owner} without requiring it; add "
                f"secrets: [{identifier}] to the entry for {owner} under requires in {reader}"
            )
            return


def _readers(owner: str, identifier: str, contract: Contract, contracts: Mapping[str, Contract]) -> set[str]:
    """Return the components that may read a Secret."""
    requiring = {
        name
        for name, other in contracts.items()
        for edge in other.requires
        if edge.component == owner and identifier in edge.secrets
    }
    servers = {database.server for database in contract.databases.values() if database.secret == identifier}
    registrars = {client.server for client in contract.clients.values() if client.secret == identifier}
    return {owner, *requiring, *servers, *registrars}

"""An environment: which platform runs where, with which profiles and values.

`argocd/environments/<name>/config.yaml` holds what Argo CD must know of it, `values.yaml` beside it what differs
from the umbrella chart and its profiles. `schemas/environment.schema.json` is generated from the model.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.errors import UserError
from harness.model.contract import TIERS, Closed, Contract
from harness.model.load import parse, read_yaml

ENVIRONMENTS = Path("argocd") / "environments"
UMBRELLA = Path("charts") / "indigo-paas"

Label = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]


class Mode(enum.StrEnum):
    """Where a component runs (`global.components.<name>.mode`)."""

    EMBEDDED = "embedded"
    OPERATOR = "operator"
    EXTERNAL = "external"
    SHARED = "shared"
    OFF = "off"

    @property
    def here(self) -> bool:
        """Whether its pods run in the environment's namespace."""
        return self in (Mode.EMBEDDED, Mode.OPERATOR)


class Delivery(enum.StrEnum):
    """What one Application of an environment holds (docs/adr/0020)."""

    WHOLE = "whole"
    SLICES = "slices"


class Sync(Closed):
    """How Argo CD syncs the environment."""

    automated: Annotated[
        bool, Field(description="true: a commit is deployed without a hand; false: somebody syncs.")
    ] = True
    retries: Annotated[int, Field(ge=0, description="How often a failed sync is tried again.")] = 5


class Environment(Closed):
    """One platform: a namespace of a cluster, profiles, a quota."""

    name: Annotated[Label, Field(description="The name of the folder.")]
    namespace: Annotated[
        Label, Field(description="One platform per namespace (docs/explanation/architecture.md, Names).")
    ]
    profiles: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z][-a-z0-9]*$")]],
        Field(
            min_length=1,
            description="Files of charts/indigo-paas/profiles, without .yaml; a later one wins over an earlier one.",
        ),
    ]
    cluster: Annotated[
        str, Field(pattern=r"^https://\S+$", description="URL of the API server, as Argo CD knows it.")
    ] = "https://kubernetes.default.svc"
    podSecurity: Annotated[
        Literal["restricted", "baseline"],
        Field(
            description="Pod Security Standard that the namespace enforces; baseline only where a contract needs it."
        ),
    ] = "restricted"
    quota: Annotated[
        dict[str, Quantity],
        Field(
            default={},
            description="ResourceQuota of the namespace: requests.cpu, persistentvolumeclaims, ...; values in quotes.",
        ),
    ]
    priorities: Annotated[
        bool,
        Field(
            description="true: PriorityClasses indigo-<name>-<tier> are made with the namespace, and the components' "
            "pods get them; they may then displace pods of a lower class anywhere in the cluster."
        ),
    ] = False
    delivery: Annotated[
        Delivery,
        Field(
            description="whole: one Application, in the order of the whole graph; slices: one for each tier (data, "
            "core, services, batch), which never wait for each other once they were synced.",
        ),
    ] = Delivery.WHOLE
    sync: Sync = Sync()
    revision: Annotated[
        str | None,
        Field(
            pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$",
            description="Commit of this repository whose charts run, written by `indigo promote`; without it the "
            "environment follows the branch.",
        ),
    ] = None
    promotedFrom: Annotated[
        Label | None,
        Field(description="Environment whose revision `indigo promote` takes; without it nothing is promoted to here."),
    ] = None

    @property
    def applications(self) -> dict[str, str]:
        """Return the Applications of its components by name, each with the slice that it renders (empty: all)."""
        whole = f"indigo-{self.name}"
        return {whole: ""} if self.delivery is Delivery.WHOLE else {f"{whole}-{tier}": tier for tier in TIERS}


def load_environment(repository: Path, name: str) -> Environment:
    """Return one environment of a checkout.

    Raises:
        UserError: there is none of that name, its config breaks the schema, names another folder or an absent profile.
    """
    folder = repository / ENVIRONMENTS / name
    shown = str(ENVIRONMENTS / name / "config.yaml")
    if not (folder / "config.yaml").is_file():
        names = ", ".join(_names(repository)) or "none"
        raise UserError(f"no environment {name}", where=shown, fix=f"write one of those there are: {names}")
    environment = parse(Environment, read_yaml(folder / "config.yaml", shown), shown)
    if environment.name != name:
        raise UserError(
            f"name: {environment.name} does not match the folder {name}",
            where=shown,
            fix=f"write name: {name}, or rename the folder",
        )
    known = sorted(path.stem for path in (repository / UMBRELLA / "profiles").glob("*.yaml"))
    for index, profile in enumerate(environment.profiles):
        if profile not in known:
            raise UserError(
                f"profiles.{index}: no file {UMBRELLA}/profiles/{profile}.yaml",
                where=shown,
                fix=f"write one of those there are: {', '.join(known) or 'none'}",
            )
        if profile in environment.profiles[:index]:
            raise UserError(f"profiles.{index}: {profile} is listed twice", where=shown, fix="remove one of them")
    return environment


def load_environments(repository: Path) -> dict[str, Environment]:
    """Return all environments of a checkout by name, in alphabetical order.

    Raises:
        UserError: as `load_environment`, or two of them are the same namespace of the same cluster.
    """
    environments = {name: load_environment(repository, name) for name in _names(repository)}
    places: dict[tuple[str, str], str] = {}
    for name, environment in environments.items():
        place = (environment.cluster, environment.namespace)
        if place in places:
            raise UserError(
                f"namespace: {environment.namespace} of this cluster is the environment {places[place]} already",
                where=str(ENVIRONMENTS / name / "config.yaml"),
                fix="one platform per namespace: write another namespace or cluster",
            )
        places[place] = name
        origin = environment.promotedFrom
        if origin is not None and (origin not in environments or name in _origins(environments, origin)):
            known = [other for other in environments if name not in _origins(environments, other)]
            raise UserError(
                f"promotedFrom: {origin} " + ("leads back here" if origin in environments else "is no environment"),
                where=str(ENVIRONMENTS / name / "config.yaml"),
                fix=f"write one of {', '.join(known)}" if known else "remove it",
            )
    return environments


def _origins(environments: Mapping[str, Environment], name: str) -> list[str]:
    """Return an environment and those that its revisions come from, nearest first."""
    found: list[str] = []
    step: str | None = name
    while step is not None and step in environments and step not in found:
        found.append(step)
        step = environments[step].promotedFrom
    return found


def _names(repository: Path) -> list[str]:
    return sorted(path.parent.name for path in (repository / ENVIRONMENTS).glob("*/config.yaml"))


def values_files(environment: Environment) -> list[Path]:
    """Return what Helm reads for an environment besides the chart's own values, in that order, below the checkout."""
    profiles = [UMBRELLA / "profiles" / f"{profile}.yaml" for profile in environment.profiles]
    return [*profiles, ENVIRONMENTS / environment.name / "values.yaml"]


def read_values(repository: Path, environment: Environment) -> dict[str, Any]:
    """Return an environment's values as Helm merges them: the umbrella's, the profiles', the environment's.

    Maps are merged key by key, anything else is replaced; a null in a later file removes the key (Helm documentation,
    Subcharts and Globals and "Deleting a default key").

    Raises:
        UserError: a file is not YAML or not a map; only the environment's own file may be absent.
    """
    site: dict[str, Any] = {}
    for path in values_files(environment):
        if path.parts[0] != ENVIRONMENTS.parts[0] or (repository / path).is_file():
            site = overlay(site, _read_map(repository, path))
    merged: dict[str, Any] = _without_null(overlay(_read_map(repository, UMBRELLA / "values.yaml"), site))
    return merged


def _read_map(repository: Path, path: Path) -> dict[str, Any]:
    data = read_yaml(repository / path, str(path))
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UserError(f"expected a mapping, found {type(data).__name__}", where=str(path))
    return data


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return `above` over `below`, maps merged key by key, as Helm merges values files."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = overlay(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return value


def modes(values: Mapping[str, Any], contracts: Mapping[str, Contract]) -> dict[str, Mode]:
    """Return each component's mode in merged values; without a word, an instance is shared and all else embedded.

    Raises:
        UserError: a mode that there is not, or not for this component, with its key.
    """
    entries = _section(values, "components")
    return {name: _mode(contract, entries.get(name)) for name, contract in contracts.items()}


def _mode(contract: Contract, entry: Any) -> Mode:
    usual = Mode.SHARED if contract.like else Mode.EMBEDDED
    written = entry.get("mode", usual) if isinstance(entry, dict) else usual
    possible = modes_of(contract)
    if written in possible:
        return Mode(written)
    raise UserError(
        f"global.components.{contract.component}.mode: {written} is none of {', '.join(possible)}",
        where="values of the environment",
        fix="write embedded (it runs here), external (somewhere else) or off"
        + (' as "off"' if written is False else ""),
    )


def modes_of(contract: Contract) -> list[Mode]:
    """Return the modes that a component can run in."""
    possible = {Mode.OPERATOR: contract.operator is not None, Mode.SHARED: contract.like is not None}
    return [mode for mode in Mode if possible.get(mode, True)]


def secret_names(values: Mapping[str, Any]) -> dict[str, str]:
    """Return `global.secrets` of merged values: the names of Kubernetes Secrets by id, where they differ from it."""
    return {str(identifier): str(name or "") for identifier, name in _section(values, "secrets").items()}


def _section(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    everything = values.get("global")
    section = everything.get(name) if isinstance(everything, dict) else None
    return section if isinstance(section, dict) else {}


def environment_files(repository: Path, name: str) -> dict[str, str | None]:
    """Return an environment's own files by their path below the checkout, with their text, as a commit takes them."""
    folder = repository / ENVIRONMENTS / name
    return {str(path.relative_to(repository)): path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}

"""From a contract and a double's own file to the description that the program reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from harness.errors import UserError
from harness.model.contract import SETTING_PATTERNS, Closed, Contract, Sentence
from harness.model.graph import Graph

COMPONENTS = Path(__file__).parent / "components"


class Store(Closed):
    """A server that the software logs in to before it serves; texts may hold `${SETTING}` and `${SETTING:default}`."""

    name: str
    kind: Literal["mysql", "valkey"]
    url: str = ""
    address: str = ""
    user: str = ""
    password: str = ""
    database: str = ""
    patience: Annotated[int, Field(ge=1, description="Seconds for which it tries before it ends.")]
    source: str


class File(Closed):
    """A file that has to be there."""

    path: str
    json_: Annotated[bool, Field(alias="json")] = False
    source: str


class Rule(Closed):
    """What the software does not bear in a setting beyond its type; `must` is a regular expression (RE2)."""

    setting: str
    must: str
    message: Sentence
    source: str


class Answer(Closed):
    """A path that is served; with `asks`, 503 while one of those stores does not answer."""

    port: str
    path: Annotated[str, Field(pattern="^/")]
    asks: tuple[str, ...] = ()
    body: str = ""
    type: str = "application/json"
    source: str


class Job(Closed):
    """A command that ends; the word among its arguments tells it from the server."""

    word: str
    says: Sentence
    source: str


class Double(Closed):
    """One file of `components/`."""

    stores: tuple[Store, ...] = ()
    files: tuple[File, ...] = ()
    rules: tuple[Rule, ...] = ()
    answers: tuple[Answer, ...] = ()
    jobs: tuple[Job, ...] = ()
    different: Annotated[
        tuple[Sentence, ...], Field(min_length=1, description="What the real one does and it does not.")
    ]


def names() -> list[str]:
    """Return the components that there are doubles of, sorted."""
    return sorted(path.stem for path in COMPONENTS.glob("*.yaml"))


def load(component: str) -> Double:
    """Return a double's own file.

    Raises:
        UserError: there is none, or it does not fit the model.
    """
    path = COMPONENTS / f"{component}.yaml"
    try:
        return Double.model_validate(yaml.safe_load(path.read_text()))
    except FileNotFoundError as error:
        raise UserError(f"there is no double of {component}", fix=f"write one of {', '.join(names())}") from error
    except ValidationError as error:
        raise UserError(
            f"the double of {component} is not as it should be", where=str(path), details=str(error)
        ) from error


def check(graph: Graph, component: str) -> list[str]:
    """Return what a double's file says differently from the contracts, in sentences; empty when it fits.

    Every path that a probe or a neighbour asks has to be answered, and nothing may refer to what no contract knows.
    """
    contract, double = graph.contracts[component], load(component)
    answered = {(answer.port, answer.path) for answer in double.answers}
    stores = {store.name for store in double.stores}
    asked = {(probe.port, probe.path) for _, probe in contract.all_probes() if probe.path}
    asked |= {(edge.port, edge.path) for edge in graph.dependants(component) if edge.path}
    problems = [f"nothing answers {path} on port {port}" for port, path in sorted(asked - answered, key=str)]
    problems += [
        f"port {port} of {path} is not in the contract" for port, path in answered if port not in contract.ports
    ]
    problems += [
        f"{answer.path} asks {name}, which is no store" for answer in double.answers for name in answer.asks
        if name not in stores
    ]  # fmt: skip
    problems += [
        f"the contract has no setting {rule.setting}" for rule in double.rules if rule.setting not in contract.settings
    ]
    if len(contract.jobs) != len(double.jobs):
        problems.append(f"the contract has {len(contract.jobs)} jobs, the double {len(double.jobs)}")
    if contract.databases and not any(store.kind == "mysql" for store in double.stores):
        problems.append("the contract has databases, the double logs in to none")
    return problems


def describe(contract: Contract) -> dict[str, Any]:
    """Return what the program reads: the contract's edges, and the double's own file."""
    double = load(contract.component)
    settings = {
        name: {
            "pattern": SETTING_PATTERNS.get(setting.type, ""),
            "type": setting.type.value,
            "allowed": list(setting.allowed),
            "required": setting.required,
            "secret": setting.secret,
        }
        for name, setting in contract.settings.items()
        if setting.where == "env"
    }
    return {
        "component": contract.component,
        "title": contract.title,
        "settings": settings,
        "ports": {name: {"port": port.port, "protocol": port.protocol} for name, port in contract.ports.items()},
        "grace": max(contract.workload.gracePeriod - contract.workload.preStop - 2, 1),
        **double.model_dump(by_alias=True, exclude={"different"}),
    }

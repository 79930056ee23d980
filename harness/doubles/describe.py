"""From a contract and a double's own file to the description that the program reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from harness.errors import UserError
from harness.model.contract import SETTING_PATTERNS, Closed, Contract, Sentence
from harness.model.graph import Graph
from harness.model.load import read_yaml

COMPONENTS = Path(__file__).parent / "components"
TREES = (".yml", ".yaml", ".json")  # files of settings that can be read as a tree
SPOKEN = {"mysql": "mysql", "valkey": "valkey", "tls": "kafka", "bolt": "bolt"}  # what is spoken at a port of a store


class Store(Closed):
    """A server that the software logs in to before it serves; texts may hold `${SETTING}` and `${SETTING:default}`."""

    name: str
    kind: Literal["mysql", "valkey", "kafka", "bolt", "http"]
    url: str = ""
    address: str = ""
    user: str = ""
    password: str = ""
    database: str = ""
    headers: Annotated[dict[str, str], Field(default_factory=dict)]
    tls: Annotated[str, Field(description="Whether Kafka is spoken to with TLS; without it, always.")] = ""
    ca: str = ""
    cert: str = ""
    key: str = ""
    named: Annotated[bool, Field(description="Whether the broker's certificate must have its name.")] = False
    topics: Annotated[tuple[str, ...], Field(description="Topics that have to be there.")] = ()
    when: Annotated[str, Field(description="`true` or `a=a`, or it is not used at all.")] = ""
    soft: Annotated[bool, Field(description="The software starts without it.")] = False
    patience: Annotated[int, Field(ge=1, description="Seconds for which it tries before it ends.")]
    ends: Annotated[int, Field(ge=0, description="Seconds without it after which it ends; 0 is never.")] = 0
    source: str


class File(Closed):
    """A file that has to be there."""

    path: str
    json_: Annotated[bool, Field(alias="json")] = False
    source: str


class Config(Closed):
    """What a file of settings may hold beyond those of the contract; the software refuses other keys."""

    path: str
    also: tuple[str, ...]
    source: str


class Rule(Closed):
    """What the software does not bear beyond types: `must` is a regular expression (RE2) of the value, `needs` are
    other settings that must not be empty (where the value is `is`, if that is said)."""

    setting: str
    must: str = ""
    is_: Annotated[str, Field(alias="is")] = ""
    needs: tuple[str, ...] = ()
    message: Sentence
    source: str


class Answer(Closed):
    """A path that is served; with `asks`, `failing` while one of those stores does not answer."""

    port: str
    path: Annotated[str, Field(pattern="^/")]
    asks: tuple[str, ...] = ()
    failing: int = 503
    body: str = ""
    type: str = "application/json"
    does: str = ""
    key: Annotated[str, Field(description="X-API-Key that lets in.")] = ""
    issuers: Annotated[str, Field(description="JSON list of issuers whose tokens let in.")] = ""
    policy: Annotated[str, Field(description="Decision of OPA that is asked for a token.")] = ""
    open_: Annotated[bool, Field(alias="open", description="Everybody may read.")] = False
    source: str


class Job(Closed):
    """A command that ends; the word among its arguments tells it from the server."""

    word: str
    says: Sentence
    bare: bool = False  # a program of ours that another image runs: it reads none of the component's settings
    source: str


class Log(Closed):
    """A file that the software writes and that a probe reads: `says` is in it when it is ready."""

    path: str
    says: Sentence
    source: str


class Stream(Closed):
    """What the software makes of messages (`go/flow.go`); the shipper's and the feeder's `from_` is no topic."""

    does: str
    from_: Annotated[tuple[str, ...], Field(alias="from")]
    to: str = ""
    source: str


class Double(Closed):
    """One file of `components/`."""

    stores: tuple[Store, ...] = ()
    files: tuple[File, ...] = ()
    configs: tuple[Config, ...] = ()
    rules: tuple[Rule, ...] = ()
    answers: tuple[Answer, ...] = ()
    jobs: tuple[Job, ...] = ()
    log: Log | None = None
    streams: tuple[Stream, ...] = ()
    different: Annotated[
        tuple[Sentence, ...], Field(min_length=1, description="What the real one does and it does not.")
    ]


def names() -> list[str]:
    """Return the components that there are doubles of, sorted."""
    return sorted(path.stem for path in COMPONENTS.glob("*.yaml"))


def load(component: str) -> Double:
    """Return a double's own file.

    Raises:
        UserError: there is none, it is no YAML, or it does not fit the model.
    """
    path = COMPONENTS / f"{component}.yaml"
    if not path.is_file():
        raise UserError(f"there is no double of {component}", fix=f"write one of {', '.join(names())}")
    try:
        return Double.model_validate(read_yaml(path))
    except ValidationError as error:
        raise UserError(
            f"the double of {component} is not as it should be", where=str(path), details=str(error)
        ) from error


def check(graph: Graph, component: str) -> list[str]:
    """Return what a double's file says differently from the contracts, in sentences; empty when it fits.

    Every path that a probe or a neighbour asks has to be answered, whoever is needed hard has to be logged in to, and
    nothing may refer to what no contract knows.
    """
    contract, double = graph.contracts[component], load(component)
    answered = {(answer.port, answer.path) for answer in double.answers}
    stores = {store.name for store in double.stores}
    asked = {(probe.port, probe.path.partition("?")[0]) for _, probe in contract.all_probes() if probe.path}
    asked |= {(edge.port, edge.path.partition("?")[0]) for edge in graph.dependants(component) if edge.path}
    problems = [f"nothing answers {path} on port {port}" for port, path in sorted(asked - answered, key=str)]
    problems += [
        f"port {port} of {path} is not in the contract" for port, path in answered if port not in contract.ports
    ]
    problems += [
        f"{answer.path} asks {name}, which is no store" for answer in double.answers for name in answer.asks
        if name not in stores
    ]  # fmt: skip
    named = {name for rule in double.rules for name in (rule.setting, *rule.needs)}
    problems += [f"the contract has no setting {name}" for name in sorted(named - contract.settings.keys())]
    if len(contract.jobs) != len(double.jobs):
        problems.append(f"the contract has {len(contract.jobs)} jobs, the double {len(double.jobs)}")
    if contract.databases and not any(store.kind == "mysql" for store in double.stores):
        problems.append("the contract has databases, the double logs in to none")
    kinds = {store.kind for store in double.stores}
    problems += [
        f"{edge.provider} is needed hard, and there is no store of kind {SPOKEN[edge.port]}"
        for edge in graph.requirements(component)
        if edge.need == "hard" and edge.port in SPOKEN and SPOKEN[edge.port] not in kinds
    ]
    known = {setting.where for setting in contract.settings.values()}
    problems += [f"the contract has no settings in {item.path}" for item in double.configs if item.path not in known]
    return problems


def describe(contract: Contract) -> dict[str, Any]:
    """Return what the program reads: the contract's edges, and the double's own file."""
    double = load(contract.component)
    return {
        "component": contract.component,
        "title": contract.title,
        "settings": _settings(contract, "env"),
        "ports": {name: {"port": port.port, "protocol": port.protocol} for name, port in contract.ports.items()},
        "grace": max(contract.workload.gracePeriod - contract.workload.preStop - 2, 1),
        "runs": contract.workload.kind == "CronJob",
        "trust": _trust(contract),
        **double.model_dump(by_alias=True, exclude={"different", "configs"}),
        "configs": [
            {
                "path": path,
                "settings": _settings(contract, path),
                "also": [key for item in double.configs if item.path == path for key in item.also],
            }
            for path in _files(contract)
        ],
    }


def _trust(contract: Contract) -> dict[str, Any]:
    if contract.trust is None:
        return {"variables": [], "java": False}
    return {"variables": [*contract.trust.bundle, *contract.trust.own], "java": contract.trust.java}


def _files(contract: Contract) -> list[str]:
    places = {setting.where for setting in contract.settings.values()}
    return sorted(place for place in places if place.startswith("/") and place.endswith(TREES))


def _settings(contract: Contract, where: str) -> dict[str, Any]:
    return {
        name: {
            "pattern": SETTING_PATTERNS.get(setting.type, ""),
            "type": setting.type.value,
            "allowed": list(setting.allowed),
            "required": setting.required,
            "secret": setting.secret,
        }
        for name, setting in contract.settings.items()
        if setting.where == where
    }

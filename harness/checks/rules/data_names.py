"""Databases, their users and topics: who owns one is told its name as the contract has it, and somebody makes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import Container, Pod
from harness.model.contract import Contract
from harness.model.environment import Mode
from harness.model.graph import OwnedDatabase
from harness.render.objects import Object

_DATABASE = re.compile(r"(?:^|_)(?:DB|DATABASE)_?NAME$")
_USER = re.compile(r"(?:^|_)(?:DB|DATABASE)_?USER(?:NAME)?$")
_TOPIC = re.compile(r"(?:^|_)TOPIC(?:_NAME)?$")
_URL = re.compile(r"\b(?:mysql|mariadb)(?:\+\w+)?://(?:(?P<user>[\w-]+):[^\s/@]*@)?[^\s/@?]+/(?P<name>\w+)")


def _check(platform: Platform) -> Iterator[Problem]:
    for contract, pod in platform.component_pods:
        if pod.main is not None and (pod.server or contract.workload.kind == "CronJob"):
            yield from _told(contract, pod, pod.main)
    for server in platform.delivered:
        owned = [item for item in platform.graph.databases(server) if platform.modes[item.owner].here]
        yield from _databases(platform, server, owned)
    if "kafka" in platform.delivered:
        yield from _topics(platform)


def _told(contract: Contract, pod: Pod, main: Container) -> Iterator[Problem]:
    """Names in the variables of a component against what its contract owns or reads."""
    users = {database.user for database in contract.databases.values()}
    topics = {*contract.topics, *contract.consumes}
    for entry in main.data.get("env") or ():
        name, value = str(entry["name"]), str(entry.get("value", ""))
        # what comes after the question mark are options of the URL that the software ends with the name (TLS)
        found = [("database", value.partition("?")[0], set(contract.databases))] if _DATABASE.search(name) else []
        found += [("user", value, users)] if _USER.search(name) else []
        found += [("topic", value, topics)] if _TOPIC.search(name) else []
        for url in _URL.finditer(value):
            found += [("database", url["name"], set(contract.databases))]
            found += [("user", url["user"], users)] if url["user"] else []
        for what, written, known in found:
            if written and "$(" not in written and written not in known:
                says = ", ".join(sorted(known)) or f"no {what}"
                yield Problem(
                    pod.owner, f"{main.path}.env.{name}", f"names the {what} {written}, the contract has {says}"
                )


def _databases(platform: Platform, server: str, owned: list[OwnedDatabase]) -> Iterator[Problem]:
    if platform.modes[server] is Mode.OPERATOR:
        own = [item for item in platform.objects if platform.component(item) == server]
        made = {str(item["spec"].get("name")) for item in own if item["kind"] == "Database"}
        users = {str(item["spec"].get("name")) for item in own if item["kind"] == "User"}
        granted = {
            (str(item["spec"].get("username")), str(item["spec"].get("database")))
            for item in own
            if item["kind"] == "Grant"
        }
    else:
        text = _jobs(platform, server)
        made = {item.name for item in owned if _line(item.name, item.database.user).search(text)}
        users = {item.database.user for item in owned if item.name in made}
        granted = {(item.database.user, item.name) for item in owned}
    for item in owned:
        for what, name, there in (("database", item.name, made), ("user", item.database.user, users)):
            if name not in there:
                yield Problem(
                    None, f"{what} {name}", f"nothing makes the {what} {name} of {item.owner}", component=server
                )
        if (item.database.user, item.name) not in granted:
            message = f"nothing gives {item.database.user} rights on {item.name}"
            yield Problem(None, f"database {item.name}", message, component=server)


def _line(*words: str) -> re.Pattern[str]:
    """Return what finds a line that has these words in this order."""
    return re.compile(r"\b[^\n]*\b".join(rf"\b{re.escape(word)}\b" for word in words))


def _topics(platform: Platform) -> Iterator[Problem]:
    """A topic that is written or read here is made, since no topic appears by itself."""
    text = _jobs(platform, "kafka")
    resources = {
        str(item["spec"].get("topicName") or item["metadata"]["name"]) for item in platform.of_kind("KafkaTopic")
    }
    for name, (owner, _) in platform.graph.topics().items():
        made = name in resources or re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text)
        if platform.modes[owner] is not Mode.OFF and not made:
            yield Problem(None, f"topic {name}", f"nothing makes the topic {name} of {owner}", component="kafka")


def _jobs(platform: Platform, component: str) -> str:
    """Return all that the Jobs of a component run, as text."""

    def runs(item: Object) -> list[str]:
        containers = item["spec"]["template"]["spec"]["containers"]
        return [str(part) for one in containers for key in ("command", "args") for part in one.get(key) or ()]

    jobs = [item for item in platform.of_kind("Job") if platform.component(item) == component]
    return "\n".join(part for item in jobs for part in runs(item))


RULE = Rule(
    id="data-names",
    title="Databases, users and topics have the names of the contracts, and a Job or a resource makes each of them",
    fix="write the contract's name in the wiring, or declare it under databases, topics or consumes in contract.yaml",
    source="charts/<component>/contract.yaml, databases, topics, consumes",
    why="Databases and topics do not appear by themselves: a component that is told another name than the one "
    "that is made fails at its first query, or waits for ever.",
    example=Example(
        given="IAM_DB_NAME: iam2",
        says="names the database iam2, the contract has iam",
    ),
    environment=_check,
)

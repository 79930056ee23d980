"""No secret in a command line: everybody on the node, and every tool that records processes, reads those."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import Container

_OPTION = r"(?:^|[\s\"'(])(?:-p|--?[\w-]*(?:pass|secret|token|requirepass|masterauth)[\w-]*)[= ]?[\"']?"


def _check(platform: Platform) -> Iterator[Problem]:
    for pod in platform.pods:
        for container in pod.containers:
            for path, message in _container(container):
                yield Problem(pod.owner, path, message)


def _container(container: Container) -> Iterator[tuple[str, str]]:
    names = [
        str(entry["name"])
        for entry in container.data.get("env") or ()
        if "secretKeyRef" in (entry.get("valueFrom") or {})
    ]
    if not names:
        return
    secret = "|".join(map(re.escape, names))
    expanded = re.compile(rf"\$\((?P<name>{secret})\)")  # by Kubernetes, before the program starts
    given = re.compile(rf"{_OPTION}\$\{{?(?P<name>{secret})\b")  # by a shell, to a program that it starts
    for key in ("command", "args"):
        for index, text in enumerate(container.data.get(key) or ()):
            for pattern in (expanded, given):
                for found in pattern.finditer(str(text)):
                    message = f"gives {found['name']}, which comes from a Secret, to a program in its command line"
                    yield f"{container.path}.{key}[{index}]", message


RULE = Rule(
    id="secret-arguments",
    title="No secret is in a command line, where every list of processes shows it",
    fix="let the program read a variable or a file, or give it by standard input",
    source="bitnami/charts#25163, CloudPirates-io/helm-charts#1501; trap secret-in-process-list of charts/mariadb",
    why="Command lines are read by everybody on the node, by every tool that records processes, and by "
    "whoever describes the pod.",
    example=Example(
        given="valkey-server --requirepass $VALKEY_PASSWORD",
        says="which comes from a Secret, to a program",
    ),
    environment=_check,
)

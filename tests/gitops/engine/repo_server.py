"""What Argo CD's repository server answered: the manifests of an Application, as its cache has them.

The application controller asks the repository server for the manifests of every Application that it compares, with a
request that it makes itself (argo-cd v3.6.1, controller/state.go, GetRepoObjs). The server keeps each answer under
`mfst|<tracking>|<application>|<revision>|<namespace>|...` as gzipped JSON (reposerver/cache/cache.go, util/cache).
"""

from __future__ import annotations

import copy
import gzip
import json
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cluster import Object

TRACKING = "argocd.argoproj.io/tracking-id"


@dataclass(frozen=True)
class Answer:
    """The manifests of one Application, in the server's order, and the commands that it ran."""

    objects: list[Object]
    commands: list[str]


class Cache:
    """A connection to the cache of an embedded engine's Argo CD; speaks as much of RESP as two commands need."""

    def __init__(self, run_dir: Path) -> None:
        settings = dict(line.split(" ", 1) for line in (run_dir / "valkey.conf").read_text().splitlines())
        self._socket = socket.create_connection((settings["bind"], int(settings["port"])), timeout=20)
        self._file = self._socket.makefile("rb")
        self._ask("AUTH", settings["requirepass"])

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()

    def answer(self, application: str, revision: str) -> Answer:
        """Return what the repository server answered for an Application at a commit."""
        pattern = f"mfst|*|{application}|{revision}|*"
        keys = [key for key in self._ask("KEYS", pattern) if key.split(b"|")[2] == application.encode()]
        assert len(keys) == 1, f"{application}: {len(keys)} answers of the repository server"
        stored = json.loads(gzip.decompress(self._ask("GET", keys[0])))
        response = stored["manifestResponse"]
        assert response, f"{application}: {stored['mostRecentError']}"
        # what is empty is left out: a slice may have no object
        return Answer([json.loads(text) for text in response.get("manifests") or ()], response.get("commands") or [])

    def _ask(self, *words: str | bytes) -> Any:
        parts = [word if isinstance(word, bytes) else word.encode() for word in words]
        lengths = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(b"*%d\r\n%s" % (len(parts), lengths))
        return self._reply()

    def _reply(self) -> Any:
        line = self._file.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self._file.read(size + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        assert kind == b"+", f"the cache answers {line!r}"
        return rest


def tracked(objects: Sequence[Object], application: str, namespace: str) -> list[Object]:
    """Return rendered objects with the mark by which Argo CD knows them again (util/argo/resource_tracking.go)."""
    marked = []
    for item in copy.deepcopy(list(objects)):
        metadata = item["metadata"]
        group = item["apiVersion"].rpartition("/")[0]
        place = f"{metadata.get('namespace', namespace)}/{metadata['name']}"
        annotations = metadata.get("annotations") or {}
        metadata["annotations"] = {**annotations, TRACKING: f"{application}:{group}/{item['kind']}:{place}"}
        marked.append(item)
    return marked


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Yield every place where two renders differ, also where only the type does (1, 1.0 and "1" are three)."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if key not in ours or key not in theirs:
                yield f"{path}.{key}: only {'the harness' if key in ours else 'Argo CD'} has it"
            else:
                yield from differences(ours[key], theirs[key], f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{path}: {len(ours)} here, {len(theirs)} of Argo CD"
        for index, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
    elif (type(ours), ours) != (type(theirs), theirs):
        yield f"{path}: {ours!r} here, {theirs!r} of Argo CD"


def compare(ours: Sequence[Object], theirs: Sequence[Object]) -> list[str]:
    """Return every difference between two renders of an Application, their order included."""
    titles = [[f"{item['kind']}/{item['metadata']['name']}" for item in objects] for objects in (ours, theirs)]
    if titles[0] != titles[1]:
        missing = sorted(set(titles[0]) ^ set(titles[1]))
        return [f"other objects, or in another order: {missing or titles}"]
    return [
        line for name, one, other in zip(titles[0], ours, theirs, strict=True) for line in differences(one, other, name)
    ]


def flags(commands: Sequence[str]) -> set[str]:
    """Return the flags of a render, without those that only say which cluster it is for."""
    found = re.findall(r"(?<=\s)--?[a-z][a-z-]*", " ".join(commands))
    return set(found) - {"--api-versions", "--kube-version"}

"""Container images: the one list of all, and which of them an environment runs.

A component's image is in its contract, one that several share in `charts/common/images.yaml`; nothing else may name one
(rule `images-listed`). `images.yaml` at the root of the checkout is the list that people and scanners read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from harness.errors import UserError
from harness.model.contract import Closed, Contract, Need, Sentence
from harness.model.environment import Mode
from harness.model.graph import Graph
from harness.model.load import parse, read_yaml

SHARED = Path("charts") / "common" / "images.yaml"
WAIT = "wait"  # the shared image of the init containers that wait: charts/common/templates/_wait.tpl
HUB = "docker.io"  # what a name without a registry means (containerd and Docker alike)


class SharedImage(Closed):
    """An image that belongs to no single component."""

    repository: Annotated[str, Field(description="Name as a pod writes it; without registry for Docker Hub's.")]
    tag: Annotated[str, Field(pattern=r"^[\w][\w.-]*$")]
    digest: Annotated[str | None, Field(pattern=r"^sha256:[0-9a-f]{64}$")] = None
    licence: str
    source: Annotated[str, Field(description="Where its build is kept.")]
    purpose: Sentence


@dataclass(frozen=True, order=True)
class Reference:
    """An image as pods name it."""

    repository: str
    tag: str
    digest: str = ""

    @property
    def text(self) -> str:
        """Return name, tag and, where it is known, digest, as a pod writes them."""
        return f"{self.repository}:{self.tag}" + (f"@{self.digest}" if self.digest else "")

    @property
    def full(self) -> str:
        """Return the repository with its registry, also where that is the usual one."""
        if self._registry():
            return self.repository
        library = "" if "/" in self.repository else "library/"
        return f"{HUB}/{library}{self.repository}"

    def at(self, registry: str) -> Reference:
        """Return the image as another registry serves it, which takes the place of its own (`common.image`)."""
        if not registry:
            return self
        own = self._registry()
        path = self.repository[len(own) + 1 :] if own else self.repository
        return Reference(f"{registry.rstrip('/')}/{path}", self.tag, self.digest)

    def _registry(self) -> str:
        first, slash, _ = self.repository.partition("/")
        return first if slash and ("." in first or ":" in first) else ""


@dataclass(frozen=True)
class Listed:
    """One image of the list, with those that use it."""

    reference: Reference
    licence: str
    source: str
    used_by: tuple[str, ...]
    note: str
    shared: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as `images.yaml` has it."""
        return {
            "name": self.reference.full,
            "tag": self.reference.tag,
            "digest": self.reference.digest or "unknown",
            "licence": self.licence,
            "source": self.source,
            "usedBy": list(self.used_by),
            **({"note": self.note} if self.note else {}),
        }


def load_shared(repository: Path) -> dict[str, SharedImage]:
    """Return the images of `charts/common/images.yaml` by name; none where there is no such file.

    Raises:
        UserError: it is not YAML or breaks the model.
    """
    path = repository / SHARED
    if not path.is_file():
        return {}
    data = read_yaml(path, str(SHARED))
    if not isinstance(data, dict):
        raise UserError(f"expected a mapping, found {type(data).__name__}", where=str(SHARED), fix="write name: {...}")
    return {str(name): parse(SharedImage, entry, f"{SHARED} {name}") for name, entry in sorted(data.items())}


def chosen(contract: Contract, values: Mapping[str, Any]) -> Reference:
    """Return the image that a component runs: the contract's, or what the values say (`common.component.image`).

    Args:
        contract: of the component.
        values: merged values of an environment.
    """
    own = ((values.get(contract.component) or {}).get("image")) or {}
    replaced = own.get("repository") or own.get("tag")
    digest = own.get("digest") or ("" if replaced else contract.image.digest) or ""
    repository = own.get("repository") or contract.image.repository
    return Reference(str(repository), str(own.get("tag") or contract.image.tag), str(digest))


def shared_reference(image: SharedImage) -> Reference:
    """Return the name of a shared image."""
    return Reference(image.repository, image.tag, image.digest or "")


def catalogue(
    graph: Graph,
    shared: Mapping[str, SharedImage],
    values: Mapping[str, Any] | None = None,
    modes: Mapping[str, Mode] | None = None,
) -> list[Listed]:
    """Return the images that the contracts name, or those that one environment runs, by name.

    Args:
        graph: all contracts.
        shared: `load_shared`.
        values: merged values of an environment; without them the contracts' own images.
        modes: where each component runs; without them all of them are taken.
    """
    here = [name for name in graph.contracts if modes is None or modes[name].here]
    found: dict[Reference, Listed] = {}
    for reference, listed in _all(graph, shared, values or {}, here, modes):
        known = found.get(reference)
        found[reference] = _joined(known, listed) if known else listed
    return sorted(found.values(), key=lambda listed: (listed.reference.full, listed.reference.tag))


def _all(
    graph: Graph,
    shared: Mapping[str, SharedImage],
    values: Mapping[str, Any],
    here: Sequence[str],
    modes: Mapping[str, Mode] | None,
) -> Iterator[tuple[Reference, Listed]]:
    for name in here:
        contract = graph.contracts[name]
        reference = chosen(contract, values)
        note = " ".join(contract.image.note.split())
        upstream = contract.upstream
        yield reference, Listed(reference, upstream.licence, upstream.repository, (name,), note)
    waiting = tuple(name for name in here if any(edge.need is Need.HARD for edge in graph.requirements(name)))
    for key, image in shared.items():
        reference = shared_reference(image)
        users = waiting if key == WAIT else _of_jobs(graph, here, key) or _operated(graph, key, here, modes)
        if users:
            yield reference, Listed(reference, image.licence, image.source, users, image.purpose, shared=True)


def _of_jobs(graph: Graph, here: Iterable[str], image: str) -> tuple[str, ...]:
    return tuple(name for name in here if any(job.image == image for job in graph.contracts[name].jobs.values()))


def _operated(graph: Graph, image: str, here: Iterable[str], modes: Mapping[str, Mode] | None) -> tuple[str, ...]:
    """Return the components whose pods an operator makes, or may make where no environment is asked about.

    An operator's images have its name (`mariadb-operator`), or begin with it (`strimzi-kafka`).
    """
    return tuple(
        name
        for name in here
        if (own := graph.contracts[name].operator) and f"{image}-".startswith(f"{own.name}-")
        if modes is None or modes[name] is Mode.OPERATOR
    )


def _joined(one: Listed, other: Listed) -> Listed:
    notes = list(dict.fromkeys(note for note in (one.note, other.note) if note))
    users = tuple(sorted({*one.used_by, *other.used_by}))
    return Listed(one.reference, one.licence, one.source, users, " ".join(notes), one.shared or other.shared)

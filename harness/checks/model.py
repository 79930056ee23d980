"""What a check is given, and what it says: rules, findings, and one environment as every rule sees it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.checks.pods import NAME, Pod, pods_of
from harness.model.contract import Contract
from harness.model.environment import Mode
from harness.model.graph import Graph
from harness.model.images import SharedImage
from harness.render import Rendered
from harness.render.objects import Object, title


class Severity(enum.StrEnum):
    """How bad a finding is; only errors make `indigo check` end with status 1."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """What a rule found: the object, the place in it, what is wrong, and the fix where the rule's own does not do."""

    item: Object | None
    path: str
    message: str
    fix: str | None = None
    component: str | None = None  # default: the label app.kubernetes.io/name of the object
    file: str | None = None  # instead of an object


@dataclass(frozen=True, order=True)
class Finding:
    """A problem as a person reads it."""

    environment: str  # empty: the checkout itself
    component: str  # empty: the environment as a whole
    rule: str
    object: str  # Kind/name, or a file
    path: str
    message: str
    fix: str
    severity: Severity = Severity.ERROR
    file: str = ""  # where it is mended, below the checkout; empty: not known (harness/checks/places.py)
    line: int = 0  # 0: not known

    @property
    def where(self) -> str:
        """Return file and line as a person writes them; empty where they are not known."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def identity(self) -> tuple[str, ...]:
        """Return what makes it this finding, wherever its lines have moved to."""
        return self.rule, self.environment, self.component, self.object, self.path, self.message

    def to_json(self) -> dict[str, str | int]:
        """Return the finding as plain data."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "environment": self.environment,
            "component": self.component,
            "object": self.object,
            "path": self.path,
            "message": self.message,
            "fix": self.fix,
            "file": self.file,
            "line": self.line,
        }


@dataclass(frozen=True)
class Platform:
    """One environment: its rendered objects, and what the contracts and its values say of it.

    Contracts and graph are without the instances that another component serves here (mode `shared`).

    Attributes:
        rendered: what Argo CD would apply.
        contracts: all contracts, by component.
        graph: the graph of the contracts.
        values: the environment's merged values.
        modes: where each component runs.
        images: the images that belong to no component.
    """

    rendered: Rendered
    contracts: Mapping[str, Contract]
    graph: Graph
    values: Mapping[str, Any]
    modes: Mapping[str, Mode]
    images: Mapping[str, SharedImage] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the environment's name."""
        return self.rendered.environment.name

    @property
    def namespace(self) -> str:
        """Return the namespace that the environment is."""
        return self.rendered.environment.namespace

    @cached_property
    def objects(self) -> list[Object]:
        """Return what the environment's Applications render."""
        return self.rendered.objects()

    @property
    def delivery(self) -> list[Object]:
        """Return what comes before: namespace, quota, default deny, project, Applications."""
        return self.rendered.delivery

    @cached_property
    def pods(self) -> list[Pod]:
        """Return every pod that the objects make."""
        return [pod for item in self.objects for pod in pods_of(item)]

    @cached_property
    def pods_named(self) -> dict[str, list[Pod]]:
        """Return the pods by the component that they say they belong to."""
        found: dict[str, list[Pod]] = {}
        for pod in self.pods:
            found.setdefault(pod.component, []).append(pod)
        return found

    @cached_property
    def component_pods(self) -> list[tuple[Contract, Pod]]:
        """Return the pods that belong to a component, with its contract."""
        return [(self.contracts[pod.component], pod) for pod in self.pods if pod.component in self.contracts]

    @property
    def embedded(self) -> list[str]:
        """Return the components whose workloads the charts render."""
        return [name for name in self.contracts if self.modes[name] is Mode.EMBEDDED]

    @property
    def here(self) -> list[str]:
        """Return the components whose pods run in the namespace, whoever makes them."""
        return [name for name in self.contracts if self.modes[name].here]

    @property
    def provisioned(self) -> list[str]:
        """Return the components that run elsewhere and on which a Job of ours makes what others need."""
        entries = self.section("components")
        return [
            name
            for name, mode in self.modes.items()
            if mode is Mode.EXTERNAL and name in self.contracts and (entries.get(name) or {}).get("provision")
        ]

    @property
    def delivered(self) -> list[str]:
        """Return the components of which there is an object."""
        return sorted([*self.here, *self.provisioned])

    def of_kind(self, *kinds: str) -> list[Object]:
        """Return the Applications' objects of some kinds."""
        return [item for item in self.objects if item["kind"] in kinds]

    def component(self, item: Object) -> str:
        """Return the component that an object belongs to; empty where it belongs to none."""
        name = ((item.get("metadata") or {}).get("labels") or {}).get(NAME, "")
        return name if name in self.contracts else ""

    def section(self, name: str) -> Mapping[str, Any]:
        """Return a map below `global` of the values."""
        section = (self.values.get("global") or {}).get(name)
        return section if isinstance(section, Mapping) else {}


@dataclass(frozen=True)
class Subject:
    """All that is checked: the checkout, the contracts, every environment.

    Attributes:
        repository: root of the checkout.
        contracts: all contracts, by component.
        graph: the graph of the contracts.
        platforms: the environments, by name.
        bootstrap: what an operator applies once.
        repo: the Git repository that was rendered for.
        complete: whether all environments are among `platforms`.
    """

    repository: Path
    contracts: Mapping[str, Contract]
    graph: Graph
    platforms: Mapping[str, Platform]
    bootstrap: list[Object]
    repo: str
    complete: bool = True


@dataclass(frozen=True)
class Example:
    """What a rule refuses: what somebody wrote, and part of what is said of it (a test makes the mistake)."""

    given: str
    says: str


@dataclass(frozen=True)
class Rule:
    """One rule. `environment` is asked once per environment, `checkout` once; a rule has one of them, or both.

    Attributes:
        id: kebab-case, the module's name with dashes.
        title: what holds where the rule is kept, one sentence.
        fix: what to do about a finding that does not say it itself.
        source: where the rule comes from.
        why: what goes wrong where it is not kept, sentences.
        example: one case that it refuses.
        slow: whether the watch leaves it to the complete pass (harness/checks/watching).
    """

    id: str
    title: str
    fix: str
    source: str
    why: str
    example: Example
    environment: Callable[[Platform], Iterable[Problem]] | None = None
    checkout: Callable[[Subject], Iterable[tuple[str, Problem]]] | None = None
    severity: Severity = field(default=Severity.ERROR)
    slow: bool = False

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield what the rule finds: in every environment, or in the checkout.

        An object of a shape that the rule did not expect is a finding too, and not the end of all checks.
        """
        for environment, problems in self._asked(subject):
            try:
                for name, problem in problems:
                    yield self._finding(name, problem, subject)
            except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
                odd = f"cannot judge: an object is not shaped as expected ({type(error).__name__}: {error})"
                yield self._finding(
                    environment, Problem(None, "", odd, "see the findings of kubernetes-schema"), subject
                )

    def _asked(self, subject: Subject) -> Iterator[tuple[str, Iterable[tuple[str, Problem]]]]:
        if self.environment is not None:
            for name, platform in subject.platforms.items():
                yield name, ((name, problem) for problem in self.environment(platform))
        if self.checkout is not None:
            yield "", self.checkout(subject)

    def _finding(self, environment: str, problem: Problem, subject: Subject) -> Finding:
        labels = ((problem.item or {}).get("metadata") or {}).get("labels") or {}
        own = labels.get(NAME, "") if labels.get(NAME) in subject.contracts else ""
        return Finding(
            environment=environment,
            component=problem.component if problem.component is not None else own,
            rule=self.id,
            object=problem.file or (title(problem.item) if problem.item else ""),
            path=problem.path,
            message=problem.message,
            fix=problem.fix or self.fix,
            severity=self.severity,
        )

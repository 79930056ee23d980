"""Slices: every component is delivered exactly once, by the Application of its tier, and no tier needs a later one."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.model.contract import TIERS, Need


def _check(platform: Platform) -> Iterator[Problem]:
    environment = platform.rendered.environment
    made = platform.rendered.applications
    for name in sorted(set(environment.applications) ^ set(made)):
        says = "is not made" if name in environment.applications else "is made"
        yield Problem(None, "delivery", f"the Application {name} {says}, config.yaml says {environment.delivery}")
    for name, tier in environment.applications.items():
        wanted = {one for one in platform.delivered if tier in ("", platform.contracts[one].tier)}
        found = {platform.component(item) for item in made.get(name, ())}
        for item in made.get(name, ()):
            component = platform.component(item)
            if component and component not in wanted:
                why = f"of tier {platform.contracts[component].tier}" if component in platform.delivered else "not here"
                yield Problem(item, "", f"is delivered by {name}, but {component} is {why}")
        for component in sorted(wanted - found):
            yield Problem(None, "", f"{name} delivers nothing of it", component=component)


def _order(subject: Subject) -> Iterator[tuple[str, Problem]]:
    """Slices of a first installation come one after the other: a hard need of a later one would never be met."""
    for edge in subject.graph.edges:
        consumer, provider = (subject.contracts[name].tier for name in (edge.consumer, edge.provider))
        if edge.need is Need.HARD and TIERS.index(consumer) < TIERS.index(provider):
            message = f"{edge.consumer} (tier {consumer}) needs {edge.provider} hard, which is of the later {provider}"
            file = subject.contracts[edge.consumer].file
            yield "", Problem(None, "requires", message, component=edge.consumer, file=file)


RULE = Rule(
    id="slices",
    title="Each component is delivered once, by the Application of its tier, and no tier needs a later one hard",
    fix="mend tier in the contract, or argocd/environment/templates/components.yaml; let common.component render it",
    source="docs/adr/0020-whole-or-slices.md",
    why="A component in no slice is never delivered, one in two is fought over by two Applications; a need of a "
    "later slice leaves a first installation waiting for ever.",
    example=Example(
        given="tier: batch in the contract of mariadb, which iam (tier core) needs hard",
        says="iam (tier core) needs mariadb hard, which is of the later batch",
    ),
    environment=_check,
    checkout=_order,
)

"""What is derived from the contracts is what the contracts say now."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Example, Problem, Rule, Subject
from harness.generate import generate


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    for output in generate(subject.repository):
        if output.stale:
            parts = output.path.parts
            component = parts[1] if parts[0] == "charts" and parts[1] in subject.contracts else ""
            state = "is missing" if output.found is None else "is not what the contracts say now"
            yield "", Problem(None, "", state, component=component, file=str(output.path))


RULE = Rule(
    id="generated-fresh",
    title="Values, schemas, documents and the templates' index are what the contracts say",
    fix="run: indigo generate",
    source="docs/explanation/architecture.md, One contract per component",
    why="Values, schemas, the templates' index and the pages follow from the contracts. A stale one refuses a "
    "right value, accepts a wrong one, or tells a reader what is not so.",
    example=Example(
        given="a line added by hand to charts/mariadb/README.md",
        says="is not what the contracts say now",
    ),
    checkout=_check,
    slow=True,
)

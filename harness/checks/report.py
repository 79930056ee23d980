"""What one pass over all rules gave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.checks.model import Example, Finding, Rule, Severity

RENDER = Rule(
    id="render",
    title="Everything can be read and rendered: contracts, configurations, values, charts",
    fix="mend what the message names",
    source="harness/model, harness/render; what Helm and Argo CD would refuse too",
    why="What cannot be rendered cannot be checked, and Argo CD could not sync it. No other rule is asked then, and "
    "the exit status is 2.",
    example=Example(given="mariadb: {replica: 1} in the values of an environment", says="mariadb.replica: no such key"),
)
"""Stands for the step before all rules where it fails; it is no module, because there is nothing to give it."""


@dataclass(frozen=True)
class Report:
    """What was found, in order of environment, component and rule.

    Attributes:
        findings: all of them.
        seconds: by rule, what it took.
        rules: the rules that were asked, by id.
        environments: those that were looked at, by name.
        objects: how many objects they render.
        render_seconds: what it took to read and render everything.
    """

    findings: list[Finding]
    seconds: dict[str, float] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    environments: tuple[str, ...] = ()
    objects: int = 0
    render_seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    @property
    def errors(self) -> list[Finding]:
        """The findings that make the exit status 1."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Finding]:
        """The findings that do not."""
        return [finding for finding in self.findings if finding.severity is not Severity.ERROR]

    @property
    def total_seconds(self) -> float:
        """What rendering and all rules took, one after the other."""
        return self.render_seconds + sum(self.seconds.values())

    def summary(self) -> str:
        """Return one line: how much was found, and in how much."""
        found = ", ".join(
            counted(len(group), word) for group, word in ((self.errors, "error"), (self.warnings, "warning")) if group
        )
        names = ", ".join(self.environments) or "none"
        return (
            f"{found or 'no finding'}; {counted(len(self.rules), 'rule')}, {counted(self.objects, 'object')}, "
            f"environments: {names}; {self.total_seconds:.1f} s"
        )


def counted(number: int, word: str) -> str:
    """Return a number with its word: 1 rule, 2 rules."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def grouped(findings: Iterable[Finding]) -> dict[str, dict[str, list[Finding]]]:
    """Return findings by environment (empty: the checkout) and component (empty: as a whole), in their order."""
    groups: dict[str, dict[str, list[Finding]]] = {}
    for finding in findings:
        groups.setdefault(finding.environment, {}).setdefault(finding.component, []).append(finding)
    return groups


def failed(finding: Finding) -> Report:
    """Return the report of a pass that could not begin."""
    return Report([finding], rules={RENDER.id: RENDER})

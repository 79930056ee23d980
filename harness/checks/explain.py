"""What a rule is for, as text: for `indigo explain`, for the page of all rules, for SARIF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.checks.model import Rule, Severity
from harness.generate.text import cell, sentence

_SEVERITY = {
    Severity.ERROR: "error: `indigo check` ends with status 1",
    Severity.WARNING: "warning: shown, and the status stays 0",
}


def facts(rule: Rule) -> Mapping[str, str]:
    """Return what is to be said of a rule, by a word for it."""
    looks = [
        *(["each environment"] if rule.environment else []),
        *(["the checkout as a whole"] if rule.checkout else []),
    ]
    return {
        "holds": sentence(rule.title),
        "why": sentence(rule.why),
        "refuses": f"{rule.example.given}",
        "says": rule.example.says,
        "fix": sentence(rule.fix),
        "severity": sentence(_SEVERITY[rule.severity]),
        "looks at": sentence(" and ".join(looks) or "what is read before anything is rendered"),
        "source": sentence(rule.source),
    }


def to_text(rule: Rule) -> str:
    """Return the rule as plain text."""
    return "\n".join(_lines(rule)) + "\n"


def _lines(rule: Rule) -> Iterator[str]:
    yield rule.id
    for name, words in facts(rule).items():
        yield f"  {name:<9} {words.replace('`', '')}"


def to_markdown(rule: Rule) -> str:
    """Return the rule as Markdown, without a heading."""
    said = facts(rule)
    return "\n".join(
        [
            f"**{cell(said['holds'])}**",
            "",
            cell(said["why"]),
            "",
            f"- Refused, for example: {cell(said['refuses'])}",
            f"- It says: “{cell(said['says'])}”",
            f"- Fix: {cell(said['fix'])}",
            f"- Severity: {cell(said['severity'])}",
            f"- Looks at {cell(said['looks at'])}",
            f"- Source: {cell(said['source'])}",
            "",
        ]
    )

"""The report as SARIF 2.1.0 (OASIS), as code scanning of GitHub and editors read it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from harness import __version__
from harness.checks.explain import to_markdown, to_text
from harness.checks.model import Finding, Rule, Severity
from harness.checks.report import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning"}


def to_sarif(report: Report) -> str:
    """Return the report as JSON: a rule with its help for each that was asked, a result for each finding.

    A result without a line is at the first one of its file, because code scanning shows nothing without a place.
    """
    indices = {identifier: index for index, identifier in enumerate(report.rules)}
    run = {
        "tool": {
            "driver": {
                "name": "indigo check",
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in report.rules.values()],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": "render" not in report.rules}],
        "results": [_result(finding, indices) for finding in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": to_text(rule), "markdown": to_markdown(rule)},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
    }


def _result(finding: Finding, indices: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": indices[finding.rule],
        "level": _LEVEL[finding.severity],
        "message": {"text": _message(finding)},
        # the same over commits that move lines, so that a finding is not closed and opened again
        "partialFingerprints": {"indigo/v1": _fingerprint(finding)},
    }
    location: dict[str, Any] = {}
    if finding.file:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": finding.file, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": finding.line or 1},
        }
    logical = "/".join(part for part in (finding.environment, finding.component, finding.object, finding.path) if part)
    if logical:
        location["logicalLocations"] = [{"fullyQualifiedName": logical}]
    if location:
        result["locations"] = [location]
    return result


def _message(finding: Finding) -> str:
    place = ", ".join(part for part in (finding.environment, finding.component, finding.object) if part)
    return (
        f"{f'{place}: ' if place else ''}{finding.path + ' ' if finding.path else ''}{finding.message}; {finding.fix}"
    )


def _fingerprint(finding: Finding) -> str:
    return hashlib.sha256("\0".join(finding.identity).encode()).hexdigest()[:32]

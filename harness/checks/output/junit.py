"""The report as JUnit XML: one suite per environment, one case per rule in it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from harness.checks.model import Finding, Rule, Severity
from harness.checks.report import Report

CHECKOUT = "checkout"
_UNPRINTABLE = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production Char


def to_junit(report: Report) -> str:
    """Return the report as XML. A warning is output of a case that passes."""
    root = ET.Element("testsuites", name="indigo check", time=f"{report.total_seconds:.3f}")
    for environment in (*report.environments, ""):
        found = [finding for finding in report.findings if finding.environment == environment]
        # what looks at the whole checkout may find something in one environment
        wanted = {finding.rule for finding in found} | {
            rule.id for rule in report.rules.values() if (rule.environment if environment else rule.checkout)
        }
        asked = [rule for rule in report.rules.values() if rule.id in wanted]
        _suite(root, environment or CHECKOUT, asked, found, report)
    for key in ("tests", "failures"):
        root.set(key, str(sum(int(suite.get(key, 0)) for suite in root)))
    root.set("errors", "0")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, name: str, asked: list[Rule], found: list[Finding], report: Report) -> None:
    suite = ET.SubElement(root, "testsuite", name=name, tests=str(len(asked)), errors="0", skipped="0")
    failures = 0
    for rule in asked:
        case = ET.SubElement(suite, "testcase", classname=name, name=f"{rule.id}: {rule.title}")
        # a rule is timed over all environments
        case.set("time", f"{report.seconds.get(rule.id, 0.0) / (len(report.environments) or 1):.3f}")
        own = [finding for finding in found if finding.rule == rule.id]
        errors = [finding for finding in own if finding.severity is Severity.ERROR]
        if errors:
            failures += 1
            case.set("file", errors[0].file)
            if errors[0].line:
                case.set("line", str(errors[0].line))
            said = _said(errors)
            ET.SubElement(case, "failure", message=said.partition("\n")[0], type=rule.id).text = said
        if len(own) > len(errors):
            warned = [finding for finding in own if finding.severity is not Severity.ERROR]
            ET.SubElement(case, "system-out").text = _said(warned)
    suite.set("failures", str(failures))


def _said(findings: list[Finding]) -> str:
    text = "\n".join(
        f"{' '.join(part for part in (item.component, item.object, item.path) if part)}: {item.message}\n"
        f"  where: {item.where or '-'}\n  fix: {item.fix}"
        for item in findings
    )
    return _UNPRINTABLE.sub("?", text)

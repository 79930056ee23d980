"""The run as JUnit XML: one suite per tier; phases and budgets are properties of the suite that was run.

Written by us and not by pytest, so that it says what the report says: secrets masked, a tier that did not run as a
skipped case with its reason, a run that did not come to its end as an error.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from harness.report.model import Assertion, Outcome, Report, Status, Tier, TierResult, Verdict

_TAGS = {Outcome.FAILED: "failure", Outcome.ERROR: "error", Outcome.SKIPPED: "skipped"}


def junit(report: Report) -> str:
    """Return the text of `junit.xml`."""
    root = ET.Element("testsuites", name="indigo-paas")
    for tier in report.tiers:
        _suite(root, report, tier)
    if report.verdict is not Verdict.PASSED and not any(tier.status is Status.FAILED for tier in report.tiers):
        _no_verdict(root, report)
    total = {key: sum(int(suite.get(key, 0)) for suite in root) for key in ("tests", "failures", "errors", "skipped")}
    for key, number in total.items():
        root.set(key, str(number))
    root.set("time", f"{report.seconds:.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, report: Report, tier: TierResult) -> None:
    asserted = [assertion for assertion in report.assertions if assertion.tier is tier.name]
    suite = ET.SubElement(root, "testsuite", name=tier.name.value)
    suite.set("tests", str(max(1, len(asserted))))
    suite.set("failures", str(tier.counts.failed))
    suite.set("errors", str(tier.counts.error))
    suite.set("skipped", str(tier.counts.skipped if asserted else 1))
    suite.set("time", f"{sum(assertion.seconds for assertion in asserted):.3f}")
    suite.set("timestamp", f"{report.started:%Y-%m-%dT%H:%M:%S}")
    _properties(suite, report, tier)
    if not asserted:
        case = ET.SubElement(suite, "testcase", classname=tier.name.value, name=f"the tier {tier.name} was asked")
        case.set("time", "0.000")
        ET.SubElement(case, "skipped", message=tier.reason)
    for assertion in asserted:
        _case(suite, assertion)


def _properties(suite: ET.Element, report: Report, tier: TierResult) -> None:
    pairs = [("tier.status", tier.status.value)]
    if tier.reason:
        pairs.append(("tier.reason", tier.reason))
    if tier.name is max(report.engine.tier, Tier.STATIC, key=list(Tier).index):
        pairs += [("run.id", report.id), ("run.command", report.command), ("engine", report.engine.name)]
        pairs += [("simulated", what) for what in report.simulated]
        for phase in report.phases:
            pairs.append((f"phase.{phase.name}.seconds", "" if phase.seconds is None else f"{phase.seconds:.3f}"))
            if phase.budget is not None:
                pairs.append((f"phase.{phase.name}.budget", f"{phase.budget:g}"))
                pairs.append((f"phase.{phase.name}.over", f"{phase.over:.3f}"))
    properties = ET.SubElement(suite, "properties")
    for name, value in pairs:
        ET.SubElement(properties, "property", name=name, value=value)


def _case(suite: ET.Element, assertion: Assertion) -> None:
    file, _, line = assertion.file.rpartition(":")
    case = ET.SubElement(suite, "testcase", classname=assertion.id.partition("::")[0], name=assertion.sentence)
    case.set("time", f"{assertion.seconds:.3f}")
    if file:
        case.set("file", file)
        case.set("line", line)
    if assertion.refutes:
        properties = ET.SubElement(case, "properties")
        ET.SubElement(properties, "property", name="refutes", value=assertion.refutes)
    if tag := _TAGS.get(assertion.outcome):
        element = ET.SubElement(case, tag, message=_short(assertion))
        if assertion.outcome is not Outcome.SKIPPED:
            element.text = assertion.message


def _short(assertion: Assertion) -> str:
    """Return the line of a message that says what is wrong: the first that pytest marks with an E, else the last."""
    lines = [line for line in assertion.message.splitlines() if line.strip()] or [assertion.outcome.value]
    return next((line[1:].strip() for line in lines if line.startswith("E  ")), lines[-1].strip())


def _no_verdict(root: ET.Element, report: Report) -> None:
    said = {
        Verdict.INCOMPLETE: "the run did not come to its end, so nothing is known of what it left out",
        Verdict.EMPTY: "no assertion passed: nothing was shown",
    }
    message = said.get(report.verdict, f"the run ended with status {report.exit_status}")
    suite = ET.SubElement(root, "testsuite", name="run", tests="1", failures="0", errors="1", skipped="0", time="0.000")
    case = ET.SubElement(suite, "testcase", classname="run", name="the run came to a verdict", time="0.000")
    ET.SubElement(case, "error", message=message).text = message

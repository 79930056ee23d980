"""Alerts can fire, and somebody who is woken by one finds a page that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.model import alerts, series

_LINK = re.compile(r"^https?://\S+/(\w+)\.md$")
_SECTIONS = ("What it means", "How to check", "How to mend", "What is lost")
_TEXT = re.compile(r"\[\[\w+\]\]|<\w+>")


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    known = alerts.names(subject.graph)
    pages = {path.stem for path in (subject.repository / alerts.RUNBOOKS).glob("*.md")} - {"README"}
    for name in known:
        file = alerts.RUNBOOKS / f"{name}.md"
        if name not in pages:
            yield "", Problem(None, "", f"the alert {name} has no runbook", "write the page", file=str(file))
        else:
            for problem in _page(subject.repository, file):
                yield "", problem
    for name in sorted(pages - set(known)):
        file = alerts.RUNBOOKS / f"{name}.md"
        yield "", Problem(None, "", f"there is no alert {name}", "remove the page, or mend its name", file=str(file))


def _page(repository: Path, file: Path) -> Iterator[Problem]:
    text = (repository / file).read_text(encoding="utf-8")
    parts = re.split(r"^## ", text, flags=re.M)
    written = {part.partition("\n")[0].strip(): part.partition("\n")[2].strip() for part in parts[1:]}
    for title in _SECTIONS:
        if not written.get(title):
            yield Problem(None, title, f"the runbook says nothing under: {title}", "write it", file=str(file))


def _environment(platform: Platform) -> Iterator[Problem]:
    known = alerts.names(platform.graph)
    for item in platform.of_kind("PrometheusRule"):
        for place, group in enumerate(item["spec"]["groups"]):
            for index, rule in enumerate(group["rules"]):
                path = f"spec.groups[{place}].rules[{index}]"
                if rule["alert"] not in known:
                    yield Problem(item, f"{path}.alert", f"{rule['alert']} is in no contract and not in {alerts.FILE}")
                for problem in series.problems(rule["expr"]):
                    yield Problem(item, f"{path}.expr", f"{rule['alert']} {problem}")
                link = _LINK.match(rule["annotations"].get("runbook_url", ""))
                if link is None or link[1] != rule["alert"]:
                    yield Problem(item, f"{path}.annotations.runbook_url", f"{rule['alert']} does not link to its page")
                left = _TEXT.search(rule["expr"] + rule["annotations"].get("summary", ""))
                if left:
                    yield Problem(item, path, f"{rule['alert']} still has the placeholder {left[0]}")


RULE = Rule(
    id="alerts",
    title="Alerts are PromQL on metrics that are documented, and each has a runbook that says what to do",
    fix="mend charts/common/templates/_alerts.tpl or metrics.alerts of the contract; docs/runbooks/<alert>.md",
    source="Prometheus documentation, alerting rules; harness/model/series.py",
    why="An alert on a metric that nobody offers is silent for ever, and one without a page wakes somebody who "
    "then does not know what to do.",
    example=Example(
        given="expr: absent(kube_pod_inof), in a PrometheusRule of the platform",
        says="IndigoComponentDown asks for kube_pod_inof, which is not in",
    ),
    environment=_environment,
    checkout=_check,
)

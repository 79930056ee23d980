"""The report as JSON, and its schema (schemas/check.schema.json)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.checks.report import Report
from harness.model.contract import Closed


class FindingData(Closed):
    """One finding."""

    rule: Annotated[str, Field(description="Id of the rule; `indigo explain RULE` says more.")]
    severity: Literal["error", "warning"]
    environment: Annotated[str, Field(description="Empty: the checkout itself.")]
    component: Annotated[str, Field(description="Empty: the environment as a whole.")]
    object: Annotated[str, Field(description="Kind/name of the rendered object, or a file.")]
    path: Annotated[str, Field(description="Place in the object or file.")]
    message: str
    fix: str
    file: Annotated[str, Field(description="Where it is mended, below the checkout; empty where that is not known.")]
    line: Annotated[int, Field(ge=0, description="0 where none is known.")]


class CheckData(Closed):
    """What `indigo check --format json` writes."""

    version: Literal[1] = 1
    environments: list[str]
    objects: Annotated[int, Field(ge=0, description="How many objects they render.")]
    rules: Annotated[list[str], Field(description="Ids of the rules that were asked.")]
    seconds: Annotated[dict[str, float], Field(description="What each rule took; `render`: reading and rendering.")]
    findings: list[FindingData]


def to_json(report: Report) -> str:
    """Return the report as JSON that fits `CheckData`."""
    seconds = {"render": report.render_seconds} | report.seconds
    data = CheckData(
        environments=list(report.environments),
        objects=report.objects,
        rules=list(report.rules),
        seconds={name: round(took, 3) for name, took in seconds.items()},
        findings=[FindingData.model_validate(finding.to_json()) for finding in report.findings],
    )
    return data.model_dump_json(indent=2) + "\n"

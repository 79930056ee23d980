"""What a Job runs cannot be changed in place: its name holds a hash of it, and another input is another Job."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from harness.checks.model import Example, Problem, Rule, Subject

_HASH = re.compile(r".*-[0-9a-f]{8,}")


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    known: dict[str, tuple[str, str]] = {}  # name -> template, environment
    for name, platform in subject.platforms.items():
        for item in platform.of_kind("Job"):
            title = item["metadata"]["name"]
            if not _HASH.fullmatch(title):
                message = "does not end in a hash of what the Job runs: a sync of anything else would be refused"
                yield name, Problem(item, "metadata.name", message)
                continue
            template = json.dumps(item["spec"]["template"], sort_keys=True)
            before, environment = known.setdefault(title, (template, name))
            if before != template:
                message = (
                    f"is that of a Job in {environment} that runs something else: it is no hash of what this one runs"
                )
                yield name, Problem(item, "metadata.name", message)


RULE = Rule(
    id="job-names",
    title="A Job's name holds a hash of what it runs, because its template cannot be changed in place",
    fix="let common.jobs name it",
    source="Kubernetes API, Job (spec.template is immutable); temporalio/helm-charts#709, airflow-helm/charts#297",
    why="A Job's template cannot be changed: the first sync after another image or another argument is "
    "refused, and so is every later one, until somebody deletes the Job.",
    example=Example(
        given="a Job named mariadb-provision",
        says="does not end in a hash",
    ),
    checkout=_check,
)

"""Tests in several processes (pytest-xdist): each worker sends what it records, and the controller makes one report.

A worker gives every test's description with the first report of the test, and all that its `recorder` was told when it
ends. A worker that dies takes the latter with it; which test it died in is a failure of that test.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from harness.report.model import Assertion, Outcome, Report, Tier
from harness.report.recorder import Recorder

DESCRIBED = "indigo_described"  # attribute of a TestReport
RECORDED = "indigo_recorded"  # entry of what a worker sends at its end
CRASHED = "???"  # what xdist writes for `when` in the report of a test in which a worker died


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process runs tests for another one."""
    return hasattr(config, "workerinput")


def describe(report: pytest.TestReport, assertion: Assertion) -> None:
    """Send what is known of a test along with its first report."""
    if report.when == "setup":
        setattr(report, DESCRIBED, assertion.model_dump_json())


def described(report: pytest.TestReport) -> Assertion | None:
    """Return what a worker sent along with a report."""
    text = getattr(report, DESCRIBED, None)
    return Assertion.model_validate_json(text) if text else None


def named(identifier: str) -> Assertion:
    """Return a test of which no more is known than its id, until its first report comes."""
    file, _, name = identifier.partition("::")
    return Assertion(
        id=identifier,
        sentence=name.rpartition("::")[2].removeprefix("test_").replace("_", " ") or identifier,
        tier=tier_of(file),
        outcome=Outcome.SKIPPED,
        file=file,
    )


def tier_of(file: str) -> Tier:
    """Return the tier that the folders of a test's file name."""
    folders = PurePosixPath(file).parts
    return next((tier for tier in Tier if tier.value in folders), Tier.UNIT)


def send(config: pytest.Config, recorder: Recorder) -> None:
    """Send what a worker recorded; called at its end."""
    output: dict[str, Any] = getattr(config, "workeroutput")  # noqa: B009  # xdist adds it to the class's objects
    output[RECORDED] = recorder.snapshot().to_json()


def receive(node: object, recorder: Recorder) -> None:
    """Take what a worker sent at its end; nothing where it died."""
    text = getattr(node, "workeroutput", {}).get(RECORDED)
    if text:
        recorder.merge(Report.model_validate_json(text))

"""How a report is written: for a terminal, for programs, for CI, for a pull request."""

from __future__ import annotations

from collections.abc import Callable

from harness.checks.output.data import to_json
from harness.checks.output.junit import to_junit
from harness.checks.output.markdown import to_markdown
from harness.checks.output.sarif import to_sarif
from harness.checks.output.terminal import to_text
from harness.checks.report import Report

FORMATS: dict[str, Callable[[Report], str]] = {
    "terminal": to_text,
    "json": to_json,
    "junit": to_junit,
    "sarif": to_sarif,
    "markdown": to_markdown,
}

__all__ = ["FORMATS"]

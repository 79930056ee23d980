"""The end of a run: the report is closed and written, and told in a few lines."""

from __future__ import annotations

from pathlib import Path

from harness.report import summary
from harness.report.model import Report
from harness.report.recorder import Recorder
from harness.report.writer import HTML


def conclude(recorder: Recorder, exit_status: int, *, complete: bool, root: Path) -> tuple[Report, list[str]]:
    """Close a recorder; return its report, and the lines that tell of it, the last of them with the counts.

    Args:
        recorder: of the run.
        exit_status: of the run.
        complete: false where it was interrupted.
        root: the checkout, for a short path of the page.
    """
    unwritten = ""
    try:
        report = recorder.finish(exit_status, complete=complete)
    except OSError as error:
        unwritten = f"the report could not be written: {error.strerror}: {error.filename}"
        report = recorder.snapshot()
    if recorder.directory is None:
        return report, [summary.last_line(report)]
    page = None if unwritten else _shown(recorder.directory / HTML, root)
    return report, [*([unwritten] if unwritten else []), *summary.lines(report, page)]


def _shown(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path

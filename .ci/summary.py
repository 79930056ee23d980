"""Adds up the reports of a CI run and prints one plain line of counts, the last line of the run."""

import collections
import json
import sys
from pathlib import Path


def main() -> int:
    """Print the sum; return 1 if anything failed, no report is there, or a run did not finish."""
    counts: collections.Counter[str] = collections.Counter()
    reports = [json.loads(Path(name).read_text()) for name in sys.argv[1:]]
    for report in reports:
        for assertion in report["assertions"]:
            counts["failed" if assertion["outcome"] == "error" else assertion["outcome"]] += 1
    incomplete = [report["id"] for report in reports if not report["complete"]]
    for run in incomplete:
        print(f"ci: the run {run} did not finish")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or incomplete or not reports else 0


sys.exit(main())

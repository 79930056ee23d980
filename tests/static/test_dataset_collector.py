"""The dataset collector's own traps, a test each; test_processors.py has those of all three processors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.static.processors import run_start
from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("dataset-collector")

ANALYZER = """
class LogAnalyzer:
    logger = __import__("logging").getLogger("stand-in")

    def import_line(self, line):
        if line == "long":
            raise Exception("Error parsing JSON from log message")
        return True
"""
PROVIDERS = """
class Providers:
    logger = __import__("logging").getLogger("stand-in")

    def import_msg(self, message):
        return message["uuid"]
"""
PROGRAM = """
from modules.datasetcollector.loganalyzer import LogAnalyzer
from modules.datasetcollector.providers import Providers

for line in ("long", "short"):
    if LogAnalyzer().import_line(line):
        print("took", line)
for message in ({}, {"uuid": "good"}):
    if Providers().import_msg(message):
        print("took", message["uuid"])
"""
IMAGE = {
    "modules/datasetcollector/loganalyzer.py": ANALYZER,
    "modules/datasetcollector/providers.py": PROVIDERS,
    "dataset-collector.py": PROGRAM,
}


def test_long_lines_that_upstream_breaks_are_skipped_and_the_next_one_is_read(tmp_path: Path) -> None:
    done = run_start(chart, tmp_path, IMAGE, {})
    assert done.stdout == "took short\ntook good\n", done.stderr
    assert done.stderr.count("skipped") == 2
    unguarded = subprocess.run(
        [sys.executable, str(tmp_path / "dataset-collector.py")], capture_output=True, check=False
    )
    assert b"took" not in unguarded.stdout, "upstream's own program gets past it; the start script is not needed"

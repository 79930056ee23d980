"""The traps of the dataset collector (charts/dataset-collector/contract.yaml), a test each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.static import processors

pytestmark = pytest.mark.static

NAME = "dataset-collector"

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


def test_service_links_are_off() -> None:
    processors.service_links(NAME)


def test_field_names_not_env_hints_are_the_variables() -> None:
    processors.field_names_not_env_hints(NAME)


def test_password_file_is_mounted() -> None:
    processors.password_file(NAME)


def test_always_tls_with_files_of_the_secret() -> None:
    processors.always_tls(NAME)


def test_history_within_a_second_is_found_on_this_broker() -> None:
    processors.history_within_a_second(NAME)


def test_log_folder_is_writable_and_emptied_so_that_the_probe_tells_the_truth(tmp_path: Path) -> None:
    processors.log_folder(NAME, tmp_path)


def test_one_pod_only() -> None:
    processors.one_pod(NAME)


def test_message_size_is_one_for_topics_and_client() -> None:
    processors.message_size(NAME)


def test_root_is_needed_and_nothing_else_is_given() -> None:
    processors.root_and_nothing_else(NAME)


def test_string_deserializer_and_no_other() -> None:
    processors.deserializer(NAME, right="string", wrong="json")


def test_long_lines_that_upstream_breaks_are_skipped_and_the_next_one_is_read(tmp_path: Path) -> None:
    done = processors.run_start(NAME, tmp_path, IMAGE, {})
    assert done.stdout == "took short\ntook good\n", done.stderr
    assert done.stderr.count("skipped") == 2
    unguarded = subprocess.run(
        [sys.executable, str(tmp_path / "dataset-collector.py")], capture_output=True, check=False
    )
    assert b"took" not in unguarded.stdout, "upstream's own program gets past it; the start script is not needed"

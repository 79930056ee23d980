"""The traps of the template parser (charts/template-parser/contract.yaml), a test each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.static import processors

pytestmark = pytest.mark.static

NAME = "template-parser"

COLLECTOR = """
import json

class LogOrchestratorCollector:
    logger = __import__("logging").getLogger("stand-in")

    def import_line(self, line):
        if line == "cut":
            raise SystemExit(0)
        self.template = json.loads(line)
        return True

    def get_template_and_user_parameters(self):
        return self.template
"""
MESSAGE = """
class TemplateParserMessage:
    def __init__(self, template, logger):
        self.uuid = template["uuid"]
        template.clear()
"""
PROGRAM = """
from modules.templateparser.orc_templ_collector import LogOrchestratorCollector
from modules.templateparser.templ_parser_message import TemplateParserMessage

collector = LogOrchestratorCollector()
for line in ['{"no": "uuid"}', "cut", "no JSON", '{"uuid": "good"}']:
    if collector.import_line(line):
        template = collector.get_template_and_user_parameters()
        if template:
            print("sent", TemplateParserMessage(template, None).uuid)
"""
IMAGE = {
    "modules/templateparser/orc_templ_collector.py": COLLECTOR,
    "modules/templateparser/templ_parser_message.py": MESSAGE,
    "template-parser.py": PROGRAM,
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


def test_one_bad_template_is_skipped_and_the_next_one_is_sent(tmp_path: Path) -> None:
    done = processors.run_start(NAME, tmp_path, IMAGE, {})
    assert done.stdout == "sent good\n", done.stderr
    assert done.stderr.count("skipped") == 3
    unguarded = subprocess.run([sys.executable, str(tmp_path / "template-parser.py")], capture_output=True, check=False)
    assert b"sent" not in unguarded.stdout, "upstream's own program gets past it; the start script is not needed"

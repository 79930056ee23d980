"""The template parser's own traps, a test each; test_processors.py has those of all three processors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.static.processors import run_start
from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("template-parser")

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


def test_one_bad_template_is_skipped_and_the_next_one_is_sent(tmp_path: Path) -> None:
    done = run_start(chart, tmp_path, IMAGE, {})
    assert done.stdout == "sent good\n", done.stderr
    assert done.stderr.count("skipped") == 3
    unguarded = subprocess.run([sys.executable, str(tmp_path / "template-parser.py")], capture_output=True, check=False)
    assert b"sent" not in unguarded.stdout, "upstream's own program gets past it; the start script is not needed"

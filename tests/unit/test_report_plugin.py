"""The pytest plugin, run by a pytest of its own over tests that pass, fail, break, skip and never come to run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.report import Assertion, Outcome, Report, Tier, Verdict
from harness.report.__main__ import read
from harness.report.model import Status

ROOT = Path(__file__).resolve().parents[2]
TESTS = '''
import time
import pytest

@pytest.mark.static
@pytest.mark.refutes("an image edited by hand")
def test_it_holds_with_a_docstring():
    """What is edited by hand is put back.

    More is written here.
    """

@pytest.mark.static
@pytest.mark.parametrize("component", ["iam", "valkey"])
def test_each_component_is_closed(component):
    assert component != "valkey", "password=hunter2hunter2"

@pytest.mark.gitops
def test_needs_an_engine():
    pytest.skip("no engine here")

@pytest.mark.static
@pytest.mark.xfail(reason="not yet")
def test_is_known_to_fail():
    assert False

@pytest.fixture
def broken():
    yield
    raise RuntimeError("the engine does not stop")

@pytest.mark.static
def test_leaves_a_mess(broken, recorder):
    with recorder.phase("mess", budget=0):
        time.sleep(0.06)
        print("token: abcdefghijk")

def test_has_no_marker():
    pass
'''


WITHOUT = ("-p", "no:cacheprovider", "-p", "no:helm-charts")  # what these runs do not need and would wait for


def run(directory: Path, *arguments: str, tests: str = TESTS) -> subprocess.CompletedProcess[str]:
    """Run pytest over tests in an empty directory, with the plugin and nothing of this repository's configuration."""
    (directory / "test_it.py").write_text(tests, encoding="utf-8")
    (directory / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "harness.report.plugin", *WITHOUT, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def told(report: Report) -> dict[str, Assertion]:
    """Return the assertions by the name of their test."""
    return {assertion.id.partition("::")[2]: assertion for assertion in report.assertions}


def tiers(report: Report) -> dict[Tier, tuple[Status, str]]:
    """Return how each tier ended, and why."""
    return {tier.name: (tier.status, tier.reason) for tier in report.tiers}


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["one process", "two workers"])
def done(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    directory = tmp_path_factory.mktemp("run")
    return run(directory, "--indigo-report", "out", *request.param), directory / "out"


def test_every_test_is_a_sentence_with_its_tier_outcome_and_fault(done: Any) -> None:
    assert read(done[1]).command.startswith("pytest -p harness.report.plugin")
    found = told(read(done[1]))
    held = found["test_it_holds_with_a_docstring"]
    assert (held.sentence, held.refutes) == ("What is edited by hand is put back.", "an image edited by hand")
    assert held.file == "test_it.py:5"
    assert found["test_each_component_is_closed[iam]"].sentence == "each component is closed [iam]"
    assert {name: (a.tier.value, a.outcome.value) for name, a in found.items()} == {
        "test_it_holds_with_a_docstring": ("static", "passed"),
        "test_each_component_is_closed[iam]": ("static", "passed"),
        "test_each_component_is_closed[valkey]": ("static", "failed"),
        "test_needs_an_engine": ("gitops", "skipped"),
        "test_is_known_to_fail": ("static", "skipped"),
        "test_leaves_a_mess": ("static", "error"),
        "test_has_no_marker": ("unit", "passed"),
    }
    assert found["test_is_known_to_fail"].message == "known to fail: not yet"
    assert "the engine does not stop" in found["test_leaves_a_mess"].message


def test_a_skipped_tier_gives_its_reason_and_never_passes(done: Any) -> None:
    found = tiers(read(done[1]))
    assert found[Tier.GITOPS] == (Status.SKIPPED, "no engine here")
    assert found[Tier.KIND] == (Status.SKIPPED, "not asked: no test of this tier was selected")
    assert found[Tier.STATIC][0] is Status.FAILED


def test_secrets_are_masked_in_the_files_and_on_the_terminal(done: Any) -> None:
    finished, directory = done
    for text in (finished.stdout, *(file.read_text(encoding="utf-8") for file in directory.iterdir())):
        shown = text.replace('"password=hunter2hunter2"', "")  # the source line of the test itself, in a traceback
        assert "hunter2" not in shown and "abcdefghijk" not in shown


def test_the_end_of_the_terminal_is_the_summary_and_the_status_stays(done: Any) -> None:
    finished, _ = done
    lines = finished.stdout.splitlines()
    assert finished.returncode == 1
    assert lines[-2:] == ["report: out/report.html", "3 passed, 2 failed, 2 skipped"]
    assert any(line.startswith("static   failed") for line in lines)
    assert any("mess" in line and "OVER BUDGET" in line for line in lines)
    if "-n" not in finished.args:  # what a worker records is known at its end
        assert "mess" in finished.stderr, "progress goes to the real standard error, through pytest's capture"


def test_without_a_directory_nothing_is_written(tmp_path: Path) -> None:
    finished = run(tmp_path, tests="def test_a(): pass")
    assert finished.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"pytest.ini", "test_it.py"}


def test_what_is_deselected_or_left_out_does_not_pass(tmp_path: Path) -> None:
    run(tmp_path, "--indigo-report", "out", "-m", "not gitops", "-x")
    report = read(tmp_path / "out")
    assert tiers(report)[Tier.GITOPS] == (Status.SKIPPED, "not asked: its test was deselected")
    left = told(report)["test_has_no_marker"]
    assert (left.ran, left.outcome) == (False, Outcome.SKIPPED)
    assert tiers(report)[Tier.UNIT] == (Status.SKIPPED, "not answered: the run ended before 1 of its 1 assertions")


def test_a_file_that_cannot_be_read_is_an_error_and_not_silence(tmp_path: Path) -> None:
    finished = run(tmp_path, "--indigo-report", "out", tests="import nothing_of_that_name")
    report = read(tmp_path / "out")
    assert (finished.returncode, report.verdict) == (2, Verdict.FAILED)
    assert report.assertions[0].outcome is Outcome.ERROR and "nothing_of_that_name" in report.assertions[0].message


def test_an_interrupted_run_is_incomplete_and_shows_where(tmp_path: Path) -> None:
    interrupt = f"os.kill(os.getpid(), {signal.SIGINT:d})"
    interrupt = f"import os\ndef test_a(): pass\ndef test_b(): {interrupt}\ndef test_c(): pass"
    finished = run(tmp_path, "--indigo-report", "out", tests=interrupt)
    report = read(tmp_path / "out")
    assert (finished.returncode, report.verdict) == (2, Verdict.INCOMPLETE)
    assert told(report)["test_b"].message == "it was under way when the run ended"
    assert told(report)["test_c"].message == "the run ended before it"


def test_a_caller_may_bring_its_own_recorder(tmp_path: Path) -> None:
    script = """
import sys, pytest
from pathlib import Path
from harness.report import Engine, Recorder, Tier
from harness.report.plugin import ReportPlugin
recorder = Recorder(Path("out"), command="make e2e", engine=Engine(name="embedded", tier=Tier.GITOPS))
with recorder.phase("engine up"):
    pass
status = pytest.main(["-q", "-p", "harness.report.plugin", "test_it.py"], plugins=[ReportPlugin(recorder)])
with recorder.phase("engine down"):
    pass
sys.exit(recorder.finish(status).totals()[0])
"""
    (tmp_path / "test_it.py").write_text("def test_a(recorder): recorder.note('seen')", encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    written = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert finished.returncode == 1
    assert [phase["name"] for phase in written["phases"]] == ["engine up", "engine down"]
    assert (written["engine"]["name"], written["notes"]) == ("embedded", ["seen"])


# -- with workers --------------------------------------------------------------------------------------------------

CRASH = "import os, time\ndef test_good():\n    pass\ndef test_dies():\n    time.sleep(0.2)\n    os._exit(3)\n"


def test_a_worker_that_dies_fails_the_test_that_it_died_in_and_no_other(tmp_path: Path) -> None:
    finished = run(tmp_path, "-n", "1", "--indigo-report", "out", tests=CRASH)
    assert finished.returncode == 1
    found = told(read(tmp_path / "out"))
    assert {name: one.outcome for name, one in found.items()} == {
        "test_good": Outcome.PASSED,
        "test_dies": Outcome.ERROR,
    }
    assert "crashed while running" in found["test_dies"].message


def test_tests_that_no_worker_came_to_are_named_as_not_run(tmp_path: Path) -> None:
    late = "import pytest\ndef test_bad():\n    assert False\n" + "".join(
        f"def test_{number}():\n    import time; time.sleep(0.5)\n" for number in range(6)
    )
    run(tmp_path, "-n", "1", "-x", "--indigo-report", "out", tests=late)
    report = read(tmp_path / "out")
    found = told(report)
    assert len(found) == 7
    assert found["test_bad"].outcome is Outcome.FAILED
    assert not found["test_5"].ran
    assert report.verdict is Verdict.FAILED

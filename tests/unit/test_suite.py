"""`indigo test`: what is asked for, who runs it, and what becomes of tests that run in another process."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import toolchain
from harness.errors import UserError
from harness.paths import repository
from harness.report.machine import machine
from harness.report.model import Outcome, Report, Tier, Verdict
from harness.report.recorder import Recorder
from harness.suite import Selection, runner, select
from harness.suite.beside import Beside, Pytest
from harness.suite.runner import Together, combined
from harness.suite.selection import ENGINES, QUICK
from tests import ending

ROOT = repository()
GOOD = "def test_good():\n    assert True\n"
BAD = "def test_bad():\n    assert 'password=hunter2hunter2' == 1\n"
OPTION = "def pytest_addoption(parser):\n    parser.addoption('--indigo-roomy', action='store_true')\n"
SLOW = "import time\ndef test_slow():\n    time.sleep(300)\n"


# --- what is asked for


def test_without_arguments_everything_runs_and_style_belongs_to_it() -> None:
    found = select((), (), ROOT)
    assert (found.quick, found.engine) == (("tests/unit", "tests/commands", "tests/static"), ("tests/gitops",))
    assert found.whole and found.workers and not found.alone
    assert found.tools() == ("helm", "kubernetes", "argocd", "valkey-server")
    assert found.tier is Tier.GITOPS


@pytest.mark.parametrize(
    ("tiers", "arguments", "quick", "engine", "options"),
    [
        (("static",), (), ("tests/static",), (), ()),
        (("gitops",), ("-x",), (), ("tests/gitops",), ("-x",)),
        ((), ("tests/unit/test_graph.py::test_a", "-q"), ("tests/unit/test_graph.py::test_a",), (), ("-q",)),
        ((), ("tests/unit", "tests/gitops/engine"), ("tests/unit",), ("tests/gitops/engine",), ()),
        ((), ("tests",), ("tests/unit", "tests/commands", "tests/static"), ("tests/gitops",), ()),
        (("unit",), ("-k", "tests/unit"), ("tests/unit", "tests/commands"), (), ("-k", "tests/unit")),
        (("unit",), ("charts",), ("tests/unit", "tests/commands"), (), ("charts",)),
    ],
)
def test_paths_and_tiers_say_which_tests(
    tiers: tuple[str, ...], arguments: tuple[str, ...], quick: Any, engine: Any, options: Any
) -> None:
    found = select(tiers, arguments, ROOT)
    assert (found.quick, found.engine, found.options) == (quick, engine, options)


def test_a_path_that_there_is_not_is_refused_before_anything_starts() -> None:
    with pytest.raises(UserError, match=r"there is no tests/unit/test_nothing\.py"):
        select((), ("tests/unit/test_nothing.py::test_x",), ROOT)
    assert select((), ("--ignore", "tests/unit/test_nothing.py"), ROOT).options  # an option's value is pytest's


def test_a_path_may_be_written_from_where_one_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "tests/unit")
    assert select((), ("test_graph.py",), ROOT).quick == ("tests/unit/test_graph.py",)


@pytest.mark.parametrize(
    ("arguments", "whole"), [(("-x",), True), (("-k", "graph"), False), (("tests/unit",), False), (("--lf",), False)]
)
def test_style_and_types_belong_to_the_whole_only(arguments: tuple[str, ...], whole: bool) -> None:
    assert select((), arguments, ROOT).whole is whole


@pytest.mark.parametrize("arguments", [("-n", "3"), ("-n0",), ("--pdb",), ("-s",), ("tests/unit/test_graph.py",)])
def test_no_worker_is_started_where_somebody_looks_or_has_said_otherwise(arguments: tuple[str, ...]) -> None:
    assert not select(("unit",), arguments, ROOT).workers
    assert select(("unit",), ("-x",), ROOT).workers


@pytest.mark.parametrize(("gibibytes", "roomy"), [(24, ("--indigo-roomy",)), (4, ())])
def test_the_story_runs_here_and_everything_else_beside_it(
    monkeypatch: pytest.MonkeyPatch, gibibytes: int, roomy: tuple[str, ...]
) -> None:
    small = machine().model_copy(update={"memory_bytes": gibibytes << 30})
    monkeypatch.setattr("harness.suite.selection.machine", lambda: small)
    here, beside = select((), ("-x",), ROOT).split()
    assert here == ("tests/gitops/story", *roomy)
    assert [part.title for part in beside] == [ENGINES, QUICK]
    assert beside[0].arguments == ("tests/gitops", "--ignore=tests/gitops/story", *roomy)
    assert beside[1].arguments[-3:] == ("tests/unit", "tests/commands", "tests/static")
    assert beside[0].nice < beside[1].nice


@pytest.mark.parametrize(
    ("arguments", "here", "beside"),
    [
        (("tests/gitops/engine", "tests/unit/test_graph.py"), ("tests/gitops/engine",), [QUICK]),
        (("tests/gitops/story",), ("tests/gitops/story",), []),
        (("tests/unit/test_graph.py",), ("tests/unit/test_graph.py",), []),
        (("tests/gitops", "--pdb"), ("tests/gitops",), []),
    ],
)
def test_only_the_whole_tier_is_split(arguments: tuple[str, ...], here: tuple[str, ...], beside: list[str]) -> None:
    found, parts = select((), arguments, ROOT).split()
    assert (found, [part.title for part in parts]) == (here, beside)


def test_one_status_stands_for_all() -> None:
    assert combined([0, 5]) == 0
    assert combined([5, 5]) == 1, "nothing was selected"
    assert combined([0, 1]) == combined([1, 0]) == 1
    assert combined([5, 3]) == 3


# --- the pytest beside


class Started:
    """A `Pytest` over tests in a folder of their own."""

    def __init__(self, folder: Path, *arguments: str, **tests: str) -> None:
        (folder / "tests/unit").mkdir(parents=True)
        (folder / "pytest.ini").write_text(
            "[pytest]\naddopts = -p harness.report.plugin -p no:cacheprovider -p no:helm-charts\n"
        )
        for name, text in tests.items():
            (folder / f"tests/unit/test_{name}.py").write_text(text)
        self.recorder = Recorder(None, command="test")
        self.said: list[str] = []
        self.quick = Pytest(
            QUICK, [*arguments, "tests/unit"], self.recorder, folder / "report", folder, self.said.append
        )
        self.quick.start()

    def ended(self) -> int:
        self.quick.join(240)  # seconds; three pythons begin, perhaps beside all other tests
        return self.quick.collect()

    def outcomes(self) -> dict[str, Outcome]:
        return {one.id.rpartition("::")[2]: one.outcome for one in self.recorder.snapshot().assertions}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one", "two"])
def test_what_it_found_is_in_the_report_of_the_whole_with_its_failures_and_no_secret(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    started = Started(tmp_path, *workers, good=GOOD, bad=BAD)
    assert started.ended() == 1
    assert started.quick.broke
    assert started.outcomes() == {"test_good": Outcome.PASSED, "test_bad": Outcome.FAILED}
    said = started.quick.failures()
    assert "test_bad" in said.splitlines()[1]
    assert "hunter2hunter2" not in said.replace("assert 'password=hunter2hunter2' == 1", ""), "values are masked"
    (phase,) = started.recorder.snapshot().phases
    assert (phase.name, phase.failed) == (QUICK, True)


def test_all_well_is_said_in_no_word(tmp_path: Path) -> None:
    started = Started(tmp_path, good=GOOD)
    assert (started.ended(), started.quick.failures(), started.quick.broke) == (0, "", False)
    (phase,) = started.recorder.snapshot().phases
    assert not phase.failed


@pytest.mark.parametrize(
    ("crash", "status"), [("os._exit(0)", 0), ("os._exit(7)", 7), ("os.kill(os.getpid(), 9)", 137)]
)
def test_a_crash_is_a_failure_that_names_the_test_it_came_in(tmp_path: Path, crash: str, status: int) -> None:
    # it crashes once the report knows of it, however busy the machine is
    begun = f"'under way' in pathlib.Path({str(tmp_path / 'report/report.json')!r}).read_text()"
    wait = f"    while not ({begun}):\n        time.sleep(0.05)\n"
    started = Started(tmp_path, bad=f"import os, pathlib, time\ndef test_bad():\n{wait}    {crash}\n")
    assert started.ended() == (status or 1)
    told = {one.id.rpartition("::")[2]: one for one in started.recorder.snapshot().assertions}
    assert told[QUICK].outcome is Outcome.ERROR
    assert f"status {status}" in told[QUICK].message
    assert not told["test_bad"].ran
    assert "under way when the run ended" in told["test_bad"].message


def test_a_pytest_that_does_not_begin_is_a_failure(tmp_path: Path) -> None:
    started = Started(tmp_path, "--no-such-option", good=GOOD)
    assert started.ended() == 4
    (told,) = started.recorder.snapshot().assertions
    assert told.outcome is Outcome.ERROR
    assert "it left no report" in told.message
    assert "--no-such-option" in started.quick.failures()


def test_a_report_of_an_earlier_run_is_not_taken_for_this_one(tmp_path: Path) -> None:
    assert Started(tmp_path / "a", good=GOOD).ended() == 0
    (tmp_path / "a/report").rename(tmp_path / "report")
    (tmp_path / "b").mkdir()
    quick = Pytest(
        QUICK, ["--no-such-option"], Recorder(None, command="test"), tmp_path / "report", tmp_path / "b", print
    )
    quick.start()
    quick.join(60)
    assert quick.collect() == 4


def running(marker: str) -> list[str]:
    """Return the processes whose working directory is below a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                where = str((entry / "cwd").readlink())
            except OSError:
                continue
            if where.startswith(marker):
                found.append(entry.name)
    return found


def wait_until(reached: Any, what: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one", "two"])
def test_whoever_ends_it_leaves_no_process(tmp_path: Path, workers: tuple[str, ...]) -> None:
    started = Started(tmp_path, *workers, slow=SLOW, slow2=SLOW)
    wait_until(lambda: len(running(str(tmp_path))) >= 2 + len(workers), "it runs")
    started.quick.stop()
    assert running(str(tmp_path)) == []
    started.quick.collect()
    assert QUICK not in started.outcomes(), "that we ended it is no failure of its own"
    assert started.quick.failures() == ""


def test_kill_9_of_the_run_takes_it_and_its_workers_along(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.unit.test_suite import SLOW, Started
Started(Path(sys.argv[1]), "-n", "2", slow=SLOW, slow2=SLOW)
time.sleep(300)
"""
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT)
    try:
        wait_until(lambda: len(running(str(tmp_path))) >= 4, "controller and workers run")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until(lambda: not running(str(tmp_path)), "what a killed run began is gone")


@pytest.mark.parametrize("group", [True, False], ids=["ctrl-c in a terminal", "signal to one process"])
def test_ctrl_c_ends_the_whole_run_with_a_report_that_says_so(tmp_path: Path, group: bool) -> None:
    for name in ("unit", "commands", "static", "gitops/story", "gitops/engine"):
        (tmp_path / "tests" / name).mkdir(parents=True)
        where = name.replace("/", "_")
        (tmp_path / "tests" / name / f"test_{where}.py").write_text(f"{GOOD}\n{SLOW}", encoding="utf-8")
    (tmp_path / "tests" / "conftest.py").write_text(OPTION, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "-p harness.report.plugin -p no:cacheprovider -p no:helm-charts"\n'
    )
    script = """
import sys
from pathlib import Path
from harness import toolchain
from harness.suite import runner, select
root = Path.cwd()
toolchain.ensure = lambda *names: {}
runner.repository, runner.reports_dir = lambda: root, lambda: root / "reports"
sys.exit(runner.run(select((), (), root), "test", "indigo test"))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        wait_until(lambda: len(list((tmp_path / "reports").rglob("report.json"))) >= 3, "all three parts have begun")
        wait_until(lambda: _under_way(tmp_path) >= 3, "the slow test of each part runs")
        (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 2
    wait_until(lambda: not running(str(tmp_path)), "nothing runs any more", 5)
    report = Report.model_validate_json((tmp_path / "reports/test/report.json").read_bytes())
    assert (report.complete, report.verdict) == (False, Verdict.INCOMPLETE)
    assert "the run did not come to its end" in said


def _under_way(folder: Path) -> int:
    """Return how many reports below a folder name a test that has begun and not ended."""
    return sum("under way" in path.read_text(encoding="utf-8") for path in (folder / "reports").rglob("report.json"))


def test_programs_beside_run_one_after_the_other_until_one_fails(tmp_path: Path) -> None:
    def python(text: str) -> list[str]:
        return [sys.executable, "-c", text]

    beside = Beside("some", [python("print('a')"), python("print('b'); exit(3)"), python("print('c')")], tmp_path)
    beside.start()
    beside.join(30)
    assert (beside.status, beside.output) == (3, ["a", "b"])


def test_with_x_a_failure_beside_ends_the_tests_here() -> None:
    quick, session = SimpleNamespace(broke=False, name=QUICK), SimpleNamespace(shouldstop=False)
    together = Together([quick])  # type: ignore[list-item]
    together.pytest_sessionstart(session)  # type: ignore[arg-type]
    together.pytest_runtest_logfinish()
    assert session.shouldstop is False
    quick.broke = True
    together.pytest_runtest_logfinish()
    assert "unit and static tests" in str(session.shouldstop)


# --- the tools


def test_tools_are_made_before_pytest_begins_so_that_their_progress_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    events: list[str] = []

    def ensure(*names: str) -> dict[str, Path]:
        events.append(f"tools {' '.join(names)}")
        os.write(2, b"building argocd: 12/2451 packages, about 4 min left\n")
        return {}

    def main(*_: object, **__: object) -> int:
        events.append("pytest")
        return 0

    monkeypatch.setattr(toolchain, "ensure", ensure)
    monkeypatch.setattr(pytest, "main", main)
    monkeypatch.setattr(runner, "reports_dir", lambda: tmp_path)
    assert runner.run(Selection((), ("tests/gitops/story",)), "e2e", "indigo e2e") == 0
    assert events == ["tools helm kubernetes argocd valkey-server", "pytest"]
    said = capfd.readouterr()
    assert "about 4 min left" in said.err
    assert said.out.splitlines()[-1] == "0 passed, 0 failed, 0 skipped"
    assert '"name": "tools"' in (tmp_path / "e2e/report.json").read_text()


# --- the end


@pytest.mark.parametrize("keep", [False, True])
def test_an_engine_is_left_running_where_that_is_asked_for_and_ended_otherwise(
    keep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    engine: Any = SimpleNamespace(name="e2e-1", down=lambda: done.append("down"), detach=lambda: done.append("detach"))
    config: Any = SimpleNamespace(getoption=lambda name: keep and name == "--indigo-keep")
    said = io.StringIO()
    monkeypatch.setattr(ending, "real_stderr", lambda: said)
    recorder = Recorder(None, command="test")
    ending.leave(engine, recorder, config, budget=2)
    report = recorder.snapshot()
    assert done == (["detach"] if keep else ["down"])
    assert ("indigo down --name e2e-1" in said.getvalue()) is keep
    assert [phase.name for phase in report.phases] == ([] if keep else ["engine down"])


def test_the_option_behind_keep_is_known_to_pytest() -> None:
    command = [sys.executable, "-m", "pytest", "--indigo-keep", "--collect-only", "-q", "tests/gitops/story"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

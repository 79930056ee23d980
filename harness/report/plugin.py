"""A pytest plugin that turns a test run into a report: `pytest -p harness.report.plugin --indigo-report DIR`.

A caller that measures more than the tests gives its own recorder, and finishes it itself:
`pytest.main([..., "-p", "harness.report.plugin"], plugins=[ReportPlugin(recorder)])`. With pytest-xdist the controller
makes the report; what `recorder` is told in a worker is added to it when the worker ends.
"""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.report import workers
from harness.report.ending import conclude
from harness.report.model import Assertion, Engine, Outcome, Tier
from harness.report.progress import Progress, real_stderr
from harness.report.recorder import Recorder

NAME = "indigo-report"
LONGEST = 20_000  # characters of a message that are kept


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--indigo-report DIR`."""
    real_stderr()  # capture has not begun yet
    group = parser.getgroup("indigo", "report of the run")
    group.addoption(
        "--indigo-report",
        metavar="DIR",
        type=Path,
        help="write report.json, junit.xml and report.html there, and show progress on standard error",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and record unless a caller brought its own recorder."""
    for tier in Tier:
        if tier is not Tier.UNIT:
            config.addinivalue_line("markers", f"{tier}: answered by the tier {tier}")
    for name, about in SUITES.items():  # what app-test-suite selects by
        config.addinivalue_line("markers", f"{name}: {about}")
    config.addinivalue_line("markers", "refutes(fault): the fault that makes the assertion fail, in a few words")
    if any(isinstance(plugin, ReportPlugin) for plugin in config.pluginmanager.get_plugins()):
        return
    directory: Path | None = config.getoption("--indigo-report")
    worker = workers.is_worker(config)
    if config.option.collectonly or worker:
        directory = None
    progress = Progress(fresh_line=True) if directory else None
    recorder = Recorder(
        directory.resolve() if directory else None,
        command=command(),
        root=None if worker else config.rootpath,  # the controller knows the revision
        listeners=[progress] if progress else [],
    )
    recorder.masker.shorten(config.rootpath.resolve(), ".")
    config.pluginmanager.register(ReportPlugin(recorder, owned=not worker, progress=progress), NAME)


@pytest.fixture(scope="session")
def recorder(pytestconfig: pytest.Config) -> Recorder:
    """The run's recorder: phases, syncs, the graph, notes, versions; in memory only without `--indigo-report`."""
    return next(p for p in pytestconfig.pluginmanager.get_plugins() if isinstance(p, ReportPlugin)).recorder


# what app-test-suite selects by, in tests/cluster
SUITES = {"smoke": "is it there at all", "functional": "does it work as it was rendered"}


@dataclass
class _Ending:
    """What the three reports of a test add up to."""

    outcome: Outcome = Outcome.PASSED
    seconds: float = 0.0
    messages: list[str] = field(default_factory=list)


class ReportPlugin:
    """Records every test of a session.

    Args:
        recorder: where to.
        owned: whether the session's end is the run's end; otherwise the caller calls `recorder.finish` and prints.
        progress: closed at the end of the session.
    """

    def __init__(self, recorder: Recorder, *, owned: bool = False, progress: Progress | None = None) -> None:
        self.recorder = recorder
        self._owned = owned
        self._progress = progress
        self._known: dict[str, Assertion] = {}
        self._endings: dict[str, _Ending] = {}
        self._deselected: Counter[Tier] = Counter()
        self.interrupted = False
        self._said: list[str] = []

    # -- what is to run ----------------------------------------------------------------------------------------------

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Count what a filter left out, for the reason of a tier that then has nothing to say."""
        self._deselected.update(_tier(item) for item in items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Name every selected test, so that one that never runs is seen."""
        self._select([_assertion(item) for item in session.items], plan=not session.config.option.collectonly)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Name every test that the workers will share; each of them collects all, so the first one's list will do."""
        if not self._known:
            self._select([workers.named(identifier) for identifier in ids])

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Take what a worker has recorded beside its tests."""
        workers.receive(node, self.recorder)

    def _select(self, selected: list[Assertion], *, plan: bool = True) -> None:
        self._known = {assertion.id: assertion for assertion in selected}
        asked = {assertion.tier for assertion in selected}
        for tier, number in self._deselected.items():
            if tier not in asked:
                plural = "its test was" if number == 1 else f"its {number} tests were"
                self.recorder.tier_skipped(tier, f"not asked: {plural} deselected")
        highest = max(asked - {Tier.UNIT}, key=list(Tier).index, default=Tier.STATIC)
        if self._owned:
            self.recorder.engine_is(Engine(name="none was started", tier=highest))
        if plan:
            self.recorder.plan(selected)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a file that cannot be collected as an error, and one that skips itself as skipped."""
        if report.passed:
            return
        self._mask(report)
        tier = workers.tier_of(report.nodeid.partition("::")[0])
        outcome = Outcome.SKIPPED if report.skipped else Outcome.ERROR
        self.recorder.assertion(
            Assertion(
                id=report.nodeid,
                sentence=f"The tests in {report.nodeid or 'the session'} can be collected.",
                tier=tier,
                outcome=outcome,
                message=_reason(report) if report.skipped else _cut(report.longreprtext),
                file=report.nodeid,
            )
        )

    # -- what ran ----------------------------------------------------------------------------------------------------

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say of a test that it has begun: a run killed inside it shows which one it was."""
        if known := self._known.get(nodeid):
            self.recorder.plan([known], why="it was under way when the run ended")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Mask secrets before anybody, the terminal included, sees the report of a test."""
        report = yield
        self._mask(report)
        if workers.is_worker(item.config):
            workers.describe(report, self._known[item.nodeid])
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up setup, call and teardown; record the test at the end of the last."""
        if found := workers.described(report):
            self._known[report.nodeid] = found
        ending = self._endings.setdefault(report.nodeid, _Ending())
        ending.seconds += report.duration
        if report.failed:
            worse = Outcome.FAILED if report.when == "call" else Outcome.ERROR
            ending.outcome = Outcome.FAILED if ending.outcome is Outcome.FAILED else worse
            ending.messages.append(_cut(report.longreprtext))
        elif report.skipped:
            ending.outcome = Outcome.SKIPPED
            known = getattr(report, "wasxfail", None)
            ending.messages.append(f"known to fail: {known}" if known is not None else _reason(report))
        elif report.when == "call" and hasattr(report, "wasxfail"):
            ending.messages.append(f"passes, though marked as known to fail: {report.wasxfail}")
        if report.when in ("teardown", workers.CRASHED) and (known_as := self._known.get(report.nodeid)):
            del self._endings[report.nodeid]
            done = {
                "outcome": ending.outcome,
                "seconds": round(ending.seconds, 3),
                "message": "\n\n".join(message for message in ending.messages if message),
            }
            self.recorder.assertion(known_as.model_copy(update=done))

    def _mask(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        hide = self.recorder.masker.secrets
        if isinstance(report.longrepr, tuple):
            path, line, reason = report.longrepr
            report.longrepr = (path, line, hide(reason))
        elif report.longrepr is not None and hide(report.longreprtext) != report.longreprtext:
            report.longrepr = hide(report.longreprtext)
        report.sections = [(title, hide(content)) for title, content in report.sections]

    # -- the end -----------------------------------------------------------------------------------------------------

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember that somebody interrupted the session; when pytest or xdist stops it, the failures say why."""
        itself = issubclass(excinfo.type, pytest.Session.Interrupted) or excinfo.type.__module__.startswith("xdist.")
        self.interrupted = self.interrupted or not itself

    def pytest_internalerror(self, excrepr: object) -> None:
        """Remember that pytest itself broke."""
        self.recorder.note("pytest broke: " + _cut(str(excrepr)))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the recorder, where it is ours; with workers, after they have ended."""
        if self._progress:
            self._progress.close()
        if workers.is_worker(session.config):
            workers.send(session.config, self.recorder)
        if self._owned:
            status, root = int(exitstatus), session.config.rootpath
            _, self._said = conclude(self.recorder, status, complete=not self.interrupted, root=root)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Print the summary after everything that pytest itself prints."""
        if self._progress:
            self._progress.close()
        if self._said:
            print("\n".join(self._said), flush=True)


def command() -> str:
    """Return what the user typed: `pytest -k graph`, or `indigo e2e` where that calls pytest in its own process."""
    program = Path(sys.argv[0])
    return shlex.join([program.parent.name if program.stem == "__main__" else program.stem, *sys.argv[1:]])


def _tier(item: pytest.Item) -> Tier:
    """Return the most demanding tier that an item is marked with; `unit` where with none."""
    marked = [tier for tier in Tier if tier is not Tier.UNIT and item.get_closest_marker(tier.value)]
    return marked[-1] if marked else Tier.UNIT


def _assertion(item: pytest.Item) -> Assertion:
    function = getattr(item, "function", None)
    described = (getattr(function, "__doc__", None) or "").strip().splitlines()
    name, bracket, parameters = item.name.partition("[")
    sentence = described[0].strip() if described else name.removeprefix("test_").replace("_", " ")
    path, line, _ = item.location
    faults = [str(mark.args[0]) for mark in item.iter_markers("refutes") if mark.args]
    return Assertion(
        id=item.nodeid,
        sentence=f"{sentence} [{parameters}" if bracket else sentence,
        tier=_tier(item),
        outcome=Outcome.SKIPPED,
        refutes="; ".join(faults),
        file=path if line is None else f"{path}:{line + 1}",
    )


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return _cut(report.longreprtext)


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    left = len(text) - LONGEST
    return f"{text[: LONGEST // 4]}\n[... {left} characters left out ...]\n{text[-(LONGEST * 3 // 4) :]}"

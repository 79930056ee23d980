"""One run: tools first, then the story here and the other tests beside it, and one report of all."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import toolchain
from harness.errors import UserError
from harness.paths import reports_dir, repository
from harness.report.model import Engine
from harness.report.progress import Progress
from harness.report.recorder import Recorder
from harness.suite.beside import Beside, Pytest
from harness.suite.selection import Part, Selection

if TYPE_CHECKING:
    import pytest

NONE_SELECTED = 5  # pytest.ExitCode.NO_TESTS_COLLECTED
STYLE = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))


class Together:
    """A plugin of the pytest here: with -x, a failure beside it ends it too."""

    def __init__(self, others: Sequence[Pytest]) -> None:
        self._others = others
        self._session: pytest.Session | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep the session."""
        self._session = session

    def pytest_runtest_logfinish(self) -> None:
        """Look at the others after each test."""
        for other in self._others:
            if self._session is not None and other.broke:
                self._session.shouldstop = f"a failure in the {other.name}"


def run(selection: Selection, name: str, command: str, *, style: bool = False) -> int:
    """Run tests and return 0 where all passed, 2 where somebody interrupted, and else another status.

    Args:
        selection: what to run.
        name: folder of the report, below reports/.
        command: what the user typed, for the report.
        style: judge style and types beside the tests.

    Raises:
        UserError: pytest is not there, or a tool cannot be built.
    """
    if importlib.util.find_spec("pytest") is None:
        raise UserError("pytest is not installed here", fix="run it through make, which sets up .venv: make e2e")
    from harness.report.ending import conclude
    from harness.report.plugin import ReportPlugin

    root, directory = repository(), reports_dir() / name
    engine = Engine(name="none was started", tier=selection.tier)
    recorder = Recorder(directory, command=command, root=root, engine=engine)
    with recorder.phase("tools"):  # here, where what the builds show can be seen: pytest captures all output
        toolchain.ensure(*selection.tools())
    progress = Progress(fresh_line=True)
    recorder.listen(progress)
    plugin = ReportPlugin(recorder, progress=progress)
    here, elsewhere = selection.split()
    others = [_beside(part, selection, recorder, directory, root, progress) for part in elsewhere]
    checked = Beside("style and types", [(sys.executable, "-m", *argv) for argv in STYLE], root) if style else None
    beside: list[Beside] = [*([checked] if checked else []), *others]
    try:
        for program in beside:
            program.start()
        statuses = [_pytest(here, selection, plugin, root, others)]
        if plugin.interrupted or (statuses[0] not in (0, NONE_SELECTED) and selection.first_failure_ends):
            for program in beside:
                program.stop()
        for program in beside:
            program.join()
    except KeyboardInterrupt:
        plugin.interrupted, statuses = True, [2]
    finally:
        progress.close()
        for program in beside:
            program.stop()
    said = []
    for other in others:
        statuses.append(other.collect())
        said.append(other.failures())
    if checked and not plugin.interrupted and checked.status:
        statuses.append(1)
        said.append("\n".join(["style or types:", *checked.output]))
        recorder.note("Style or types: ruff or mypy found something.")
    status = combined(statuses)
    _, lines = conclude(recorder, status, complete=not plugin.interrupted, root=root)
    print("\n".join([*filter(None, said), *lines]), flush=True)
    return status


def combined(statuses: Sequence[int]) -> int:
    """Return one status: of the first that failed, 1 where no test was selected at all, else 0."""
    failed = [status for status in statuses if status not in (0, NONE_SELECTED)]
    return failed[0] if failed else (0 if 0 in statuses else 1)


def _beside(
    part: Part, selection: Selection, recorder: Recorder, directory: Path, root: Path, progress: Progress
) -> Pytest:
    arguments = [*part.arguments, *selection.options]
    return Pytest(part.title, arguments, recorder, directory / part.folder, root, progress.says, part.nice)


def _pytest(
    arguments: Sequence[str], selection: Selection, plugin: object, root: Path, others: Sequence[Pytest]
) -> int:
    import pytest

    plugins = [plugin, *([Together(others)] if others and selection.first_failure_ends else [])]
    where = (f"--rootdir={root}", f"--config-file={root / 'pyproject.toml'}")
    return int(pytest.main([*where, *arguments, *selection.options], plugins=plugins))

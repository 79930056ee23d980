"""Shows a long run while it happens: a live table on a terminal, plain lines anywhere else.

Nothing is changed about the terminal that would have to be restored: the cursor stays visible, there is no alternate
screen, and the table is erased line by line when the last phase ends or is interrupted.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TextIO

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.report.charts import duration, excess
from harness.report.model import Phase, State, Sync

EVERY = 15.0  # seconds without a line after which a plain one says what is waited for
REDRAWS = 2.0  # per second, on a terminal
STYLES = {
    State.DEGRADED: ("✕", "bold red"),
    State.PROGRESSING: ("◐", "yellow"),
    State.SYNCING: ("↻", "cyan"),
    State.WAITING: ("·", "dim"),
    State.HEALTHY: ("✓", "green"),
}
_WORST_FIRST = list(STYLES)


@functools.cache
def real_stderr() -> TextIO:
    """Return the standard error that this process was started with.

    Call it once before something (pytest's capture) puts another file in the place of descriptor 2.
    """
    try:
        encoding = getattr(sys.__stderr__, "encoding", None) or "utf-8"
        return os.fdopen(os.dup(2), "w", encoding=encoding, errors="replace", buffering=1)
    except OSError:  # there is no descriptor 2
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


@dataclass
class _Row:
    """A component of the running sync: its worst object decides."""

    wave: int
    state: State
    waits_for: tuple[str, ...]
    since: float | None = None
    took: float | None = None


@dataclass
class _Shown:
    phases: list[tuple[Phase, float]] = field(default_factory=list)
    sync: Sync | None = None
    began: float = 0.0
    rows: dict[str, _Row] = field(default_factory=dict)


class Progress:
    """Listens to a `Recorder`. Use it as a context manager, or call `close` at the end.

    Args:
        stream: where to write; by default the real standard error, also beneath pytest.
        every: seconds; not on a terminal, at least one line in so long a time while a phase or sync runs.
        fresh_line: begin with an empty line, since somebody else (pytest) may have left the cursor inside one.
        terminal: whether the stream is a terminal; None asks it.
        clock: seconds.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        every: float = EVERY,
        fresh_line: bool = False,
        terminal: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream if stream is not None else real_stderr()
        self._terminal = self._stream.isatty() if terminal is None else terminal
        if os.environ.get("TERM") == "dumb" and terminal is None:
            self._terminal = False
        self._every, self._fresh_line, self._clock = every, fresh_line, clock
        self._zero = clock()
        # `_lock` guards what is shown and is never held while anything is written: the live table's own thread asks
        # for the rows while it holds the console. `_screen` lets one event at a time write.
        self._lock, self._screen = threading.Lock(), threading.RLock()
        self._shown = _Shown()
        self._console = Console(
            file=self._stream, force_terminal=self._terminal, highlight=False, soft_wrap=not self._terminal
        )
        self._live: Live | None = None
        self._active = self._closed = False
        self._spoke = clock()
        self._stop = threading.Event()
        self._beat: threading.Thread | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Erase the table and say nothing more; may be called twice."""
        self._stop.set()
        with self._screen:
            self._closed = True
            self._end_live()
        if self._beat is not None and self._beat is not threading.current_thread():
            self._beat.join(2)

    # -- what the recorder tells -------------------------------------------------------------------------------------

    def phase_begins(self, phase: Phase) -> None:
        """A phase starts."""
        with self._lock:
            self._shown.phases.append((phase, self._clock()))
        budget = f" (budget {duration(phase.budget)})" if phase.budget is not None else ""
        self._say(None if self._terminal else f"{phase.name} begins{budget}")

    def phase_ends(self, phase: Phase) -> None:
        """A phase ended; `failed` says how."""
        with self._lock:
            self._shown.phases = [(p, at) for p, at in self._shown.phases if p.name != phase.name]
        self._say(f"{'✕' if phase.failed else '✓'} {phase.name} {_took(phase)}", "red" if phase.failed else "green")

    def sync_changes(self, sync: Sync) -> None:
        """A sync started, one of its objects changed, or it ended."""
        now = self._clock()
        with self._lock:
            new = self._shown.sync is None or self._shown.sync.name != sync.name
            if new:
                self._shown.began, self._shown.rows = now, {}
            changes = self._rows(sync, now)
            self._shown.sync = None if sync.finished is not None else sync
            took = now - self._shown.began
        if new:
            self._say(None if self._terminal else f"{sync.name} begins")
        if not self._terminal:
            for change in changes:
                self._say(f"{sync.name}: {change}")
        if sync.finished is not None:
            said = f"{'✕' if sync.failed else '✓'} {sync.name} {duration(took)}, {self._healthy()}"
            self._say(said, "red" if sync.failed else "green")

    def _rows(self, sync: Sync, now: float) -> list[str]:
        """Bring the rows up to date and return each change of a component's state in words."""
        fresh: dict[str, _Row] = {}
        for item in sync.items:
            row = fresh.setdefault(item.component, _Row(item.wave, State.HEALTHY, ()))
            row.wave = max(row.wave, item.wave)
            if item.state is not State.HEALTHY:
                row.state = min(row.state, item.state, key=_WORST_FIRST.index)
                row.waits_for = tuple(dict.fromkeys((*row.waits_for, *item.waits_for)))
        said = []
        for name, row in fresh.items():
            old = self._shown.rows.get(name)
            row.since = old.since if old and old.since is not None else None if row.state is State.WAITING else now
            row.took = now - (row.since or now) if row.state is State.HEALTHY else None
            if old and old.state is row.state:
                row.took = old.took
                continue
            waits = f", waits for {', '.join(row.waits_for)}" if row.waits_for else ""
            took = f" after {duration(row.took)}" if row.took is not None else ""
            said.append(f"{name} {row.state}{took}{waits}")
        self._shown.rows = fresh
        return said

    def _healthy(self) -> str:
        with self._lock:
            rows = self._shown.rows.values()
            return f"{sum(row.state is State.HEALTHY for row in rows)} of {len(rows)} components healthy"

    def says(self, line: str) -> None:
        """Write a line of somebody else's, above the table where there is one."""
        self._say(line)

    # -- what is written ---------------------------------------------------------------------------------------------

    def _say(self, line: str | None, style: str = "") -> None:
        """Write a line, above the table where there is one, and begin or end the table."""
        with self._screen:
            if self._closed:
                return
            with self._lock:
                active = bool(self._shown.phases or self._shown.sync)
            if active:
                self._begin()
            else:
                self._active = False
                self._end_live()
            if line:
                self._spoke = self._clock()
                self._print(Text.assemble((f"{self._spoke - self._zero:7.1f} s  ", "dim"), (line, style)))

    def _print(self, text: Text) -> None:
        with contextlib.suppress(OSError, ValueError):  # a closed or full stream never fails the run
            self._console.print(text)

    def _begin(self) -> None:
        if not self._active and self._fresh_line:
            self._print(Text(""))
        self._active = True
        if self._terminal:
            if self._live is None:
                self._begin_live()
        elif self._beat is None:
            self._beat = threading.Thread(target=self._beats, name="progress", daemon=True)
            self._beat.start()

    def _begin_live(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            size = os.get_terminal_size(self._stream.fileno())
            self._console.size = ConsoleDimensions(size.columns or 80, size.lines or 24)
        self._live = Live(
            get_renderable=self._table,
            console=self._console,
            refresh_per_second=REDRAWS,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        with contextlib.suppress(OSError, ValueError):
            self._live.start()
            self._console.show_cursor(True)

    def _end_live(self) -> None:
        if self._live is not None:
            live, self._live = self._live, None
            with contextlib.suppress(OSError, ValueError):
                live.stop()

    def _beats(self) -> None:
        while not self._stop.wait(min(1.0, self._every / 4)):
            with self._screen:
                quiet = self._active and self._clock() - self._spoke >= self._every
                if quiet:
                    self._say(self._still())

    def _still(self) -> str:
        now = self._clock()
        with self._lock:
            shown = self._shown
            names = [f"{phase.name} for {duration(now - at)}" for phase, at in shown.phases[-1:]]
            rows = shown.rows.items() if shown.sync else ()
            waits = [
                f"{name} {row.state}" + (f", waits for {', '.join(row.waits_for)}" if row.waits_for else "")
                for name, row in sorted(rows, key=lambda pair: _WORST_FIRST.index(pair[1].state))
                if row.state is not State.HEALTHY
            ]
            sync = shown.sync
        if sync:
            names.append(f"{sync.name}: {self._healthy()}")
        more = f" and {len(waits) - 4} more" if len(waits) > 4 else ""
        return "still " + "; ".join([*names, *waits[:4]]) + more

    def _table(self) -> RenderableType:
        now = self._clock()
        with self._lock:
            phases, sync, rows = list(self._shown.phases), self._shown.sync, dict(self._shown.rows)
            began = self._shown.began
        lines: list[RenderableType] = []
        for phase, at in phases:
            over = phase.budget is not None and now - at > phase.budget
            line = Text.assemble(("▸ ", "cyan"), (phase.name, "bold"), " ", (duration(now - at), "red" if over else ""))
            lines.append(line.append(f" of {duration(phase.budget)}" if phase.budget is not None else "", "dim"))
        if sync is not None:
            healthy = sum(row.state is State.HEALTHY for row in rows.values())
            lines.append(Text(f"  {sync.name}: {healthy} of {len(rows)} healthy, {duration(now - began)}"))
            lines.append(self._components(rows, now, max(3, self._console.size.height - len(lines) - 4)))
        return Group(*lines)

    def _components(self, rows: dict[str, _Row], now: float, most: int) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), show_header=False)
        # what is waited for is the first to be cut on a narrow terminal
        for least, style in ((min(24, max(map(len, rows), default=0)), ""), (13, ""), (8, "dim"), (None, "dim")):
            table.add_column(no_wrap=True, overflow="ellipsis", min_width=least, style=style)
        ordered = sorted(rows.items(), key=lambda pair: (_WORST_FIRST.index(pair[1].state), pair[1].wave, pair[0]))
        for name, row in ordered[:most]:
            sign, style = STYLES[row.state]
            spent = row.took if row.took is not None else now - row.since if row.since is not None else None
            waits = f"waits for {', '.join(row.waits_for)}" if row.waits_for else ""
            took = "" if spent is None else duration(spent)
            table.add_row(Text(name), Text(f"{sign} {row.state}", style), Text(took), Text(waits))
        if len(ordered) > most:
            table.add_row(Text(f"and {len(ordered) - most} more", "dim"))
        return table


def _took(phase: Phase) -> str:
    budget = "" if phase.budget is None else f" of {duration(phase.budget)}"
    over = f", over by {excess(phase.over)}" if phase.over else ""
    return f"{duration(phase.seconds or 0.0)}{budget}{over}"

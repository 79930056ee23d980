"""Progress on a terminal and off one, and a terminal that is left as it was."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.report import Progress, Recorder, State

ROOT = Path(__file__).resolve().parents[2]
ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def story(recorder: Recorder, pause: Callable[[], None] = lambda: None) -> None:
    """Play a sync of two components inside a phase."""
    with recorder.phase("first sync", budget=30), recorder.sync("dev") as sync:
        sync.item("mariadb", "StatefulSet", "mariadb", wave=2, state=State.PROGRESSING)
        sync.item("iam", "Deployment", "iam", wave=12, state=State.WAITING, waits_for=["mariadb:mysql"])
        pause()
        sync.item("mariadb", "StatefulSet", "mariadb", wave=2, state=State.HEALTHY)
        sync.item("iam", "Deployment", "iam", wave=12, state=State.PROGRESSING)
        pause()
        sync.item("iam", "Deployment", "iam", wave=12, state=State.HEALTHY)


def told(text: str) -> list[str]:
    """Return the lines without their time, durations as `_`."""
    lines = [line[11:] for line in text.splitlines()]
    return [re.sub(r"\d+\.\d s", "_", line) for line in lines if line]


def test_off_a_terminal_every_change_is_one_plain_line() -> None:
    stream = io.StringIO()
    with Progress(stream) as progress:
        story(Recorder(None, command="test", listeners=[progress]))
    assert "\x1b" not in stream.getvalue()
    assert told(stream.getvalue()) == [
        "first sync begins (budget _)",
        "dev begins",
        "dev: mariadb progressing",
        "dev: iam waiting, waits for mariadb:mysql",
        "dev: mariadb healthy after _",
        "dev: iam progressing",
        "dev: iam healthy after _",
        "✓ dev _, 2 of 2 components healthy",
        "✓ first sync _ of _",
    ]


def test_the_same_state_told_again_is_not_written_again() -> None:
    stream = io.StringIO()
    with Progress(stream) as progress:
        recorder = Recorder(None, command="test", listeners=[progress])
        with recorder.sync("dev") as sync:
            for _ in range(5):
                sync.item("iam", "Deployment", "iam", wave=12, state=State.PROGRESSING)
    assert stream.getvalue().count("iam") == 1


def test_a_phase_that_fails_says_so_and_not_that_it_went_well() -> None:
    stream = io.StringIO()
    with Progress(stream) as progress:
        recorder = Recorder(None, command="test", listeners=[progress])
        with pytest.raises(RuntimeError), recorder.phase("engine up"):
            raise RuntimeError
    assert "✕ engine up" in stream.getvalue() and "✓" not in stream.getvalue()


def test_in_a_quiet_stretch_a_line_says_what_is_waited_for() -> None:
    stream, enough = io.StringIO(), threading.Event()

    def quiet() -> None:
        limit = time.monotonic() + 30
        while stream.getvalue().count("still ") < 3 and not enough.is_set() and time.monotonic() < limit:
            time.sleep(0.02)
        enough.set()

    begun = time.monotonic()
    with Progress(stream, every=0.1) as progress:
        story(Recorder(None, command="test", listeners=[progress]), quiet)
    still = [line for line in told(stream.getvalue()) if line.startswith("still")]
    assert 3 <= len(still) <= (time.monotonic() - begun) / 0.1, "no oftener than every tenth of a second"
    assert still[0] == (
        "still first sync for _; dev: 0 of 2 components healthy; "
        "mariadb progressing; iam waiting, waits for mariadb:mysql"
    )


def test_nothing_is_written_while_nothing_runs_or_after_the_end() -> None:
    stream = io.StringIO()
    progress = Progress(stream, every=0.05)
    recorder = Recorder(None, command="test", listeners=[progress])
    story(recorder)
    before = stream.getvalue()
    time.sleep(0.2)
    progress.close()
    story(recorder)
    assert stream.getvalue() == before


def test_a_stream_that_is_closed_does_not_fail_the_run() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    stream.close()
    story(Recorder(None, command="test", listeners=[progress]))
    progress.close()


# -- on a terminal -------------------------------------------------------------------------------------------------

SCRIPT = """
import sys, time
from harness.report import *
sys.path.insert(0, "tests/unit")
from test_progress import story
with Progress() as progress:
    story(Recorder(None, command="test", listeners=[progress]), lambda: time.sleep({pause}))
"""


def on_terminal(script: str, *, interrupt_after: float | None = None) -> tuple[str, int]:
    """Run a script with a pseudo-terminal as standard error; return what it wrote there, and its status."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    run = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "", "LINES": ""}, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    text = b"".join(_read(ours, run, interrupt_after))
    os.close(ours)
    return text.decode(), run.wait(20)


def _read(ours: int, run: subprocess.Popen[bytes], interrupt_after: float | None) -> Iterator[bytes]:
    seen, deadline = b"", time.monotonic() + 30
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.05)[0]:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                return
            if not part:
                return
            seen += part
            yield part
        if interrupt_after is not None and b"mariadb" in seen:
            time.sleep(interrupt_after)
            run.send_signal(signal.SIGINT)
            interrupt_after = None
    run.kill()


def test_on_a_terminal_the_table_shows_who_waits_for_what_and_is_erased_at_the_end() -> None:
    text, status = on_terminal(SCRIPT.format(pause=1.2))
    assert status == 0
    plain = ESCAPE.sub("", text)
    assert "iam" in plain and "waits for mariadb:mysql" in plain and "◐ progressing" in plain
    last = plain.splitlines()[-1]
    assert "✓ first sync" in last
    seconds = float(last.split()[0])
    assert seconds >= 2.4, "it was quiet twice"
    assert text.count("▸ ") <= 2 * seconds + 10, "two redraws a second, and one for each line above the table"


def test_a_terminal_is_as_it_was_after_an_interrupt() -> None:
    text, status = on_terminal(SCRIPT.format(pause=20), interrupt_after=0.4)
    assert status != 0
    assert "✕ first sync" in ESCAPE.sub("", text)
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l"), "the cursor is shown"
    assert "\x1b[?1049h" not in text, "no alternate screen"
    after = text[text.rindex("✕ first sync") :]
    assert "▸" not in after, "no table is left behind the last line"

"""Runs one program and takes it down with whoever started it.

`python -I -S supervise.py PROGRAM ARGUMENTS...`, started as the leader of a session of its own, with standard input a
pipe whose other end only the starter holds. When that end closes, because the starter ended in whatever way, every
process of the session's group is killed. Ends with the program's status (128 + n for signal n).
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import Any


def watch_starter() -> None:
    """Wait until the starter is gone, then kill the group, this process included."""
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    os.killpg(0, signal.SIGKILL)


def ignore(_number: int, _frame: Any) -> None:
    """Survive a signal to the group, to report how the program took it (SIG_IGN would be inherited by it)."""


def main(argv: list[str]) -> int:
    """Run the program and return its status."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ignore)
    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"{argv[0]}: {error.strerror}", file=sys.stderr)
        return 127
    threading.Thread(target=watch_starter, daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))

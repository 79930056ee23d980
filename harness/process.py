"""The one way to run another program: no shell, output captured, two exceptions."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class ProcessError(Exception):
    """A program ended with a status other than zero; holds its command, status and output."""

    def __init__(self, argv: Sequence[str], status: int, stdout: str, stderr: str) -> None:
        tail = "\n".join((stderr or stdout).strip().splitlines()[-20:])
        super().__init__(f"{Path(argv[0]).name} {' '.join(argv[1:3])} … ended with status {status}\n{tail}")
        self.argv = list(argv)
        self.status = status
        self.stdout = stdout
        self.stderr = stderr


class ProcessTimeout(Exception):
    """A program did not end in time and was killed."""

    def __init__(self, argv: Sequence[str], seconds: float) -> None:
        super().__init__(f"{Path(argv[0]).name} {' '.join(argv[1:3])} … did not end within {seconds:g} s")
        self.argv = list(argv)
        self.seconds = seconds


def run(
    *argv: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = 120.0,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return its status and output as text.

    Args:
        argv: program and arguments; no shell is involved. Never put a secret here (process lists show it).
        cwd: working directory.
        env: variables added to this process's own environment.
        stdin: text given to the program; without it, standard input is empty.
        timeout: seconds until it is killed.
        check: whether a status other than zero raises.

    Raises:
        ProcessError: status other than zero, with `check`.
        ProcessTimeout: not ended in `timeout` seconds.
    """
    command = [str(part) for part in argv]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        raise ProcessTimeout(command, timeout) from expired
    if check and done.returncode != 0:
        raise ProcessError(command, done.returncode, done.stdout, done.stderr)
    return done

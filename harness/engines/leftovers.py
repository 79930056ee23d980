"""What an engine left behind: the proof, at the end of a run, that it is nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from harness.engines.keeper import lock_file
from harness.engines.ports import is_free


def leftovers(run_dir: Path, ports: Iterable[int] = ()) -> list[str]:
    """Return what is left of a run, in words; empty when nothing is.

    Args:
        run_dir: its run directory: the directory itself, its lock, and every process but this one whose command
            line, environment or working directory names it.
        ports: those the engine listened on.
    """
    found = [f"{path} exists" for path in (run_dir, lock_file(run_dir)) if path.exists()]
    found += [f"port {port} is taken" for port in ports if not is_free(port)]
    return found + [f"process {pid} runs: {text}" for pid, text in processes(run_dir)]


def processes(run_dir: Path) -> list[tuple[int, str]]:
    """Return the processes (id, command line) that name a directory, without this one."""
    mark = os.fsencode(run_dir)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            if mark in command or mark in (entry / "environ").read_bytes() or mark in bytes((entry / "cwd").readlink()):
                found.append((int(entry.name), command.replace(b"\0", b" ").decode(errors="replace").strip()))
        except OSError:  # gone, or another user's
            continue
    return found

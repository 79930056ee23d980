"""Run directories: which are alive, and removal of what killed keepers left.

A run directory is alive while a keeper holds the lock of the file beside it (`keeper.lock_file`), whatever is in it.
"""

from __future__ import annotations

import os
from pathlib import Path

from harness.engines.children import lock, remove_tree, undo
from harness.engines.keeper import lock_file


def sweep(run_dir: Path) -> bool:
    """Remove a run directory whose keeper is gone, and what it had made elsewhere; returns whether none holds it.

    What cannot be undone (Docker does not answer, say) leaves the directory, for the next try.
    """
    file = lock_file(run_dir)
    if not run_dir.parent.is_dir() or (held := lock(file)) is None:
        return not run_dir.parent.is_dir()
    if undo(run_dir):
        remove_tree(run_dir)
    file.unlink(missing_ok=True)
    os.close(held)
    return True


def is_alive(run_dir: Path) -> bool:
    """Return whether a keeper holds the lock of a run directory."""
    file = lock_file(run_dir)
    if not file.exists():
        return False
    held = lock(file)
    if held is None:
        return True
    os.close(held)
    return False


def sweep_all(runs: Path) -> list[str]:
    """Remove what dead keepers left below `runs`; returns the names of what was removed."""
    if not runs.is_dir():
        return []
    names = {path.name.removesuffix(".lock") for path in runs.iterdir()}
    return sorted(name for name in names if sweep(runs / name) and not (runs / name).exists())


def alive(runs: Path) -> list[str]:
    """Return the names of the engines that run below `runs`, started by whichever process of this user."""
    if not runs.is_dir():
        return []
    return sorted(path.stem for path in runs.glob("*.lock") if is_alive(path.with_suffix("")))

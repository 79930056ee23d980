"""Which files of a checkout changed: by asking for their time and size, ten times a second.

About 300 files lie below the folders that are watched; to ask for all of them takes a few milliseconds, works on every
file system and in every container, and needs no library. Links are not followed: what they lead to is below the same
folders.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

FOLDERS = ("charts", "argocd", "docs/reference", "docs/runbooks", "schemas")
FILES = ("images.yaml",)
INTERVAL = 0.1  # seconds between two looks
SETTLED = 0.03  # seconds without a further change: an editor writes in more than one step
_PASSING = (".swp", ".swx", "~", ".tmp", ".new")

State = dict[str, tuple[int, ...]]


class Files:
    """The files below the watched folders of a checkout, as they were at the last look."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._state = self._look()

    def changed(self, seconds: float) -> set[str]:
        """Return the paths that changed since the last call, waiting for a change until so many seconds have passed."""
        until = time.monotonic() + seconds
        while True:
            now = self._look()
            if now != self._state:
                return self._settled(now)
            left = until - time.monotonic()
            if left <= 0:
                return set()
            time.sleep(min(INTERVAL, left))

    def saved(self, paths: set[str]) -> float:
        """Return when the last of some paths was written, in seconds of the clock; now, where none is left."""
        times = [self._state[path][0] / 1e9 for path in paths if path in self._state]
        return max(times, default=time.time())

    def _settled(self, now: State) -> set[str]:
        while True:
            time.sleep(SETTLED)
            later = self._look()
            if later == now:
                break
            now = later
        before, self._state = self._state, now
        return {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}

    def _look(self) -> State:
        found: State = {}
        for name in FILES:
            self._add(found, self._root / name)
        folders = [str(self._root / name) for name in FOLDERS]
        while folders:
            try:
                with os.scandir(folders.pop()) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        elif not entry.name.endswith(_PASSING):
                            self._add(found, entry)
            except OSError:  # the folder went away between two looks
                continue
        return found

    def _add(self, found: State, file: os.DirEntry[str] | Path) -> None:
        try:
            status = file.stat(follow_symlinks=False)
        except OSError:
            return
        path = os.fspath(file)[len(str(self._root)) + 1 :]
        found[path] = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode)

"""A copy of files and folders that a test may break: afterwards only what it changed is copied again.

Hundreds of files are copied once instead of once for each test. Hard links would be as fast, and a test that writes
into one would write into the working tree.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

Signature = tuple[object, ...]


class Copied:
    """Copies files and folders of `source` below `root`, which it makes; `mend` brings everything back."""

    def __init__(self, source: Path, root: Path, names: Sequence[str]) -> None:
        self.root = root
        self._source = source
        root.mkdir(parents=True)
        for name in names:
            if (source / name).is_dir():
                shutil.copytree(source / name, root / name, symlinks=True)
            elif (source / name).is_file():
                shutil.copy2(source / name, root / name)
        self._before = self._state()

    def mend(self) -> list[str]:
        """Remove what was added, copy again what was changed or removed; returns these paths, relative and sorted."""
        now = self._state()
        wrong = sorted(path for path in now.keys() | self._before.keys() if now.get(path) != self._before.get(path))
        for path in reversed(wrong):  # what is inside a folder first
            _remove(self.root / path)
        for path in wrong:
            if path in self._before:
                self._copy(path)
        if wrong:
            self._before = self._state()
        return wrong

    def _copy(self, path: str) -> None:
        if (self._source / path).is_dir() and not (self._source / path).is_symlink():
            (self.root / path).mkdir()
        else:
            shutil.copy2(self._source / path, self.root / path, follow_symlinks=False)

    def _state(self) -> dict[str, Signature]:
        return dict(_walk(self.root, ""))


def _walk(folder: str | Path, before: str) -> Iterator[tuple[str, Signature]]:
    for entry in os.scandir(folder):
        yield before + entry.name, _signature(entry)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{before}{entry.name}/")


def _signature(entry: os.DirEntry[str]) -> Signature:
    """Return what differs after any change: a write gives a new time, a replacement a new inode."""
    if entry.is_symlink():
        return ("link", os.readlink(entry))  # noqa: PTH115 - hundreds of files after each test: a Path costs more
    if entry.is_dir():
        return ("folder",)
    status = entry.stat()
    return ("file", status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

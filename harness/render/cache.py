"""What a program gave for the same bytes before: one file per answer, found by a hash of everything that went in."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import UserError
from harness.paths import cache_dir
from harness.render.locate import shown

ENTRIES = 4096  # of a kind; of about 10 kB each
RENDERS = "render"  # the folder of what Helm gave
VERSION = "2"  # changes with what an entry holds


class Key:
    """A hash of everything that decides an answer."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(VERSION.encode())

    def add(self, name: str, content: bytes | str) -> None:
        """Add one input; neither its name nor its content can be mistaken for the next one's."""
        data = content.encode() if isinstance(content, str) else content
        self._hash.update(f"\0{len(name)}:{name}={len(data)}:".encode())
        self._hash.update(data)

    def add_tree(self, folder: Path) -> None:
        """Add every file below a folder, links resolved.

        Raises:
            UserError: a link that leads nowhere.
        """
        for name in files.below(folder):
            self.add(name, read(f"{folder}/{name}"))

    def text(self) -> str:
        """Return the hash as text."""
        return self._hash.hexdigest()


def tree_hash(folder: Path) -> str:
    """Return a hash of every file below a folder, links resolved.

    Raises:
        UserError: as `Key.add_tree`.
    """
    key = Key()
    key.add_tree(folder)
    return key.text()


def read(path: str | Path) -> bytes:
    """Return a file's bytes.

    Raises:
        UserError: it is a link that leads nowhere.
    """
    try:
        return files.content(path)
    except FileNotFoundError:
        path = Path(path)
        link = (
            f"the link {path.name} leads to {path.readlink()}, which is not there" if path.is_symlink() else "no file"
        )
        raise UserError(link, where=shown(path), fix="create what it leads to, or remove the link") from None


def load(key: str, kind: str = RENDERS) -> Any:
    """Return what was stored under a key, or None."""
    path = _folder(kind) / f"{key}.json"
    try:
        stored = json.loads(path.read_bytes())
        os.utime(path)  # used last: the oldest go first
    except (OSError, ValueError):
        return None
    return stored


def store(key: str, value: Any, kind: str = RENDERS) -> None:
    """Store a value; another process sees all of it or nothing. A cache that cannot be written is no error."""
    folder = _folder(kind)
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, suffix=".new")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, separators=(",", ":"))
        Path(name).replace(folder / f"{key}.json")
        if key.startswith("0"):  # one in sixteen: looking at every entry takes longer than storing one
            _prune(folder)


def drop(key: str, kind: str = RENDERS) -> None:
    """Forget what was stored under a key."""
    (_folder(kind) / f"{key}.json").unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    entries: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            entries.append((path.stat().st_mtime, path))
    for _, path in sorted(entries)[: max(0, len(entries) - ENTRIES)]:
        path.unlink(missing_ok=True)


def _folder(kind: str) -> Path:
    return cache_dir() / kind

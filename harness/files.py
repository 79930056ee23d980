"""Files that are read again and again (charts, templates, schemas): what has not changed is not read anew.

A file has not changed while device, inode, size and both times are the same. Times are as fine as the kernel's clock
tick, so two writes within one look like one: a file that was written just before it was read is not kept (what Git
calls racily clean: git, Documentation/technical/racy-git.txt).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

SETTLED = 0.1
"""Seconds after a change until what is read may be kept; a clock tick has at most 0.01 s."""
ENTRIES = 8192
"""Files that are kept at most, of up to `LARGEST` bytes; then all are forgotten."""
LARGEST = 256 * 1024
Signature = tuple[int, ...]

_kept: dict[str, tuple[Signature, bytes]] = {}


def below(folder: str | Path) -> list[str]:
    """Return the files below a folder as they are reached through links, relative to it, sorted step by step."""
    return sorted(_below(os.fspath(folder), ""), key=lambda path: path.split("/"))


def _below(folder: str, before: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # no folder, or none that may be read: as os.walk has it
        return
    for entry in entries:
        try:
            folder_too = entry.is_dir()
        except OSError:  # a link that leads to itself: whoever reads it says so
            folder_too = False
        if folder_too:
            yield from _below(entry.path, f"{before}{entry.name}/")
        else:
            yield before + entry.name


def content(path: str | Path) -> bytes:
    """Return a file's bytes; raises OSError as reading it would."""
    name = os.fspath(path)
    status = os.stat(name)  # noqa: PTH116 - thousands of calls: a Path costs more than the call
    signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    known = _kept.get(name)
    if known is not None and known[0] == signature:
        return known[1]
    with open(name, "rb") as file:  # noqa: PTH123
        data = file.read()
    if len(data) <= LARGEST and time.time() - status.st_ctime > SETTLED:
        if len(_kept) >= ENTRIES:
            _kept.clear()
        _kept[name] = (signature, data)
    return data


def text(path: str | Path) -> str:
    """Return a file's text, ends of lines as Path.read_text has them; raises OSError or UnicodeDecodeError as that."""
    return content(path).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")

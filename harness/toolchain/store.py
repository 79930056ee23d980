"""The user's cache of finished tools: one directory per tool and key, published by a rename, checked at every use."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import UserError
from harness.paths import cache_dir, runs_dir
from harness.toolchain.catalog import GO, TOOLS, Tool
from harness.toolchain.goenv import key

RECORD = "record.json"


@dataclass(frozen=True)
class FileRecord:
    """What a published file was when it was published."""

    size: int
    mtime: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """What is known about a published tool: `seconds` is how long making it took."""

    tool: str
    version: str
    key: str
    built: str
    seconds: float
    files: dict[str, FileRecord]


def root() -> Path:
    """Return the directory of all published tools."""
    return cache_dir() / "tools"


def directory(tool: Tool) -> Path:
    """Return where this version of the tool is, or is going to be."""
    return root() / f"{tool.name}-{key(tool)}"


def binary(tool: Tool) -> Path:
    """Return the path of the tool's program, there or not."""
    return directory(tool) / tool.name


def read_record(place: Path) -> Record | None:
    """Return the record of a published directory; None where there is none that can be read."""
    try:
        data = json.loads((place / RECORD).read_text())
        files = {name: FileRecord(**entry) for name, entry in data.pop("files").items()}
        return Record(**data, files=files)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def damage(place: Path, *, full: bool = False) -> str | None:
    """Return what is wrong with a published directory, or None if it is whole.

    The cheap check compares size and modification time with the record. A file whose time alone differs, restored
    from a copy of the cache perhaps, is hashed once and, if whole, given its time back.

    Args:
        place: the directory.
        full: hash every file.
    """
    record = read_record(place)
    if record is None:
        return f"{RECORD} is missing or cannot be read"
    for name, expected in record.files.items():
        path = place / name
        try:
            found = path.stat()
        except OSError as error:
            return f"{name}: {error.strerror}"
        if found.st_size != expected.size:
            return f"{name} has {found.st_size} bytes, not {expected.size}"
        if full or int(found.st_mtime) != expected.mtime:
            if sha256(path) != expected.sha256:
                return f"{name} has another SHA-256 than when it was built"
            os.utime(path, (expected.mtime, expected.mtime))
    return None


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def publish(tool: Tool, place: Path, content: Path, seconds: float) -> None:
    """Make a finished tool visible, all of it at once, instead of what may be there.

    Args:
        tool: whose lock the caller holds.
        place: its `directory` as it was before the work began: an input may have been edited meanwhile.
        content: directory on the same file system with the program and its files; it is moved.
        seconds: how long making it took.
    """
    for link in tool.links:
        (content / link).symlink_to(tool.name)
    now = int(time.time())
    files: dict[str, FileRecord] = {}
    for path in sorted(content.rglob("*")):
        if path.is_file() and not path.is_symlink() and (path.stat().st_mode & 0o111 or not _is_wheel(path, content)):
            os.utime(path, (now, now))  # whole seconds, which an archive of the cache keeps
            files[path.relative_to(content).as_posix()] = FileRecord(path.stat().st_size, now, sha256(path))
    built = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    record = Record(tool.name, tool.version, place.name.rsplit("-", 1)[1], built, round(seconds, 1), files)
    (content / RECORD).write_text(json.dumps(asdict(record), indent=1))
    if place.exists():  # damaged: out of the way first, since a directory cannot replace one that is not empty
        old = content.parent / f"{place.name}.damaged"
        place.rename(old)
        shutil.rmtree(old, ignore_errors=True)
    content.rename(place)


def _is_wheel(path: Path, content: Path) -> bool:
    """Say whether a file came in a wheel; of those, the Go sources mostly, only programs are worth a check."""
    return path.relative_to(content).parts[0] == "wheel"


def check_space(needed: int, what: str) -> None:
    """Refuse to start what would not fit on the disk.

    Args:
        needed: bytes.
        what: for the message.

    Raises:
        UserError: less than that is free where the cache is.
    """
    cache = cache_dir()
    make(cache)
    free = shutil.disk_usage(cache).free
    if free < needed:
        raise UserError(
            f"building {what} needs about {needed / 1e9:.1f} GB of disk space, {free / 1e9:.1f} GB are free",
            where=str(cache),
            fix="free some space, or set INDIGO_CACHE to a directory on a larger disk",
        )


def make(path: Path) -> None:
    """Make a directory of the cache.

    Raises:
        UserError: it cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot use the cache directory: {error.strerror}", where=str(path), fix="set INDIGO_CACHE to another one"
        ) from error
    if not os.access(path, os.W_OK):
        raise UserError("cannot write to the cache directory", where=str(path), fix="set INDIGO_CACHE to another one")


def disk_usage(path: Path) -> int:
    """Return the bytes of all files below a directory; 0 if there is none."""
    total = 0
    pending = [path]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


def outdated() -> list[Path]:
    """Return the published directories that no tool of this checkout refers to."""
    current = {directory(tool) for tool in (*TOOLS, GO)}
    return sorted(p for p in root().glob("[a-z]*-*") if p.is_dir() and p not in current)


def in_use() -> dict[Path, str]:
    """Return the published directories that a running engine has links to, with the engine's name."""
    used = {}
    for link in runs_dir().glob("*/bin/*"):
        target = link.readlink() if link.is_symlink() else link
        if target.is_relative_to(root()):
            used[root() / target.relative_to(root()).parts[0]] = link.parent.parent.name
    return used

"""Tools that are already on PATH: used only when they say exactly the pinned version."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from harness.process import ProcessError, ProcessTimeout, run
from harness.toolchain.catalog import KUBECTL_PROBE, Tool
from harness.toolchain.store import make, root

SWITCH = "INDIGO_TOOLS_FROM_PATH"


def enabled() -> bool:
    """Return whether programs on PATH may be used (`INDIGO_TOOLS_FROM_PATH=0` forbids it)."""
    return os.environ.get(SWITCH, "1") not in ("0", "false", "no")


def find(name: str, tool: Tool) -> Path | None:
    """Return the program on PATH if it may be used and its version is the pinned one, else None.

    What a program said is remembered by its path, size and time, so that asking again starts no process.

    Args:
        name: the program: the tool's own name, or `kubectl`.
        tool: which version of it is pinned.
    """
    command, pattern = KUBECTL_PROBE if name == "kubectl" else (tool.version_command, tool.version_pattern)
    if not command or not enabled():
        return None
    found = shutil.which(name)
    if found is None:
        return None
    path = Path(found)
    return path if _version(path, command, pattern) == tool.version else None


def _version(path: Path, command: tuple[str, ...], pattern: str) -> str | None:
    try:
        status = path.stat()
    except OSError:
        return None
    identity = f"{path.resolve()} {status.st_size} {status.st_mtime_ns} {' '.join(command)}"
    known = _remembered()
    if identity not in known:
        known[identity] = _ask(path, command, pattern)
        _remember(known)
    return known[identity]


def _ask(path: Path, command: tuple[str, ...], pattern: str) -> str | None:
    try:
        said = run(path, *command, timeout=20, check=False).stdout
    except (ProcessError, ProcessTimeout, OSError):
        return None
    match = re.search(pattern, said, re.MULTILINE)
    return match[1] if match else None


def _remembered() -> dict[str, str | None]:
    try:
        data = json.loads((root() / "path.json").read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _remember(known: dict[str, str | None]) -> None:
    try:
        make(root())
        (root() / "path.json").write_text(json.dumps(known, indent=1))
    except OSError:
        return

"""Facts about the machine and the working tree of a run; no name, no address, no path."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from harness.process import ProcessTimeout, run
from harness.report.model import Machine, Revision


def machine() -> Machine:
    """Return cores and memory (bytes) that this process may use, the operating system and the Python version."""
    return Machine(cores=_cores(), memory_bytes=_memory(), os=_system(), python=platform.python_version())


def revision(root: Path) -> Revision:
    """Return commit and state of a checkout; no commit where it has none or is none."""
    try:
        head = run("git", "rev-parse", "--verify", "--quiet", "HEAD", cwd=root, check=False, timeout=10)
        changes = run("git", "status", "--porcelain", cwd=root, check=False, timeout=30)
    except (OSError, ProcessTimeout):
        return Revision()
    commit = head.stdout.strip() if head.returncode == 0 else ""
    return Revision(commit=commit or None, dirty=changes.returncode == 0 and bool(changes.stdout.strip()))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _memory() -> int:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total


def _system() -> str:
    kernel = f"{platform.system()} {platform.release()} {platform.machine()}"
    try:
        release = platform.freedesktop_os_release()
    except (OSError, AttributeError):
        return kernel
    return f"{release.get('PRETTY_NAME', 'unknown')} ({kernel})"

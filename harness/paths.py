"""Where things are: the repository, the user's cache, the directories of runs."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from harness.errors import UserError

MARKER = Path("charts") / "indigo-paas" / "Chart.yaml"
VIEW = ".checkout"  # in a view of a checkout: the root of that (harness/render/trials.py)


@cache
def repository() -> Path:
    """Return the root of the checkout: the nearest parent of the working directory that holds the umbrella chart.

    `INDIGO_REPOSITORY` overrides the search. Without either, the checkout this package was installed from.

    Raises:
        UserError: when none of them holds the umbrella chart.
    """
    named = os.environ.get("INDIGO_REPOSITORY")
    candidates = [Path(named)] if named else [Path.cwd(), *Path.cwd().parents, Path(__file__).resolve().parents[1]]
    for candidate in candidates:
        if (candidate / MARKER).is_file():
            return candidate.resolve()
    raise UserError(
        f"no checkout of the project here: {MARKER} not found in {candidates[0]} or above",
        fix="run indigo inside the checkout, or set INDIGO_REPOSITORY to its root",
    )


def shown_by(view: Path) -> Path | None:
    """Return the root of the checkout that a view shows, links followed; None for a checkout itself."""
    file = view / VIEW
    return Path(file.read_text(encoding="utf-8").strip()) if file.is_file() else None


def cache_dir() -> Path:
    """Return the user's cache directory of this project (`INDIGO_CACHE`, else `$XDG_CACHE_HOME/indigo-paas`)."""
    named = os.environ.get("INDIGO_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "indigo-paas"


def runs_dir() -> Path:
    """Return the directory that holds one sub-directory per running engine (state, sockets, logs)."""
    return cache_dir() / "runs"


def reports_dir() -> Path:
    """Return the directory of reports: `INDIGO_REPORTS`, else one in the checkout that Git ignores."""
    named = os.environ.get("INDIGO_REPORTS")
    return Path(named) if named else repository() / "reports"

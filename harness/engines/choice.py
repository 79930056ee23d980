"""Which engine a running one is: every command that finds an engine by its name comes here."""

from __future__ import annotations

import json
from pathlib import Path

from harness import paths
from harness.engines.kept import DESCRIPTION, KeptEngine


def attach(name: str = "default", runs: Path | None = None) -> KeptEngine:
    """Return a running engine of whichever kind, started by another process.

    Raises:
        UserError: none of that name runs.
    """
    directory = (runs or paths.runs_dir()).absolute()
    try:
        kind = json.loads((directory / name / DESCRIPTION).read_text())["kind"]
    except (OSError, ValueError, KeyError):  # it is being started, or it does not run: any class can say so
        kind = "embedded"
    return engine_class(kind).attach(name, directory)


def engine_class(kind: str) -> type[KeptEngine]:
    """Return the class of a kind of engine; imported only when asked for."""
    if kind == "kind":
        from harness.engines.kind.engine import KindEngine

        return KindEngine
    if kind == "cluster":
        from harness.engines.existing.engine import ExistingCluster

        return ExistingCluster
    from harness.engines.embedded import EmbeddedEngine

    return EmbeddedEngine

"""Drills: a fault is made on purpose, and what was said of it beforehand is held against what was seen."""

from __future__ import annotations

from harness.drills.model import Drill, Drills, Result, Verdict

__all__ = ["Drill", "Drills", "Result", "Verdict", "catalogue"]


def catalogue() -> dict[str, Drill]:
    """Return every drill by its id."""
    from harness.drills import delivery, machines, pods

    return {drill.id: drill for drill in (*pods.DRILLS, *machines.DRILLS, *delivery.DRILLS)}

"""The report of a run: where people see whether they can trust it.

`Recorder` collects a run while it happens, `harness.report.plugin` feeds it from pytest, `Progress` shows it on the
terminal, and `write` makes report.json, junit.xml and report.html of it.
"""

from harness.report.masking import Masker
from harness.report.model import (
    Artefact,
    Assertion,
    Component,
    Edge,
    Engine,
    Graph,
    Item,
    Outcome,
    Phase,
    Report,
    State,
    Sync,
    Tier,
    Verdict,
)
from harness.report.progress import Progress
from harness.report.recorder import Recorder, SyncRecorder
from harness.report.writer import write

__all__ = [
    "Artefact",
    "Assertion",
    "Component",
    "Edge",
    "Engine",
    "Graph",
    "Item",
    "Masker",
    "Outcome",
    "Phase",
    "Progress",
    "Recorder",
    "Report",
    "State",
    "Sync",
    "SyncRecorder",
    "Tier",
    "Verdict",
    "write",
]

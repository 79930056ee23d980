"""How a story leaves its engine: ended, or running for whoever wants to look around."""

from __future__ import annotations

import pytest

from harness.engines.kept import KeptEngine
from harness.report.progress import real_stderr
from harness.report.recorder import Recorder


def leave(engine: KeptEngine, recorder: Recorder, config: pytest.Config, budget: float) -> None:
    """End an engine within a budget of seconds; with `--indigo-keep` let it run and say how to end it."""
    if not config.getoption("--indigo-keep"):
        with recorder.phase("engine down", budget=budget):
            engine.down()
        return
    engine.detach()
    said = f"The engine {engine.name} runs on: indigo status shows it, indigo down --name {engine.name} ends it."
    recorder.note(said)
    print(f"\n{said}", file=real_stderr(), flush=True)

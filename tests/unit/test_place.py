"""Where an engine's servers run: logs that outlive a run are of that run alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.engines.embedded.place import Place


class Appending:
    """A keeper whose servers write one line, behind what is there."""

    def start_server(self, name: str, _: list[str], *, log: Path, **__: Any) -> None:
        with log.open("a") as file:
            file.write(f"{name} begins\n")


def test_a_log_begins_with_its_run_and_goes_on_when_its_server_is_started_again(tmp_path: Path) -> None:
    for expected in (1, 2, 1):
        if expected == 1:
            place = Place(tmp_path, tmp_path, Appending(), {})  # type: ignore[arg-type]
        place.start("etcd", [])
        assert (tmp_path / "etcd.log").read_text() == "etcd begins\n" * expected

"""The tests of our own Go programs, run with the pinned compiler, and Go's own look for mistakes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import toolchain
from harness.paths import cache_dir, repository
from harness.toolchain import goenv

DOUBLES = repository() / "harness" / "doubles" / "go"


@pytest.mark.parametrize("words", [("test",), ("vet",)], ids=["test", "vet"])
def test_go_finds_nothing_wrong(words: tuple[str, ...], tmp_path: Path) -> None:
    """What is unchanged is not compiled again: Go keeps it in the toolchain's cache."""
    go = toolchain.tool("go").resolve()
    environment = goenv.environment(cache_dir(), tmp_path)
    command = [str(go), *words, *goenv.FLAGS, "./..."]
    done = subprocess.run(command, cwd=DOUBLES, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert words != ("test",) or "ok  \tindigo-paas/doubles" in done.stdout, "there are tests"

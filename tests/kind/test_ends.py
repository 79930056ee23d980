"""A whole `make e2e CLUSTER=kind` that is ended in the middle, by Ctrl-C and by kill -9: nothing of it is left.

Each case is a run of its own, of a minute or more, so they are told only with `--indigo-ends`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from urllib3.exceptions import HTTPError

from harness import paths
from harness.cluster import ApiError, Cluster
from harness.doubles.image import REGISTRY
from harness.engines import runs
from harness.engines.kind import removal
from harness.engines.kind.docker import Docker
from harness.engines.leftovers import leftovers, processes
from harness.errors import UserError
from harness.report.recorder import Recorder

ROOT = Path(__file__).parents[2]
ARGUMENTS = "--profile minimal -k everything_is_synced"


@pytest.fixture(autouse=True)
def _asked_for(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--indigo-ends"):
        pytest.skip("minutes of their own: --indigo-ends")


@dataclass
class Run:
    """A run that was started, and its engine as soon as there is one."""

    process: subprocess.Popen[bytes]
    docker: Docker
    before: set[str]

    @property
    def name(self) -> str:
        """The engine's name, empty before it is there."""
        return next((name for name in runs.alive(paths.runs_dir()) if name not in self.before), "")

    @property
    def directory(self) -> Path:
        """Its run directory."""
        return paths.runs_dir() / self.name

    def end(self, number: signal.Signals) -> None:
        """End it as the keys Ctrl-C do, all of its processes at once; kill -9 is for the harness alone."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
            return
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        (harness,) = (int(pid) for pid in children)  # of make
        os.kill(harness, number)


def being_made(run: Run) -> bool:
    return bool(run.name and run.docker.nodes(removal.cluster_name(run.name)))


def loading(run: Run) -> bool:
    return bool(run.name) and any(" save " in said or "image-archive" in said for _, said in processes(run.directory))


def syncing(run: Run) -> bool:
    if not run.name or not (run.directory / "kubeconfig").is_file():
        return False
    try:
        return bool(Cluster(run.directory / "kubeconfig").list("Pod", "indigo-dev"))
    except (UserError, ApiError, HTTPError, OSError):  # it is still being made
        return False


CASES = [
    ("Ctrl-C", signal.SIGINT, "a node is being made", being_made),
    ("kill -9", signal.SIGKILL, "images go into the nodes", loading),
    ("Ctrl-C", signal.SIGINT, "pods are there", syncing),
    ("kill -9", signal.SIGKILL, "pods are there", syncing),
]


@pytest.fixture
def started(docker: Docker, tmp_path: Path) -> Iterator[Run]:
    """A run of the whole command, in a process group of its own."""
    before = set(runs.alive(paths.runs_dir()))
    command = ["make", "e2e", "CLUSTER=kind", f"ARGS={ARGUMENTS}", f"BIN={Path(sys.executable).parent}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    run = Run(process, docker, before)
    try:
        yield run
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.parametrize(("how", "number", "moment", "reached"), CASES)
def test_nothing_is_left(
    started: Run,
    docker: Docker,
    recorder: Recorder,
    how: str,
    number: signal.Signals,
    moment: str,
    reached: Callable[[Run], bool],
) -> None:
    before = of_docker(docker)
    until(lambda: reached(started), 300, moment)
    name, directory = started.name, started.directory
    assert set(of_docker(docker)) != set(before), "there was something to be left"
    begin = time.monotonic()
    started.end(number)
    started.process.wait(120)
    until(lambda: not directory.exists(), 120, "the run directory is gone")
    until(lambda: leftovers(directory) == [], 30, f"nothing is left: {leftovers(directory)}")
    assert removal.left_of(docker, name) == []
    assert of_docker(docker) == before
    recorder.note(f"{how} while {moment}: nothing left {time.monotonic() - begin:.1f} s later.")


def of_docker(docker: Docker) -> dict[str, str]:
    """Return containers, networks, volumes and images of ours that Docker has, by their ids."""
    found = {}
    for kind, arguments in (
        ("container", ("ps", "--all", "--format", "{{.ID}} {{.Names}}")),
        ("network", ("network", "ls", "--format", "{{.ID}} {{.Name}}")),
        ("volume", ("volume", "ls", "--format", "{{.Name}} {{.Driver}}")),
        ("image", ("image", "ls", "--format", "{{.ID}} {{.Repository}}", f"{REGISTRY}/*/*")),
    ):
        for line in docker.ask(*arguments).splitlines():
            identity, _, said = line.partition(" ")
            found[f"{kind} {identity}"] = said
    return found


def until(reached: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.2)

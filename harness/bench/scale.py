"""How cost grows with the number of environments: `indigo check`, and the first sync through Argo CD.

Environments are made for the measurement: copies of dev in a checkout of its own, each with a name and a value of its
own, so that nothing is in the cache of renders the first time. Seconds by the clock depend on what else the machine
does; seconds of processor time much less, and both are given.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from harness.argo.applications import Applications, NotReached
from harness.argo.pacer import Pacer
from harness.argo.source import WorkingTreeSource
from harness.bench.child import used
from harness.e2e.platform import converged
from harness.engines.embedded.engine import EmbeddedEngine
from harness.engines.embedded.settings import Settings
from harness.errors import UserError
from harness.model.environment import ENVIRONMENTS
from harness.model.load import load_contracts
from harness.paths import repository
from harness.process import run
from harness.render import render_bootstrap

COPIED = ("argocd", "charts", "docs/reference", "docs/runbooks", "schemas", "images.yaml")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGESIZE")
PATIENCE = 1800.0  # seconds for one environment: longer, and something is wrong


@dataclass(frozen=True)
class Spent:
    """What the servers of an engine have used since they began, and the memory (resident) that they hold now."""

    cpu_seconds: float
    mebibytes: float


@dataclass(frozen=True)
class Cost:
    """What something took with a number of environments: seconds by the clock and of processor time."""

    what: str
    environments: int
    seconds: float
    cpu_seconds: float
    mebibytes: float = (
        0.0  # of `indigo check`: the most that one process had; of a sync: all servers together, at its end
    )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def names(count: int) -> list[str]:
    """Return the names of that many environments."""
    return [f"site-{number:02}" for number in range(1, count + 1)]


def nodes(environments: int) -> int:
    """Return how many simulated nodes (of 64 GiB) bear that many environments: each asks for 6 GiB."""
    return max(3, math.ceil(environments / 8))


def copy_checkout(folder: Path) -> Path:
    """Copy what `indigo check` looks at below a folder, and return the copy."""
    root = folder / "checkout"
    for name in COPIED:
        original = repository() / name
        if original.is_dir():
            shutil.copytree(original, root / name, symlinks=True)
        elif original.is_file():
            shutil.copy(original, root / name)
    return root


def write_checkout(folder: Path, count: int, mark: str, only: Sequence[str] = ()) -> Path:
    """Write a checkout with that many environments and no others, and return it; the mark is in every one's values.

    With `only`, they run these components and nothing else.
    """
    root = copy_checkout(folder)
    dev = {path.name: path.read_text(encoding="utf-8") for path in (root / ENVIRONMENTS / "dev").iterdir()}
    shutil.rmtree(root / ENVIRONMENTS)
    for name in names(count):
        place = root / ENVIRONMENTS / name
        place.mkdir(parents=True)
        for file, text in dev.items():
            (place / file).write_text(re.sub(r"\bdev\b", name, text), encoding="utf-8")
        with (place / "values.yaml").open("a", encoding="utf-8") as values:
            values.write(f"\nvalkey: {{podAnnotations: {{bench/mark: {mark}-{name}}}}}\n")
        if only:
            _switch_off(place / "values.yaml", root, only)
    return root


def _switch_off(path: Path, root: Path, only: Sequence[str]) -> None:
    """Leave these components on in an environment's values."""
    contracts = load_contracts(root / "charts")
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    values["global"]["components"] = {
        name: {"mode": "embedded" if name in only else "off"} for name, item in contracts.items() if not item.like
    }
    values = {"global": values["global"]} | {name: value for name, value in values.items() if name in only}
    path.write_text(yaml.safe_dump(values), encoding="utf-8")


def check(counts: Sequence[int]) -> Iterator[Cost]:
    """Yield what `indigo check` costs, the first time and again."""
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="indigo-scale-") as folder:
            root = write_checkout(Path(folder), count, f"t{time.time_ns()}")
            for what in ("indigo check, nothing rendered yet", "indigo check, again"):
                done = used([sys.executable, "-m", "harness", "check"], root, {"INDIGO_REPOSITORY": str(root)})
                if done.status not in (0, 1):
                    raise UserError(
                        f"indigo check ended with status {done.status}", fix="run it, and mend what it says"
                    )
                yield Cost(what, count, done.seconds, done.cpu_seconds, done.mebibytes)


def sync(counts: Sequence[int], seconds: float = math.inf, only: Sequence[str] = ()) -> Iterator[Cost]:
    """Yield what it costs Argo CD to bring up environments beside those of the counts before, until all are healthy.

    With `only`, environments of these components alone. After `seconds` from the first bootstrap it ends: the last cost
    then has as many environments as are healthy, and says of how many.
    """
    with tempfile.TemporaryDirectory(prefix="indigo-scale-") as folder:
        root = write_checkout(Path(folder), max(counts), "sync", only)
        run("git", "init", "--quiet", cwd=root)
        engine = EmbeddedEngine(f"scale-{os.getpid()}", Settings(nodes=nodes(max(counts))))
        engine.up()
        try:
            source = WorkingTreeSource(engine.run_dir, root)
            apps = Applications(engine.cluster(), check=engine.check)
            with Pacer(engine.cluster()):
                there, end = 0, time.monotonic() + seconds
                for count in counts:
                    up = partial(_bring_up, names(count), source, apps, root, end)
                    cost = measured(count - there, there, up, lambda: _engine(engine))
                    yield cost
                    if cost.environments < count:
                        return
                    there = count
        finally:
            engine.down()


def measured(wanted: int, there: int, action: Callable[[], int], engine: Callable[[], Spent]) -> Cost:
    """Return what it took to bring up `wanted` environments beside those `there`.

    `action` returns how many are healthy in all at its end; `engine` tells what its servers have used and hold.
    """
    before, start = engine(), time.perf_counter()
    healthy = action()
    seconds, after = time.perf_counter() - start, engine()
    ended = "" if healthy == there + wanted else f", of which {healthy - there} were healthy when time was up"
    what = f"first sync of {wanted} beside {there}{ended}"
    return Cost(what, healthy, seconds, after.cpu_seconds - before.cpu_seconds, after.mebibytes)


def _engine(engine: EmbeddedEngine) -> Spent:
    cpu = mebibytes = 0.0
    for process in engine.status().processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        # of the process and of the children it waited for: Helm and git of the repository server (proc(5))
        cpu += sum(map(int, fields[11:15])) / TICKS
        mebibytes += int(fields[21]) * PAGE / 2**20
    return Spent(cpu, mebibytes)


def _bring_up(wanted: Sequence[str], source: WorkingTreeSource, apps: Applications, root: Path, end: float) -> int:
    for item in render_bootstrap(source.url, "main", root, environments=wanted):
        apps.cluster.apply(item, manager="operator")
    well, applications = converged(source.head), {f"indigo-{name}" for name in wanted}
    for name in sorted(applications):
        left = end - time.monotonic()
        try:
            apps.wait_for(name, well, max(0.0, min(left, PATIENCE)), what="Synced and Healthy")
        except NotReached:
            if left > PATIENCE:
                raise
            return sum(app.name in applications and well(app) for app in apps.all())
    return len(applications)

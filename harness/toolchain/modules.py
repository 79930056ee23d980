"""Files of Go modules that nothing is compiled of: definitions of kinds that other projects publish."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from harness.console import err
from harness.errors import UserError
from harness.paths import cache_dir
from harness.toolchain import diagnose, goenv, progress, store
from harness.toolchain.catalog import HERE, ModuleFiles, pinned_versions, upstream_files
from harness.toolchain.child import Child
from harness.toolchain.progress import clock


def fetch(tool: ModuleFiles, go: Path, scratch: Path) -> None:
    """Download the pinned module, compare its checksum with go.sum, and publish the files.

    Args:
        tool: whose lock the caller holds.
        go: the Go program.
        scratch: temporary directory on the cache's file system.

    Raises:
        UserError: no network, another checksum than the pinned one, or a file that the module does not have.
    """
    start = time.monotonic()
    place = store.directory(tool)
    source = _download(tool, go, scratch)
    content = scratch / f"{tool.name}.published"
    files = content / tool.name
    files.mkdir(parents=True)
    for path in upstream_files(tool, source):
        shutil.copyfile(path, files / path.name)
    store.publish(tool, place, content, time.monotonic() - start)
    err.print(f"[green]✓[/] fetched {tool.name} {tool.version}")


def _download(tool: ModuleFiles, go: Path, scratch: Path) -> Path:
    """Return the directory of the module in Go's cache."""
    module = HERE / tool.module
    version = pinned_versions(module / "go.mod")[tool.pinned]
    temporary = scratch / f"{tool.name}-tmp"
    temporary.mkdir()
    env = goenv.environment(cache_dir(), temporary)
    argv: list[str | Path] = [go.resolve(), "mod", "download", "-modcacherw", "-json", f"{tool.pinned}@{version}"]
    start = time.monotonic()
    output: list[str] = []
    with (
        progress.shown(f"fetching {tool.name} {tool.version}") as display,
        Child(argv, cwd=module, env=env) as child,
    ):
        for line in child.lines(0.5):
            if line is not None:
                output.append(line)
            display.show(f"downloading, {clock(time.monotonic() - start)}")
        status = child.wait()
    text = "\n".join(output)
    try:
        answer = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        answer = {"Error": text}
    if status != 0 or "Error" in answer:
        raise diagnose.failure(f"fetching {tool.name} {tool.version}", [str(answer.get("Error") or text)], status or 1)
    # Go asks the checksum database where go.sum has no line: what is pinned here must be in go.sum.
    if f"{tool.pinned} {version} {answer['Sum']}" not in (module / "go.sum").read_text().splitlines():
        raise UserError(
            f"{tool.pinned} {version} has the checksum {answer['Sum']}, which go.sum does not hold",
            where=str(module / "go.sum"),
            fix="if the new version is wanted, write its lines into go.sum",
        )
    return Path(answer["Dir"])

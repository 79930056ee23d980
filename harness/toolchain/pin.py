"""Another version of one module, for a run: the matrix of versions in CI, or a look at what the next one brings."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError
from harness.paths import cache_dir
from harness.process import ProcessError, run
from harness.toolchain import goenv
from harness.toolchain.catalog import HERE, TOOLS, GoTool, ModuleFiles, pinned_versions


def pin(module: str, version: str, go: Path) -> list[str]:
    """Write another version of a module into the go.mod files that pin it; return the tools that are built anew.

    Args:
        module: as go.mod names it.
        version: with a leading v.
        go: the Go program.

    Raises:
        UserError: no tool is made of it, or there is no such version.
    """
    using = [tool for tool in TOOLS if isinstance(tool, (GoTool, ModuleFiles)) and tool.pinned == module]
    if not using:
        modules = sorted({tool.pinned for tool in TOOLS if isinstance(tool, (GoTool, ModuleFiles))})
        raise UserError(f"no tool is made of the module {module}", fix=f"write one of: {', '.join(modules)}")
    env = goenv.environment(cache_dir(), cache_dir())
    folders = sorted({tool.module for tool in using})
    before = {file: file.read_bytes() for folder in folders for file in (HERE / folder).glob("go.*")}
    try:
        for folder in folders:
            run(go.resolve(), "get", f"{module}@{version}", cwd=HERE / folder, env=env, timeout=900)
    except BaseException as error:  # Ctrl-C too: all modules have the version, or none
        for file, content in before.items():
            file.write_bytes(content)
        if not isinstance(error, ProcessError):
            raise
        fix = "see which versions there are, and that the others in go.mod go with it"
        raise UserError(f"{module} {version} cannot be had", fix=fix, details=error.stderr) from None
    finally:
        pinned_versions.cache_clear()
    return [tool.name for tool in using]

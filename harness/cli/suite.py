"""`indigo e2e` and `indigo test`: pytest with the report, so that every run ends in the same summary."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from harness.console import err
from harness.errors import UserError
from harness.paths import reports_dir, repository

TIERS = {"unit": ["tests/unit"], "static": ["tests/static"], "gitops": ["tests/gitops"]}
STORIES = {"embedded": "tests/gitops/story", "kind": "tests/kind"}


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--engine", type=click.Choice(list(STORIES)), default="embedded", show_default=True, help="What it runs on."
)
@click.option("--keep", is_flag=True, help="Leave the engine running at the end; `indigo status` finds it.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def e2e(engine: str, keep: bool, pytest_args: tuple[str, ...]) -> None:
    """Deploy the working tree through a real Argo CD and assert that it behaves.

    The working tree, uncommitted files included, becomes a Git repository made for the run; Argo CD on a real
    Kubernetes control plane follows it. On the engine embedded, nodes and pods are simulated and the rest is real: no
    Docker, no root. On the engine kind, containers and network are real, too; it needs Docker.

    \b
    Examples:
      indigo e2e                       the whole story
      indigo e2e -k drift              only what heals
      indigo e2e --keep -x             stop at the first failure and look around
      indigo e2e --engine kind         the tier kind: real containers in Docker

    Exit status 0 when every assertion holds, 1 otherwise. The report is reports/e2e/report.html (reports/e2e-kind/...).
    """
    if engine == "kind":
        from harness.engines.kind.docker import Docker

        Docker.find().host()  # asked for, so its absence is an error; a test run without it only skips
    extra = ["--indigo-keep"] if keep else []
    name = "e2e" if engine == "embedded" else f"e2e-{engine}"
    sys.exit(_pytest(name, [STORIES[engine]], [*extra, *pytest_args]))


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--tier", "tiers", type=click.Choice(list(TIERS)), multiple=True, help="Only this tier (repeatable). Default: all."
)
@click.option("--no-style", is_flag=True, help="Leave out style and types (ruff, mypy).")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def test(tiers: tuple[str, ...], no_style: bool, pytest_args: tuple[str, ...]) -> None:
    """Run all tests that need no container engine: style and types, unit, static, and the embedded tier.

    \b
    Examples:
      indigo test                      everything
      indigo test --tier static        seconds; needs Helm only
      indigo test --tier unit -k graph

    Exit status 0 when all pass, 1 otherwise. The report is reports/test/report.html.
    """
    folders = [folder for tier in tiers or TIERS for folder in TIERS[tier]]
    name = "-".join(("test", *tiers))
    if tiers or no_style or pytest_args:
        sys.exit(_pytest(name, folders, list(pytest_args)))
    if (status := _run("ruff", "check", ".") or _run("ruff", "format", "--check", ".")) != 0:
        sys.exit(status)
    with tempfile.TemporaryFile("w+") as said:  # types are checked beside the tests, which leave a core idle
        types = subprocess.Popen([sys.executable, "-m", "mypy"], cwd=repository(), stdout=said, stderr=said)
        try:
            status = _pytest(name, folders, [])
        finally:
            wrong = types.wait()
        said.seek(0)
        if wrong:
            err.print(said.read(), markup=False)
            err.print("[red]types: mypy found errors (above)[/]")
        sys.exit(status or min(wrong, 1))


def _run(*argv: str) -> int:
    """Run a module of this Python and return its status."""
    return subprocess.run([sys.executable, "-m", *argv], cwd=repository(), check=False).returncode


def _pytest(name: str, folders: list[str], extra: list[str]) -> int:
    if importlib.util.find_spec("pytest") is None:
        raise UserError("pytest is not installed here", fix="run it through make, which sets up .venv: make e2e")
    import pytest

    report = reports_dir() / name
    base = repository()
    arguments = [f"--indigo-report={report}", f"--rootdir={base}"]
    arguments += [f"--config-file={base / 'pyproject.toml'}"]
    status = int(pytest.main([*arguments, *(str(Path(base, folder)) for folder in folders), *extra]))
    return status if status != pytest.ExitCode.NO_TESTS_COLLECTED else 1

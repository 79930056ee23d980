"""Another version of a module is written by Go itself into the go.mod files that pin it, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.tools import tools
from harness.errors import UserError
from harness.toolchain import pin
from harness.toolchain.catalog import TOOLS, GoTool

ARGOCD = "github.com/argoproj/argo-cd/v3"
GO = """#!/bin/sh
[ "$1" = get ] || exit 9
case "$2" in *@v3.9.9) echo "no such version" >&2; exit 1;; esac
sed -i "s|^require .*|require ${2%@*} ${2#*@}|" go.mod
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go that knows `get` only, and a catalogue in a folder of the test."""
    for folder in ("go", "go-ct"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "go.mod").write_text(f"module x\nrequire {ARGOCD} v3.6.1\n")
    monkeypatch.setattr(pin, "HERE", tmp_path)
    program = tmp_path / "go-program"
    program.write_text(GO)
    program.chmod(0o755)
    return program


def test_a_version_is_written_where_the_module_is_pinned(go: Path, tmp_path: Path) -> None:
    names = pin.pin(ARGOCD, "v3.6.0", go)
    assert "argocd" in names and "argocd-config" in names and "helm" not in names
    assert f"{ARGOCD} v3.6.0" in (tmp_path / "go/go.mod").read_text()
    assert f"{ARGOCD} v3.6.1" in (tmp_path / "go-ct/go.mod").read_text()


def test_a_version_that_there_is_not_and_a_module_of_no_tool_are_refused(go: Path) -> None:
    with pytest.raises(UserError, match=r"v3\.9\.9 cannot be had") as refused:
        pin.pin(ARGOCD, "v3.9.9", go)
    assert "no such version" in refused.value.details
    with pytest.raises(UserError, match=r"no tool is made of the module example\.org/x") as refused:
        pin.pin("example.org/x", "v1.0.0", go)
    assert ARGOCD in str(refused.value.fix)


def test_a_version_that_one_of_two_modules_refuses_is_written_in_neither(
    go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [
        replace(tool, pinned=ARGOCD, module=folder)
        for folder in ("go", "go-ct")
        for tool in TOOLS[:1]
        if isinstance(tool, GoTool)
    ]
    assert len(both) == 2
    monkeypatch.setattr(pin, "TOOLS", both)
    go.write_text(GO.replace("sed -i", 'case "$PWD" in */go-ct) exit 1;; esac; sed -i'))
    with pytest.raises(UserError, match=r"v3\.6\.0 cannot be had"):
        pin.pin(ARGOCD, "v3.6.0", go)
    assert f"{ARGOCD} v3.6.1" in (tmp_path / "go/go.mod").read_text()
    go.write_text(GO)
    assert len(pin.pin(ARGOCD, "v3.6.0", go)) == 2
    assert f"{ARGOCD} v3.6.0" in (tmp_path / "go/go.mod").read_text()
    assert f"{ARGOCD} v3.6.0" in (tmp_path / "go-ct/go.mod").read_text()


def test_the_command_wants_a_version() -> None:
    refused = CliRunner().invoke(tools, ["pin", "github.com/x/y"]).exception
    assert isinstance(refused, UserError)
    assert "write it as example.org/module@v1.2.3" in str(refused.fix)

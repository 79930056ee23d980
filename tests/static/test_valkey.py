"""Valkey's traps (charts/valkey/contract.yaml), a test each."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("valkey")
PASSWORD = "letters4ndDigits"


def start(folder: Path) -> tuple[str, str]:
    """Run the start script with a server that stands in; return the server's command line and its configuration."""
    server = folder / "valkey-server"
    server.write_text('#!/bin/sh\necho "$PPID $$ $0 $*"\n')
    server.chmod(0o755)
    script = chart.container()["args"][0].replace("/run/valkey", str(folder))
    env = {"PATH": f"{folder}:/usr/bin:/bin", "VALKEY_PASSWORD": PASSWORD}
    process = subprocess.Popen(["sh", "-c", script], env=env, stdout=subprocess.PIPE, text=True)
    line = process.communicate(timeout=20)[0].strip()
    assert process.returncode == 0
    # the server took the place of the shell: it has the number of the process that was started
    assert line.split()[1] == str(process.pid), "the shell is still there, and keeps SIGTERM for itself"
    return line, (folder / "valkey.conf").read_text()


def test_password_not_in_arguments(tmp_path: Path) -> None:
    line, configuration = start(tmp_path)
    assert PASSWORD not in line
    assert f"requirepass {PASSWORD}" in configuration
    assert (tmp_path / "valkey.conf").stat().st_mode & 0o077 == 0
    probes = [chart.container()[f"{kind}Probe"] for kind in ("startup", "readiness")]
    for probe in probes:
        words = " ".join(probe["exec"]["command"])
        assert " -a " not in words
        assert "--pass" not in words
    assert chart.env()["REDISCLI_AUTH"] == {"secretKeyRef": {"name": "valkey-auth", "key": "password"}}


def test_shell_swallows_sigterm_not(tmp_path: Path) -> None:
    line, _ = start(tmp_path)
    assert line.endswith("valkey.conf")
    assert chart.container()["command"] == ["sh", "-c"]
    assert chart.container()["args"][0].rstrip().splitlines()[-1].startswith("exec ")

"""The traps of MLflow (charts/mlflow/contract.yaml), a test each: what is rendered, what its scripts do."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("mlflow")


def programs(folder: Path, mlflow: str) -> dict[str, str]:
    """Return variables for a script, with an mlflow of ours and this Python as python3."""
    places = folder / "bin"
    places.mkdir(exist_ok=True)
    for name, text in (("mlflow", mlflow), ("python3", f'exec {sys.executable} "$@"')):
        program = places / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    return {"PATH": f"{places}:{os.environ['PATH']}", "FOLDER": str(folder)}


MARIADB = "mysql+pymysql://mlflow@mariadb:3306/mlflow"


def test_no_drivers_in_the_image() -> None:
    assert chart.env()["MLFLOW_BACKEND_STORE_URI"] == "sqlite:////mlflow/mlflow.db"
    assert chart.env()["MLFLOW_ARTIFACTS_DESTINATION"] == "/mlflow/artifacts"
    assert chart.env()["MLFLOW_SERVE_ARTIFACTS"] == "true"
    kept = [item.path for item in chart.contract.writable if item.keep]
    assert kept == ["/mlflow"]
    for name, value in (
        ("MLFLOW_BACKEND_STORE_URI", MARIADB),
        ("MLFLOW_REGISTRY_STORE_URI", MARIADB),
        ("MLFLOW_ARTIFACTS_DESTINATION", "s3://models"),
        ("MLFLOW_ARTIFACTS_DESTINATION", "/tmp/models"),
    ):
        assert f"mlflow.settings.{name}" in chart.refusal(settings={name: value})
    own = {"repository": "registry.example.org/mlflow-with-drivers", "tag": "2.22.5"}
    assert chart.env(image=own, settings={"MLFLOW_ARTIFACTS_DESTINATION": "s3://models"})


def upgrade(folder: Path) -> str:
    """Run the init container on the database in a folder; return what it said and called."""
    (container,) = chart.pod()["initContainers"]
    text = container["args"][0].replace("/mlflow/mlflow.db", str(folder / "mlflow.db"))
    found = programs(folder, 'echo "mlflow $*"')
    done = subprocess.run(["sh", "-c", text], env=found, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_upgrade_of_the_schema_only_where_there_is_one(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    assert "mlflow db upgrade" not in upgrade(tmp_path), "it fails on an empty database"
    database.touch()
    assert "mlflow db upgrade" not in upgrade(tmp_path)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    assert "mlflow db upgrade" not in upgrade(tmp_path), "a first start that was interrupted"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE metrics (value REAL)")
    assert f"mlflow db upgrade sqlite:///{database}" in upgrade(tmp_path)
    (copy,) = tmp_path.glob("mlflow.db.before-*")
    assert copy.name.endswith(chart.contract.upstream.version)
    before = copy.stat().st_mtime_ns
    upgrade(tmp_path)
    assert copy.stat().st_mtime_ns == before, "the copy is that of before the upgrade"


def test_no_authentication_so_only_the_ranker_gets_in() -> None:
    assert chart.contract.exposed is None
    policy = chart.find("NetworkPolicy")["spec"]
    assert not any("namespaceSelector" in peer for rule in policy["ingress"] for peer in rule["from"])
    names = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for rule in policy["ingress"]
        for peer in rule["from"]
    }
    assert names <= {"ai-ranker-inference", "ai-ranker-training"}


def test_client_and_server_versions_fit() -> None:
    major, minor, _ = chart.contract.image.tag.removeprefix("v").split(".")
    assert (major, minor) == ("2", "22"), "the ranker's client is 2.22.1, and 3.5 refuses hosts that it does not know"


def test_service_links_are_off() -> None:
    assert chart.pod()["enableServiceLinks"] is False
    assert chart.env()["MLFLOW_PORT"] == "5000"
    assert "MLFLOW_PORT" in chart.refusal(settings={"MLFLOW_PORT": "tcp://10.0.0.1:5000"})


SERVER = r"""
sh -c '
  trap "echo stopped > $FOLDER/stopped; exit 0" TERM
  echo $$ > $FOLDER/gunicorn.pid
  while :; do sleep 0.05; done
' &
wait $!
"""


def stop(folder: Path, text: str) -> int:
    """Start a script whose server is ours, send SIGTERM to its first process, return its exit status."""
    found = programs(folder, SERVER)
    process = subprocess.Popen(["sh", "-c", text], env=found, start_new_session=True)
    try:
        limit = time.monotonic() + 10
        while not (folder / "gunicorn.pid").exists() and time.monotonic() < limit:
            time.sleep(0.02)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        return process.wait(10)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_sigterm_is_not_passed_on_by_mlflow_but_by_the_shell(tmp_path: Path) -> None:
    text = chart.container()["args"][0].replace("/tmp/gunicorn.pid", f"{tmp_path}/gunicorn.pid")
    assert stop(tmp_path, text) == 0
    assert (tmp_path / "stopped").exists()
    plain = tmp_path / "plain"
    plain.mkdir()
    assert stop(plain, "exec mlflow server") != 0
    assert not (plain / "stopped").exists(), "then the test would show nothing"
    assert "--pid=/tmp/gunicorn.pid" in chart.container()["args"][0]


def test_sqlite_on_shared_storage_has_one_pod() -> None:
    assert "/replicas" in chart.refusal(replicas=2)
    stateful = chart.find("StatefulSet")["spec"]
    (claim,) = stateful["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]

"""MariaDB's traps (charts/mariadb/contract.yaml), a test each."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.model.load import load_contracts
from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("mariadb")
SECRETS = {"MARIADB_ROOT_PASSWORD": "rootsecret", "PROVISION_PASSWORD_IAM": "iamsecret"}


def server() -> dict[str, str]:
    """Return the server's configuration: option -> value."""
    text = chart.config()["etc.mysql.conf.d.indigo.cnf"]
    assert text.splitlines()[0] == "[mariadb]"
    return dict(re.findall(r"^(\w+) = (.*)$", text, re.M))


def test_never_galera() -> None:
    assert chart.contract.replicas.max == 1
    assert "replicas" in chart.refusal(replicas=2)
    assert not [name for name in chart.contract.settings if "wsrep" in name.lower() or "galera" in name.lower()]
    assert "wsrep_on" in chart.refusal(settings={"wsrep_on": "1"})
    assert "wsrep" not in str(chart.render())


def test_clients_fall_back_to_the_clear_nowhere_where_the_server_insists() -> None:
    entry = {"mode": "external", "host": "db.example.org", "provision": True, "tls": "preferred"}
    platform = {"trustedCa": {"configMap": "site-ca"}, "components": {"mariadb": entry}}
    job = next(item for item in chart.render(**{"global": platform}) if item["kind"] == "Job")
    script = job["spec"]["template"]["spec"]["containers"][0]["args"][0]
    assert "ALTER USER '$2'@'%' IDENTIFIED BY '$password'${6:+ REQUIRE $6};" in script
    asked = {line.split()[1]: line.split()[-1] for line in script.splitlines() if line.startswith("database ")}
    assert asked["orchestrator_dashboard"] == "SSL"
    assert " --ssl-verify-server-cert" in script
    inside = next(item for item in chart.render() if item["kind"] == "Job")
    assert "ssl" not in str(inside).lower().replace("${6:+ require $6}", ""), "a server of ours has no certificate"


def test_utf8mb4_server() -> None:
    assert server()["character_set_server"] == "utf8mb4"
    assert server()["collation_server"].startswith("utf8mb4_")
    assert chart.contract.settings["character_set_server"].default == "latin1", "the server's own; the trap may be gone"


def test_service_links_are_off() -> None:
    pods = [chart.pod(), chart.job()["spec"]["template"]["spec"]]
    assert [pod["enableServiceLinks"] for pod in pods] == [False, False]


def provision(folder: Path, script: str) -> tuple[str, list[str]]:
    """Run the provisioning script with a client that stands in; return what it was sent, and its command lines."""
    client = folder / "mariadb"
    client.write_text(f'#!/bin/sh\necho "$@" >> {folder}/arguments\ncat >> {folder}/sent\n')
    client.chmod(0o755)
    env = {"PATH": f"{folder}:/usr/bin:/bin", **SECRETS}
    done = subprocess.run(
        ["sh", "-c", script], env=env, capture_output=True, text=True, timeout=20, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return (folder / "sent").read_text(), (folder / "arguments").read_text().splitlines()


def test_secret_in_process_list_is_impossible(tmp_path: Path) -> None:
    others = {
        name: {"mode": "off"}
        for name in load_contracts(support.charts())
        if name not in ("mariadb", "mariadb-iam", "iam")
    }
    container: dict[str, Any] = chart.job(components=others)["spec"]["template"]["spec"]["containers"][0]
    sent, arguments = provision(tmp_path, container["args"][0])
    assert "IDENTIFIED BY 'iamsecret'" in sent
    assert "CREATE DATABASE IF NOT EXISTS `iam`" in sent
    for line in (*arguments, *map(str, container["command"])):
        assert not any(value in line for value in SECRETS.values()), line
    assert "--password" not in " ".join(arguments)


def test_claim_template_defaults_are_written_out() -> None:
    (claim,) = chart.find("StatefulSet")["spec"]["volumeClaimTemplates"]
    assert (claim["apiVersion"], claim["kind"], claim["spec"]["volumeMode"]) == (
        "v1", "PersistentVolumeClaim", "Filesystem",
    )  # fmt: skip


def test_data_survives_switch_off() -> None:
    workload = chart.find("StatefulSet")["spec"]
    assert workload["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    (claim,) = workload["volumeClaimTemplates"]
    options = claim["metadata"]["annotations"]["argocd.argoproj.io/sync-options"].split(",")
    assert {"Prune=false", "Delete=false"} <= set(options)
    assert not [item for item in chart.render() if item["kind"] == "PersistentVolumeClaim"]

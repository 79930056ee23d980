"""The Federation-Manager's traps (charts/federation-manager/contract.yaml), a test each; the Job's program runs."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.secrets.shapes import Hidden, make, wrong
from tests import support
from tests.static.federation import ISSUER, URLS
from tests.support import Chart, secret

pytestmark = pytest.mark.static

NAME = "federation-manager"
chart = Chart(NAME, urls=URLS)
KEYS = "federation-manager-keys"

# Upstream's modules, as far as the Job's program uses them. The table has upstream's expression, which MariaDB refuses.
DOUBLES = {
    "sqlmodel.py": """
import json, os
from types import SimpleNamespace as Space
text = str
computed = Space(sqltext="IF(is_root = TRUE, provider_id, NULL)")
columns = {"provider_root_id": Space(computed=computed)} if os.environ["DIALECT"] == "mysql" else {}
class SQLModel:
    metadata = Space(tables={"project": Space(columns=columns)})
class Statement:
    def where(self, condition):
        return self
def select(model):
    return Statement()
class Session:
    def __init__(self, engine):
        pass
    def __enter__(self):
        return self
    def __exit__(self, *error):
        pass
    def exec(self, statement):
        from datetime import date
        found = [Space(name=name, expiration_date=last and date.fromisoformat(last))
                 for name, last in json.loads(os.environ["DEPRECATED"]).items()]
        return Space(all=lambda: found)
""",
    "fed_mgr/__init__.py": "",
    "fed_mgr/main.py": "",
    "fed_mgr/db.py": """
from sqlmodel import computed
class DBHandler:
    def initialize_db(self):
        print("made with", computed.sqltext)
    def get_engine(self):
        return None
""",
    "fed_mgr/v1/__init__.py": "",
    "fed_mgr/v1/models.py": "class Provider:\n    status = None\n",
    "fed_mgr/v1/providers/__init__.py": "",
    "fed_mgr/v1/providers/schemas.py": "class ProviderStatus:\n    deprecated = 6\n",
}


def job(objects: list[support.Object]) -> support.Object:
    (found,) = [item for item in objects if item["kind"] == "Job"]
    return found


def prepare(
    folder: Path, dialect: str = "mysql", deprecated: dict[str, Any] | None = None, **values: Any
) -> tuple[int, str]:
    """Run the Job's program with doubles of upstream's modules; return its exit code and what it said."""
    for name, text in DOUBLES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    objects = chart.render(**values)
    variable = "FEDERATION_MANAGER_ALLOW_DEPRECATED"
    environment = {
        "PYTHONPATH": str(folder),
        "DIALECT": dialect,
        "DEPRECATED": json.dumps(deprecated or {}),
        variable: support.environment(objects, NAME)[variable],
    }
    script = support.config(objects, NAME)["indigo-paas.schema.py"]
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


# --- the Job before the pods


def wave(item: support.Object) -> int:
    return int(item["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])


def test_deprecated_provider_restart_is_stopped_before_the_roll_out(tmp_path: Path) -> None:
    objects = chart.render()
    assert wave(job(objects)) < wave(support.find(objects, "Deployment", NAME))
    today = date.today()
    for days in (3, -3):
        last = str(today + timedelta(days=days))
        code, said = prepare(tmp_path, deprecated={"site-a": last})
        assert code == 1
        assert f"site-a (last day {last})" in said
        assert "deprecated-provider-restart" in said
    assert prepare(tmp_path, deprecated={"site-a": str(today), "site-b": None})[0] == 0, "these do not disturb a start"
    assert prepare(tmp_path)[0] == 0
    code, _ = prepare(tmp_path, deprecated={"site-a": str(today + timedelta(days=3))}, allowDeprecatedProviders=True)
    assert code == 0
    (trap,) = [t for t in chart.contract.traps if t.id == "deprecated-provider-restart"]
    assert "UPDATE provider" in trap.answer


def test_a_changed_version_makes_a_new_job() -> None:
    names = {job(chart.render(image={"tag": tag}))["metadata"]["name"] for tag in ("", "python3.13")}
    assert len(names) == 2


def test_mariadb_generated_column_is_made_with_rtrim(tmp_path: Path) -> None:
    _, said = prepare(tmp_path)
    assert "made with IF(is_root = TRUE, RTRIM(provider_id), NULL)" in said
    _, said = prepare(tmp_path, dialect="sqlite")
    assert "RTRIM" not in said, "other dialects have no such column"


def test_first_start_race_is_won_by_the_job() -> None:
    objects = chart.render(replicas=3)
    found = job(objects)
    assert found["spec"]["template"]["spec"]["containers"][0]["command"] == ["python", "/indigo-paas/schema.py"]
    assert wave(found) < wave(support.find(objects, "Deployment", NAME))
    waits = [item["name"] for item in found["spec"]["template"]["spec"]["initContainers"]]
    assert waits == ["wait-for-mariadb"]


# --- the database


def test_db_port_service_link_cannot_reach_the_software() -> None:
    def safe(found: dict[str, Any]) -> None:
        assert found["enableServiceLinks"] is False
        assert {"name": "DB_PORT", "value": "3306"} in found["containers"][0]["env"]

    safe(chart.pod())
    with pytest.raises(AssertionError):
        safe(chart.pod() | {"enableServiceLinks": True})
    assert "DB_PORT" in chart.refusal(settings={"DB_PORT": "tcp://10.0.0.1:3306"})


def test_database_in_memory_is_never_used() -> None:
    parts = {"DB_SCHEME", "DB_USER", "DB_PASSWORD", "DB_HOST", "DB_NAME"}
    contract = chart.contract
    assert all(contract.settings[part].required for part in parts)
    found = chart.env()
    assert parts <= set(found)
    assert "DB_URL" not in found
    assert found["DB_PASSWORD"] == secret("federation-manager-db", "password")
    assert found["DB_NAME"] in contract.databases
    assert contract.databases[found["DB_NAME"]].user == found["DB_USER"]
    elsewhere = chart.env(components={"mariadb": {"mode": "external", "host": "db.example.org", "port": 3307}})
    assert (elsewhere["DB_HOST"], elsewhere["DB_PORT"]) == ("db.example.org", "3307")


def test_mysql_dialect_only() -> None:
    assert chart.env()["DB_SCHEME"] == "mysql+pymysql"
    assert "one root project" in chart.refusal(settings={"DB_SCHEME": "postgresql+psycopg"})


# --- who may do what


def test_everybody_may_everything_without_modes_which_are_always_set() -> None:
    found = chart.env()
    assert (found["AUTHN_MODE"], found["AUTHZ_MODE"]) == ("local", "opa")
    assert found["OPA_AUTHZ_URL"] == "http://federation-manager-opa:8181/v1/data/fed_mgr"
    assert json.loads(found["TRUSTED_IDP_LIST"]) == [ISSUER]
    for name in ("AUTHN_MODE", "AUTHZ_MODE"):
        assert name in chart.refusal(settings={name: "none"})
        assert chart.contract.settings[name].required


def test_rally_password_in_the_clear_is_never_stored() -> None:
    assert chart.env()["SECRET_KEY"] == secret(KEYS, "secret-key")
    assert chart.env()["API_KEY"] == secret(KEYS, "api-key")
    key = chart.contract.secrets[KEYS].keys["secret-key"]
    assert wrong(key, make(key)) is None
    assert wrong(key, Hidden(b"changeit"))
    assert chart.refusal(settings={"SECRET_KEY": make(key).reveal().decode()})


# --- how it listens and is asked


def test_port_80_is_not_used() -> None:
    container = chart.container()
    assert container["args"][-2:] == ["--port", "8000"]
    assert container["ports"][0]["containerPort"] == 8000
    assert chart.pod()["securityContext"]["runAsNonRoot"] is True


def test_health_is_always_200_so_it_is_readiness_for_the_database_only() -> None:
    container = chart.container()
    assert container["readinessProbe"]["httpGet"]["path"] == "/api/v1/health/"
    assert container["livenessProbe"]["httpGet"]["path"] == "/docs"


def test_opa_timeout_blocks_less_than_the_probe_waits() -> None:
    def patient(found: dict[str, Any], container: dict[str, Any]) -> None:
        assert int(found["OPA_TIMEOUT"]) < container["readinessProbe"]["timeoutSeconds"]
        assert int(found["OPA_TIMEOUT"]) < container["livenessProbe"]["timeoutSeconds"]

    container = chart.container()
    patient(chart.env(), container)
    with pytest.raises(AssertionError):
        patient(chart.env(settings={"OPA_TIMEOUT": 30}), container)


def test_forwarded_headers_are_believed_and_only_the_gateway_and_components_come_in() -> None:
    assert chart.env()["FORWARDED_ALLOW_IPS"] == "*"
    known = {"gateway", NAME, "federation-manager-dashboard", "federation-manager-rally"}
    assert chart.sources() == known


def test_kafka_is_a_sketch_and_off_until_wanted() -> None:
    assert chart.env()["KAFKA_ENABLE"] == "false"
    found = chart.env(kafkaEnabled=True)
    assert found["KAFKA_ENABLE"] == "true"
    assert found["KAFKA_SSL_PASSWORD"] == secret("kafka-client-tls", "password")
    assert found["KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9095"
    assert "federation-manager.kafkaEnabled" in chart.refusal(kafkaEnabled=True, components={"kafka": {"mode": "off"}})
    assert "federation-manager.kafkaEnabled: true" in chart.refusal(settings={"KAFKA_ENABLE": "true"})
    topics = chart.contract.topics
    assert {found["KAFKA_EVALUATE_PROVIDERS_TOPIC"], found["KAFKA_PROVIDERS_MONITORING_TOPIC"]} == set(topics)


def test_pages_of_the_dashboard_may_call_it() -> None:
    assert json.loads(chart.env()["BACKEND_CORS_ORIGINS"]) == ["https://federation.example.org"]
    alone = {"urls": {"iam": ISSUER[:-1], NAME: "https://manager.example.org"}}
    assert json.loads(chart.env(**{"global": alone})["BACKEND_CORS_ORIGINS"]) == []

"""A double refuses, naming the setting, what the real software refuses: the program itself, without a container."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness import toolchain
from harness.doubles import describe
from harness.model.load import load_contracts
from tests.support import charts, environment, render_chart

KEYSTORE = "/secrets/keystore/keystore.jwks"


@pytest.fixture(scope="module")
def program() -> Path:
    return toolchain.tool("double")


def settings(component: str) -> dict[str, str]:
    """Return what the chart sets, with a word in the place of each secret."""
    found = environment(render_chart(component), component)
    return {name: value if isinstance(value, str) else "secret" for name, value in found.items()}


def refusal(program: Path, tmp_path: Path, component: str, env: Mapping[str, str], *words: str) -> str:
    """Return what the double of a component says at its end, which has to be an error."""
    contract = load_contracts(charts())[component]
    description = describe.describe(contract)
    for store in description["stores"]:
        store["patience"] = 1
        if store["address"]:
            store["address"] = "127.0.0.1:1"  # nothing listens there: who gets so far bears the settings
    description["files"] = [file | {"path": str(tmp_path / "keystore")} for file in description["files"]]
    (tmp_path / "keystore").write_text("{}")
    (tmp_path / "double.json").write_text(json.dumps(description))
    given = {**env, "INDIGO_DOUBLE": str(tmp_path / "double.json"), "PATH": "/bin", "KUBERNETES_PORT": "tcp://10.0.0.1"}
    done = subprocess.run([program, *words], env=given, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1, done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("component", describe.names())
def test_what_the_chart_sets_is_borne(program: Path, tmp_path: Path, component: str) -> None:
    env = settings(component) | {"FLASK_SQLALCHEMY_DATABASE_URI": "mysql+pymysql://u:hidden@127.0.0.1:1/db"}
    own = env if component == "dashboard" else settings(component)
    said = refusal(program, tmp_path, component, own)
    assert "cannot log in to" in said and "127.0.0.1:1" in said
    assert "hidden" not in said


WRONG = [
    ("iam", {"IAM_DB_HSOT": "mariadb"}, "IAM_DB_HSOT is no setting of INDIGO IAM; did you mean IAM_DB_HOST"),
    ("iam", {"IAM_LOGO_HEIGTH": "10"}, "IAM_LOGO_HEIGTH is no setting of INDIGO IAM; did you mean IAM_LOGO_HEIGHT"),
    ("iam", {"IAM_PORT": "tcp://10.96.0.7:8080"}, 'IAM_PORT is "tcp://10.96.0.7:8080", which is no integer'),
    ("iam", {"IAM_ISSUER": "https://iam.example.org"}, "which is no url-with-slash"),
    ("iam", {"IAM_BASE_URL": "https://iam.example.org/"}, "which is no url-without-slash"),
    ("iam", {"IAM_JAVA_OPTS": "-Dspring.profiles.active=h2-test"}, "IAM_JAVA_OPTS: the profile prod is missing"),
    ("iam", {"IAM_FORWARD_HEADERS_STRATEGY": "yes"}, "which is none of none, native, framework"),
    ("iam", {"IAM_NOTIFICATION_DISABLE": "ja"}, "IAM_NOTIFICATION_DISABLE"),
    ("iam", {"IAM_DB_PASSWORD": None}, "IAM_DB_PASSWORD is not set and has no default"),
    ("iam", {"IAM_DB_PASSWORD": ""}, "IAM_DB_PASSWORD is empty"),
    ("iam", {"IAM_KEY_STORE_LOCATION": None}, "IAM_KEY_STORE_LOCATION is not set"),
    ("orchestrator", {"ORCHESTRATOR_DB_ENDPOINT": "mariadb"}, "ORCHESTRATOR_DB_ENDPOINT"),
    ("orchestrator", {"WORKFLOW_DB_ENDPOINT": "mariadb"}, "WORKFLOW_DB_ENDPOINT"),
    ("orchestrator", {"ORCHESTRATOR_DB_PASSWORD": "x"}, "ORCHESTRATOR_DB_PASSWORD is no setting"),
    ("orchestrator", {"ORCHESTRATOR_DB_NAME": None}, "ORCHESTRATOR_DB_NAME is not set"),
    ("orchestrator", {"SPRING_APPLICATION_JSON": "{"}, "SPRING_APPLICATION_JSON"),
    ("dashboard", {"WORKERS": "two"}, 'WORKERS is "two", which is no integer'),
    ("dashboard", {"FLASK_REDIS_URI": "redis://x"}, "did you mean FLASK_REDIS_URL"),
    ("dashboard", {"FLASK_IAM_BASE_URL": None}, "FLASK_IAM_BASE_URL is not set"),
]


@pytest.mark.parametrize(("component", "change", "said"), WRONG)
def test_a_wrong_setting_is_refused_by_its_name(
    program: Path, tmp_path: Path, component: str, change: dict[str, str | None], said: str
) -> None:
    env = {name: value for name, value in (settings(component) | change).items() if value is not None}
    message = refusal(program, tmp_path, component, env)
    assert said in message and "does not start" in message
    assert "cannot log in" not in message


def test_a_secret_is_never_in_a_message(program: Path, tmp_path: Path) -> None:
    env = settings("iam") | {"IAM_DB_PASSWORD": "hunter2", "IAM_PORT": "x"}
    assert "hunter2" not in refusal(program, tmp_path, "iam", env)


def test_a_missing_file_is_named(program: Path, tmp_path: Path) -> None:
    contract = load_contracts(charts())["iam"]
    (tmp_path / "double.json").write_text(json.dumps(describe.describe(contract)))
    env = settings("iam") | {"INDIGO_DOUBLE": str(tmp_path / "double.json")}
    done = subprocess.run([program], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and f"the file {KEYSTORE} cannot be read" in done.stderr

"""A double refuses, naming the setting, what the real software refuses: the program itself, without a container."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import toolchain
from harness.doubles import describe
from harness.model.contract import Contract
from harness.model.load import load_contracts
from harness.render import helm_template
from harness.secrets import shapes
from tests.support import Object, charts, config, environment, everything

KEYSTORE = "/secrets/keystore/keystore.jwks"
SHAPES: dict[str, bytes] = {}  # a value of each shape is made once


@pytest.fixture(scope="module")
def program() -> Path:
    return toolchain.tool("double")


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return load_contracts(charts())


@pytest.fixture(scope="module")
def rendered() -> list[Object]:
    """Every component, with the settings that the charts make."""
    return helm_template(charts() / "indigo-paas", release="test", namespace="indigo-test", inline=everything())


class Bench:
    """A double's program and what its chart gives it; nothing that it would log in to listens anywhere."""

    def __init__(self, program: Path, tmp_path: Path, contracts: dict[str, Contract], rendered: list[Object]) -> None:
        self.program, self.folder = program, tmp_path
        self.contracts, self.rendered = contracts, rendered

    def settings(self, component: str) -> dict[str, str]:
        """Return what the chart sets, with a value of the right shape in the place of each secret."""
        found = {name: self._value(value) for name, value in environment(self.rendered, component).items()}
        return {name: re.sub(r"\$\((\w+)\)", lambda at: found[at[1]], value) for name, value in found.items()}

    def _value(self, value: str | Object | None) -> str:
        if not isinstance(value, dict):
            return value or ""
        if "secretKeyRef" not in value:
            return "a-pod"
        named = value["secretKeyRef"]
        for contract in self.contracts.values():
            if named["name"] in contract.secrets:
                spec = contract.secrets[named["name"]].keys[named["key"]]
                if shapes.origin(spec) is shapes.Origin.FIXED or shapes.origin(spec) is shapes.Origin.MADE:
                    return SHAPES.setdefault(spec.shape, shapes.make(spec).reveal()).decode()
        return "supplied"

    def refusal(self, component: str, env: Mapping[str, str], files: Mapping[str, str] | None = None) -> str:
        """Return what the double says at its end, which has to be an error.

        Args:
            component: whose double.
            env: its environment.
            files: texts of its files of settings, by path; those of the chart where none is given.
        """
        description = describe.describe(self.contracts[component])
        made = {} if not description["configs"] else config(self.rendered, component)
        for index, item in enumerate(description["configs"]):
            text = (files or {}).get(item["path"], made.get(item["path"].lstrip("/").replace("/", ".")))
            if text is not None:
                item["path"] = str(self._write(f"config-{index}{Path(item['path']).suffix}", text))
        description["files"] = [item | {"path": str(self._write("file", "{}"))} for item in description["files"]]
        if description["log"]:
            description["log"]["path"] = str(self.folder / "log")
        description["stores"] = [unreachable(store) for store in description["stores"]] or [NOBODY]
        given = {**env, "INDIGO_DOUBLE": str(self._write("double.json", json.dumps(description)))}
        given |= {"PATH": "/bin", "KUBERNETES_PORT": "tcp://10.0.0.1"}
        done = subprocess.run([self.program], env=given, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 1, done.stderr
        return done.stderr.strip()

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


NOBODY: dict[str, Any] = {"name": "nobody", "kind": "mysql", "address": "127.0.0.1:1"}


def unreachable(store: dict[str, Any]) -> dict[str, Any]:
    """Return a store at which nothing listens, and that is given up at once: who gets so far bears the settings."""
    there = {"mysql": "127.0.0.1:1", "bolt": "bolt://127.0.0.1:1", "http": "http://127.0.0.1:1/"}
    key = "url" if store["url"] else "address"
    address = there.get(store["kind"], "127.0.0.1:1") if key == "address" or store["kind"] == "http" else store["url"]
    return store | {key: address, "patience": 0, "soft": False}


@pytest.fixture
def bench(program: Path, tmp_path: Path, contracts: dict[str, Contract], rendered: list[Object]) -> Bench:
    return Bench(program, tmp_path, contracts, rendered)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "REQUESTS_CA_BUNDLE: open"), ("nothing of PEM", "holds no certificate in PEM")],
    ids=["missing", "empty"],
)
def test_authorities_that_cannot_be_read_end_the_start(bench: Bench, content: str | None, said: str) -> None:
    path = bench.folder / "authorities.pem"
    if content is not None:
        path.write_text(content)
    env = bench.settings("federation-manager") | {"REQUESTS_CA_BUNDLE": str(path)}
    refused = bench.refusal("federation-manager", env)
    assert "does not start: " in refused and said in refused


@pytest.mark.parametrize("component", describe.names())
def test_what_the_chart_sets_is_borne(bench: Bench, component: str) -> None:
    changes = {"FLASK_SQLALCHEMY_DATABASE_URI": "mysql+pymysql://u:hidden@127.0.0.1:1/db"}
    env = bench.settings(component)
    said = bench.refusal(component, env | {name: value for name, value in changes.items() if name in env})
    assert "cannot log in to" in said and "does not start" not in said
    assert "hidden" not in said


WRONG: list[tuple[str, dict[str, str | None], str]] = [
    ("iam", {"IAM_DB_HSOT": "mariadb"}, "IAM_DB_HSOT is no setting of INDIGO IAM; did you mean IAM_DB_HOST"),
    ("iam", {"IAM_LOGO_HEIGTH": "10"}, "IAM_LOGO_HEIGTH is no setting of INDIGO IAM; did you mean IAM_LOGO_HEIGHT"),
    ("iam", {"IAM_PORT": "tcp://10.96.0.7:8080"}, 'IAM_PORT is "tcp://10.96.0.7:8080", which is no integer'),
    ("iam", {"IAM_ISSUER": "https://iam.example.org"}, "IAM_ISSUER is"),
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
    ("kafka-proxy", {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9095"}, "did you mean FLASK_KAFKA_BOOTSTRAP_SERVERS"),
    ("kafka-proxy", {"FLASK_KAFKA_SSL_PASSWORD": "12345"}, "FLASK_KAFKA_SSL_PASSWORD: is decoded as JSON"),
    ("kafka-proxy", {"FLASK_DB_CONNECTION": "file:ranking_database?mode=memory"}, "FLASK_DB_CONNECTION: is no file"),
    ("kafka-proxy", {"FLASK_LOG_LEVEL": "info"}, "FLASK_LOG_LEVEL is"),
    ("template-parser", {"APP_LOG_DIR": "/logs"}, "APP_LOG_DIR is no setting of Template parser"),
    ("template-parser", {"KAFKA_VALUE_DESERIALIZER": "string"}, "did you mean KAFKA_VALUE_DESERIALIZER_STR"),
    ("template-parser", {"KAFKA_VALUE_DESERIALIZER_STR": "json"}, "which is none of string"),
    ("provider-selector", {"KAFKA_GROUP_ID": "x"}, "KAFKA_GROUP_ID is no setting of Provider selector"),
    ("provider-selector", {"KAFKA_VALUE_DESERIALIZER_STR": "string"}, "which is none of json"),
    ("dataset-collector", {"KAFKA_SSL_PASSWORD": "x"}, "did you mean KAFKA_SSL_PASSWORD_PATH"),
    ("dataset-collector", {"KAFKA_MAX_POLL_RECORDS": "one"}, "KAFKA_MAX_POLL_RECORDS is"),
    ("ai-ranker-inference", {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9095"}, "KAFKA_BOOTSTRAP_SERVERS is no setting"),
    ("ai-ranker-inference", {"KAFKA_SSL_PASSWORD": ""}, "KAFKA_SSL_ENABLE: is true, and KAFKA_SSL_PASSWORD is empty"),
    ("ai-ranker-inference", {"KAFKA_HOSTNAME": "kafka"}, 'KAFKA_HOSTNAME is "kafka", which is no host-port'),
    ("ai-ranker-training", {"X_FEATURES": "cpu_diff"}, "X_FEATURES is"),
    ("ai-ranker-training", {"MLFLOW_TRACKING_URL": "http://mlflow:5000"}, "did you mean MLFLOW_TRACKING_URI"),
    ("federation-manager", {"SECRET_KEY": "changeit"}, "SECRET_KEY: is no Fernet key"),
    ("federation-manager", {"DB_PORT": "tcp://10.96.0.9:3306"}, "DB_PORT is"),
    ("federation-manager", {"AUTHN_MODE": ""}, "AUTHN_MODE is empty"),
    ("federation-manager", {"DB_SCHEME": "postgresql+psycopg2"}, "DB_SCHEME: is neither mysql nor sqlite"),
    ("federation-manager", {"TRUSTED_IDP_LIST": "https://iam.example.org/"}, "TRUSTED_IDP_LIST is"),
    ("federation-manager", {"KAFKA_RALLY_RESULTS_TOPIC": "x"}, "KAFKA_RALLY_RESULTS_TOPIC is no setting"),
    ("federation-manager-dashboard", {"HOSTNAME": "a-pod"}, "HOSTNAME: is the name of the pod"),
    ("federation-manager-dashboard", {"GROUPS_ADMIN": None}, "GROUPS_ADMIN is not set"),
    ("federation-manager-dashboard", {"FM_OIDC_URL": "https://iam.example.org/"}, "FM_OIDC_URL is"),
    ("federation-manager-rally", {"RALLY_ENV_FOLDER": "/app/environments"}, "did you mean RALLY_ENVS_FOLDER"),
    ("federation-manager-rally", {"FED_MGR_API_URL": "http://federation-manager:8000/api/v1"}, "FED_MGR_API_URL is"),
    ("federation-registry", {"DB_URL": "bolt://neo4j:7687"}, "DB_URL is no setting of Federation-Registry"),
    ("federation-registry", {"NEO4J_SERVER": "neo4j"}, 'NEO4J_SERVER is "neo4j", which is no host-port'),
    ("federation-registry", {"ADMIN_EMAIL_LIST": "a@example.org"}, "ADMIN_EMAIL_LIST is"),
    ("federation-registry", {"NEO4J_PASSWORD": "with/slash"}, "NEO4J_PASSWORD: stands in a URL without quoting"),
    ("federation-registry-feeder", {"FED_REG_URL": "http://x"}, "FED_REG_URL is no setting"),
    ("federation-registry-feeder", {"KAFKA_MSG_VERSION": "1.1.0"}, "which is none of 1.2.0, 1.3.0, 1.4.0"),
    ("im-connector", {"AUTHZ_MODE": "opa"}, "AUTHZ_MODE: makes every call end in 500"),
    ("im-connector", {"ALLOWED_ORIGINS": "*"}, "ALLOWED_ORIGINS"),
    ("rucio-connector", {"RUCIO_HOTS": "https://rucio.example.org"}, "did you mean RUCIO_HOST"),
    ("rucio-connector", {"USERNAME": None}, "USERNAME is not set"),
    ("orchestrator-python", {"VAULT_ENABLE": "true"}, "VAULT_ENABLE is"),
    ("orchestrator-python", {"AUTHN_MODE": None}, "AUTHN_MODE is not set"),
    ("log-shipper", {"GOMEMLIMT": "300MiB"}, "did you mean GOMEMLIMIT"),
    ("tosca", {"GIT_SSL_CAPATH": "/x"}, "GIT_SSL_CAPATH is no setting"),
]


@pytest.mark.parametrize(("component", "change", "said"), WRONG)
def test_a_wrong_setting_is_refused_by_its_name(
    bench: Bench, component: str, change: dict[str, str | None], said: str
) -> None:
    env = {name: value for name, value in (bench.settings(component) | change).items() if value is not None}
    message = bench.refusal(component, env)
    assert said in message and "does not start" in message
    assert "cannot log in" not in message


def test_every_double_has_a_setting_that_it_refuses() -> None:
    assert {component for component, _, _ in WRONG} == set(describe.names()) and len(WRONG) >= 30


APPLICATION = "/orchestrator/config/application.yml"
SHIPPER = "/etc/indigo-paas/log-shipper.yaml"
VAULT = "/app/instance/vault-config.json"
FILES: list[tuple[str, str, str, str, str]] = [
    ("orchestrator", APPLICATION, "enabled: true", "enabeld: true", "oidc.enabeld is no setting of PaaS Orchestrator"),
    ("orchestrator", APPLICATION, "enabled: true", "enabled: false", 'oidc.enabled is "false", which is none of true'),
    ("orchestrator", APPLICATION, "/]'", "]'", 'in oidc.iam-properties is no url-with-slash'),
    ("orchestrator", APPLICATION, "admingroup:", "admin-group:", "admingroup is not set and has no default"),
    ("log-shipper", SHIPPER, "encoding: raw", "encoding: otlp_json", "which is none of raw"),
    ("log-shipper", SHIPPER, "num_consumers: 1", "num_consumers: 10", "sending_queue.num_consumers is"),
    ("log-shipper", SHIPPER, "preserve_leading_whitespaces: true", "", "preserve_leading_whitespaces is not set"),
    ("log-shipper", SHIPPER, "listen_address:", "listen_adress:", "did you mean receivers.tcplog.listen_address"),
    ("dashboard", VAULT, "{", '{"VAULT_ROL": "dashboard"', "VAULT_ROL is no setting of Orchestrator Dashboard"),
]  # fmt: skip


@pytest.mark.parametrize(("component", "path", "old", "new", "said"), FILES)
def test_a_wrong_key_of_a_file_is_refused_by_its_name(
    bench: Bench, component: str, path: str, old: str, new: str, said: str
) -> None:
    text = config(bench.rendered, component)[path.lstrip("/").replace("/", ".")]
    assert old in text
    changed = text.replace(old, new, 1)
    yaml.safe_load(changed)
    message = bench.refusal(component, bench.settings(component), {path: changed})
    assert said in message and "does not start" in message


def test_a_file_of_settings_that_is_missing_is_named(bench: Bench) -> None:
    bench.rendered = [item for item in bench.rendered if item["metadata"]["name"] != "log-shipper-config"]
    bench.rendered.append({"kind": "ConfigMap", "metadata": {"name": "log-shipper-config"}, "data": {}})
    assert f"the file {SHIPPER} cannot be read" in bench.refusal("log-shipper", bench.settings("log-shipper"))


def test_a_secret_is_never_in_a_message(bench: Bench) -> None:
    env = bench.settings("iam") | {"IAM_DB_PASSWORD": "hunter2", "IAM_PORT": "x"}
    assert "hunter2" not in bench.refusal("iam", env)


@pytest.mark.parametrize(
    ("component", "path"), [("iam", KEYSTORE), ("template-parser", "/indigo-paas/tls/password"), ("tosca", "settings")]
)
def test_a_missing_file_is_named(bench: Bench, component: str, path: str) -> None:
    described = bench.folder / "double.json"
    described.write_text(json.dumps(describe.describe(bench.contracts[component])))
    env = bench.settings(component) | {"INDIGO_DOUBLE": str(described)}
    done = subprocess.run([bench.program], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and re.search(rf"the file \S*{path}\S* cannot be read", done.stderr)


@pytest.mark.parametrize("component", [name for name in describe.names() if describe.load(name).stores])
def test_a_double_asks_for_the_topics_of_its_contract(
    bench: Bench, contracts: dict[str, Contract], component: str
) -> None:
    """Names of topics come from settings, so they are compared as the chart sets them."""
    env = bench.settings(component)
    for store in describe.load(component).stores:
        if store.kind == "kafka" and component != "log-shipper":
            asked = {expand(topic, env) for topic in store.topics}
            contract = contracts[component]
            assert asked == {*contract.topics, *contract.consumes}


def expand(text: str, env: Mapping[str, str]) -> str:
    return re.sub(r"\$\{([\w.]+)(?::([^}]*))?\}", lambda at: env.get(at[1], at[2] or ""), text)


def test_a_probe_is_answered_by_the_log(program: Path, tmp_path: Path) -> None:
    shell = tmp_path / "sh"
    shell.symlink_to(program)
    (tmp_path / "double.json").write_text('{"component": "template-parser"}')
    log = tmp_path / "template-parser.log"
    question = [str(shell), "-c", f'grep -qs "End of initialization phase" {tmp_path}/template-parser.log*']
    for text, status in ((None, 1), ("starts\n", 1), ("starts\nEnd of initialization phase\n", 0)):
        if text:
            log.write_text(text)
        env = {"INDIGO_DOUBLE": str(tmp_path / "double.json")}
        assert subprocess.run(question, env=env, capture_output=True, timeout=10, check=False).returncode == status

"""The feeder's traps (charts/federation-registry-feeder/contract.yaml), a test each; the run's program runs."""

from __future__ import annotations

import copy
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.secrets.references import demanded
from tests import support
from tests.static.federation import ISSUER, URLS
from tests.support import Chart, env_of, mounts, secret

pytestmark = pytest.mark.static

NAME = "federation-registry-feeder"
chart = Chart(NAME, urls=URLS)
NO_KAFKA = {"kafka": {"mode": "off"}}
PROVIDERS: dict[str, Any] = {
    "trusted_idps": [
        {
            "issuer": ISSUER,
            "group_claim": "groups",
            "user_groups": [
                {"name": "g", "slas": [{"doc_uuid": "s1", "start_date": "2026-01-01", "end_date": "2027-01-01"}]}
            ],
        }
    ],
    "openstack": [
        {
            "name": "site-a",
            "auth_url": "https://keystone.example.org/v3",
            "identity_providers": [{"endpoint": ISSUER, "name": "iam", "protocol": "openid"}],
            "projects": [{"id": "p1", "sla": "s1"}],
        }
    ],
    "kubernetes": [],
}

# Upstream's modules, as far as the program of the run uses them: files are JSON, an issuer must give a token.
DOUBLES = {
    "liboidcagent.py": """
class OidcAgentError(Exception):
    pass
def get_access_token_by_issuer_url(*args, **named):
    raise OidcAgentError("the agent's own function was called")
""",
    "src/__init__.py": "",
    "src/logger.py": "def create_logger(name, level=None):\n    return None\n",
    "src/models/__init__.py": "",
    "src/models/config.py": """
import os
class Settings:
    FED_REG_TIMEOUT = 5
    FED_REG_API_URL = os.environ["FED_REG_API_URL"]
def get_settings():
    return Settings()
""",
    "src/utils.py": """
import json, os
from types import SimpleNamespace as Space
import liboidcagent
from liboidcagent import get_access_token_by_issuer_url as token
def get_conf_files(*, settings, logger):
    folder = os.environ["PROVIDERS_CONF_DIR"]
    return [os.path.join(folder, name) for name in os.listdir(folder)] if os.path.isdir(folder) else []
def get_site_configs(*, yaml_files, log_level):
    sites, failed = [], False
    for name in yaml_files:
        try:
            content = json.load(open(name))
            for issuer in content["trusted_idps"]:
                token(issuer["issuer"], min_valid_period=300, audience=None)
            sites.append(Space(**{kind: [Space(**p) for p in content[kind]] for kind in ("openstack", "kubernetes")}))
        except (ValueError, KeyError, liboidcagent.OidcAgentError) as error:
            print(error)
            failed = True
    return sites, failed
def infer_service_endpoints(*, settings, logger):
    return Space(providers=settings.FED_REG_API_URL + "/v1/providers")
""",
    "src/main.py": """
from src.utils import token
def main(level):
    print("upstream runs at", level, "with", token("http://127.0.0.1:PORT/", audience="kube"))
""",
}


def providers(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(PROVIDERS) | changes


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the providers with one thing changed, its path with dots."""
    everything = copy.deepcopy(PROVIDERS)
    *way, last = path.split(".")
    place: Any = everything
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    place[last] = value
    return everything


class Server(http.server.ThreadingHTTPServer):
    """Stands in for issuer and registry."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.known = ["site-a"]
        self.tokens = True
        self.asked: list[str] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.server.asked.append(f"GET {self.path}")
        if self.path == "/.well-known/openid-configuration":
            self.answer(200, {"token_endpoint": f"http://127.0.0.1:{self.server.server_port}/token"})
        elif not self.server.known:
            self.answer(200, [])
        else:
            self.answer(200 if self.server.known != ["-"] else 500, [{"name": name} for name in self.server.known])

    def do_POST(self) -> None:
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.asked.append(f"POST {self.path} {form['grant_type'][0]} {form.get('audience', ['-'])[0]}")
        if self.server.tokens:
            self.answer(200, {"access_token": f"for-{form.get('audience', ['anybody'])[0]}", "expires_in": 3600})
        else:
            self.answer(400, {"error": "invalid_grant"})


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
        yield found
        found.shutdown()


class Machine:
    """A folder in which the run's program finds what it finds in a pod."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        for name, text in DOUBLES.items():
            path = folder / "app" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("PORT", str(server.server_port)))
        self.configure(PROVIDERS)
        issuer = f"http://127.0.0.1:{server.server_port}"
        account = {"issuer": issuer, "client_id": "id", "client_secret": "secret", "refresh_token": "refresh"}
        (folder / "accounts.json").write_text(json.dumps([account]))

    def configure(self, content: dict[str, Any] | str) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folder / "conf").mkdir(exist_ok=True)
        text = text.replace(ISSUER, f"http://127.0.0.1:{self.server.server_port}/")
        (self.folder / "conf" / "providers.config.yaml").write_text(text)

    def run(self, **values: Any) -> tuple[int, str]:
        """Return the exit code of a run and what it said."""
        objects = chart.render(providers=PROVIDERS, **values)
        script = support.config(objects, NAME)["indigo-paas.run.py"]
        program = self.folder / "run.py"
        program.write_text(script.replace("/secrets/accounts/accounts.json", str(self.folder / "accounts.json")))
        rendered = support.environment(objects, NAME)
        environment = {
            **{name: value for name, value in rendered.items() if name.startswith("FEEDER_")},
            "FED_REG_API_URL": f"http://127.0.0.1:{self.server.server_port}/api",
            "PROVIDERS_CONF_DIR": str(self.folder / "conf"),
            "PYTHONPATH": str(self.folder / "app"),
            "PATH": os.environ["PATH"],
            "NO_PROXY": "*",
        }
        done = subprocess.run(
            [sys.executable, str(program)], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def machine(tmp_path: Path, server: Server) -> Machine:
    return Machine(tmp_path, server)


# --- what upstream would delete


def test_shortened_configuration_deletes_nothing(machine: Machine) -> None:
    code, said = machine.run()
    assert code == 0, said
    assert "upstream runs at INFO" in said
    machine.server.known = ["site-a", "site-b"]
    code, said = machine.run()
    assert code == 1
    assert "site-b" in said
    assert "allowRemoval" in said
    assert "upstream runs" not in said
    code, said = machine.run(allowRemoval=["site-b"])
    assert code == 0
    assert "upstream runs" in said


def test_shortened_configuration_deletes_nothing_even_if_it_is_empty(machine: Machine) -> None:
    (machine.folder / "conf" / "providers.config.yaml").unlink()
    code, said = machine.run()
    assert code == 1
    assert "site-a" in said
    machine.server.known = []
    code, said = machine.run()
    assert code == 0
    assert "nothing to do" in said
    assert "upstream runs" not in said


def test_shortened_configuration_deletes_nothing_when_the_registry_does_not_answer(machine: Machine) -> None:
    machine.server.known = ["-"]
    code, said = machine.run()
    assert code == 1
    assert "nothing is changed" in said
    assert "upstream runs" not in said


def test_invalid_file_deletes_nothing(machine: Machine) -> None:
    machine.configure("{not json")
    code, said = machine.run()
    assert code == 1
    assert "upstream runs" not in said
    for wrong in (changed("openstack.0.auth_urls", "https://x"), changed("openstack.0.projects.0.slas", "s1")):
        assert "providers" in chart.refusal(providers=wrong), "the schema is closed"
    assert "status" in chart.refusal(providers=changed("openstack.0.status", "sleeping"))


def test_no_token_deletes_nothing(machine: Machine) -> None:
    machine.server.tokens = False
    code, said = machine.run()
    assert code == 1
    assert "refuses the refresh token (400)" in said
    assert "upstream runs" not in said
    assert not [asked for asked in machine.server.asked if asked.startswith("GET /api")]
    machine.server.tokens = True
    (machine.folder / "accounts.json").write_text("[]")
    code, said = machine.run()
    assert code == 1
    assert "no account of" in said
    (machine.folder / "accounts.json").write_text('[{"issuer": "https://x/", "client_secret": "hidden"}]')
    code, said = machine.run()
    assert code == 1
    assert "accounts.json" in said
    assert "hidden" not in said, "an error must not show the account"


def test_first_token_by_chance_cannot_happen_with_one_file() -> None:
    found = chart.config(providers=PROVIDERS)
    files = [key for key in found if key.startswith("providers-conf.")]
    assert files == ["providers-conf.providers.config.yaml"]
    assert json.loads(found[files[0]]) == PROVIDERS
    both = chart.refusal(providers=PROVIDERS, providersFrom={"secret": "mine"})
    assert "write one of them" in both


# --- tokens


def test_docker_socket_is_not_mounted_and_no_agent_is_asked(machine: Machine) -> None:
    def free(pod: dict[str, Any]) -> None:
        assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
        assert "OIDC_AGENT_CONTAINER_NAME" not in env_of(pod)

    free(chart.pod(providers=PROVIDERS))
    broken = copy.deepcopy(chart.pod(providers=PROVIDERS))
    broken["volumes"].append({"name": "docker", "hostPath": {"path": "/var/run/docker.sock"}})
    with pytest.raises(AssertionError):
        free(broken)
    code, said = machine.run()
    assert code == 0, said
    assert "the agent's own function" not in said
    accounts = mounts(chart.pod(providers=PROVIDERS))["/secrets/accounts"]["secret"]
    assert accounts["secretName"] == "federation-registry-feeder-accounts"
    assert "/secrets/accounts" not in mounts(chart.pod()), "without providers no account is needed"
    assert accounts["secretName"] in demanded(chart.render(providers=PROVIDERS)), (
        "indigo secrets would call it optional"
    )
    assert accounts["secretName"] not in demanded(chart.render())


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"providers": PROVIDERS},
        {"providers": {"trusted_idps": PROVIDERS["trusted_idps"]}},
        {"providersFrom": {"secret": "mine"}},
        {"providersFrom": {"configMap": "mine"}},
        {"certificates": {"configMap": "certs"}},
    ],
    ids=["nothing", "providers", "issuers", "secret", "configMap", "certificates"],
)
def test_the_secret_of_the_accounts_is_optional_exactly_where_no_pod_needs_it(values: dict[str, Any]) -> None:
    name = "federation-registry-feeder-accounts"
    assert (name in demanded(chart.render(**values))) == chart.contract.secrets[name].needed(values)


def test_kubernetes_token_audience_is_asked_of_the_issuer(machine: Machine) -> None:
    _, said = machine.run()
    assert "with for-kube" in said
    posts = [asked for asked in machine.server.asked if asked.startswith("POST")]
    assert posts == ["POST /token refresh_token -", "POST /token refresh_token kube"], "tokens are kept and reused"


# --- the run


def test_runs_overlap_never() -> None:
    cron = chart.find("CronJob")["spec"]
    assert cron["concurrencyPolicy"] == "Forbid"
    assert cron["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 1800
    assert chart.pod()["restartPolicy"] == "Never"


def test_message_version_back_is_not_possible_by_default() -> None:
    assert chart.env()["KAFKA_MSG_VERSION"] == "1.4.0"
    assert "KAFKA_MSG_VERSION" in chart.refusal(settings={"KAFKA_MSG_VERSION": "2.0.0"})


def test_ssl_password_missing_would_stop_messages() -> None:
    def complete(found: dict[str, Any]) -> None:
        assert found["KAFKA_SSL_ENABLE"] != "true" or found["KAFKA_SSL_PASSWORD"]

    found = chart.env()
    assert found["KAFKA_SSL_PASSWORD"] == secret("kafka-client-tls", "password")
    complete(found)
    with pytest.raises((AssertionError, KeyError)):
        complete({name: value for name, value in found.items() if name != "KAFKA_SSL_PASSWORD"})
    off = chart.env(components=NO_KAFKA)
    assert off["KAFKA_ENABLE"] == "false"
    assert "KAFKA_SSL_ENABLE" not in off
    assert "/secrets/kafka" not in mounts(chart.pod(components=NO_KAFKA))


def test_generic_variable_names_are_set_by_nobody() -> None:
    contract = chart.contract
    generic = {name for name, setting in contract.settings.items() if setting.default == "v1"}
    assert {"PROJECTS", "IMAGES", "REGIONS", "SLAS"} < generic
    assert not generic & set(chart.env(providers=PROVIDERS))
    assert chart.pod()["enableServiceLinks"] is False


def test_projects_left_out_are_refused() -> None:
    assert "project p1 has the agreement s2" in chart.refusal(providers=changed("openstack.0.projects.0.sla", "s2"))
    other = changed("openstack.0.identity_providers.0.endpoint", ISSUER.rstrip("/"))
    assert "letter by letter" in chart.refusal(providers=other)
    twice = providers(kubernetes=PROVIDERS["openstack"])
    assert "the name is there twice" in chart.refusal(providers=twice)
    assert "trusted_idps: is empty" in chart.refusal(providers=providers(trusted_idps=[]))


def test_files_may_come_from_elsewhere() -> None:
    where = mounts(chart.pod(providersFrom={"secret": "mine"}))
    assert where["/providers-conf"]["secret"]["secretName"] == "mine"
    assert "/secrets/accounts" in where
    assert mounts(chart.pod(providersFrom={"configMap": "mine"}))["/providers-conf"]["configMap"]["name"] == "mine"
    assert mounts(chart.pod(certificates={"configMap": "certs"}))["/certs"]["configMap"]["name"] == "certs"
    trusted = chart.pod(**support.SITE_CA)
    assert env_of(trusted)["REQUESTS_CA_BUNDLE"].startswith("/etc/indigo-paas/ca/")
    assert "PROVIDERS_CONF_DIR" in chart.refusal(settings={"PROVIDERS_CONF_DIR": "/elsewhere"})


def test_the_registry_is_asked_where_it_runs() -> None:
    assert chart.env()["FED_REG_API_URL"] == "http://federation-registry:8000/api"
    elsewhere = chart.env(components={"federation-registry": {"mode": "external"}})
    assert elsewhere["FED_REG_API_URL"] == "https://registry.example.org/api"

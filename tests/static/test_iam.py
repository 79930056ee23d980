"""The traps of IAM (charts/iam/contract.yaml), a test each: what is rendered, what is refused or would be seen."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.model.contract import Contract
from harness.secrets.shapes import make
from tests import support
from tests.support import Chart, secret

pytestmark = pytest.mark.static

chart = Chart("iam")

SAML = {
    "IAM_SAML_ENTITY_ID": "https://iam.example.org/saml",
    "IAM_SAML_IDP_METADATA": "https://idem.example.org/metadata",
}
MAIL = {"host": "smtp.example.org", "from": "iam@example.org", "admins": "admins@example.org"}
UPSTREAM_MIGRATIONS = ["classpath:db/migration/mysql", "classpath:db/migration/prod"]


def volume(spec: dict[str, Any], mounted_at: str) -> dict[str, Any]:
    """Return the volume that is mounted at a path."""
    names = [item["name"] for item in spec["containers"][0]["volumeMounts"] if item["mountPath"] == mounted_at]
    assert len(names) == 1, f"{mounted_at}: {len(names)} mounts"
    (found,) = [item for item in spec["volumes"] if item["name"] == names[0]]
    return dict(found)


# --- addresses


def test_iam_port_service_link_cannot_reach_the_software() -> None:
    def safe(spec: dict[str, Any]) -> None:
        assert spec["enableServiceLinks"] is False, "a Service called iam would give IAM_PORT=tcp://..."
        assert {"name": "IAM_PORT", "value": "8080"} in spec["containers"][0]["env"]

    safe(chart.pod())
    changes: list[dict[str, Any]] = [{"enableServiceLinks": True}, {"containers": [{"env": []}]}]
    for change in changes:
        with pytest.raises(AssertionError):
            safe(chart.pod() | change)
    assert "IAM_PORT" in chart.refusal(settings={"IAM_PORT": "tcp://10.0.0.1:8080"})


@pytest.mark.parametrize("url", ["https://iam.example.org", "https://example.org/iam"])
def test_issuer_trailing_slash_is_the_same_in_every_token(url: str) -> None:
    found = chart.env(**{"global": {"urls": {"iam": url}}})
    discovery = found["IAM_ISSUER"] if found["IAM_ISSUER"].endswith("/") else found["IAM_ISSUER"] + "/"
    assert found["IAM_ISSUER"] == discovery == url + "/", "access tokens carry it as it is"
    assert "IAM_ISSUER" in chart.refusal(settings={"IAM_ISSUER": url})


def test_base_url_double_slash_is_in_no_endpoint() -> None:
    for written in ("https://iam.example.org", "https://iam.example.org/"):
        base = chart.env(**{"global": {"urls": {"iam": written}}})["IAM_BASE_URL"]
        assert f"{base}/token" == "https://iam.example.org/token"
    assert "IAM_BASE_URL" in chart.refusal(settings={"IAM_BASE_URL": "https://iam.example.org/"})


def test_forward_headers_of_the_gateway_are_believed() -> None:
    assert chart.env()["IAM_FORWARD_HEADERS_STRATEGY"] == "native"
    assert "IAM_FORWARD_HEADERS_STRATEGY" in chart.refusal(settings={"IAM_FORWARD_HEADERS_STRATEGY": "true"})


# --- keys and passwords


def test_keystore_lost_by_nothing_that_the_chart_does() -> None:
    def kept(objects: list[support.Object]) -> None:
        spec = support.pod(objects, "iam")["spec"]
        location = support.environment(objects, "iam")["IAM_KEY_STORE_LOCATION"].removeprefix("file:")
        source = volume(spec, location.rpartition("/")[0])["secret"]
        assert source["secretName"] == "iam-keystore"
        assert [item["path"] for item in source["items"]] == [location.rpartition("/")[2]]
        assert source["defaultMode"] == 0o440, "the group of the pod must be able to read it"
        assert "Secret" not in {item["kind"] for item in objects}, "a rendered Secret would be made anew at every sync"

    kept(chart.render())
    for made in ([{"kind": "Secret"}], [{"kind": "Deployment", "metadata": {"name": "iam"}}]):
        with pytest.raises(AssertionError):
            kept([*chart.render(), *made])
    moved = chart.render(**{"global": {"secrets": {"iam-keystore": "the-old-keys"}}})
    assert volume(support.pod(moved, "iam")["spec"], "/secrets/keystore")["secret"]["secretName"] == "the-old-keys"
    assert "keystore.jwks" in chart.refusal(**{"global": {"secrets": {"iam-keystore": ""}}})
    assert "never made anew" in chart.contract.secrets["iam-keystore"].keys["keystore.jwks"].changedBy


def test_key_id_mismatch_is_not_made_by_indigo_secrets() -> None:
    keys = json.loads(make(chart.contract.secrets["iam-keystore"].keys["keystore.jwks"]).reveal())["keys"]
    made = {key["kid"] for key in keys}
    assert chart.env()["IAM_JWK_DEFAULT_KEY_ID"] in made
    assert chart.env(settings={"IAM_JWK_DEFAULT_KEY_ID": "rsa2"})["IAM_JWK_DEFAULT_KEY_ID"] not in made


def migration(objects: list[support.Object]) -> str:
    """Return the text of the chart's own migration; Flyway must find it and run it at the right place."""
    found = support.environment(objects, "iam")
    *upstream, own = found["SPRING_FLYWAY_LOCATIONS"].split(",")
    assert upstream == UPSTREAM_MIGRATIONS
    folder = own.removeprefix("filesystem:")
    items = volume(support.pod(objects, "iam")["spec"], folder)["configMap"]["items"]
    (item,) = [item for item in items if item["path"].startswith("V")]
    match = re.fullmatch(r"V([0-9]+(?:_[0-9]+)*)__[a-z_]+\.sql", item["path"])
    assert match, f"{item['path']}: Flyway would not take it for a migration"
    version = tuple(int(part) for part in match[1].split("_"))
    assert (3,) < version < (10, 1), "it must come after the accounts are made and before their passwords are hashed"
    text = support.config(objects, "iam")[item["key"]]
    for name in re.findall(r"\$\{(\w+)\}", text):
        assert f"SPRING_FLYWAY_PLACEHOLDERS_{name.upper()}" in found, f"Flyway would stop at ${{{name}}}"
    return text


def test_default_admin_password_is_gone_before_the_port_opens() -> None:
    first, _ = migration(chart.render()).strip().splitlines()
    assert first.startswith("UPDATE iam_account SET password = '${adminpassword}'")
    assert first.endswith("WHERE username = 'admin' AND password = 'password';")
    assert chart.env()["SPRING_FLYWAY_PLACEHOLDERS_ADMINPASSWORD"] == secret("iam-admin", "password")
    assert chart.contract.secrets["iam-admin"].keys["password"].shape == "password"
    assert "/indigo-paas/flyway" in chart.refusal(settings={"SPRING_FLYWAY_LOCATIONS": ",".join(UPSTREAM_MIGRATIONS)})
    assert "SPRING_FLYWAY" in chart.refusal(settings={"SPRING_FLYWAY_PLACEHOLDERS_ADMINPASSWORD": "password"})


def test_sample_client_secret_is_replaced() -> None:
    _, second = migration(chart.render()).strip().splitlines()
    assert second.startswith("UPDATE client_details SET client_secret = '${sampleclientsecret}'")
    assert second.endswith("WHERE client_id = 'client' AND client_secret = 'secret';")
    assert chart.env()["SPRING_FLYWAY_PLACEHOLDERS_SAMPLECLIENTSECRET"] == secret("iam-admin", "sample-client-secret")
    lost = copy.deepcopy(chart.render())
    support.config(lost, "iam").clear()
    with pytest.raises(KeyError):
        migration(lost)


def test_actuator_default_password_is_replaced() -> None:
    assert chart.env()["IAM_ACTUATOR_USER_USERNAME"] == secret("iam-actuator", "username")
    assert chart.env()["IAM_ACTUATOR_USER_PASSWORD"] == secret("iam-actuator", "password")
    assert chart.contract.secrets["iam-actuator"].keys["username"].value != "actuator-user", "upstream's own default"
    assert "IAM_ACTUATOR_USER_PASSWORD" in chart.refusal(settings={"IAM_ACTUATOR_USER_PASSWORD": "actuator-password"})


def test_mfa_default_password_is_never_used() -> None:
    name = "IAM_TOTP_MFA_PASSWORD_TO_ENCRYPT_AND_DECRYPT"
    assert chart.env(profiles=["mfa"])[name] == secret("iam-mfa", "password")
    assert name not in chart.env(), "without the profile nothing reads it, and its Secret is optional"
    assert chart.contract.secrets["iam-mfa"].keys["password"].changedBy == "Nobody."
    assert name in chart.refusal(profiles=["mfa"], settings={name: "define_me_please"})


def test_saml_sample_keystore_is_never_used() -> None:
    message = chart.refusal(profiles=["saml"])
    assert all(name in message for name in SAML), message
    found = chart.env(profiles=["saml"], settings=SAML)
    assert found["IAM_SAML_KEYSTORE_PASSWORD"] == secret("iam-saml", "keystore-password")
    assert found["IAM_SAML_KEY_PASSWORD"] == secret("iam-saml", "key-password")
    source = volume(chart.pod(profiles=["saml"], settings=SAML), "/secrets/saml")["secret"]
    assert found["IAM_SAML_KEYSTORE"] == f"file:/secrets/saml/{source['items'][0]['path']}"
    extra = chart.pod(profiles=["saml"], extraConfig=True)
    assert volume(extra, "/indigo-iam/config")["secret"]["secretName"] == "iam-extra"


def test_google_is_asked_for_only_where_no_other_providers_are_written() -> None:
    assert chart.env(profiles=["oidc"])["IAM_GOOGLE_CLIENT_SECRET"] == secret("iam-oidc", "client-secret")
    for values in ({}, {"profiles": ["oidc"], "extraConfig": True}):
        assert "IAM_GOOGLE_CLIENT_SECRET" not in chart.env(**values)


# --- how it runs


def test_profile_prod_missing_is_refused() -> None:
    assert "-Dspring.profiles.active=prod,registration " in chart.env()["IAM_JAVA_OPTS"]
    assert "-Dspring.profiles.active=prod " in chart.env(profiles=[])["IAM_JAVA_OPTS"]
    for wrong in ("-Xmx1g", "-Dspring.profiles.active=production", "-Dspring.profiles.active=mysql-test,nonprod"):
        assert "database in memory" in chart.refusal(settings={"IAM_JAVA_OPTS": wrong})
    right = "-Xmx1g -Dspring.profiles.active=oidc,prod"
    assert chart.env(settings={"IAM_JAVA_OPTS": right})["IAM_JAVA_OPTS"] == right
    assert "profiles" in chart.refusal(profiles=["h2-test"])


def test_health_never_liveness() -> None:
    def right(container: dict[str, Any]) -> None:
        assert container["readinessProbe"]["httpGet"]["path"] == "/actuator/health"
        assert set(container["livenessProbe"]) & {"httpGet", "exec", "tcpSocket"} == {"tcpSocket"}

    container = chart.pod()["containers"][0]
    right(container)
    with pytest.raises(AssertionError):
        right(container | {"livenessProbe": container["readinessProbe"]})


def test_slow_migration_has_a_quarter_of_an_hour() -> None:
    def seconds(probe: dict[str, Any]) -> int:
        return int(probe["periodSeconds"]) * int(probe["failureThreshold"])

    container = chart.pod()["containers"][0]
    assert seconds(container["startupProbe"]) >= 900
    assert seconds(container["readinessProbe"]) < 900, "a bound for every probe would show nothing"


def test_sessions_in_memory_bear_one_pod() -> None:
    message = chart.refusal(replicas=3)
    assert "iam.sessions: valkey" in message
    found = chart.env(replicas=3, sessions="valkey")
    assert (found["IAM_SPRING_SESSION_STORE_TYPE"], found["IAM_CACHE_REDIS_ENABLED"]) == ("redis", "true")
    assert (found["IAM_SPRING_REDIS_HOST"], found["IAM_SPRING_REDIS_PORT"]) == ("valkey", "6379")
    assert found["IAM_SPRING_REDIS_PASSWORD"] == secret("valkey-auth", "password")
    assert chart.env()["IAM_SPRING_SESSION_STORE_TYPE"] == "none"
    nowhere = {"components": {"valkey": {"mode": "off"}}}
    assert "global.components.valkey.mode" in chart.refusal(sessions="valkey", **{"global": nowhere})
    assert chart.env(**{"global": nowhere}), "with sessions in memory it needs no Valkey"
    outside = {"components": {"valkey": {"mode": "external", "host": "cache.example.org", "port": 6380}}}
    assert chart.env(sessions="valkey", **{"global": outside})["IAM_SPRING_REDIS_HOST"] == "cache.example.org"
    assert "iam.sessions: valkey" in chart.refusal(settings={"IAM_SPRING_SESSION_STORE_TYPE": "redis"})


def test_shell_swallows_sigterm_unless_it_is_replaced() -> None:
    def stops(spec: dict[str, Any]) -> None:
        container = spec["containers"][0]
        variables = {item["name"]: item.get("value") for item in container["env"]}
        assert container["args"][-1].startswith("exec java "), "the shell stays the first process"
        assert variables["SERVER_SHUTDOWN"] == "graceful"
        drain = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        finish = int(variables["SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE"].removesuffix("s"))
        assert drain + finish < spec["terminationGracePeriodSeconds"]

    stops(chart.pod())
    with pytest.raises(AssertionError):
        stops(chart.pod() | {"terminationGracePeriodSeconds": 30})
    shell = copy.deepcopy(chart.pod())
    shell["containers"][0]["args"] = ["sh", "-c", "java $IAM_JAVA_OPTS org.springframework.boot.loader.WarLauncher"]
    with pytest.raises(AssertionError):
        stops(shell)


def test_runs_as_root_no_more() -> None:
    def restricted(spec: dict[str, Any]) -> None:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == chart.contract.image.uid > 0
        assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
        assert "emptyDir" in volume(spec, "/tmp")

    restricted(chart.pod())
    with pytest.raises(AssertionError):
        restricted(chart.pod() | {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}})


def test_mail_to_localhost_is_never_tried() -> None:
    assert chart.env()["IAM_NOTIFICATION_DISABLE"] == "true"
    assert "iam.mail" in chart.refusal(mail={"host": "smtp.example.org"})
    assert "iam.mail.host" in chart.refusal(mail={"authenticated": True})
    found = chart.env(mail=MAIL)
    assert found["IAM_NOTIFICATION_DISABLE"] == "false"
    assert (found["IAM_MAIL_HOST"], found["IAM_MAIL_PORT"]) == ("smtp.example.org", "25")
    assert found["IAM_NOTIFICATION_ADMIN_ADDRESS"] == "admins@example.org"
    assert "IAM_MAIL_PASSWORD" not in found
    assert chart.env(mail=MAIL | {"authenticated": True})["IAM_MAIL_PASSWORD"] == secret("iam-mail", "password")


# --- what upstream says and does not do


def test_documented_names_unread_are_refused() -> None:
    unread = ["IAM_LOGO_HEIGTH", "IAM_ACCOUNT_LINKING_DISABLE", "IAM_REDIS_CACHE_ENABLED", "IAM_DB_MAX_IDLE"]
    message = chart.refusal(settings=dict.fromkeys(unread, "1"))
    for name in unread:
        assert name in message
        assert name not in chart.contract.settings
    assert chart.env(settings={"IAM_LOGO_HEIGHT": 150})["IAM_LOGO_HEIGHT"] == "150"


def test_anyone_registers_clients_because_the_orchestrator_does() -> None:
    name = "IAM_CLIENT_REGISTRATION_ALLOW_FOR"
    assert name not in chart.env(), "upstream's default, ANYONE, is what the Orchestrator needs"
    assert "Orchestrator" in chart.contract.settings[name].trap
    assert chart.env(settings={name: "REGISTERED_USERS"})[name] == "REGISTERED_USERS"
    assert name in chart.refusal(settings={name: "NOBODY"})


def test_mysql8_authentication_can_be_written_without_showing_the_password() -> None:
    url = "jdbc:mysql://db.example.org:3306/iam?allowPublicKeyRetrieval=true&useSSL=false"
    found = chart.env(settings={"SPRING_DATASOURCE_URL": url})
    assert found["SPRING_DATASOURCE_URL"] == url
    assert found["IAM_DB_PASSWORD"] == secret("iam-db", "password")
    assert "SPRING_DATASOURCE_URL" not in chart.env(), "MariaDB needs no such option"
    assert "IAM_DB_PASSWORD" in chart.refusal(settings={"IAM_DB_PASSWORD": "hunter2"})


# --- the platform's clients


def contracts() -> list[Contract]:
    return [support.contract(path.parent.name) for path in sorted(support.charts().glob("*/contract.yaml"))]


def arguments(job: support.Object) -> list[str]:
    found: list[str] = job["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


def clients(**values: Any) -> dict[str, dict[str, Any]]:
    """Return what the Job registers, by name."""
    entries = json.loads(arguments(chart.job(**values))[1])
    return {entry["name"]: entry for entry in entries}


def platform(modes: dict[str, str], **urls: str) -> dict[str, Any]:
    entries = {name: {"mode": mode} for name, mode in modes.items()}
    return {"global": {"components": entries, "urls": {**support.URLS, **urls}}}


def test_clients_by_hand_are_not_needed_for_what_runs_here() -> None:
    pages = {"federation-manager-dashboard": "https://fm.example.org"}
    found = clients(**platform({}, **pages))
    declared = {name for contract in contracts() for name in contract.clients}
    assert set(found) == declared >= {"dashboard", "orchestrator", "im"}
    assert found["dashboard"]["redirect_uris"] == ["https://dashboard.example.org/login/iam/authorized"]
    assert found["dashboard"]["response_types"] == ["code"]
    assert "redirect_uris" not in found["orchestrator"]
    assert found["orchestrator"]["id_token_validity_seconds"] == 1800
    fewer = clients(**platform({"orchestrator": "off", "dashboard": "external", "im": "off"}, **pages))
    assert not {"orchestrator", "clues", "dashboard", "im"} & set(fewer), "their Secrets are not here"
    assert "federation-manager-dashboard" not in clients(), "without a public URL there is nowhere to return to"


def test_ids_and_secrets_of_clients_are_in_no_command_line() -> None:
    job = chart.job()
    variables = support.env_of(job["spec"]["template"]["spec"])
    optional = {"optional": True}
    for name, entry in clients().items():
        (client,) = [c.clients[name] for c in contracts() if name in c.clients]
        for suffix, key in (("ID", client.id), ("SECRET", client.key)):
            source = variables[f"{entry['variables']}_{suffix}"]["secretKeyRef"]
            assert source == {"name": client.secret, "key": key} | optional
    assert variables["CLIENTS_PROVISIONER_SECRET"] == secret("iam-provisioner", "client-secret")
    assert variables["CLIENTS_IAM"] == "http://iam:8080"
    assert '"client_secret"' not in arguments(job)[1]
    assert job["spec"]["template"]["spec"]["containers"][0]["image"].startswith("python:3.")
    assert chart.job()["metadata"]["name"] != chart.job(**platform({"im": "off"}))["metadata"]["name"]


def test_put_forgets_nothing_that_the_program_has_read() -> None:
    program = arguments(chart.job())[0]
    assert program == (support.charts() / "iam" / "register.py").read_text()
    assert set(clients()["dashboard"]) - {"name", "variables"} <= set(re.findall(r'"(\w+)"', program))


def test_a_site_gives_a_client_more_than_its_contract_and_no_unknown_one_anything() -> None:
    extra = {"orchestrator": {"grants": ["client_credentials"], "scopes": ["iam:admin.read", "iam:admin.write"]}}
    found = clients(clientExtras=extra)["orchestrator"]
    assert "client_credentials" in found["grant_types"]
    assert set(found["scope"].split()) == {
        "email", "iam:admin.read", "iam:admin.write", "offline_access", "openid", "profile"
    }  # fmt: skip
    message = chart.refusal(clientExtras={"orchestrater": {"scopes": ["x"]}})
    assert "iam.clientExtras.orchestrater: no contract declares this client; write one of clues, dashboard" in message


def test_the_platforms_own_client_is_made_after_all_migrations_and_again_when_its_secret_changes() -> None:
    (name,) = [key for key in chart.config() if "platform_client" in key]
    assert name.rsplit(".", 2)[1].startswith("R__"), "a versioned migration runs once, and its text may never change"
    text = chart.config()[name]
    assert "${provisionersecret}" in text, "only a text that holds the secret has another checksum with another one"
    assert chart.env()["SPRING_FLYWAY_PLACEHOLDERS_PROVISIONERSECRET"] == secret("iam-provisioner", "client-secret")
    assert "ON DUPLICATE KEY UPDATE" in text, "it runs more than once"


def test_a_sites_own_authorities_are_in_the_trust_store_of_java(tmp_path: Path) -> None:
    def script(**values: Any) -> str:
        return str(chart.container(**values)["args"][-1])

    assert "cacerts" not in script()
    java, tools = tmp_path / "java", tmp_path / "tools"
    (java / "lib" / "security").mkdir(parents=True)
    (java / "lib" / "security" / "cacerts").write_text("the usual ones\n")
    (tmp_path / "own.crt").write_text("-----BEGIN CERTIFICATE-----\none\n-----END CERTIFICATE-----\n" * 2)
    tools.mkdir()
    for name in ("keytool", "java"):
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*"\n')
        (tools / name).chmod(0o755)
    text = script(**support.SITE_CA).replace("/tmp/", f"{tmp_path}/").replace("/etc/indigo-paas/ca", str(tmp_path))
    done = subprocess.run(
        ["sh", "-c", text], capture_output=True, text=True, check=True,
        env={"JAVA_HOME": str(java), "PATH": f"{tools}:/usr/bin:/bin", "IAM_JAVA_OPTS": "-Da=b"},
    )  # fmt: skip
    *imports, started = done.stdout.splitlines()
    assert [line.split("-alias ")[1].split()[0] for line in imports] == ["site-1", "site-2"]
    assert started.startswith(f"java -Da=b -Djavax.net.ssl.trustStore={tmp_path}/cacerts org.springframework.boot")
    assert (tmp_path / "cacerts").read_text() == "the usual ones\n"

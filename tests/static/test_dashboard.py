"""The traps of the Dashboard (charts/dashboard/contract.yaml), a test each: what is rendered, what is refused."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.model.contract import Need
from tests import support
from tests.support import Chart, secret

pytestmark = pytest.mark.static

chart = Chart("dashboard")

TEMPLATES = {"repository": "https://git.example.org/tosca-templates.git", "revision": "v5.0.0"}
SETTINGS = {"repository": "https://git.example.org/dashboard-configuration.git", "revision": "0123abc"}
VAULT = {"VAULT_URL": "https://vault.example.org", "VAULT_ROLE": "dashboard", "VAULT_BOUND_AUDIENCE": "paas"}
MAIL = {"host": "smtp.example.org", "from": "paas@example.org", "support": "help@example.org"}
FOLDERS = ("FLASK_TOSCA_TEMPLATES_DIR", "FLASK_SETTINGS_DIR", "FLASK_UPLOAD_FOLDER")
WITH_VAULT = {"features": {"vault": True}, "settings": VAULT}


def file(name: str, **values: Any) -> dict[str, Any]:
    """Return one of the JSON files in /app/instance."""
    parsed: dict[str, Any] = json.loads(chart.config(**values)[f"app.instance.{name}"])
    return parsed


def read(value: str, **secrets: str) -> Any:
    """Return what the software makes of a variable: Kubernetes puts secrets in, Flask parses JSON or keeps the text."""
    for name, text in secrets.items():
        value = value.replace(f"$({name})", text)
    try:
        return json.loads(value)
    except ValueError:
        return value


def container_of(workload: support.Object) -> dict[str, Any]:
    found: dict[str, Any] = workload["spec"]["template"]["spec"]["containers"][0]
    return found


# --- configuration


def test_config_json_mandatory_and_its_neighbours_are_mounted_in_pod_and_job() -> None:
    def complete(spec: dict[str, Any]) -> None:
        mounts = {item["mountPath"]: item["name"] for item in spec["containers"][0]["volumeMounts"]}
        (source,) = [item["configMap"] for item in spec["volumes"] if item["name"] == mounts["/app/instance"]]
        assert {item["path"] for item in source["items"]} == {"config.json", "vault-config.json", "s3-config.json"}

    complete(chart.pod())
    complete(chart.job()["spec"]["template"]["spec"])
    assert file("config.json") == {}
    without = copy.deepcopy(chart.pod())
    without["volumes"] = [item for item in without["volumes"] if "configMap" not in item]
    with pytest.raises(ValueError):
        complete(without)


def test_log_level_upper_case() -> None:
    assert chart.env()["FLASK_LOG_LEVEL"] == "INFO"
    assert chart.env(settings={"FLASK_LOG_LEVEL": "DEBUG"})["FLASK_LOG_LEVEL"] == "DEBUG"
    assert "FLASK_LOG_LEVEL" in chart.refusal(settings={"FLASK_LOG_LEVEL": "info"})


def test_iam_base_url_no_slash() -> None:
    for written in ("https://iam.example.org", "https://iam.example.org/"):
        urls = {"urls": support.URLS | {"iam": written}}
        found = chart.env(**{"global": urls})["FLASK_IAM_BASE_URL"]
        assert found + "/.well-known/openid-configuration" == "https://iam.example.org/.well-known/openid-configuration"
    assert "FLASK_IAM_BASE_URL" in chart.refusal(settings={"FLASK_IAM_BASE_URL": "https://iam.example.org/"})


@pytest.mark.parametrize("digits", ["12345678901234567890123456789012", "1e9", "true", "null"])
def test_env_parsed_as_json_leaves_secrets_texts(digits: str) -> None:
    found = chart.env()
    for name, inner in (
        ("FLASK_SECRET_KEY", "DASHBOARD_SECRET_KEY"),
        ("FLASK_IAM_CLIENT_ID", "DASHBOARD_IAM_CLIENT_ID"),
        ("FLASK_IAM_CLIENT_SECRET", "DASHBOARD_IAM_CLIENT_SECRET"),
    ):
        assert read(found[name], **{inner: digits}) == digits
        assert read(f"$({inner})", **{inner: digits}) != digits, "without the quotes the test would show nothing"
        assert found[inner]["secretKeyRef"]["name"] == "dashboard-app"


def test_env_parsed_as_json_leaves_settings_what_they_are() -> None:
    found = chart.env(adminGroups=["admins/paas", "2026"], settings={"FLASK_NAVBAR_BRAND_TEXT": '"2026"'})
    assert read(found["FLASK_IAM_ADMIN_GROUPS"]) == ["admins/paas", "2026"]
    assert read(found["FLASK_IAM_SCOPE"]) == ["openid", "profile", "email", "offline_access"]
    assert read(found["FLASK_SQLALCHEMY_ENGINE_OPTIONS"]) == {"pool_pre_ping": True}
    assert read(found["FLASK_NAVBAR_BRAND_TEXT"]) == "2026"
    wrong = {
        "FLASK_NAVBAR_BRAND_TEXT": "2026",
        "FLASK_WELCOME_MESSAGE": "null",
        "FLASK_EXTERNAL_LINKS": "[{'url': 'https://status.example.org'}]",
        "FLASK_S3_IAM_GROUPS": "users",
        "FLASK_MAIL_DEBUG": "False",
    }
    message = chart.refusal(settings=wrong)
    for name in wrong:
        assert f"dashboard.settings.{name}" in message


def test_developer_defaults_are_all_replaced() -> None:
    upstream = ("developer", "localhost", "relay", "iam.cloud.infn.it")
    found = chart.env()
    for name, declared in chart.contract.settings.items():
        if declared.where == "env" and any(word in str(declared.default) for word in upstream):
            assert name in found, f"{name} keeps upstream's own value"
            assert found[name] != declared.default
    required = {name for name, item in chart.contract.settings.items() if item.required}
    for name in ("IAM_CLIENT_SECRET", "ORCHESTRATOR_URL", "MAIL_SERVER", "SUPPORT_EMAIL", "SETTINGS_DIR"):
        assert f"FLASK_{name}" in required, f"{name}: forgetting it in the wiring would not be refused"
    assert found["FLASK_MAIL_SUPPRESS_SEND"] == "true"
    assert found["FLASK_SUPPORT_EMAIL"] == ""
    assert "dashboard.mail" in chart.refusal(mail={"host": "smtp.example.org"})
    sent = chart.env(mail=MAIL | {"encryption": "starttls", "authenticated": True})
    assert sent["FLASK_MAIL_SUPPRESS_SEND"] == "false"
    assert (sent["FLASK_MAIL_USE_TLS"], sent["FLASK_MAIL_USE_SSL"]) == ("true", "false")
    assert sent["FLASK_MAIL_PASSWORD"] == secret("dashboard-mail", "password")


def test_profile_overrides_env_and_is_refused_where_it_would() -> None:
    other = VAULT | {"FLASK_CONFIGURATION_PROFILE": "ai4eosc"}
    assert "aai.cloud.ai4eosc.eu" in chart.refusal(settings=other, features={"vault": True})
    look = {"FLASK_CONFIGURATION_PROFILE": "recas", "FLASK_WELCOME_MESSAGE": "Hello"}
    assert "FLASK_WELCOME_MESSAGE" in chart.refusal(settings=look)
    profile = {"FLASK_CONFIGURATION_PROFILE": "infn-cloud"}
    message = chart.refusal(
        settings=VAULT | profile, features={"vault": True, "accessRequest": True, "portsRequest": False}
    )
    assert "dashboard.features.accessRequest: is true" in message
    assert "dashboard.features.portsRequest: is false" in message
    agreeing = chart.env(settings=VAULT | profile, features={"vault": True, "accessRequest": False})
    assert agreeing["FLASK_CONFIGURATION_PROFILE"] == "infn-cloud"
    assert chart.env(settings={"FLASK_CONFIGURATION_PROFILE": "xdc"})


def platform(modes: dict[str, Any], **urls: str) -> dict[str, Any]:
    return {"global": {"components": modes, "urls": {**support.URLS, **urls}}}


def test_vault_config_mandatory_with_the_feature() -> None:
    assert file("vault-config.json") == {}
    with_feature: dict[str, Any] = {"features": {"vault": True}}
    derived = file("vault-config.json", **with_feature)
    assert {name: derived[name] for name in VAULT} == {
        "VAULT_URL": "http://openbao:8200", "VAULT_ROLE": "dashboard", "VAULT_BOUND_AUDIENCE": "dashboard"
    }  # fmt: skip
    assert VAULT.items() <= file("vault-config.json", **WITH_VAULT).items(), "what a site writes wins"
    off = platform({"openbao": {"mode": "off"}})
    message = chart.refusal(**with_feature, **off)
    assert "dashboard.features.vault: is on, but global.components.openbao.mode is off" in message
    assert "features.vault" in chart.refusal(settings={"FLASK_FEATURE_VAULT_INTEGRATION": "yes"}, **off)
    assert file("vault-config.json", **WITH_VAULT, **off)["VAULT_URL"] == VAULT["VAULT_URL"]
    assert "features.vault" in chart.refusal(settings=VAULT), "written, and nothing would read it"


def test_the_vault_is_named_as_machines_at_the_providers_reach_it() -> None:
    def named(**values: Any) -> str:
        return str(file("vault-config.json", features={"vault": True}, **values)["VAULT_URL"])

    public = "https://vault.example.org"
    assert named(**platform({}, openbao=public)) == public
    assert named(**platform({"openbao": {"mode": "external"}}, openbao=public)) == public
    assert "global.urls.openbao" in chart.refusal(
        features={"vault": True}, **platform({"openbao": {"mode": "external"}})
    )
    audience = {"global": {"audiences": {"dashboard": "paas"}}}
    assert file("vault-config.json", features={"vault": True}, **audience)["VAULT_BOUND_AUDIENCE"] == "paas"
    vault = support.config(support.render_chart("openbao", audience), "openbao")
    (role,) = [json.loads(text) for name, text in vault.items() if name.endswith("role-dashboard.json")]
    assert role["bound_audiences"] == ["paas"], "the vault takes what the Dashboard asks for"


def test_the_registry_is_asked_wherever_it_runs_unless_a_site_is_not_yet_moved() -> None:
    assert chart.env()["FLASK_FED_REG_URL"] == "http://federation-registry:8000/api"
    away = platform({"federation-registry": {"mode": "external"}}, **{"federation-registry": "https://r.example.org"})
    assert chart.env(**away)["FLASK_FED_REG_URL"] == "https://r.example.org/api"
    assert "FLASK_FED_REG_URL" not in chart.env(**platform({"federation-registry": {"mode": "off"}}))
    for name, url in (("FLASK_SLAM_URL", "https://slam.example.org/rest/slam"), ("FLASK_CMDB_URL", "https://cmdb.x")):
        found = chart.env(settings={name: url})
        assert found[name] == url
        assert "FLASK_FED_REG_URL" not in found, "the software would not ask the retired service"


def test_shown_addresses_are_public_ones() -> None:
    off = {"rucio-connector": {"mode": "off"}}
    assert not {"FLASK_IM_URL", "FLASK_RUCIO_CONNECTOR_URL"} & set(chart.env(**platform(off)))
    found = chart.env(**platform({}, im="https://im.example.org", **{"rucio-connector": "https://rucio.example.org"}))
    assert found["FLASK_IM_URL"] == "https://im.example.org"
    assert found["FLASK_RUCIO_CONNECTOR_URL"] == "https://rucio.example.org"
    assert found["FLASK_RUCIO_CONNECTOR_ENABLE"] == "yes"


def test_two_vault_mounts_are_written_out() -> None:
    assert file("vault-config.json", **WITH_VAULT)["VAULT_SECRETS_PATH"] == "secrets"
    other = file("vault-config.json", features={"vault": True}, settings=VAULT | {"VAULT_SECRETS_PATH": "users"})
    assert other["VAULT_SECRETS_PATH"] == "users"
    assert "version 1" in chart.contract.settings["VAULT_SECRETS_PATH"].trap
    assert "VAULT_SECRETS_PATH" in chart.refusal(settings={"VAULT_SECRETS_PATH": "users"})


def test_s3_config_mandatory_with_the_feature() -> None:
    endpoints = [{"url": "https://s3.example.org", "auth_url": "https://keystone.example.org:5000/v3", "mapping": []}]
    written = file("s3-config.json", features={"s3": True}, settings={"S3_ENDPOINTS": json.dumps(endpoints)})
    assert written == {"S3_ENDPOINTS": endpoints}
    assert file("s3-config.json") == {}
    assert "S3_ENDPOINTS" in chart.refusal(features={"s3": True})
    assert "S3_ENDPOINTS" in chart.refusal(features={"s3": True}, settings={"S3_ENDPOINTS": "https://s3.example.org"})


def test_ssh_keys_without_vault_are_refused() -> None:
    assert "dashboard.features.sshKeys" in chart.refusal(features={"sshKeys": True})
    assert "infn-cloud demands SSH keys" in chart.refusal(settings={"FLASK_CONFIGURATION_PROFILE": "infn-cloud"})
    found = chart.env(features={"vault": True, "sshKeys": True}, settings=VAULT)
    assert found["FLASK_FEATURE_REQUIRE_USER_SSH_PUBKEY"] == "yes"


# --- catalogue and files


def inside(objects: list[support.Object], name: str) -> str:
    """Return the mount below which the folder of a setting lies; the folder itself must not be one."""
    folder = PurePosixPath(support.environment(objects, "dashboard")[name])
    mounts = [PurePosixPath(item["mountPath"]) for item in support.container(objects, "dashboard")["volumeMounts"]]
    assert folder not in mounts, f"{folder} is a mount and cannot be removed"
    (parent,) = [mount for mount in mounts if mount in folder.parents]
    return str(parent)


def test_catalogue_mount_at_itself_never_happens() -> None:
    assert {inside(chart.render(), name) for name in FOLDERS} == {"/opt/dashboard"}
    for wrong in ("/opt/dashboard", "/srv/templates"):
        assert "FLASK_TOSCA_TEMPLATES_DIR" in chart.refusal(settings={"FLASK_TOSCA_TEMPLATES_DIR": wrong})
    mounted = copy.deepcopy(chart.render())
    support.container(mounted, "dashboard")["volumeMounts"].append({"mountPath": "/opt/dashboard/tosca-templates"})
    with pytest.raises(AssertionError):
        inside(mounted, "FLASK_TOSCA_TEMPLATES_DIR")


def test_upload_folder_not_writable_is_not_used() -> None:
    def writable(objects: list[support.Object]) -> None:
        mount = inside(objects, "FLASK_UPLOAD_FOLDER")
        mounts = {item["mountPath"]: item for item in support.container(objects, "dashboard")["volumeMounts"]}
        assert not mounts[mount].get("readOnly")

    writable(chart.render())
    assert chart.contract.settings["FLASK_UPLOAD_FOLDER"].default == "/opt/uploads"
    assert "FLASK_UPLOAD_FOLDER" in chart.refusal(settings={"FLASK_UPLOAD_FOLDER": "/opt/uploads"})


def test_catalogue_differs_between_pods_unless_it_is_in_git() -> None:
    assert "dashboard.replicas: 2 pods" in chart.refusal(replicas=2)
    assert chart.render(replicas=2, catalogue={"templates": TEMPLATES})
    assert "templates.revision" in chart.refusal(catalogue={"templates": {"repository": TEMPLATES["repository"]}})
    assert "revision" in chart.refusal(catalogue={"templates": TEMPLATES | {"revision": "v1'; reboot; '"}})
    with_token = TEMPLATES | {"repository": "https://user:token@git.example.org/x"}
    assert "repository" in chart.refusal(catalogue={"templates": with_token})


def start(folder: Path, git: str, **values: Any) -> subprocess.CompletedProcess[str]:
    """Run the pod's start script with a git and a gunicorn of ours; the catalogue's folders are in `folder`."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, text in (("git", git), ("gunicorn", 'echo gunicorn "$@"')):
        program = programs / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    found = chart.env(**values)
    folders = {name: str(folder / PurePosixPath(found[name]).name) for name in FOLDERS}
    variables = {"PATH": f"{programs}:{os.environ['PATH']}", "WORKERS": "2", "TIMEOUT": "60"} | folders
    script = chart.container(**values)["args"][0]
    return subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True, timeout=30, check=False)


WORKING_GIT = 'case "$1" in init) mkdir -p "$3";; *) for last; do :; done; echo "$last" > "$2/what";; esac'


def test_catalogue_of_an_earlier_start_stays_when_git_does_not_answer(tmp_path: Path) -> None:
    values = {"catalogue": {"templates": TEMPLATES, "settings": SETTINGS}}
    first = start(tmp_path, WORKING_GIT, **values)
    assert first.returncode == 0, first.stderr
    assert "gunicorn --bind 0.0.0.0:5001 --workers 2" in first.stdout
    copies = [tmp_path / "tosca-templates", tmp_path / "dashboard-configuration"]
    assert all((copied / "what").exists() for copied in copies)
    later = start(tmp_path, 'test "$1" = init', **values)
    assert later.returncode == 0
    assert "an earlier start stays" in later.stdout
    assert all((copied / "what").exists() for copied in copies)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    never = start(fresh, 'test "$1" = init', **values)
    assert never.returncode == 1
    assert "dashboard.catalogue" in never.stdout


def test_catalogue_of_private_repositories_puts_no_token_into_a_command_line() -> None:
    values = {"catalogue": {"templates": TEMPLATES, "private": True}}
    assert chart.env(**values)["CATALOGUE_TOKEN"] == secret("dashboard-catalogue", "token")
    script = chart.container(**values)["args"][0]
    assert 'credential.helper=\'!f() { echo "username=$CATALOGUE_USERNAME"' in script
    assert "dashboard.catalogue.private" in chart.refusal(catalogue={"private": True})


# --- stores


def number(url: str) -> str:
    return urlsplit(url).path


def test_migration_empties_catalogue_of_no_pod() -> None:
    def apart(pods: str, migration: str) -> None:
        assert number(pods) != number(migration), "the Job would write its empty catalogue over that of the pods"

    variables = {item["name"]: item.get("value") for item in container_of(chart.job())["env"]}
    urls = (chart.env()["FLASK_REDIS_URL"], str(variables["FLASK_REDIS_URL"]))
    apart(*urls)
    assert urlsplit(urls[0]).netloc == urlsplit(urls[1]).netloc
    with pytest.raises(AssertionError):
        apart(urls[0], urls[0])
    changed = container_of(chart.job(settings={"FLASK_LOG_LEVEL": "DEBUG"}))["env"]
    assert {"name": "FLASK_LOG_LEVEL", "value": "DEBUG"} in changed, "the site's settings reach the Job, too"


def test_redis_ping_or_exit_is_preceded_by_a_wait() -> None:
    assert chart.env()["FLASK_REDIS_URL"].startswith("redis://:$(DASHBOARD_VALKEY_PASSWORD)@valkey:6379/")
    for spec in (chart.pod(), chart.job()["spec"]["template"]["spec"]):
        (wait,) = [item for item in spec["initContainers"] if item["name"] == "wait-for-valkey"]
        assert "valkey 6379" in wait["args"][0]
    outside = {"components": {"valkey": {"mode": "external", "host": "cache.example.org", "port": 6380}}}
    assert "@cache.example.org:6380/" in chart.env(**{"global": outside})["FLASK_REDIS_URL"]
    nowhere = {"components": {"valkey": {"mode": "off"}}}
    assert "global.components.valkey.mode" in chart.refusal(**{"global": nowhere})


def test_rediss_half_read_cannot_be_written() -> None:
    assert urlsplit(chart.env()["FLASK_REDIS_URL"]).scheme == "redis"
    assert urlsplit(chart.env()["FLASK_REDIS_URL"]).username == "", "one reader ignores the user name"
    assert "FLASK_REDIS_URL" in chart.refusal(settings={"FLASK_REDIS_URL": "rediss://user:x@cache.example.org:6380/1"})


def test_password_in_url_comes_from_a_secret_and_needs_no_quoting() -> None:
    found = chart.env()
    uri = "mysql+pymysql://dashboard:$(DASHBOARD_DB_PASSWORD)@mariadb:3306/orchestrator_dashboard"
    assert found["FLASK_SQLALCHEMY_DATABASE_URI"] == uri
    assert found["DASHBOARD_DB_PASSWORD"] == secret("dashboard-db", "password")
    names = [item["name"] for item in chart.container()["env"]]
    assert names.index("DASHBOARD_DB_PASSWORD") < names.index("FLASK_SQLALCHEMY_DATABASE_URI")
    assert chart.contract.secrets["dashboard-db"].keys["password"].shape == "password"
    outside = {"components": {"mariadb": {"mode": "external", "host": "db.example.org"}}}
    assert "@db.example.org:3306/" in chart.env(**{"global": outside})["FLASK_SQLALCHEMY_DATABASE_URI"]
    assert "FLASK_SQLALCHEMY" in chart.refusal(
        settings={"FLASK_SQLALCHEMY_DATABASE_URI": "mysql+pymysql://u:p@ss/word@db/x"}
    )


def test_stale_connections_are_tried_before_use() -> None:
    name = "FLASK_SQLALCHEMY_ENGINE_OPTIONS"
    assert read(chart.env()[name])["pool_pre_ping"] is True
    assert "pool_pre_ping" not in read(chart.env(settings={name: '{"pool_recycle": 60}'})[name])
    assert name in chart.refusal(settings={name: "pool_pre_ping"})


# --- start, addresses


def test_https_only() -> None:
    for component in ("dashboard", "iam"):
        url = f"http://{component}.example.org"
        urls = {"urls": support.URLS | {component: url}}
        assert f"global.urls.{component}: {url} is not https" in chart.refusal(**{"global": urls})


def test_iam_unreachable_crash_loop_is_waited_out() -> None:
    def waits(spec: dict[str, Any]) -> None:
        scripts = {item["name"]: item["args"][0] for item in spec.get("initContainers", [])}
        assert "/.well-known/openid-configuration" in scripts["wait-for-iam"]

    waits(chart.pod())
    waits(chart.job()["spec"]["template"]["spec"])
    with pytest.raises(KeyError):
        waits(chart.pod() | {"initContainers": []})
    assert {edge.component: edge.need for edge in chart.contract.requires}["iam"] is Need.HARD
    assert "global.components.iam.mode" in chart.refusal(**{"global": {"components": {"iam": {"mode": "off"}}}})
    outside = chart.pod(**{"global": {"components": {"iam": {"mode": "external"}}}})["initContainers"]
    assert any("https://iam.example.org/.well-known/openid-configuration" in item["args"][0] for item in outside)


def test_failed_migration_ignored_by_nobody() -> None:
    def strict(objects: list[support.Object]) -> None:
        (migration,) = [item for item in objects if item["kind"] == "Job"]
        assert container_of(migration)["command"] == ["python3", "migrate_db.py"], "its exit status must be the Job's"
        assert migration["spec"]["template"]["spec"]["restartPolicy"] == "Never"
        script = support.container(objects, "dashboard")["args"][0]
        assert script.startswith("set -eu\n")
        assert "migrate_db" not in script
        assert "start.sh" not in script
        assert script.rstrip().splitlines()[-1].startswith("exec gunicorn ")

    strict(chart.render())
    as_upstream = copy.deepcopy(chart.render())
    support.container(as_upstream, "dashboard")["args"] = ["python3 migrate_db.py\nexec gunicorn orchdashboard:app\n"]
    with pytest.raises(AssertionError):
        strict(as_upstream)


def wave(item: support.Object) -> int:
    return int(item["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])


def test_migration_race_is_one_job_before_all_pods() -> None:
    objects = chart.render(replicas=3, catalogue={"templates": TEMPLATES})
    jobs = [item for item in objects if item["kind"] == "Job"]
    assert len(jobs) == 1
    assert wave(jobs[0]) < wave(support.find(objects, "StatefulSet", "dashboard"))
    names = {chart.job(image={"tag": tag})["metadata"]["name"] for tag in ("v4.6.6", "v4.6.7")}
    assert len(names) == 2, "a new version would not migrate: a Job of the same name is not run again"


def test_callback_is_open_so_the_orchestrator_is_told_the_address_inside() -> None:
    assert chart.env()["FLASK_CALLBACK_URL"] == "http://dashboard:5001/callback"
    outside = {"components": {"orchestrator": {"mode": "external"}}}
    found = chart.env(**{"global": outside})
    assert found["FLASK_CALLBACK_URL"] == "https://dashboard.example.org/callback"
    assert found["FLASK_ORCHESTRATOR_URL"] == "https://orchestrator.example.org"
    assert "FLASK_CALLBACK_URL" in chart.refusal(settings={"FLASK_CALLBACK_URL": "dashboard:5001/callback"})


def test_one_worker_blocks_neither_pages_nor_probe() -> None:
    def patient(spec: dict[str, Any]) -> None:
        container = spec["containers"][0]
        variables = {item["name"]: item.get("value") for item in container["env"]}
        readiness = container["readinessProbe"]
        assert int(variables["WORKERS"]) > 1
        assert readiness["httpGet"]["path"] == "/login"
        assert readiness["periodSeconds"] * readiness["failureThreshold"] > int(variables["TIMEOUT"])
        assert "tcpSocket" in container["livenessProbe"]
        drain = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert drain + int(variables["TIMEOUT"]) < spec["terminationGracePeriodSeconds"]

    patient(chart.pod())
    for wrong in ({"WORKERS": 1}, {"TIMEOUT": 75}):
        with pytest.raises(AssertionError):
            patient(chart.pod(settings=wrong))


def test_private_authority_is_trusted_by_every_client_in_the_pod() -> None:
    found = chart.env(**support.SITE_CA)
    names = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "GIT_SSL_CAINFO")
    assert {found[name] for name in names} == {"/etc/indigo-paas/ca/ca-bundle.crt"}
    assert not set(names) & set(chart.env())
    spec = chart.job(**{"global": {"trustedCa": {"configMap": "site-ca", "bundle": "all.pem"}}})["spec"]["template"][
        "spec"
    ]
    (source,) = [item["configMap"] for item in spec["volumes"] if item["name"] == "trusted-ca"]
    assert (source["name"], source["items"]) == ("site-ca", [{"key": "all.pem", "path": "ca-bundle.crt"}])


def test_every_profile_of_the_image_is_known_to_the_chart() -> None:
    text = (support.charts() / "dashboard" / "templates" / "_errors.tpl").read_text(encoding="utf-8")
    known = set(re.findall(r'^  "([a-z0-9-]+)" \(dict "look"', text, re.MULTILINE))
    assert known == set(chart.contract.settings["FLASK_CONFIGURATION_PROFILE"].allowed) - {"default"}

"""The traps of the Infrastructure Manager (charts/im/contract.yaml), a test each: what is rendered, what is refused."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.secrets.shapes import make
from tests import support
from tests.support import Chart, secret

pytestmark = pytest.mark.static

chart = Chart("im")

# where upstream's im.cfg (v1.19.1) differs from the defaults in IM/config.py
UPSTREAM_FILE = {
    "MAX_SIMULTANEOUS_LAUNCHES": "5",
    "ANSIBLE_INSTALL_TIMEOUT": "900",
    "PLAYBOOK_RETRIES": "3",
    "VM_TAG_USERNAME": "IM_USER",
    "VM_TAG_INF_ID": "IM_INFRA_ID",
}


def file(name: str, **values: Any) -> str:
    return chart.config(**values)[name]


def parsed(text: str) -> dict[str, str]:
    """Return section im as IM reads it: ConfigParser with its interpolation."""
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return {name.upper(): value for name, value in parser["im"].items()}


def options(**values: Any) -> dict[str, str]:
    return parsed(file("indigo-paas.im.im.cfg", **values))


def script(**values: Any) -> str:
    found: str = chart.container(**values)["args"][0]
    return found


def run_start(folder: Path, text: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the start script with folders of the test, and a stand-in for the software that tells where it is."""
    for name in ("cfg", "etc", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "cfg" / "im.cfg").write_text("[im]\nFORCE_OIDC_AUTH = True\n")
    (folder / "cfg" / "logging.conf").write_text("[loggers]\n")
    stand_in = folder / "im_service"
    stand_in.write_text('#!/bin/sh\npwd\necho "pid $$"\n')
    stand_in.chmod(0o755)
    here = text.replace("/indigo-paas/im/", f"{folder}/cfg/").replace("/etc/im/", f"{folder}/etc/")
    here = here.replace("cd /tmp", f"cd {folder}/tmp").replace("/usr/local/bin/im_service", str(stand_in))
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(["sh", "-c", here], capture_output=True, text=True, env=environment, check=False)


# --- stop and start


def test_xmlrpc_off_hangs_so_it_listens_where_nobody_comes() -> None:
    def stops(found: dict[str, str]) -> None:
        assert found["ACTIVATE_XMLRPC"] == "True", "SIGTERM would wait for itself in the main thread"
        assert found["XMLRCP_ADDRESS"] == "127.0.0.1", "XML-RPC would be open to the network"

    stops(options())
    for wrong in ({"ACTIVATE_XMLRPC": "False"}, {"XMLRCP_ADDRESS": "0.0.0.0"}):
        with pytest.raises(AssertionError):
            stops(options() | wrong)
    assert "ACTIVATE_XMLRPC" in chart.refusal(settings={"ACTIVATE_XMLRPC": False})
    assert "XMLRCP_ADDRESS" in chart.refusal(settings={"XMLRCP_ADDRESS": "0.0.0.0"})
    assert {port["port"] for port in chart.find("Service")["spec"]["ports"]} == {8800}
    assert script().rstrip().splitlines()[-1] == "exec /usr/local/bin/im_service", "a shell would swallow SIGTERM"
    assert chart.pod()["terminationGracePeriodSeconds"] >= 60


@pytest.mark.parametrize("password", ["pa@ss", "pa:ss", "pa/ss", "pa?ss", "pa#ss", "pa%40ss", "pa ss", 'pa"ss'])
def test_password_cut_in_url_ends_the_start_with_a_word(password: str, tmp_path: Path) -> None:
    done = run_start(tmp_path, script(), IM_DB_PASSWORD=password)
    assert done.returncode == 1
    assert "Secret im-db" in done.stdout
    assert password not in done.stdout + done.stderr, "the password must not be in the log"


def test_password_cut_in_url_never_happens_to_a_generated_one(tmp_path: Path) -> None:
    password = make(chart.contract.secrets["im-db"].keys["password"]).reveal().decode()
    done = run_start(tmp_path, script(), IM_DB_PASSWORD=password)
    assert done.returncode == 0, done.stdout
    found = chart.env()
    assert found["IM_DATA_DB"] == "mysql://im:$(IM_DB_PASSWORD)@mariadb:3306/im"
    assert found["IM_DB_PASSWORD"] == secret("im-db", "password")
    names = [item["name"] for item in chart.container()["env"]]
    assert names.index("IM_DB_PASSWORD") < names.index("IM_DATA_DB"), "$(...) sees only what stands before it"
    outside = {"components": {"mariadb": {"mode": "external", "host": "db.example.org", "port": 3307}}}
    assert chart.env(**{"global": outside})["IM_DATA_DB"].endswith("@db.example.org:3307/im")
    assert "IM_DATA_DB" in chart.refusal(settings={"IM_DATA_DB": "mysql://im:x@db/im"})


def test_log_to_file_only_is_replaced_by_standard_output() -> None:
    def right(text: str) -> None:
        parser = configparser.RawConfigParser()
        parser.read_string(text)
        (handler,) = parser["handlers"]["keys"].split(",")
        assert parser[f"handler_{handler}"]["class"] == "StreamHandler"
        assert "sys.stdout" in parser[f"handler_{handler}"]["args"]
        for logger in ("InfrastructureManager", "CloudConnector", "ConfManager"):
            assert parser[f"logger_{logger}"]["qualname"] == logger
            assert parser[f"logger_{logger}"]["handlers"] == handler

    text = file("indigo-paas.im.logging.conf")
    right(text)
    with pytest.raises(AssertionError):
        right(text.replace("class=StreamHandler", "class=handlers.RotatingFileHandler"))
    assert "level=DEBUG" in file("indigo-paas.im.logging.conf", logLevel="DEBUG")
    assert "logLevel" in chart.refusal(logLevel="debug")


def test_files_are_put_together_by_the_start(tmp_path: Path) -> None:
    done = run_start(tmp_path, script(), IM_DB_PASSWORD="Abc12345")
    assert done.returncode == 0, done.stderr
    assert parsed((tmp_path / "etc" / "im.cfg").read_text())["FORCE_OIDC_AUTH"] == "True"
    assert (tmp_path / "etc" / "im.cfg").stat().st_mode & 0o077 == 0
    assert (tmp_path / "etc" / "logging.conf").is_file()
    wanted = {"introspection": {"scopes": ["openid", "profile"]}}
    text = script(**wanted)
    done = run_start(tmp_path, text, IM_DB_PASSWORD="Abc12345", IM_OIDC_CLIENT_ID="one", IM_OIDC_CLIENT_SECRET="two")
    assert done.returncode == 0, done.stderr
    found = parsed((tmp_path / "etc" / "im.cfg").read_text())
    assert (found["OIDC_CLIENT_ID"], found["OIDC_CLIENT_SECRET"]) == ("one", "two")
    assert options(**wanted)["OIDC_SCOPES"] == "openid,profile"
    assert chart.env(**wanted)["IM_OIDC_CLIENT_SECRET"] == secret("im-oidc", "client-secret")
    assert "IM_OIDC_CLIENT_SECRET" not in chart.env()
    assert "im.introspection.scopes" in chart.refusal(settings={"OIDC_SCOPES": "openid"})


def test_tosca_cache_in_working_directory_that_can_be_written(tmp_path: Path) -> None:
    done = run_start(tmp_path, script(), IM_DB_PASSWORD="Abc12345")
    assert done.stdout.splitlines()[0] == str(tmp_path / "tmp"), "tosca_cache.sqlite would be made in /"
    without = script().replace("cd /tmp\n", "")
    assert run_start(tmp_path, without, IM_DB_PASSWORD="Abc12345").stdout.splitlines()[0] != str(tmp_path / "tmp")
    mounts = {item["mountPath"]: item.get("readOnly", False) for item in chart.pod()["containers"][0]["volumeMounts"]}
    for path in ("/tmp", "/var/tmp", "/etc/im"):
        assert mounts[path] is False


def test_ssh_needs_a_passwd_entry_for_the_number_of_the_pod() -> None:
    def known(spec: dict[str, Any], text: str) -> None:
        lines = [line.split(":") for line in text.splitlines()]
        numbers = {int(line[2]): line for line in lines}
        entry = numbers[spec["securityContext"]["runAsUser"]]
        assert entry[5] == chart.env()["HOME"], "ssh takes the home from here"

    text = file("etc.passwd")
    known(chart.pod(), text)
    other = chart.pod() | {"securityContext": {"runAsUser": 4711}}
    with pytest.raises(KeyError):
        known(other, text)
    mount = [item for item in chart.pod()["containers"][0]["volumeMounts"] if item["mountPath"] == "/etc/passwd"]
    assert mount[0]["subPath"] == "etc.passwd"


def test_key_for_proxy_hosts_is_where_the_home_is() -> None:
    assert not [item for item in chart.pod()["volumes"] if "secret" in item]
    spec = chart.pod(sshKey=True)
    (volume,) = [item for item in spec["volumes"] if "secret" in item]
    assert volume["secret"]["secretName"] == "im-ssh"
    assert volume["secret"]["items"] == [{"key": "id_rsa", "path": "id_rsa"}]
    mounts = {item["name"]: item["mountPath"] for item in spec["containers"][0]["volumeMounts"]}
    assert mounts[volume["name"]] == chart.env()["HOME"] + "/.ssh"


# --- who may use it


def test_issuer_trailing_slash_is_that_of_the_tokens() -> None:
    for written in ("https://iam.example.org", "https://iam.example.org/"):
        urls = {"urls": support.URLS | {"iam": written}}
        assert options(**{"global": urls})["OIDC_ISSUERS"] == "https://iam.example.org/"
    more = options(issuers=["https://other.example.org/realm"])["OIDC_ISSUERS"].split(",")
    assert more == ["https://iam.example.org/", "https://other.example.org/realm"]
    assert not re.search(r"\s", ",".join(more)), "a blank would become part of an issuer"
    assert "im.issuers" in chart.refusal(settings={"OIDC_ISSUERS": "https://other.example.org/"})
    assert "commas only" in chart.refusal(settings={"OIDC_GROUPS": "one, two"})
    assert "global.components.iam.mode" in chart.refusal(**{"global": {"components": {"iam": {"mode": "off"}}}})


def test_any_password_is_a_user_no_more() -> None:
    assert options()["FORCE_OIDC_AUTH"] == "True"
    assert chart.contract.settings["FORCE_OIDC_AUTH"].default == "False", "upstream's default is the trap"
    assert options(settings={"FORCE_OIDC_AUTH": False})["FORCE_OIDC_AUTH"] == "false", "a site may test without tokens"


def test_vault_url_without_path_is_refused() -> None:
    url = "https://vault.example.org:8200"
    assert "im.settings.VAULT_PATH" in chart.refusal(settings={"VAULT_URL": url})
    assert "im.settings.VAULT_PATH" in chart.refusal(settings={"VAULT_PATH": "#USER_SUB#"})
    found = options(settings={"VAULT_URL": url, "VAULT_PATH": "#USER_SUB#"})
    assert (found["VAULT_URL"], found["VAULT_PATH"]) == (url, "#USER_SUB#")
    assert not [name for name in options() if name.startswith("VAULT_")]


# --- how it runs


def test_single_pod_only() -> None:
    spec = chart.find("Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert "replicas" in chart.refusal(replicas=2)
    assert "INF_CACHE_TIME" in chart.refusal(settings={"INF_CACHE_TIME": 3600})
    assert "PodDisruptionBudget" not in {item["kind"] for item in chart.render()}


def test_clouds_not_verified_by_default_are_verified_here() -> None:
    assert options()["VERIFI_SSL"] == "True"
    assert "REQUESTS_CA_BUNDLE" not in chart.env()
    found = chart.env(trustedCa={"configMap": "site-ca"})
    assert {found[name] for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")} == {"/etc/indigo-paas/ca/ca-bundle.crt"}
    volumes = chart.pod(trustedCa={"configMap": "site-ca"})["volumes"]
    assert [item["configMap"]["name"] for item in volumes if item["name"] == "trusted-ca"] == ["site-ca"]


def test_percent_in_the_file_is_doubled() -> None:
    text = file("indigo-paas.im.im.cfg", settings={"DEFAULT_VM_NAME": "vm%(x)s-100%"})
    assert parsed(text)["DEFAULT_VM_NAME"] == "vm%(x)s-100%"
    with pytest.raises(configparser.InterpolationError):
        parsed(text.replace("%%", "%"))


def test_code_and_file_differ_and_the_file_wins() -> None:
    found = options()
    for name, value in UPSTREAM_FILE.items():
        assert found[name] == value, f"{name} falls back to the code's {chart.contract.settings[name].default}"
        assert chart.contract.settings[name].required
    assert int(found["MAX_CONTEXTUALIZATION_TIME"]) > 7200
    assert options(settings={"MAX_SIMULTANEOUS_LAUNCHES": 2})["MAX_SIMULTANEOUS_LAUNCHES"] == "2"


def test_runs_as_root_no_more() -> None:
    def restricted(spec: dict[str, Any]) -> None:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == chart.contract.image.uid > 0
        assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True

    restricted(chart.pod())
    with pytest.raises(AssertionError):
        restricted(chart.pod() | {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}})


def test_liveness_is_not_a_page_that_ten_long_calls_hold_back() -> None:
    container = chart.pod()["containers"][0]
    assert "tcpSocket" in container["livenessProbe"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/version"


def test_address_of_the_first_caller_reaches_no_machine() -> None:
    assert "VM_TAG_IM_URL" not in options()
    assert chart.contract.settings["VM_TAG_IM_URL"].unset
    for kind in ("startup", "readiness", "liveness"):
        probe = chart.container()[f"{kind}Probe"]
        headers = probe.get("httpGet", {}).get("httpHeaders", [])
        assert not [header for header in headers if header["name"].lower() == "authorization"], kind

"""The traps of OpenBao (charts/openbao/contract.yaml), a test each: what is rendered, what its scripts do."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.model.contract import Need
from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("openbao")

SELF_INIT = "-config=/openbao/init/self-init.json"
ACCESSOR = "auth_jwt_0123abcd"


def server(**values: Any) -> dict[str, Any]:
    """Return server.json."""
    parsed: dict[str, Any] = json.loads(chart.config(**values)["openbao.config.server.json"])
    return parsed


def first_start(**values: Any) -> dict[str, dict[str, Any]]:
    """Return the requests of the self-initialisation, by name and in order."""
    parsed = json.loads(chart.config(**values)["openbao.init.self-init.json"])
    requests = [entry for block in parsed["initialize"] for entry in block["platform"]["request"]]
    return {name: request for entry in requests for name, request in entry.items()}


def script(workload: support.Object) -> str:
    text: str = workload["spec"]["template"]["spec"]["containers"][0]["args"][0]
    return text


def later(**values: Any) -> dict[str, dict[str, Any]]:
    """Return what the Job sends: path -> data."""
    files = chart.config(**values)
    sent = re.findall(r"^send (\S+) (\S+)$", script(chart.job(**values)), re.MULTILINE)
    return {path: json.loads(files[f"openbao.requests.{name}.json"]) for path, name in sent}


def policy(name: str, **values: Any) -> str:
    text: str = later(**values)[f"sys/policies/acl/{name}"]["policy"]
    return text


def run(text: str, folder: Path, bao: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the chart with a `bao` of ours."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "bao"
    program.write_text(f"#!/bin/sh\n{bao}\n")
    program.chmod(0o755)
    found = {"PATH": f"{programs}:{os.environ['PATH']}"} | variables
    return subprocess.run(["sh", "-c", text], env=found, capture_output=True, text=True, timeout=30, check=False)


# --- the first start


def started(folder: Path, pod: str, known: str = "") -> list[str]:
    """Return the arguments that a pod's server gets, where the pods `known` say that they are initialised."""
    text = chart.container(replicas=3)["args"][0]
    status = f"""case "$1" in
    status) case "$*" in {known or "nobody"}) echo '  "initialized": true,';; *) exit 1;; esac;;
    *) echo "$@";;
    esac"""
    done = run(text, folder, status, POD_NAME=pod)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()


def test_only_one_pod_initialises(tmp_path: Path) -> None:
    assert SELF_INIT in started(tmp_path, "openbao-0")
    for pod in ("openbao-1", "openbao-2"):
        assert SELF_INIT not in started(tmp_path, pod)
    lost = started(tmp_path, "openbao-0", "*openbao-2.openbao-peers*")
    assert SELF_INIT not in lost, "it would found a second cluster"
    assert started(tmp_path, "openbao-1")[0] == "server"


def test_self_init_runs_once_and_a_job_brings_what_changes() -> None:
    first = {request["path"] for request in first_start().values() if request["operation"] == "update"}
    sent = later()
    assert set(sent) < first, "the Job sends a part of the same list"
    assert first - set(sent) == {
        "sys/auth/userpass", "sys/policies/acl/admin", "auth/userpass/users/admin", "sys/mounts/secret",
        "sys/mounts/secrets", "sys/auth/jwt",
    }  # fmt: skip
    changed = {"global": {"audiences": {"orchestrator": "paas", "dashboard": "paas"}}}
    assert later(**changed)["auth/jwt/role/dashboard"]["bound_audiences"] == ["paas"]
    assert chart.job()["metadata"]["name"] != chart.job(**changed)["metadata"]["name"], (
        "a Job of the same name does not run again"
    )


def test_self_init_interrupted_by_nothing_from_outside() -> None:
    requests = first_start()
    assert requests["jwt-config"]["data"]["skip_jwks_validation"] is True
    assert [edge.component for edge in chart.contract.requires if edge.need is Need.HARD] == []
    assert not [name for name, request in requests.items() if request.get("allow_failure")], "a part would be missing"
    probe = chart.container()["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 120
    names = list(requests)
    assert names.index("policy-admin") < names.index("user-admin")
    assert names.index("mount-jwt") < names.index("read-jwt") < names.index("policy-dashboard")


def test_issuer_not_there_yet_does_not_matter() -> None:
    for data in (first_start()["jwt-config"]["data"], later()["auth/jwt/config"]):
        assert data["skip_jwks_validation"] is True
    (edge,) = [edge for edge in chart.contract.requires if edge.component == "iam"]
    assert edge.need is Need.SOFT
    assert "initContainers" not in chart.pod()


def test_no_root_token_no_recovery_keys_but_an_administrator() -> None:
    user = first_start()["user-admin"]["data"]
    assert user["token_policies"] == ["admin"]
    assert (user["password"]["env_var"], user["password"]["require_present"]) == ("OPENBAO_ADMIN_PASSWORD", True)
    assert chart.env()["OPENBAO_ADMIN_PASSWORD"] == {"secretKeyRef": {"name": "openbao-admin", "key": "password"}}
    assert 'path "*"' in first_start()["policy-admin"]["data"]["policy"]
    assert "sys/policies/acl/admin" not in later(), "what an administrator made of it stays"


# --- who may what


def test_issuer_slash_is_that_of_iam() -> None:
    for url in ("https://iam.example.org", "https://iam.example.org/"):
        data = later(**{"global": {"urls": support.URLS | {"iam": url}}})["auth/jwt/config"]
        assert data["oidc_discovery_url"] == data["bound_issuer"] == "https://iam.example.org/"
    assert later(issuer="https://login.example.org/realms/x")["auth/jwt/config"]["bound_issuer"].endswith("/realms/x")
    assert "openbao.issuer" in chart.refusal(issuer="login.example.org")
    off = {"components": {"iam": {"mode": "off"}}}
    assert "openbao.issuer" in chart.refusal(**{"global": off})
    assert later(issuer="https://iam.example.org/", **{"global": off})


def test_two_mounts_nearly_the_same_have_their_versions() -> None:
    requests = first_start()
    versions = {name: requests[f"mount-{name}"]["data"]["options"]["version"] for name in ("secret", "secrets")}
    assert versions == {"secret": "1", "secrets": "2"}
    for name in ("orchestrator", "dashboard"):
        assert 'path "secret/data/{{identity.entity.id}}/*"' in policy(name)
        assert re.search(r'path "secrets/data/\{\{identity\.entity\.aliases\.[^}]+\.name\}\}/\*"', policy(name))


FAKE = f"""case "$1 $2" in
"write -field=token") cat >/dev/null; echo s.token;;
"read -field=accessor") echo {ACCESSOR};;
"write "*) printf '%s %s\\n' "$2" "$(tr -d '\\n')" >> "$SENT";;
esac"""


def configured(folder: Path, bao: str = FAKE) -> dict[str, str]:
    """Run the Job's script and return what a server would get: path -> data."""
    files = folder / "requests"
    files.mkdir(exist_ok=True)
    for key, text in chart.config().items():
        if key.startswith("openbao.requests."):
            (files / key.removeprefix("openbao.requests.")).write_text(text)
    text = script(chart.job()).replace("/openbao/requests", str(files))
    done = run(text, folder, bao, SENT=str(folder / "sent"), BAO_ADDR="x", OPENBAO_ADMIN_PASSWORD="secret-of-a-test")
    assert done.returncode == 0, done.stdout
    assert "secret-of-a-test" not in done.stdout + done.stderr
    return dict(line.split(" ", 1) for line in (folder / "sent").read_text().splitlines())


def test_accessor_in_policies_is_the_one_that_openbao_made(tmp_path: Path) -> None:
    sent = configured(tmp_path)
    assert set(sent) == set(later())
    assert not any("JWT_ACCESSOR" in data for data in sent.values())
    assert f"aliases.{ACCESSOR}.name" in sent["sys/policies/acl/read_only"]
    for name, request in first_start().items():
        data = request.get("data", {}).get("policy", "")
        if isinstance(data, str):
            assert "JWT_ACCESSOR" not in data, f"{name} would be written as it is"
        else:
            assert data["eval_source"] == "template"
            assert '"read-jwt" "data" "accessor"' in data["template"]


def test_accessor_job_says_when_the_password_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="openbao-admin"):
        configured(tmp_path, 'test "$1 $2" != "write -field=token"')


def test_tokens_of_any_policy_are_not_made() -> None:
    def bounded(text: str) -> None:
        assert re.findall(r'path "(auth/[^"]+)"', text) == ["auth/token/create"]
        allowed = re.search(r'"policies" = (\[.*\])$', text, re.MULTILINE)
        assert allowed, "any policy could be asked for"
        assert json.loads(allowed[1]) == [["read_only"], ["write_only"], ["delete_only"]]

    bounded(policy("dashboard"))
    assert "auth/token" not in policy("orchestrator")
    with pytest.raises(AssertionError):
        bounded('path "auth/token/*" {\n  capabilities = ["create", "sudo"]\n}\n')
    with pytest.raises(AssertionError):
        bounded('path "auth/token/create" {\n  capabilities = ["create", "sudo"]\n}\n')
    for role in ("orchestrator", "dashboard"):
        assert later()[f"auth/jwt/role/{role}"]["token_policies"] == [role]
        assert later()[f"auth/jwt/role/{role}"]["bound_audiences"] == [role], "a role without audiences takes no token"


def test_token_without_times_is_not_let_in_by_leeways() -> None:
    for role in ("orchestrator", "dashboard"):
        found = later()[f"auth/jwt/role/{role}"]
        assert not [name for name in found if name.endswith("leeway")]
        assert (found["role_type"], found["user_claim"]) == ("jwt", "sub")


def test_nobody_checks_certificates_so_few_get_in() -> None:
    def few(objects: list[support.Object]) -> None:
        ingress = support.find(objects, "NetworkPolicy", "openbao")["spec"]["ingress"]
        for rule in ingress:
            assert rule["from"], "everybody could read along"
            for peer in rule["from"]:
                assert set(peer) <= {"podSelector", "namespaceSelector"}
                assert all(selector["matchLabels"] for selector in peer.values())

    few(chart.render())
    opened = copy.deepcopy(chart.render())
    support.find(opened, "NetworkPolicy", "openbao")["spec"]["ingress"].append({"from": []})
    with pytest.raises(AssertionError):
        few(opened)


def test_no_upgrade_in_place_from_vault_so_mounts_are_as_there() -> None:
    paths = {request["path"] for request in first_start().values()}
    assert {"sys/mounts/secret", "sys/mounts/secrets", "sys/auth/jwt"} <= paths
    trap = next(item for item in chart.contract.traps if item.id == "no-upgrade-in-place-from-vault")
    assert "by the API" in trap.answer


# --- the seal


def test_seal_key_lost_by_nothing_that_the_chart_does() -> None:
    seal = server()["seal"]["static"]
    assert (seal["current_key_id"], seal["current_key"]) == ("1", "env://OPENBAO_SEAL_KEY")
    assert chart.env()["OPENBAO_SEAL_KEY"] == {"secretKeyRef": {"name": "openbao-seal", "key": "key"}}
    assert chart.contract.secrets["openbao-seal"].keys["key"].shape == "base64-32"
    assert "openbao.seal.previousKeyId" in chart.refusal(seal={"keyId": "2", "previousKeyId": "2"})
    names = [item["name"] for item in chart.job()["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert "OPENBAO_SEAL_KEY" not in names, "the Job needs no seal key"


def test_seal_key_change_needs_recovery_keys() -> None:
    assert "rotate-keys -target=recovery -init" in chart.contract.options["seal"].meaning
    assert "OPENBAO_PREVIOUS_SEAL_KEY" not in chart.env()
    changing = {"seal": {"keyId": "2", "previousKeyId": "1"}}
    assert chart.env(**changing)["OPENBAO_PREVIOUS_SEAL_KEY"]["secretKeyRef"]["name"] == "openbao-seal-previous"
    seal = server(**changing)["seal"]["static"]
    assert (seal["previous_key_id"], seal["previous_key"]) == ("1", "env://OPENBAO_PREVIOUS_SEAL_KEY")


def test_one_key_objects_in_json_are_avoided() -> None:
    def readable(configuration: dict[str, Any]) -> None:
        ((_, devices),) = configuration["audit"][0].items()
        assert all(len(device) > 1 for device in devices.values())

    readable(server())
    with pytest.raises(AssertionError):
        readable({"audit": [{"file": {"stdout": {"options": {"file_path": "stdout"}}}}]})
    assert "audit" not in server(audit=False)


# --- several pods


def test_even_number_of_pods_is_refused() -> None:
    for replicas in (2, 4):
        assert "openbao.replicas" in chart.refusal(replicas=replicas)
    for replicas in (1, 3, 5):
        assert chart.find("StatefulSet", replicas=replicas)["spec"]["replicas"] == replicas
    assert "/replicas" in chart.refusal(replicas=7)


def test_voters_after_twenty_seconds_are_waited_for() -> None:
    assert "20 s" in chart.contract.replicas.why
    objects = chart.render(replicas=3)
    assert support.find(objects, "PodDisruptionBudget", "openbao")["spec"]["maxUnavailable"] == 1
    assert not [item for item in chart.render() if item["kind"] == "PodDisruptionBudget"]
    assert "BAO_RAFT_RETRY_JOIN_AS_NON_VOTER" not in chart.env(replicas=3), "it would never become a voter"


def test_scale_down_keeps_the_quorum_of_the_rest() -> None:
    keep = chart.find("StatefulSet", replicas=3)["spec"]["persistentVolumeClaimRetentionPolicy"]
    assert keep == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert server(replicas=1) == server(replicas=3), "another number of pods would restart those that run"
    trap = next(item for item in chart.contract.traps if item.id == "scale-down-keeps-the-quorum")
    assert "remove-peer" in trap.answer


def test_names_of_pods_before_they_are_ready() -> None:
    def named(objects: list[support.Object]) -> None:
        spec = support.find(objects, "StatefulSet", "openbao")["spec"]
        service = support.find(objects, "Service", spec["serviceName"])
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["publishNotReadyAddresses"] is True
        domain = service["metadata"]["name"]
        variables = support.environment(objects, "openbao")
        assert variables["BAO_CLUSTER_ADDR"] == f"https://$(POD_NAME).{domain}:8201"
        assert variables["BAO_API_ADDR"] == f"http://$(POD_NAME).{domain}:8200"

    named(chart.render(replicas=3))
    join = [item["leader_api_addr"] for item in server()["storage"]["raft"]["retry_join"]]
    assert join == [f"http://openbao-{number}.openbao-peers:8200" for number in range(5)]
    assert chart.env()["BAO_RAFT_NODE_ID"] == "$(POD_NAME)"
    hidden = copy.deepcopy(chart.render(replicas=3))
    support.find(hidden, "StatefulSet", "openbao")["spec"]["serviceName"] = "openbao"
    with pytest.raises((AssertionError, KeyError)):
        named(hidden)


def test_sigterm_reaches_the_server() -> None:
    def replaced(text: str) -> None:
        starts = [line.strip() for line in text.splitlines() if "bao server" in line]
        assert starts
        assert all(line.startswith("exec ") for line in starts)

    replaced(chart.container()["args"][0])
    with pytest.raises(AssertionError):
        replaced("bao server -config=/openbao/config/server.json\n")
    assert chart.pod()["terminationGracePeriodSeconds"] >= 30


def test_sealed_is_not_dead() -> None:
    container = chart.container()
    for kind in ("startupProbe", "livenessProbe"):
        path = container[kind]["httpGet"]["path"]
        assert "sealedcode=200" in path
        assert "uninitcode=200" in path
    assert container["readinessProbe"]["httpGet"]["path"] == "/v1/sys/health?standbyok=true"


def test_file_storage_is_never_used() -> None:
    for replicas in (1, 3):
        assert set(server(replicas=replicas)["storage"]) == {"raft"}
        assert server(replicas=replicas)["storage"]["raft"]["path"] == "/openbao/data"
    (claim,) = chart.find("StatefulSet")["spec"]["volumeClaimTemplates"]
    mounts = {item["mountPath"]: item["name"] for item in chart.container()["volumeMounts"]}
    assert mounts["/openbao/data"] == claim["metadata"]["name"]


# --- settings of the file


def test_settings_of_the_file_go_where_they_belong() -> None:
    found = server(
        settings={"storage.raft.performance_multiplier": "5", "listener.tcp.address": "127.0.0.1:8200", "ui": "true"}
    )
    assert (found["storage"]["raft"]["performance_multiplier"], found["ui"]) == ("5", "true")
    assert found["listener"][0]["tcp"]["address"] == "127.0.0.1:8200"
    assert server()["storage"]["raft"]["performance_multiplier"] == "2"
    assert "openbao.seal" in chart.refusal(settings={"seal.static.current_key_id": "2"})


def test_trusted_ca_is_mounted_where_go_reads_it() -> None:
    values = support.SITE_CA
    path = chart.env(**values)["SSL_CERT_FILE"]
    mounts = {item["name"]: item["mountPath"] for item in chart.container(**values)["volumeMounts"]}
    assert path == f"{mounts['trusted-ca']}/ca-bundle.crt"
    assert "SSL_CERT_FILE" not in chart.env()

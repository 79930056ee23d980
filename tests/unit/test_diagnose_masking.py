"""Nothing secret leaves a diagnosis, wherever in the cluster it stood: neither in its text nor in a bundle."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from harness.diagnose import Diagnosis, diagnose
from harness.diagnose.redact import is_secret_name, redact
from harness.report.masking import MASK, Masker
from tests.unit.fixtures.snapshots import GRAPH, Object, World

KEY = "\n".join(("-----BEGIN RSA PRIVATE KEY-----", *(f"MIIEowIBAAKCAQEA{'Zk9'[n % 3] * 40}{n:04}" for n in range(4)),
                 "-----END RSA PRIVATE KEY-----"))  # fmt: skip
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXN0LW1hcmtlciJ9.c2lnbmF0dXJlLW1hcmtlcg"
MARKERS = {
    "value of X_PASSWORD": "marker-env-3fZq81",
    "value with a slash": "/marker+slash/9aXw==",
    "in a URL": "marker-url-77Gh2p",
    "in an URL of a log": "marker-logurl-5Tq",
    "Authorization header": "bWFya2VyOmF1dGhvcml6YXRpb24=",
    "header of a probe": "marker-probe-header-44",
    "JSON web token": JWT,
    "private key": KEY.splitlines()[2],
    "cut private key": "MIIcutMarkerKeyLine000111222333444555666777888999aaabbbcccddd",
    "last-applied of a Secret": "marker-applied-19Kd",
    "data of a Secret": "marker-data-Lq02vv",
    "after a flag": "marker-flag-8sJJ",
    "in a ConfigMap": "marker-configmap-0pQ",
    "Helm parameter": "marker-parameter-4rX",
    "valuesObject": "marker-values-object-1",
    "in a condition": "marker-condition-xx1",
    "in an event": "marker-event-token-9z",
    "termination message": "marker-termination-5",
    "log": "marker-log-password-3",
    "annotation": "marker-annotation-77k",
    "known to the run": "marker known to the run",
}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def leaky() -> World:
    """Return a world with a marker wherever a careless chart, operator or program could have put a secret."""
    mark = MARKERS
    world = World().operation("Failed", f"one or more objects failed to apply: password={mark['in a condition']}")
    world.condition("SyncError", f"Failed last sync attempt: token: {mark['in a condition']}")
    world.app["spec"]["source"]["helm"] = {
        "parameters": [{"name": "portal.adminPassword", "value": mark["Helm parameter"]}],
        "valuesObject": {"portal": {"clientSecret": mark["valuesObject"], "tokenUrl": "https://iam.example.org/token"}},
    }
    world.app["spec"]["source"]["repoURL"] = f"https://git:{mark['in a URL']}@git.example.org/indigo.git"
    portal = world.workload("Deployment", "portal", 20, ready=False)
    spec = {
        "env": [
            {"name": "PORTAL_PASSWORD", "value": mark["value of X_PASSWORD"]},
            {"name": "ISSUER_CLIENT_SECRET", "value": mark["value with a slash"]},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "portal-app", "key": "session"}}},
            {"name": "DATABASE_URL", "value": f"mysql://portal:{mark['in a URL']}@store:3306/portal"},
        ],
        "args": ["--password", mark["after a flag"], "--verbose"],
        "readinessProbe": {"httpGet": {"path": "/", "httpHeaders": [
            {"name": "Authorization", "value": mark["header of a probe"]}]}},
    }  # fmt: skip
    end = {"exitCode": 1, "reason": "Error", "message": f"login failed: password={mark['termination message']}"}
    pod = world.pod(
        portal, {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}, last=end, restarts=3, spec=spec
    )
    applied = {"kind": "Secret", "metadata": {"name": "x"}, "stringData": {"any": mark["last-applied of a Secret"]}}
    applied["data"] = {"other": b64(mark["last-applied of a Secret"])}
    portal["metadata"]["annotations"] |= {"example.org/api-token": mark["annotation"]}
    config = world.add("ConfigMap", "portal-config", group="", data={
        "app.yaml": f"db:\n  password: {mark['in a ConfigMap']}\n", "session.key": KEY})  # fmt: skip
    last_applied = "kubectl.kubernetes.io/last-applied-configuration"
    config["metadata"]["annotations"][last_applied] = json.dumps(applied)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "portal-app", "namespace": "indigo-dev"}}
    places: tuple[Literal["resources", "pods", "applications"], ...] = ("resources", "pods", "applications")
    for place in places:  # where no Secret belongs
        value = mark["data of a Secret"]
        world.data[place].append({**secret, "data": {"password": b64(value)}, "stringData": {"x": value}})
    world.event(pod, "Unhealthy", f"Liveness probe failed: GET /?access_token={mark['in an event']}")
    world.log(
        pod, "portal",
        mark["cut private key"], "-----END PRIVATE KEY-----",
        f"connecting with {mark['data of a Secret']} and {mark['value of X_PASSWORD']}",
        f"jdbc:mysql://portal:{mark['in an URL of a log']}@store/portal refused",
        f"Authorization: Basic {mark['Authorization header']}", f"Authorization: Bearer {JWT}", KEY,
        f"PORTAL_PASSWORD={mark['log']} {b64(mark['data of a Secret'])} {mark['known to the run']}",
        f"error: {mark['in an URL of a log']} is not the password",
    )  # fmt: skip
    return world


def leaks(text: str) -> list[str]:
    spelled = {f"{where}, {how}": value for where, plain in MARKERS.items() for how, value in (
        ("plain", plain), ("base64", b64(plain)), ("escaped", json.dumps(plain)[1:-1]))}  # fmt: skip
    return [where for where, value in spelled.items() if value in text]


def test_every_marker_is_in_what_the_cluster_gave() -> None:
    there = leaks(json.dumps(leaky().data))
    assert {where.rpartition(", ")[0] for where in there} == set(MARKERS), "else the tests below prove nothing"


def found() -> Diagnosis:
    masker = Masker()
    masker.add(MARKERS["known to the run"])
    return diagnose(leaky().data, GRAPH, masker)


@pytest.mark.parametrize("form", ["to_text", "to_markdown", "to_json"])
def test_no_form_of_a_diagnosis_holds_a_secret(form: str) -> None:
    text = getattr(found(), form)()
    assert leaks(text) == []
    assert "portal (Deployment, wave 20) crashed 3 times" in text, "what an operator needs is still there"


def test_no_file_of_a_bundle_holds_a_secret(tmp_path: Path) -> None:
    servers = tmp_path / "servers"
    servers.mkdir()
    said = f"git fetch https://git:{MARKERS['in a URL']}@git.example.org with {MARKERS['data of a Secret']}\n"
    (servers / "argocd-repo-server.log").write_text(said)
    written = found().write_bundle(tmp_path / "bundle", servers)
    for path in written:
        assert leaks(path.read_text()) == [], path.name
    assert sorted(str(path.relative_to(tmp_path / "bundle")) for path in written) == [
        "applications.yaml",
        "argocd/argocd-repo-server.log",
        "diagnosis.json",
        "diagnosis.md",
        "events.txt",
        "pods/portal-7bbdb578bf-gtj77/portal.log",
        "resources.yaml",
    ]


def test_a_secret_too_short_to_be_known_by_its_value_is_hidden_by_its_place(tmp_path: Path) -> None:
    world = World()
    portal = world.workload("Deployment", "portal", 20, ready=True)
    env = [{"name": "A_PASSWORD", "value": "pw-env1"}]
    spec = {"env": env, "args": ["--token", "pw-flg2"]}
    world.pod(portal, {"running": {}}, spec=spec)
    portal["metadata"]["annotations"] |= {"example.org/api-token": "pw-ann3"}
    applied = {"data": {"x": "pw-lst4"}, "kind": "Secret", "metadata": {}}
    portal["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = json.dumps(applied)
    world.app["spec"]["source"]["helm"] = {"valuesObject": {"iam": {"passwords": ["pw-lis5"]}}}
    for path in world.diagnose().write_bundle(tmp_path):
        assert "pw-" not in path.read_text(), path.name


def test_the_objects_of_a_bundle_are_whole_but_for_secrets(tmp_path: Path) -> None:
    found().write_bundle(tmp_path)
    items = list(yaml.safe_load_all((tmp_path / "resources.yaml").read_text()))
    assert not [item for item in items if item["kind"] == "Secret"]
    assert not [item for item in items if "managedFields" in item["metadata"]]
    pod = next(item for item in items if item["kind"] == "Pod")
    env = {one["name"]: one.get("value", one.get("valueFrom")) for one in pod["spec"]["containers"][0]["env"]}
    assert env == {
        "PORTAL_PASSWORD": MASK,
        "ISSUER_CLIENT_SECRET": MASK,
        "DB_PASSWORD": {"secretKeyRef": {"name": "portal-app", "key": "session"}},
        "DATABASE_URL": f"mysql://portal:{MASK}@store:3306/portal",
    }
    application = next(iter(yaml.safe_load_all((tmp_path / "applications.yaml").read_text())))
    assert application["metadata"]["name"] == "indigo-root"


def test_a_later_bundle_leaves_no_log_of_an_earlier_one(tmp_path: Path) -> None:
    found().write_bundle(tmp_path)
    World().diagnose().write_bundle(tmp_path)
    assert not (tmp_path / "pods").exists()


def test_events_are_sorted_by_time_and_one_line_each(tmp_path: Path) -> None:
    world = World()
    store = world.workload("StatefulSet", "store", 0, ready=True)
    world.event(store, "Later", "two\nlines", age=10, count=3).event(store, "Earlier", "one", age=99, kind="Normal")
    world.diagnose().write_bundle(tmp_path)
    lines = (tmp_path / "events.txt").read_text().splitlines()
    assert lines == [
        "2026-11-23T11:58:21Z  Normal   StatefulSet/store  Earlier: one",
        "2026-11-23T11:59:50Z  Warning  StatefulSet/store  Later (x3): two lines",
    ]


def test_names_tell_which_setting_is_secret() -> None:
    secret = ["X_PASSWORD", "IAM_CLIENT_SECRET", "apiToken", "REDISCLI_AUTH", "session.key", "FERNET_KEY"]
    secret += ["Authorization", "mysql-root-password", "jwks", "privateKey"]
    plain = ["TOKEN_URL", "PASSWORD_FILE", "secretName", "topologyKey", "key", "tokenExpirationSeconds", "CLIENT_ID"]
    plain += ["SECRET_NAMESPACE", "name", "mountPath", "author", "keyPath"]
    assert [name for name in secret if not is_secret_name(name)] == []
    assert [name for name in plain if is_secret_name(name)] == []


def test_ordinary_words_survive_a_careless_secret() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/Deployment/portal", seconds=1000)
    portal = world.workload("Deployment", "portal", 20, ready=False)
    env = [{"name": "STORE_SECRET", "value": "store-root"}, {"name": "A_PASSWORD", "value": "password"}]
    world.data["secrets"] = {"store-root": ["password"]}
    message = "couldn't find key password in Secret indigo-dev/store-root"
    world.pod(portal, {"waiting": {"reason": "CreateContainerConfigError", "message": message}}, spec={"env": env})
    assert "Secret store-root has no key password" in world.diagnose().headline


def test_redaction_changes_nothing_in_what_it_was_given_and_is_stable() -> None:
    data = leaky().data
    before = json.dumps(data)
    once = redact(data, Masker())
    assert json.dumps(data) == before
    again: Any = redact(once, Masker())
    assert again == once


def test_a_secret_that_is_only_mentioned_keeps_its_name() -> None:
    world = World().operation("Running")
    world.track("Secret", "issuer-db", 0, group="")
    entry: Object = redact(world.data, Masker())["applications"][-1]["status"]["resources"][-1]
    assert entry["name"] == "issuer-db"

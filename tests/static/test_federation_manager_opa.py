"""The traps of the Federation-Manager's policies (charts/federation-manager-opa/contract.yaml), a test each."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.static.federation import ISSUER, URLS
from tests.support import Chart, sources

pytestmark = pytest.mark.static

NAME = "federation-manager-opa"
chart = Chart(NAME, urls=URLS)
ROLES: dict[str, list[str]] = {
    "admin": ["fed/admins"],
    "siteAdmin": ["fed/sites"],
    "siteTester": [],
    "userGroupManager": [],
    "slaManager": [],
}
FILES = ("data.json", "policy.rego", "authz.rego")


def files(**values: Any) -> dict[str, str]:
    found = chart.config(**values)
    return {name: found[f"policy.{name}"] for name in FILES}


def data(**values: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(files(**values)["data.json"])
    return parsed


def arguments(**values: Any) -> list[str]:
    found: list[str] = chart.container(**values)["args"]
    return found


def test_one_opa_per_application() -> None:
    def alone(who: set[str]) -> None:
        assert who == {"federation-manager"}

    alone(chart.sources())
    with pytest.raises(AssertionError):
        alone(sources(Chart("federation-manager", urls=URLS).render(), "federation-manager"))
    assert re.findall(r"^package (\S+)", files()["policy.rego"], re.M) == ["fed_mgr"]


def test_folder_loads_twice_so_files_are_named() -> None:
    def named(args: list[str]) -> None:
        paths = [item for item in args if item.startswith("/")]
        assert paths == [f"/policy/{name}" for name in FILES]

    named(arguments())
    with pytest.raises(AssertionError):
        named(["run", "--server", "/policy"])


def test_listens_on_localhost_unless_told() -> None:
    assert "--addr=0.0.0.0:8181" in arguments()
    assert "log-level" in chart.refusal(settings={"log-level": "loud"})
    assert "--log-level=debug" in arguments(settings={"log-level": "debug"})


def test_files_are_not_watched_so_a_change_makes_new_pods() -> None:
    before = support.pod(chart.render(), NAME)["metadata"]["annotations"]["checksum/config"]
    after = support.pod(chart.render(roles=ROLES), NAME)["metadata"]["annotations"]["checksum/config"]
    assert before != after


def test_issuer_letter_by_letter() -> None:
    assert data()["trusted_issuers"] == [{"endpoint": ISSUER, "claim": "groups"}]
    slash = {"urls": {**URLS, "iam": "https://iam.example.org/"}}
    assert data(**{"global": slash})["trusted_issuers"] == data()["trusted_issuers"]
    further = data(furtherIssuers=["https://other.example.org/"])["trusted_issuers"]
    assert [issuer["endpoint"] for issuer in further] == [ISSUER, "https://other.example.org/"]


def test_first_visit_needs_a_rule_that_every_role_has() -> None:
    permissions = data()["permissions"]
    assert set(permissions) == set(ROLES) - {"admin"}
    for role, allowed in permissions.items():
        assert {"method": "POST", "path": "/api/v1/users/"} in allowed, role
    assert "no such role" in chart.refusal(permissions={"nobody": []})
    assert "permissions" in chart.refusal(permissions={"siteAdmin": [{"method": "GET", "path": "api/v1/"}]})


def test_policy_can_be_replaced_by_the_values_only() -> None:
    assert "--authorization=basic" in arguments()
    authz = files()["authz.rego"]
    assert "package system.authz" in authz
    assert "default allow := false" in authz
    own = "package fed_mgr\nallow := true\n"
    assert files(policy=own)["policy.rego"] == own
    assert files(policy=own)["authz.rego"] == authz
    assert "package fed_mgr" in chart.refusal(policy="package other\n")


# --- what the policies say, where OPA is at hand

OPA = shutil.which("opa")


def decide(folder: Path, query: str, question: dict[str, Any], **values: Any) -> bool:
    """Ask OPA itself."""
    assert OPA
    command = [OPA, "eval", "--format=raw", "--stdin-input"]
    for name, text in files(**values).items():
        (folder / name).write_text(text)
        command += ["--data", str(folder / name)]
    done = subprocess.run([*command, query], input=json.dumps(question), capture_output=True, text=True, check=True)
    return done.stdout.strip() == "true"


def ask(folder: Path, group: str, method: str, path: str, issuer: str = ISSUER, **values: Any) -> bool:
    user = {"iss": issuer, "groups": [group]}
    question = {"user_info": user, "path": path, "method": method, "has_body": False}
    return decide(folder, "data.fed_mgr.allow", question, **({"roles": ROLES} | values))


@pytest.mark.skipif(OPA is None, reason="opa is not on the PATH")
def test_the_policy_decides_by_role_method_and_path(tmp_path: Path) -> None:
    assert ask(tmp_path, "fed/admins", "DELETE", "/api/v1/providers/1")
    assert ask(tmp_path, "fed/sites", "GET", "/api/v1/users/")
    assert ask(tmp_path, "fed/sites", "POST", "/api/v1/users/")
    assert not ask(tmp_path, "fed/sites", "GET", "/api/v1/users/1")
    assert not ask(tmp_path, "fed/sites", "DELETE", "/api/v1/users/")
    assert not ask(tmp_path, "others", "GET", "/api/v1/users/")
    assert not ask(tmp_path, "fed/admins", "GET", "/api/v1/users/", issuer=ISSUER.rstrip("/"))
    assert not ask(tmp_path, "fed/admins", "GET", "/api/v1/users/", issuer="https://evil.example.org/")
    wide = {"siteAdmin": [{"method": "GET", "path": "/api/v1/providers/*"}]}
    assert ask(tmp_path, "fed/sites", "GET", "/api/v1/providers/1", permissions=wide)
    assert not ask(tmp_path, "fed/sites", "GET", "/api/v1/providers/1/regions/", permissions=wide)


@pytest.mark.skipif(OPA is None, reason="opa is not on the PATH")
def test_opa_itself_answers_decisions_and_health_only(tmp_path: Path) -> None:
    def may(method: str, *path: str) -> bool:
        return decide(tmp_path, "data.system.authz.allow", {"method": method, "path": list(path)})

    assert may("GET", "health")
    assert may("POST", "v1", "data", "fed_mgr")
    assert may("GET", "v1", "data", "health")
    assert not may("PUT", "v1", "policies", "x")
    assert not may("PUT", "v1", "data", "fed_mgr")
    assert not may("GET", "v1", "data")
    assert not may("POST", "v1", "query")

"""The traps of the policy server (charts/orchestrator-python-opa/contract.yaml), a test each."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

NAME = "orchestrator-python-opa"
chart = Chart(NAME)


def arguments(**values: Any) -> list[str]:
    found: list[str] = chart.container(**values)["args"]
    return found


def file(name: str, **values: Any) -> str:
    return chart.config(**values)[f"policy.{name}"]


def data(**values: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(file("data.json", **values))
    return parsed


def test_open_for_changes_no_more() -> None:
    def closed(args: list[str], policy: str) -> None:
        assert "--authorization=basic" in args
        assert "/policy/access.rego" in args
        assert "default allow := false" in policy
        assert not re.search(r'"(PUT|PATCH|DELETE)"', policy)

    access = file("access.rego")
    closed(arguments(), access)
    assert access.startswith("package system.authz\n")
    assert set(re.findall(r'input.method == "([A-Z]+)"', access)) == {"GET", "POST"}
    with pytest.raises(AssertionError):
        closed([item for item in arguments() if "authorization" not in item], access)
    assert "replace the policy" in chart.refusal(settings={"--authorization": "off"})
    policy = chart.find("NetworkPolicy")["spec"]["ingress"]
    assert [peer["podSelector"]["matchLabels"] for rule in policy for peer in rule["from"]] == [
        {"app.kubernetes.io/name": "orchestrator-python"}
    ]


def test_data_keys_collide_so_one_server_has_one_policy() -> None:
    packages = [
        line.split()[1]
        for name in ("policy.rego", "access.rego")
        for line in file(name).splitlines()
        if line.startswith("package ")
    ]
    assert packages == ["orchestrator", "system.authz"]
    assert set(data()) == {"admin_entitlements", "trusted_issuers", "user_endpoints"}
    own = "package orchestrator\n\nallow := true\n"
    assert file("policy.rego", policy=own) == own
    assert "orchestrator-python-opa.policy" in chart.refusal(policy="package fed_mgr\n")


def test_folder_is_read_twice_so_files_are_named() -> None:
    paths = [item for item in arguments() if item.startswith("/")]
    assert paths == ["/policy/data.json", "/policy/policy.rego", "/policy/access.rego"]
    keys = {key.removeprefix("policy.") for key in chart.config()}
    assert keys == {path.removeprefix("/policy/") for path in paths}, "a file that is not named is not read"


def test_debug_log_writes_claims_so_it_is_refused() -> None:
    assert "--log-level=error" in arguments()
    assert "--log-level=info" in arguments(settings={"--log-level": "info"})
    assert "claims of users" in chart.refusal(settings={"--log-level": "debug"})


def test_issuer_trailing_slash_is_that_of_the_tokens() -> None:
    assert data()["trusted_issuers"] == [{"endpoint": "https://iam.example.org/", "claim": "groups"}]
    other = {"endpoint": "https://other.example.org/realm", "claim": "entitlements"}
    assert data(issuers=[other])["trusted_issuers"][1] == other
    assert data(adminGroups=["admins"])["admin_entitlements"] == ["admins"]
    assert data()["admin_entitlements"] == []


def test_changed_policy_is_not_read_so_it_rolls_the_pods() -> None:
    def checksum(**values: Any) -> str:
        annotations: dict[str, str] = support.pod(chart.render(**values), NAME)["metadata"]["annotations"]
        return annotations["checksum/config"]

    assert checksum() == checksum()
    assert checksum() != checksum(adminGroups=["admins"])
    assert "--watch" not in " ".join(arguments())
    strategy = chart.find("Deployment")["spec"]["strategy"]
    assert strategy["rollingUpdate"]["maxUnavailable"] == 0, "one that does not compile must not replace one that does"


def test_nothing_leaves_the_policy_server() -> None:
    assert "--skip-version-check=true" in arguments()
    assert arguments()[:2] == ["run", "--server"]
    assert "--watch=true" in arguments(settings={"--watch": True}), "a setting of the site must reach the command line"

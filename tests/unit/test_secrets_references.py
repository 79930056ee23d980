"""What objects read and what contracts declare is held against each other in both directions."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.model.contract import Contract, Secret
from harness.secrets.references import SecretRef, references, two_way
from tests.unit.fixtures import Contracts


def variable(secret: str, key: str, name: str = "PASSWORD") -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def workload(component: str, *env: dict[str, Any], **pod: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": component, "env": [{"name": "PLAIN", "value": "x"}, *env]}], **pod}
    labels = {"app.kubernetes.io/name": component}
    return {
        "kind": "Deployment",
        "metadata": {"name": component, "labels": labels},
        "spec": {"template": {"spec": spec}},
    }


@pytest.fixture
def contracts() -> dict[str, Contract]:
    return dict(Contracts().build().contracts)


@pytest.fixture
def objects() -> list[dict[str, Any]]:
    """Objects that read exactly what the contracts declare."""
    return [
        {"kind": "ConfigMap", "metadata": {"name": "store-config"}, "data": {"secretKeyRef": "x"}},
        workload("store", variable("store-root", "password"), variable("issuer-db", "password", "PROVISION_ISSUER")),
        workload(
            "issuer",
            variable("issuer-db", "password"),
            variable("store-auth", "user", "USER"),
            variable("store-auth", "password", "AUTH"),
            volumes=[{"name": "keys", "secret": {"secretName": "issuer-keys"}}],
        ),
        workload("portal", *(variable("portal-app", key, key) for key in ("session", "client-id", "mail"))),
    ]


def test_every_way_to_read_a_secret_is_found() -> None:
    pod = {
        "initContainers": [{"name": "wait", "env": [variable("a", "k")]}],
        "containers": [
            {
                "name": "main",
                "envFrom": [{"secretRef": {"name": "b", "optional": True}}, {"configMapRef": {"name": "no"}}],
            }
        ],
        "volumes": [
            {"name": "whole", "secret": {"secretName": "c"}},
            {"name": "part", "secret": {"secretName": "d", "items": [{"key": "k", "path": "f"}]}},
            {"name": "mix", "projected": {"sources": [{"secret": {"name": "e"}}, {"configMap": {"name": "no"}}]}},
            {"name": "tmp", "emptyDir": {}},
        ],
        "imagePullSecrets": [{"name": "no"}],
    }
    job = {
        "kind": "CronJob",
        "metadata": {"name": "backup", "labels": {"app.kubernetes.io/name": "store"}},
        "spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}},
    }
    assert sorted((item.secret, item.key, item.where, item.optional) for item in references([job])) == [
        ("a", "k", "wait, PASSWORD", False),
        ("b", None, "main, envFrom", True),
        ("c", None, "volume whole", False),
        ("d", "k", "volume part", False),
        ("e", None, "volume mix", False),
    ]
    assert SecretRef("store", "CronJob", "backup", "a", "k", "wait, PASSWORD", False) in references([job])


def test_objects_and_contracts_that_agree_have_no_problem(
    objects: list[dict[str, Any]], contracts: dict[str, Contract]
) -> None:
    assert two_way(objects, contracts, {}) == []


def test_names_of_the_environment_are_followed(objects: list[dict[str, Any]], contracts: dict[str, Contract]) -> None:
    objects[1] = workload("store", variable("admin", "password"), variable("issuer-db", "password", "PROVISION_ISSUER"))
    assert two_way(objects, contracts, {"store-root": "admin"}) == []
    assert len(two_way(objects, contracts, {})) == 2


@pytest.mark.parametrize(
    ("read", "problem"),
    [
        (
            variable("portal-pap", "session", "EXTRA"),
            "portal: Deployment/portal portal, EXTRA reads Secret portal-pap, which no contract declares; declare it "
            "under secrets of its owner's contract.yaml and run: indigo generate",
        ),
        (
            variable("portal-app", "key", "EXTRA"),
            "portal: Deployment/portal portal, EXTRA reads key key of Secret portal-app, which declares only "
            "client-id, mail, session; use one of these or declare it",
        ),
        (
            variable("store-auth", "password", "EXTRA"),
            "portal: Deployment/portal portal, EXTRA reads Secret store-auth of store without requiring it; add "
            "secrets: [store-auth] to the entry for store under requires in charts/portal/contract.yaml",
        ),
    ],
)
def test_what_is_read_is_declared_and_required(
    objects: list[dict[str, Any]], contracts: dict[str, Contract], read: dict[str, Any], problem: str
) -> None:
    objects[3]["spec"]["template"]["spec"]["containers"][0]["env"].append(read)
    assert two_way(objects, contracts, {}) == [problem]


def test_what_is_declared_is_read(objects: list[dict[str, Any]], contracts: dict[str, Contract]) -> None:
    objects[2]["spec"]["template"]["spec"]["volumes"][0]["secret"]["items"] = [{"key": "jwks", "path": "jwks.json"}]
    assert two_way(objects, contracts, {}) == [
        "issuer: no object reads key fernet of Secret issuer-keys; wire it in charts/issuer/templates/_wiring.tpl or "
        "remove charts/issuer/contract.yaml secrets.issuer-keys.keys.fernet"
    ]


def test_a_component_that_is_not_rendered_has_nothing_to_read(
    objects: list[dict[str, Any]], contracts: dict[str, Contract]
) -> None:
    assert two_way(objects[:3], contracts, {}) == []


def test_an_object_that_belongs_to_nobody_reads_nothing(
    objects: list[dict[str, Any]], contracts: dict[str, Contract]
) -> None:
    objects[3]["metadata"]["labels"] = {}
    problems = two_way(objects, contracts, {})
    assert problems[0] == (
        "Deployment/portal portal, client-id reads Secret portal-app for nobody; "
        "give it the label app.kubernetes.io/name"
    )


def secret(**changes: Any) -> dict[str, Any]:
    key = {"shape": "text", "purpose": "One of them.", "changedBy": "Its owner.", "onChange": "Nothing."}
    return {"purpose": "Some of them.", "keys": {"a": key}} | changes


@pytest.mark.parametrize(
    ("values", "needed"),
    [
        ({}, False),
        ({"mail": {"authenticated": False}, "profiles": ["oidc"]}, False),
        ({"mail": {"authenticated": True}}, True),
        ({"profiles": ["oidc", "saml"]}, True),
        ({"mail": "elsewhere"}, False),
    ],
)
def test_an_optional_secret_is_needed_with_some_values(values: dict[str, Any], needed: bool) -> None:
    paths = ["mail.authenticated", "profiles: saml"]
    found = Secret.model_validate(secret(optional="Without mail.", neededWith=paths))
    assert found.needed(values) is needed
    assert Secret.model_validate(secret()).needed({}), "what is not optional is needed whatever the values"


def test_only_an_optional_secret_can_become_needed() -> None:
    with pytest.raises(ValidationError, match="only an optional Secret can become needed"):
        Secret.model_validate(secret(neededWith=["mail"]))


def test_a_key_of_an_optional_secret_is_read_where_it_is_needed(
    objects: list[dict[str, Any]], contracts: dict[str, Contract]
) -> None:
    optional = Secret.model_validate(secret(optional="Without mail.", neededWith=["mail"]))
    changed = {**contracts["store"].secrets, "store-mail": optional}
    contracts = {**contracts, "store": contracts["store"].model_copy(update={"secrets": changed})}
    assert two_way(objects, contracts, {}) == []
    assert [problem.partition("; ")[0] for problem in two_way(objects, contracts, {}, {"store-mail"})] == [
        "store: no object reads key a of Secret store-mail"
    ]


def test_a_secret_without_which_a_pod_does_not_start_is_not_called_optional(
    objects: list[dict[str, Any]], contracts: dict[str, Contract]
) -> None:
    root = contracts["store"].secrets["store-root"].model_copy(update={"optional": "No.", "neededWith": ("mail",)})
    changed = {**contracts["store"].secrets, "store-root": root}
    contracts = {**contracts, "store": contracts["store"].model_copy(update={"secrets": changed})}
    assert two_way(objects, contracts, {}, {"store-root"}) == []
    (problem,) = two_way(objects, contracts, {})
    assert problem.startswith(
        "store: a pod does not start without Secret store-root, and with these values charts/store/"
    )

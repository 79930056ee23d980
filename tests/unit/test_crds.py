"""Families of kinds: which ones objects need, and what the closed schemas refuse."""

from __future__ import annotations

import json

import pytest

from harness.engines.crds import FAMILIES, Family, definitions, families_of, family, stages, strict_schema
from harness.errors import UserError


def item(api_version: str, kind: str = "Thing") -> dict[str, str]:
    return {"apiVersion": api_version, "kind": kind}


def test_the_families_of_objects_are_those_of_their_groups() -> None:
    own = [item("v1"), item("apps/v1"), item("networking.k8s.io/v1"), item("policy/v1"), item("argoproj.io/v1alpha1")]
    assert families_of(own) == ()
    found = families_of([*own, item("kafka.strimzi.io/v1"), item("gateway.networking.k8s.io/v1")])
    assert [entry.name for entry in found] == ["gateway-api", "strimzi"]


@pytest.mark.parametrize("api_version", ["cert-manager.io/v1", "external-secrets.io/v1", "x.networking.k8s.io/v1"])
def test_a_kind_that_nobody_defines_is_refused(api_version: str) -> None:
    with pytest.raises(UserError, match=f"Certificate of {api_version}: no family of kinds defines"):
        families_of([item(api_version, "Certificate")])


def test_an_unknown_family_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match="no family of kinds is called 'istio'") as caught:
        family("istio")
    assert "gateway-api" in str(caught.value)


def test_an_open_family_has_a_definition_for_each_kind_that_takes_anything() -> None:
    entry = Family("other", "other.example.org", version="v1", kinds={"Thing": "things"})
    (made,) = [json.loads(body) for body in definitions(entry).values()]
    assert made["metadata"]["name"] == "things.other.example.org"
    spec = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert spec["x-kubernetes-preserve-unknown-fields"] is True
    assert "kind: Thing" in stages(entry)


@pytest.mark.parametrize("name", ["mariadb-operator", "strimzi"])
def test_a_kept_family_has_upstreams_definitions_and_says_that_its_status_is_simulated(name: str) -> None:
    entry = family(name)
    for body in definitions(entry).values():
        spec = json.loads(body)["spec"]
        kind, version = spec["names"]["kind"], spec["versions"][0]["name"]
        assert spec["group"] == entry.group
        schema = strict_schema(f"{entry.group}/{version}", kind)
        assert schema is not None
        assert schema["properties"]["spec"]["additionalProperties"] is False
        assert f"{{apiGroup: {entry.group}/{version}, kind: {kind}}}" in stages(entry)
    assert f"simulated {name}" in stages(entry)


def test_no_two_families_claim_a_group() -> None:
    assert len({entry.group for entry in FAMILIES}) == len(FAMILIES)

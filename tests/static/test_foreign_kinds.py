"""`kubernetes-schema` holds kinds of other projects against upstream's own definitions."""

from __future__ import annotations

from typing import Any

from harness.checks.schemas import violations
from harness.render import KUBERNETES


def found(api_version: str, kind: str, spec: dict[str, Any]) -> list[tuple[str, str]]:
    item = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    return list(violations(item, KUBERNETES))


def monitor(**endpoint: Any) -> dict[str, Any]:
    return {"selector": {"matchLabels": {"a": "b"}}, "endpoints": [{"port": "http", **endpoint}]}


def test_a_right_object_passes() -> None:
    assert found("monitoring.coreos.com/v1", "ServiceMonitor", monitor(interval="30s")) == []
    rules = [{"backendRefs": [{"name": "iam", "port": 8080}]}]
    assert found("gateway.networking.k8s.io/v1", "HTTPRoute", {"hostnames": ["a.example"], "rules": rules}) == []


def test_an_unknown_field_a_wrong_type_and_a_missing_field_are_refused() -> None:
    assert found("monitoring.coreos.com/v1", "ServiceMonitor", monitor(intervall="30s")) == [
        ("spec.endpoints[0]", "unknown field intervall")
    ]
    assert found("monitoring.coreos.com/v1", "ServiceMonitor", {"endpoints": []}) == [
        ("spec", "'selector' is a required property")
    ]
    ((path, message),) = found(
        "gateway.networking.k8s.io/v1", "HTTPRoute", {"rules": [{"backendRefs": [{"name": "iam", "port": "http"}]}]}
    )
    assert path == "spec.rules[0].backendRefs[0].port"
    assert "is not of type 'integer'" in message


def test_a_version_that_upstream_does_not_serve_is_refused() -> None:
    ((path, message),) = found("gateway.networking.k8s.io/v9", "HTTPRoute", {})
    assert (path, "knows no HTTPRoute" in message) == ("apiVersion", True)

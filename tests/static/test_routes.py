"""Routes: what common.routes makes of global.routes, the public URLs and the contracts, and what it refuses."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.checks import check, subject
from harness.model.contract import Contract, Route
from harness.model.load import load_contracts
from tests.support import URLS, Chart, Object, charts, config, environment, everything, find

HTTP = {"kind": "HTTPRoute", "gateway": {"name": "public"}}
INGRESS: dict[str, Any] = {"kind": "Ingress", "ingress": {"className": "haproxy"}}
EXPOSED = {name: item for name, item in load_contracts(charts()).items() if item.exposed}
KINDS = ("HTTPRoute", "Ingress")

orchestrator = Chart("orchestrator")
iam = Chart("iam")


def below(path: str, component: str = "orchestrator") -> dict[str, Any]:
    """Values with the public URL of a component below a path of a shared host."""
    return {"urls": URLS | {component: f"https://paas.example.org{path}"}}


def the_only_rule(route: Object) -> Any:
    (rule,) = route["spec"]["rules"]
    return rule


def test_nothing_is_routed_unless_a_site_asks_for_it() -> None:
    assert [item["kind"] for item in iam.render() if item["kind"] in KINDS] == []


def test_a_route_has_host_and_port_from_the_one_place_where_each_is_written() -> None:
    found = iam.find("HTTPRoute", **{"global": {"routes": HTTP}})
    assert found["spec"]["hostnames"] == ["iam.example.org"]
    (parent,) = found["spec"]["parentRefs"]
    assert (parent["name"], parent["namespace"], "sectionName" in parent) == ("public", "gateway", False)
    rule = the_only_rule(found)
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert rule["backendRefs"] == [{"group": "", "kind": "Service", "name": "iam", "port": 8080, "weight": 1}]
    assert "filters" not in rule and "timeouts" not in rule


def test_a_route_waits_as_long_as_the_contract_says() -> None:
    assert the_only_rule(orchestrator.find("HTTPRoute", **{"global": {"routes": HTTP}}))["timeouts"] == {
        "request": "600s"
    }


def test_the_gateway_is_where_the_network_policy_lets_it_in_from_unless_said_otherwise() -> None:
    network = {"gatewayNamespace": "edge"}
    values = {"global": {"routes": HTTP, "network": network}}
    assert iam.find("HTTPRoute", **values)["spec"]["parentRefs"][0]["namespace"] == "edge"
    elsewhere = HTTP | {"gateway": {"name": "public", "namespace": "gateways", "sectionName": "https"}}
    parent = iam.find("HTTPRoute", **{"global": {"routes": elsewhere, "network": network}})["spec"]["parentRefs"][0]
    assert (parent["namespace"], parent["sectionName"]) == ("gateways", "https")


def test_a_prefix_is_cut_off_and_told_to_software_that_makes_links_of_it() -> None:
    rule = the_only_rule(orchestrator.find("HTTPRoute", **{"global": {"routes": HTTP, **below("/orchestrator")}}))
    assert rule["matches"][0]["path"]["value"] == "/orchestrator"
    header, rewrite = rule["filters"]
    assert header["requestHeaderModifier"]["set"] == [{"name": "X-Forwarded-Prefix", "value": "/orchestrator"}]
    assert rewrite["urlRewrite"]["path"] == {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}


def test_a_path_is_refused_where_the_software_needs_a_host_name_of_its_own() -> None:
    message = iam.refusal(**{"global": {"routes": HTTP, **below("/iam", "iam")}})
    assert "global.urls.iam: has the path /iam, and iam needs a host name of its own" in message
    assert "write a URL without a path" in message


def test_an_ingress_cannot_cut_off_a_prefix_and_says_so() -> None:
    message = orchestrator.refusal(**{"global": {"routes": INGRESS, **below("/orchestrator")}})
    assert "global.urls.orchestrator: has the path /orchestrator" in message
    assert "route.kind: HTTPRoute" in message


def test_a_route_needs_a_gateway_and_a_public_url() -> None:
    message = iam.refusal(**{"global": {"routes": {"kind": "HTTPRoute"}}})
    assert "global.routes.gateway.name: is required" in message
    message = Chart("openbao").refusal(**{"global": {"routes": HTTP}})
    assert "global.urls.openbao: is required for a route of kind HTTPRoute" in message


@pytest.mark.parametrize(
    ("tls", "secret", "annotations"),
    [
        ({}, None, {}),
        ({"secretName": "wildcard"}, "wildcard", {}),
        ({"clusterIssuer": "site"}, "iam-tls", {"cert-manager.io/cluster-issuer": "site"}),
        ({"issuer": "site"}, "iam-tls", {"cert-manager.io/issuer": "site"}),
    ],
    ids=["controller", "secret", "cluster-issuer", "issuer"],
)
def test_an_ingress_takes_its_certificate_from_where_the_site_says(
    tls: dict[str, str], secret: str | None, annotations: dict[str, str]
) -> None:
    routes = INGRESS | {"ingress": {"className": "haproxy", "tls": tls}}
    found = iam.find("Ingress", **{"global": {"routes": routes}})
    (entry,) = found["spec"]["tls"]
    assert entry["hosts"] == ["iam.example.org"]
    assert entry.get("secretName") == secret
    assert annotations.items() <= found["metadata"]["annotations"].items()


def test_two_issuers_are_refused() -> None:
    tls = {"issuer": "one", "clusterIssuer": "two"}
    message = iam.refusal(**{"global": {"routes": INGRESS | {"ingress": {"tls": tls}}}})
    assert "global.routes.ingress.tls: has an issuer and a clusterIssuer" in message


def test_an_ingress_names_limits_as_the_site_s_controller_wants_them() -> None:
    formats = {"timeout": {"haproxy.org/timeout-server": "%ds"}, "body": {"example.org/body": "%d"}}
    routes = INGRESS | {"ingress": {"limitAnnotations": formats}, "annotations": {"example.org/team": "paas"}}
    values = {"global": {"routes": routes}}
    annotations = orchestrator.find("Ingress", **values)["metadata"]["annotations"]
    assert annotations["haproxy.org/timeout-server"] == "600s"
    assert annotations["example.org/team"] == "paas"
    assert "example.org/body" not in annotations  # the contract of the Orchestrator knows no such limit
    (way,) = the_only_rule(orchestrator.find("Ingress", **values))["http"]["paths"]
    assert way["backend"]["service"] == {"name": "orchestrator", "port": {"name": "http"}}
    assert "haproxy.org/timeout-server" not in iam.find("Ingress", **values)["metadata"]["annotations"]


def test_one_component_deviates_from_all_others() -> None:
    values: dict[str, Any] = {"global": {"routes": HTTP | {"annotations": {"example.org/a": "1"}}}}
    assert not [item for item in iam.render(route={"kind": "none"}, **values) if item["kind"] in KINDS]
    own = {"gateway": {"sectionName": "mtls"}, "annotations": {"example.org/b": "2"}}
    found = iam.find("HTTPRoute", route=own, **values)
    parent = found["spec"]["parentRefs"][0]
    assert (parent["name"], parent["sectionName"]) == ("public", "mtls")
    assert {"example.org/a": "1", "example.org/b": "2"}.items() <= found["metadata"]["annotations"].items()


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"routes": {"kind": "Route"}}, "kind"),
        ({"routes": {"gateway": {"nam": "public"}}}, "nam"),
        ({"routes": {"ingress": {"limitAnnotations": {"timeout": {"a": "600s"}}}}}, "timeout"),
        ({"monitoring": {"interval": "often"}}, "interval"),
        ({"monitoring": {"disabledAlerts": ["IndigoComponentDwn"]}}, "disabledAlerts"),
    ],
    ids=["kind", "key", "format", "interval", "alert"],
)
def test_the_umbrella_s_schema_refuses_a_wrong_value(values: dict[str, Any], key: str) -> None:
    chart = Chart("indigo-paas")
    assert key in chart.refusal(**{"global": values})


def test_the_gateway_s_headers_are_believed_and_cannot_be_switched_off_by_mistake() -> None:
    message = iam.refusal(settings={"IAM_FORWARD_HEADERS_STRATEGY": "none"})
    assert "iam.settings.IAM_FORWARD_HEADERS_STRATEGY" in message and "would not be believed" in message
    message = orchestrator.refusal(settings={"server.use-forward-headers": False})
    assert "orchestrator.settings.server.use-forward-headers" in message
    assert environment(iam.render(), "iam")["IAM_FORWARD_HEADERS_STRATEGY"] == "native"
    native = iam.render(settings={"IAM_FORWARD_HEADERS_STRATEGY": "framework"})
    assert environment(native, "iam")["IAM_FORWARD_HEADERS_STRATEGY"] == "framework"


@pytest.mark.parametrize("contract", EXPOSED.values(), ids=EXPOSED)
def test_software_that_reads_the_headers_says_which_setting_makes_it_believe_them(contract: Contract) -> None:
    route = contract.route
    assert isinstance(route, Route)
    setting = route.forwarded.setting
    if setting is not None:
        declared = contract.settings[setting]
        # what the software does by itself is either wrong and named so, or the setting may be left alone
        default = str(declared.default).lower() if declared.default is not None else ""
        assert declared.required or default in route.forwarded.distrusts or declared.unset, setting


@pytest.mark.parametrize("routes", [HTTP, INGRESS], ids=["HTTPRoute", "Ingress"])
def test_the_whole_platform_with_routes_and_monitoring_keeps_the_rules(checkout: Path, routes: dict[str, Any]) -> None:
    monitoring = {"enabled": True, "runbooks": "https://git.example.org/runbooks"}
    values = everything(environment="dev", routes=routes, monitoring=monitoring)
    (checkout / "argocd/environments/dev/values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    whole = subject(["dev"], checkout)
    found = Counter(item["kind"] for item in whole.platforms["dev"].objects)
    assert found[routes["kind"]] == len(EXPOSED)
    assert found["PrometheusRule"] == len(whole.contracts) + 1
    rules = ["alerts", "contract-routes", "graph-policies", "kubernetes-schema", "names", "references", "sizes"]
    assert check(whole, rules).findings == []


def test_metrics_of_openbao_are_not_on_the_port_that_is_routed_to() -> None:
    chart = Chart("openbao", components={"iam": {"mode": "external"}})
    text = config(chart.render(), "openbao")["openbao.config.server.json"]
    assert '"disallow_metrics": true' in text and '"metrics_only": true' in text
    ports = find(chart.render(), "Service", "openbao")["spec"]["ports"]
    assert [port["name"] for port in ports] == ["http"]

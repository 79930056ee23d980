"""Mistakes in routes and monitoring; the same table as `tests.static.mistakes`."""

from __future__ import annotations

from typing import Any

from harness.model.contract import Metrics
from tests.static.edit import Edit
from tests.static.mistakes import mistake

GATEWAY = "gateway.networking.k8s.io"
URL = "https://orchestrator.dev.indigo.example/paas"


def route(edit: Edit, component: str, port: int = 8080, path: str = "/", **rule: Any) -> Any:
    """Add an HTTPRoute of a component as the library chart writes it, and return its spec."""
    edit.allow(GATEWAY, "HTTPRoute")
    backend = {"group": "", "kind": "Service", "name": component, "port": port, "weight": 1}
    spec = {
        "parentRefs": [{"group": GATEWAY, "kind": "Gateway", "name": "public", "namespace": "gateway"}],
        "hostnames": [f"{component}.dev.indigo.example"],
        "rules": [
            {"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": [backend], **rule},
        ],
    }
    return edit.add(component, "HTTPRoute", component, f"{GATEWAY}/v1", spec=spec)["spec"]


def monitor(edit: Edit, component: str, port: str) -> Any:
    """Add a PodMonitor of a component as the library chart writes it, and return its spec."""
    edit.allow("monitoring.coreos.com", "PodMonitor")
    endpoint = {"port": port, "path": "/metrics", "interval": "30s"}
    spec = {"selector": edit.selector(component), "podMetricsEndpoints": [endpoint]}
    return edit.add(component, "PodMonitor", component, "monitoring.coreos.com/v1", spec=spec)["spec"]


@mistake("references", "no Service gone")
def a_route_to_a_service_that_is_not_there(edit: Edit) -> None:
    route(edit, "iam")["rules"][0]["backendRefs"][0]["name"] = "gone"


@mistake("references", "Service mariadb has no port 8080")
def a_route_to_the_service_of_another(edit: Edit) -> None:
    route(edit, "iam")["rules"][0]["backendRefs"][0]["name"] = "mariadb"


@mistake("references", "selects no pod")
def a_monitor_of_nobody(edit: Edit) -> None:
    monitor(edit, "iam", "http")["selector"]["matchLabels"]["indigo-paas/role"] = "web"


@mistake("references", "no container of iam listens on metrics")
def a_monitor_of_a_port_that_nobody_listens_on(edit: Edit) -> None:
    monitor(edit, "iam", "metrics")


@mistake("contract-routes", "is for www.example.org, global.urls.iam says iam.dev.indigo.example")
def a_route_for_another_host(edit: Edit) -> None:
    route(edit, "iam")["hostnames"] = ["www.example.org"]


@mistake("contract-routes", "takes /iam, global.urls.iam says /")
def a_route_for_another_path(edit: Edit) -> None:
    route(edit, "iam", path="/iam")


@mistake("contract-routes", "mariadb is not exposed by any contract")
def a_route_to_what_is_inside_only(edit: Edit) -> None:
    route(edit, "mariadb", 3306)


@mistake("contract-routes", "is None, the contract says 600s")
def a_route_that_gives_up_early(edit: Edit) -> None:
    route(edit, "orchestrator")


@mistake("contract-routes", "the path /paas is not cut off")
def a_prefix_that_reaches_the_software(edit: Edit) -> None:
    edit.values["global"]["urls"]["orchestrator"] = URL
    header = {"set": [{"name": "X-Forwarded-Prefix", "value": "/paas"}]}
    modifier = {"type": "RequestHeaderModifier", "requestHeaderModifier": header}
    route(edit, "orchestrator", path="/paas", timeouts={"request": "600s"}, filters=[modifier])


@mistake("contract-routes", "X-Forwarded-Prefix is not set")
def a_prefix_that_the_software_does_not_learn(edit: Edit) -> None:
    edit.values["global"]["urls"]["orchestrator"] = URL
    rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
    cut = {"type": "URLRewrite", "urlRewrite": rewrite}
    route(edit, "orchestrator", path="/paas", timeouts={"request": "600s"}, filters=[cut])


@mistake("contract-routes", "IAM_FORWARD_HEADERS_STRATEGY is 'none'")
def a_variable_that_makes_it_distrust_the_gateway(edit: Edit) -> None:
    edit.env("iam", "IAM_FORWARD_HEADERS_STRATEGY")["value"] = "none"


@mistake("contract-routes", "server.use-forward-headers is 'False'")
def a_key_of_a_file_that_makes_it_distrust_the_gateway(edit: Edit) -> None:
    edit.values["orchestrator"] = {"settings": {"server.use-forward-headers": False}}


@mistake("kubernetes-schema", "unknown field hostname")
def a_route_with_an_unknown_field(edit: Edit) -> None:
    route(edit, "iam")["hostname"] = "iam.example.org"


@mistake("graph-policies", "from namespace monitoring on 8080/TCP, and the policy does not let it pass")
def a_metrics_port_that_prometheus_cannot_reach(edit: Edit) -> None:
    edit.contract("iam", metrics=Metrics(port="http", source="a test"))
    edit.values["global"]["monitoring"] = {"enabled": True}


@mistake("graph-policies", "traffic from namespace monitoring on 8080/TCP is open")
def a_port_that_is_open_to_prometheus_without_metrics(edit: Edit) -> None:
    namespace = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    edit.policy("iam")["ingress"].append({"from": [namespace], "ports": [{"protocol": "TCP", "port": 8080}]})


def rule(edit: Edit, **changes: str) -> None:
    """Add a PrometheusRule with one alert as the library chart writes it."""
    edit.allow("monitoring.coreos.com", "PrometheusRule")
    link = "https://git.example.org/runbooks/IndigoComponentDown.md"
    alert = {"alert": "IndigoComponentDown", "expr": "absent(kube_pod_info)", "for": "60s"} | changes
    notes = {"summary": changes.pop("summary", "It is down."), "runbook_url": changes.pop("runbook_url", link)}
    alert = {key: value for key, value in alert.items() if key not in notes}
    entry = {**alert, "labels": {"severity": "critical"}, "annotations": notes}
    groups = [{"name": "indigo-paas.iam", "rules": [entry]}]
    edit.add("iam", "PrometheusRule", "iam", "monitoring.coreos.com/v1", spec={"groups": groups})


@mistake("alerts", "IndigoComponentDown is not PromQL")
def an_alert_that_is_no_expression(edit: Edit) -> None:
    rule(edit, expr="sum(kube_pod_info")


@mistake("alerts", "IndigoComponentDown asks for kube_pod_inof, which is not in")
def an_alert_on_a_metric_that_nobody_offers(edit: Edit) -> None:
    rule(edit, expr="absent(kube_pod_inof)")


@mistake("alerts", "IndigoIamDown is in no contract")
def an_alert_that_nobody_declares(edit: Edit) -> None:
    rule(edit, alert="IndigoIamDown", runbook_url="https://git.example.org/runbooks/IndigoIamDown.md")


@mistake("alerts", "does not link to its page")
def an_alert_that_links_to_another_page(edit: Edit) -> None:
    rule(edit, runbook_url="https://git.example.org/runbooks/IndigoJobFailed.md")


@mistake("alerts", "still has the placeholder [[component]]")
def an_alert_with_a_word_that_nobody_filled_in(edit: Edit) -> None:
    rule(edit, summary="[[component]] is down.")

"""Monitoring: what is rendered when a site switches it on, and that alerts, runbooks and dashboards hold together."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from harness.checks import check, subject
from harness.model import alerts, series
from harness.model.contract import TIERS, Contract, Metrics
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.paths import repository
from tests.support import URLS, Chart, Object, charts, find, render_chart

SITE = {"enabled": True, "runbooks": "https://git.example.org/runbooks", "labels": {"release": "prometheus"}}
CONTRACTS = load_contracts(charts())
valkey = Chart("valkey")
DASHBOARDS = sorted((charts() / "indigo-paas" / "dashboards").glob("*.json"))


@cache
def graph() -> Graph:
    return Graph.build(CONTRACTS)


@cache
def umbrella(environment: str = "test") -> list[Object]:
    """The whole platform with monitoring on."""
    return render_chart("indigo-paas", {"global": {"urls": URLS, "environment": environment, "monitoring": SITE}})


def rules(objects: list[Object], name: str) -> dict[str, Any]:
    """Alerts of one PrometheusRule by name."""
    (group,) = find(objects, "PrometheusRule", name)["spec"]["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_nothing_of_it_is_rendered_unless_a_site_switches_it_on() -> None:
    objects = render_chart("indigo-paas")
    assert not [item for item in objects if item["apiVersion"].startswith("monitoring.coreos.com/")]
    assert not [item for item in objects if item["metadata"]["name"].startswith("grafana-")]


def test_switching_it_on_restarts_no_pod() -> None:
    def pods(objects: list[Object]) -> dict[str, Any]:
        kinds = ("Deployment", "StatefulSet", "Job")
        return {f"{item['kind']}/{item['metadata']['name']}": item["spec"] for item in objects if item["kind"] in kinds}

    assert pods(umbrella()) == pods(render_chart("indigo-paas"))


def test_a_component_that_is_down_fires_after_the_recovery_budget_of_its_contract() -> None:
    found = rules(umbrella(), "mariadb")
    down = found["IndigoComponentDown"]
    assert down["for"] == f"{CONTRACTS['mariadb'].availability.budget}s"
    assert down["labels"] == {
        "severity": "critical", "component": "mariadb", "tier": "data", "environment": "test",
    }  # fmt: skip
    assert down["annotations"]["runbook_url"] == "https://git.example.org/runbooks/IndigoComponentDown.md"
    assert 'statefulset="mariadb"' in down["expr"] and 'namespace="indigo-test"' in down["expr"]
    assert "{{ $labels.persistentvolumeclaim }}" in found["IndigoVolumeAlmostFull"]["annotations"]["summary"]


@pytest.mark.parametrize("name", ["mariadb", "valkey", "iam", "orchestrator"])
def test_a_component_has_the_alerts_of_what_it_has(name: str) -> None:
    kinds = alerts.kinds(CONTRACTS[name])
    wanted = {alert for alert, pattern in alerts.patterns().items() if pattern.of in kinds}
    assert set(rules(umbrella(), name)) == wanted | set(CONTRACTS[name].metrics.alerts)


def named(objects: list[Object], kind: str, component: str) -> list[str]:
    """Names of a component's objects of one kind."""
    found = [item["metadata"] for item in objects if item["kind"] == kind]
    return [item["name"] for item in found if item["labels"]["app.kubernetes.io/name"] == component]


@pytest.mark.parametrize("name", ["mariadb", "valkey", "orchestrator", "dashboard", "iam"])
def test_names_of_claims_and_jobs_in_alerts_are_those_that_are_rendered(name: str) -> None:
    objects = umbrella()
    found = rules(objects, name)
    claims = named(objects, "PersistentVolumeClaim", name)
    if CONTRACTS[name].workload.kind == "StatefulSet":
        templates = find(objects, "StatefulSet", name)["spec"].get("volumeClaimTemplates") or ()
        claims += [f"{item['metadata']['name']}-{name}-0" for item in templates]
    of = {"IndigoVolumeAlmostFull": ("persistentvolumeclaim", claims),
          "IndigoJobFailed": ("job_name", named(objects, "Job", name))}  # fmt: skip
    for alert, (label, things) in of.items():
        assert (alert in found) == bool(things), alert
        for thing in things:
            (pattern,) = set(re.findall(f'{label}=~"([^"]*)"', found[alert]["expr"]))
            assert re.fullmatch(pattern, thing), (pattern, thing)


def test_a_cron_job_is_watched_by_its_own_period() -> None:
    chart = Chart("federation-manager-rally", urls=URLS | {"federation-manager": "https://fm.example.org"})
    found = rules(chart.render(**{"global": {"monitoring": SITE}}), chart.name)
    assert set(found) == {"IndigoCronJobNotSucceeding", "IndigoCronJobNotStarting"}
    assert f"+ {CONTRACTS[chart.name].workload.deadline}" in found["IndigoCronJobNotSucceeding"]["expr"]


def test_prometheus_may_reach_the_metrics_port_and_nothing_else() -> None:
    chart = Chart("openbao", components={"iam": {"mode": "external"}})

    def open_to_monitoring(**values: Any) -> list[int]:
        (policy,) = [item for item in chart.render(**values) if item["kind"] == "NetworkPolicy"]
        return [
            port["port"]
            for rule in policy["spec"].get("ingress") or ()
            for port in rule["ports"]
            if any("observe" in json.dumps(peer) for peer in rule["from"])
        ]

    assert open_to_monitoring() == []
    assert open_to_monitoring(**{"global": {"monitoring": SITE | {"namespace": "observe"}}}) == [9101]


def test_a_monitor_asks_the_page_that_the_contract_names() -> None:
    chart = Chart("openbao", components={"iam": {"mode": "external"}})
    monitor = chart.find("PodMonitor", **{"global": {"monitoring": SITE | {"interval": "15s"}}})
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {
        "port": "metrics", "path": "/v1/sys/metrics", "interval": "15s", "params": {"format": ["prometheus"]},
    }  # fmt: skip
    assert not [item for item in valkey.render(**{"global": {"monitoring": SITE}}) if item["kind"] == "PodMonitor"]


def test_a_certificate_is_watched_where_cert_manager_makes_it() -> None:
    def watched(tls: dict[str, str]) -> bool:
        routes = {"kind": "Ingress", "ingress": {"tls": tls}}
        objects = Chart("iam").render(**{"global": {"monitoring": SITE, "routes": routes}})
        return "IndigoCertificateExpiring" in rules(objects, "iam")

    assert watched({"clusterIssuer": "site"})
    assert not watched({"secretName": "wildcard"})


def test_a_site_may_do_without_an_alert() -> None:
    site = SITE | {"disabledAlerts": ["IndigoContainerRestarting"]}
    found = rules(valkey.render(**{"global": {"monitoring": site}}), "valkey")
    assert "IndigoContainerRestarting" not in found and "IndigoComponentDown" in found


def test_alerts_without_a_place_for_runbooks_are_refused() -> None:
    message = valkey.refusal(**{"global": {"monitoring": {"enabled": True}}})
    assert "global.monitoring.runbooks: is required where monitoring is enabled" in message


def test_the_platform_itself_is_watched_once_and_each_slice_takes_its_part() -> None:
    wanted = {name for name, pattern in alerts.patterns().items() if pattern.of == "platform"}
    assert set(rules(umbrella(), "platform")) == wanted
    assert 'project="indigo-test"' in rules(umbrella(), "platform")["IndigoDeliveryDegraded"]["expr"]


def test_slices_share_the_platform_s_objects_out_among_them() -> None:
    def names(slice_: str) -> list[str]:
        platform = {"urls": URLS, "environment": "test", "monitoring": SITE, "slice": slice_}
        objects = render_chart("indigo-paas", {"global": platform})
        return sorted(f"{item['kind']}/{item['metadata']['name']}" for item in objects)

    assert sorted(name for tier in TIERS for name in names(tier)) == names("")
    assert "PrometheusRule/platform" in names("core") and "ConfigMap/grafana-data" in names("data")


# --- the contracts


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ({"source": "a test"}, "a port, or `none`"),
        ({"port": "http", "none": "It has none.", "source": "a test"}, "a port, or `none`"),
        ({"none": "It has none.", "params": {"a": "b"}, "source": "a test"}, "nothing to alert on"),
    ],
)
def test_metrics_are_there_or_the_contract_says_why_not(metrics: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Metrics.model_validate(metrics)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"route": None}, "route: an exposed component says"),
        ({"metrics": {"port": "gone", "source": "a test"}}, "metrics.port: gone is not one of ports"),
    ],
    ids=["route", "metrics"],
)
def test_a_contract_that_contradicts_itself_is_refused(change: dict[str, Any], says: str) -> None:
    data = yaml.safe_load((charts() / "iam" / "contract.yaml").read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match=says):
        Contract.model_validate(data | change)


# --- expressions

ALL = {alert.name: alert for alert in alerts.known(graph())}


@pytest.mark.parametrize("name", ALL)
def test_every_alert_is_promql_on_documented_metrics_as_rendered(name: str) -> None:
    words = {
        "namespace": "n", "component": "c", "environment": "e", "claims": "c-(a)", "jobs": "c-(j)-[0-9a-f]{8}",
        "deadline": "60", "containers": 'container="c"', "own": 'namespace="n",container="c"',
        "wanted": 'kube_deployment_spec_replicas{namespace="n",deployment="c"}',
        "ready": 'kube_deployment_status_replicas_ready{namespace="n",deployment="c"}',
    }  # fmt: skip
    expr = re.sub(r"\[\[(\w+)\]\]", lambda found: words[found[1]], ALL[name].expr)
    assert list(series.problems(expr)) == []


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        ("sum(up{", "is not PromQL"),
        ("kube_job_faild == 1", "asks for kube_job_faild, which is not in"),
        ('kube_job_failed{job="x"} == 1', "for the label job, which it does not have"),
        ("rate(kube_job_faild[5m]) > 0", "asks for kube_job_faild"),
        ("1 > bool 0", "asks for no metric"),
    ],
)
def test_an_expression_that_could_never_fire_is_found(expr: str, says: str) -> None:
    assert any(says in problem for problem in series.problems(expr)), list(series.problems(expr))


# --- runbooks


def test_a_missing_runbook_an_empty_one_and_one_too_many_are_found(checkout: Path) -> None:
    folder = checkout / alerts.RUNBOOKS
    (folder / "IndigoJobFailed.md").unlink()
    (folder / "IndigoJobFaild.md").write_text("# x\n", encoding="utf-8")
    page = folder / "IndigoComponentDown.md"
    page.write_text(page.read_text(encoding="utf-8").replace("## How to mend", "## Mending"), encoding="utf-8")
    found = check(subject(["dev"], checkout), ["alerts"]).findings
    assert {(item.object, item.message) for item in found} == {
        ("docs/runbooks/IndigoJobFailed.md", "the alert IndigoJobFailed has no runbook"),
        ("docs/runbooks/IndigoJobFaild.md", "there is no alert IndigoJobFaild"),
        ("docs/runbooks/IndigoComponentDown.md", "the runbook says nothing under: How to mend"),
    }


@pytest.mark.parametrize("page", sorted((repository() / alerts.RUNBOOKS).glob("*.md")), ids=lambda page: page.stem)
def test_what_a_runbook_links_to_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if not link.startswith("https://"):
            assert (page.parent / link).is_file(), link


# --- dashboards


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_of_grafana_s_model_with_a_stable_address(path: Path) -> None:
    text = find(umbrella(), "ConfigMap", f"grafana-{path.stem}")["data"][f"indigo-test-{path.stem}.json"]
    assert "[[" not in text
    data = json.loads(text)
    assert data["uid"] == f"indigo-test-{path.stem}"
    assert missing(data, known(data)) == []
    assert len({panel["id"] for panel in data["panels"]}) == len(data["panels"])


def known(data: Any) -> Any:
    """A dashboard as Grafana's own model gives it back."""
    return json.loads(json.dumps(Dashboard.from_json(data), default=lambda item: item.to_json()))


def missing(written: Any, kept: Any, where: str = "") -> list[str]:
    """What is written and is not in Grafana's model, which drops what it does not know."""
    if isinstance(written, dict):
        if not isinstance(kept, dict):
            return [where]
        gone = [f"{where}.{key}" for key in written if key not in kept]
        return gone + [
            item for key in written if key in kept for item in missing(written[key], kept[key], f"{where}.{key}")
        ]
    if isinstance(written, list):
        if not isinstance(kept, list) or len(kept) != len(written):
            return [where]
        return [
            item
            for index, (one, other) in enumerate(zip(written, kept, strict=True))
            for item in missing(one, other, f"{where}[{index}]")
        ]
    return [] if written == kept else [f"{where}: {written!r} became {kept!r}"]


def test_a_key_that_grafana_does_not_know_is_found() -> None:
    data = json.loads(DASHBOARDS[0].read_text(encoding="utf-8"))
    data["titel"] = "x"
    assert missing(data, json.loads(json.dumps(Dashboard.from_json(data), default=lambda item: item.to_json()))) == [
        ".titel"
    ]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_ask_for_documented_metrics_and_do_not_overlap(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("[[namespace]]", "n").replace("[[environment]]", "e")
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(text)["panels"]:
        grid = panel["gridPos"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken, panel["title"]
        assert grid["x"] + grid["w"] <= 24, panel["title"]
        taken |= cells
        for target in panel.get("targets", ()):
            assert list(series.problems(target["expr"].replace("$component", "c"))) == [], panel["title"]


def test_every_component_is_on_the_dashboard_of_its_tier() -> None:
    for name, contract in CONTRACTS.items():
        text = (charts() / "indigo-paas" / "dashboards" / f"{contract.tier}.json").read_text(encoding="utf-8")
        assert re.search(rf"[\"|]{name}[\"|\\]", text), name


def test_two_environments_have_two_addresses_and_long_names_fit() -> None:
    def uid(environment: str) -> str:
        (text,) = find(umbrella(environment), "ConfigMap", "grafana-core")["data"].values()
        found: str = json.loads(text)["uid"]
        return found

    long = "a-very-long-name-of-an-environment-that-somebody-chose"
    assert uid("test") != uid("prod")
    assert uid(long) != uid(long + "-2")
    assert all(len(uid(name)) <= 40 for name in ("test", long))  # Grafana's limit

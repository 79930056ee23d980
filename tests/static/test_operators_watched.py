"""Pods that operators make are watched like all others: metrics, the way to them, alerts by the names of the pods."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.checks import Subject, check, rules, subject
from harness.checks.schemas import violations
from harness.model import series
from harness.render import KUBERNETES
from tests import support
from tests.static.copied import Copied
from tests.static.edit import Edit
from tests.static.test_operators import EXAMPLE, MODES, NETWORK, OF_FILES, SHIPPER, render

pytestmark = pytest.mark.static

SITE = {"enabled": True, "runbooks": "https://git.example.org/runbooks", "labels": {"release": "prometheus"}}
WATCHED: dict[str, Any] = {"global": {"monitoring": SITE}}


def alerts_of(objects: list[support.Object], name: str) -> dict[str, str]:
    """Expressions of a component's alerts by name."""
    (group,) = support.find(objects, "PrometheusRule", name)["spec"]["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def opened(objects: list[support.Object], name: str) -> list[int]:
    """Ports of the component's pods that the namespace of Prometheus may reach."""
    spec = support.find(objects, "NetworkPolicy", name)["spec"]
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    return [port["port"] for rule in spec["ingress"] if peer in rule["from"] for port in rule["ports"]]


def test_without_monitoring_nothing_offers_metrics_and_nobody_may_ask() -> None:
    objects = render()
    assert not [item for item in objects if item["apiVersion"].startswith("monitoring.coreos.com/")]
    assert "metrics" not in support.find(objects, "MariaDB", "mariadb")["spec"]
    assert "metricsConfig" not in support.find(objects, "Kafka", "kafka")["spec"]["kafka"]
    assert opened(objects, "mariadb") == opened(objects, "kafka") == []


def test_brokers_offer_metrics_and_prometheus_is_told_of_them() -> None:
    objects = render(**WATCHED)
    kafka = support.find(objects, "Kafka", "kafka")
    assert kafka["spec"]["kafka"]["metricsConfig"] == {"type": "strimziMetricsReporter"}
    monitor = support.find(objects, "PodMonitor", "kafka")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    pods = kafka["spec"]["kafka"]["template"]["pod"]["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pods.items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], opened(objects, "kafka")) == ("tcp-prometheus", [9404])


def test_an_exporter_asks_each_server_and_may() -> None:
    objects = render(**WATCHED)
    for name in ("mariadb", "mariadb-iam", "mariadb-orchestrator"):
        server = support.find(objects, "MariaDB", name)
        assert not list(violations(server, KUBERNETES))
        metrics = server["spec"]["metrics"]
        assert metrics["serviceMonitor"]["prometheusRelease"] == "prometheus"
        exporter = metrics["exporter"]
        assert exporter["podMetadata"]["labels"]["indigo-paas/component"] == name, "no policy would select it"
        assert opened(objects, name) == [exporter["port"]]
        assert exporter["podSecurityContext"]["runAsNonRoot"] is True
        assert exporter["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not [item for item in objects if item["kind"] == "PodMonitor" and item["metadata"]["name"] == name]


@pytest.mark.parametrize(
    ("name", "pods", "claims"),
    [
        ("kafka", "kafka-node-[0-9]+", "data-0-kafka-node-[0-9]+"),
        ("mariadb-iam", "mariadb-iam-[0-9]+", "storage-mariadb-iam-[0-9]+"),
    ],
)
def test_alerts_go_by_the_names_of_the_pods(name: str, pods: str, claims: str) -> None:
    found = alerts_of(render(**WATCHED), name)
    ready = f'sum(kube_pod_status_ready{{namespace="indigo-test",pod=~"{pods}",condition="true"}})'
    assert found["IndigoComponentDown"] == f"(vector(3) > 0) unless ({ready} > 0)"
    assert f'pod=~"{pods}"' in found["IndigoContainerRestarting"]
    assert f'persistentvolumeclaim=~"{claims}"' in found["IndigoVolumeAlmostFull"]
    assert "IndigoJobFailed" not in found, "there is no Job in this mode"
    assert ("IndigoTargetDown" in found) == (name == "kafka"), "the labels of the operator's own monitor are its own"
    assert not [problem for expr in found.values() for problem in series.problems(expr)]
    assert not [expr for expr in found.values() if "statefulset" in expr or "[[" in expr]


def test_a_page_to_the_runbooks_is_asked_for_here_too() -> None:
    with pytest.raises(support.Refused) as refused:
        support.render_chart(
            "kafka",
            {
                "global": {
                    "components": {"kafka": {"mode": "operator"}},
                    "network": NETWORK,
                    "monitoring": {"enabled": True},
                }
            },
        )
    assert "global.monitoring.runbooks: is required" in str(refused.value)


# --- the rules judge it, too


@pytest.fixture(scope="module")
def watched(copied: Copied) -> Subject:
    """Dev with operators, the log shipper and monitoring."""
    path = copied.root / "argocd/environments/dev/values.yaml"
    site = support.parse(path.read_text(encoding="utf-8"))
    site["global"] |= {
        "components": MODES | SHIPPER | {"kafka-proxy": {"mode": "embedded"}},
        "network": NETWORK,
        "monitoring": SITE,
    }
    path.write_text(json.dumps(site), encoding="utf-8")
    config = path.with_name("config.yaml")
    room = {"quota": support.parse(EXAMPLE.read_text(encoding="utf-8"))["quota"]}
    config.write_text(json.dumps(support.parse(config.read_text(encoding="utf-8")) | room), encoding="utf-8")
    try:
        return subject(["dev"], copied.root)
    finally:
        copied.mend()


@pytest.mark.parametrize("rule", sorted(set(rules()) - OF_FILES))
def test_every_rule_is_kept_with_monitoring_on(watched: Subject, rule: str) -> None:
    found = check(watched, [rule]).findings
    assert not found, "\n".join(f"{item.object} {item.path}: {item.message}; {item.fix}" for item in found)


def _closed(edit: Edit) -> None:
    spec = edit.get("NetworkPolicy", "kafka")["spec"]
    spec["ingress"] = [rule for rule in spec["ingress"] if rule["ports"][0]["port"] != 9404]


def _another_image(edit: Edit) -> None:
    edit.get("MariaDB", "mariadb")["spec"]["metrics"]["exporter"]["image"] = "example.org/exporter:1"


def _another_port(edit: Edit) -> None:
    edit.get("PodMonitor", "kafka")["spec"]["podMetricsEndpoints"][0]["port"] = "metrics"


def _unknown(edit: Edit) -> None:
    edit.get("Kafka", "kafka")["spec"]["kafka"]["metricsConfig"]["type"] = "prometheus"


@pytest.mark.parametrize(
    ("rule", "says", "edit"),
    [
        ("graph-policies", "traffic from namespace monitoring on 9404/TCP", _closed),
        ("images-listed", "runs example.org/exporter:1", _another_image),
        ("references", "the operator's pods of kafka have no port metrics", _another_port),
        ("kubernetes-schema", "'prometheus' is not one of", _unknown),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else None,
)
def test_a_mistake_in_it_is_found(watched: Subject, rule: str, says: str, edit: Callable[[Edit], None]) -> None:
    copy = Edit(watched)
    edit(copy)
    found = [item.message for item in check(copy.subject(), [rule]).findings]
    assert any(says in message for message in found), found

"""Alerts against series: each fires when it should and is silent when it should be. Prometheus' own promtool says so.

promtool is built by `indigo tools build promtool`, and by CI; nobody has to wait for it before `make test`, so these
tests are skipped where it is not there. It is run once for all cases: one process instead of one for each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from harness import toolchain
from harness.model import alerts
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.process import run
from tests.support import URLS, Chart, charts, render_chart

SITE = {"enabled": True, "runbooks": "https://git.example.org/runbooks"}
N = 'namespace="indigo-test"'
URLS_ALL = URLS | {"federation-manager": "https://fm.example.org", "openbao": "https://vault.example.org"}
INGRESS = {"kind": "Ingress", "ingress": {"tls": {"clusterIssuer": "site"}}}


@dataclass(frozen=True)
class Case:
    """Series of one sample each minute, and the alerts that fire after some minutes."""

    alert: str
    series: dict[str, str]
    after: int
    fires: bool
    component: str = "mariadb"
    values: dict[str, Any] = field(default_factory=dict)


WANTED = f'kube_statefulset_replicas{{{N},statefulset="mariadb"}}'
READY = f'kube_statefulset_status_replicas_ready{{{N},statefulset="mariadb"}}'
RESTARTS = f'kube_pod_container_status_restarts_total{{{N},pod="mariadb-0",container="mariadb"}}'
KILLED = (
    f'kube_pod_container_status_last_terminated_reason{{{N},pod="mariadb-0",container="mariadb",reason="OOMKilled"}}'
)
FREE = f'kubelet_volume_stats_available_bytes{{{N},persistentvolumeclaim="data-mariadb-0"}}'
SIZE = f'kubelet_volume_stats_capacity_bytes{{{N},persistentvolumeclaim="data-mariadb-0"}}'
JOB = f'kube_job_failed{{{N},job_name="mariadb-provision-0123abcd",condition="true"}}'
RALLY = "federation-manager-rally"
CRON = f'{{{N},cronjob="{RALLY}"}}'
OWN = f'{N},container="openbao",pod="openbao-0"'
SHIP = f'{N},container="log-shipper",pod="log-shipper-0"'
CERTIFICATE = "certmanager_certificate_expiration_timestamp_seconds"
QUOTA = f'kube_resourcequota{{{N},resourcequota="environment",resource="requests.cpu"'
USED, HARD = f'{QUOTA},type="used"}}', f'{QUOTA},type="hard"}}'
IAM = {"iam": {"mode": "external"}}
BROKERS = f'{N},container="kafka",pod="kafka-node-0"'
BROKER = f'kube_pod_status_ready{{{N},pod="kafka-node-%d",condition="true",uid="%d"}}'
UNDER = f"kafka_server_replicamanager_underreplicatedpartitions{{{BROKERS}}}"
OFFLINE = f"kafka_controller_kafkacontroller_offlinepartitionscount{{{BROKERS}}}"
OPERATED = {"kafka": {"mode": "operator"}}
API = {"apiServer": {"cidrs": ["192.0.2.1/32"]}}


def application(environment: str, **state: str) -> str:
    """Argo CD's series of an Application."""
    ((label, value),) = state.items()
    return f'argocd_app_info{{project="indigo-{environment}",name="a",{label}="{value}"}}'


CASES = [
    Case("IndigoComponentDown", {WANTED: "1x10", READY: "0x10"}, 5, True),
    Case("IndigoComponentDown", {WANTED: "1x10", READY: "1x10"}, 5, False),
    Case("IndigoComponentDown", {WANTED: "0x10", READY: "0x10"}, 5, False),  # switched off on purpose
    Case("IndigoComponentDown", {WANTED: "1x10", READY: "1 0 1x8"}, 5, False),  # a restart within the budget
    Case("IndigoComponentDegraded", {WANTED: "3x30", READY: "2x30"}, 20, True),
    Case("IndigoComponentDegraded", {WANTED: "3x30", READY: "3x30"}, 20, False),
    Case("IndigoContainerRestarting", {RESTARTS: "0 1 2 3 4 5 6 6x60"}, 20, True),
    Case("IndigoContainerRestarting", {RESTARTS: "5x60"}, 20, False),
    Case("IndigoContainerOutOfMemory", {KILLED: "1x30", RESTARTS: "0 1x30"}, 10, True),
    Case("IndigoContainerOutOfMemory", {KILLED: "1x200", RESTARTS: "1x200"}, 150, False),  # killed long ago
    Case("IndigoVolumeAlmostFull", {FREE: "5x30", SIZE: "100x30"}, 15, True),
    Case("IndigoVolumeAlmostFull", {FREE: "50x30", SIZE: "100x30"}, 15, False),
    Case("IndigoVolumeFillsSoon", {FREE: "390-1x300", SIZE: "1000x300"}, 250, True),
    Case("IndigoVolumeFillsSoon", {FREE: "390x300", SIZE: "1000x300"}, 250, False),
    Case("IndigoJobFailed", {JOB: "1x10"}, 5, True),
    Case("IndigoJobFailed", {JOB: "0x10"}, 5, False),
    Case("IndigoJobFailed", {JOB.replace("mariadb-p", "iam-p"): "1x10"}, 5, False),
    Case(
        "IndigoCronJobNotSucceeding",
        {
            f"kube_cronjob_status_last_successful_time{CRON}": "0x600",
            f"kube_cronjob_next_schedule_time{CRON}": "3600x600",
            f"kube_cronjob_status_last_schedule_time{CRON}": "0x600",
        },
        550, True, RALLY,
    ),
    Case(
        "IndigoCronJobNotSucceeding",  # it never succeeded: counted from its creation
        {
            f"kube_cronjob_created{CRON}": "0x600",
            f"kube_cronjob_next_schedule_time{CRON}": "3600x600",
            f"kube_cronjob_status_last_schedule_time{CRON}": "0x600",
        },
        550, True, RALLY,
    ),
    Case(
        "IndigoCronJobNotSucceeding",
        {
            f"kube_cronjob_status_last_successful_time{CRON}": "0+60x600",
            f"kube_cronjob_next_schedule_time{CRON}": "3600+60x600",
            f"kube_cronjob_status_last_schedule_time{CRON}": "0+60x600",
        },
        550, False, RALLY,
    ),
    Case("IndigoCronJobNotStarting", {f"kube_cronjob_next_schedule_time{CRON}": "0x600"}, 550, True, RALLY),
    Case("IndigoCronJobNotStarting", {f"kube_cronjob_next_schedule_time{CRON}": "60+60x600"}, 550, False, RALLY),
    Case("IndigoTargetDown", {f"up{{{OWN}}}": "0x30"}, 20, True, "openbao"),
    Case("IndigoTargetDown", {"up{a=\"b\"}": "1x30"}, 20, True, "openbao"),
    Case("IndigoTargetDown", {f"up{{{OWN}}}": "1x30"}, 20, False, "openbao"),
    Case("IndigoOpenBaoSealed", {f"vault_core_unsealed{{{OWN}}}": "0x10"}, 5, True, "openbao"),
    Case(
        "IndigoOpenBaoSealed",  # as 2.7.2 offers it once it is unsealed: the series of the sealed time stays
        {f'vault_core_unsealed{{{OWN},cluster=""}}': "0x10", f'vault_core_unsealed{{{OWN},cluster="a"}}': "1x10"},
        5, False, "openbao",
    ),
    Case("IndigoOpenBaoWithoutLeader", {f"vault_core_active{{{OWN}}}": "0x10"}, 5, True, "openbao"),
    Case("IndigoOpenBaoWithoutLeader", {f"vault_core_active{{{OWN}}}": "1x10"}, 5, False, "openbao"),
    Case("IndigoOpenBaoAuditFailing", {f"vault_audit_log_request_failure{{{OWN}}}": "0+1x20"}, 10, True, "openbao"),
    Case("IndigoOpenBaoAuditFailing", {f"vault_audit_log_request_failure{{{OWN}}}": "1x20"}, 10, False, "openbao"),
    Case(
        "IndigoLogQueueFilling",
        {f"otelcol_exporter_queue_size{{{SHIP}}}": "60x30", f"otelcol_exporter_queue_capacity{{{SHIP}}}": "100x30"},
        20, True, "log-shipper",
    ),
    Case(
        "IndigoLogQueueFilling",
        {f"otelcol_exporter_queue_size{{{SHIP}}}": "6x30", f"otelcol_exporter_queue_capacity{{{SHIP}}}": "100x30"},
        20, False, "log-shipper",
    ),
    Case(
        "IndigoLogShippingFailing",
        {f"otelcol_exporter_send_failed_log_records{{{SHIP}}}": "0+1x30"}, 20, True, "log-shipper",
    ),
    Case(
        "IndigoLogShippingFailing",
        {f"otelcol_exporter_send_failed_log_records{{{SHIP}}}": "7x30"}, 20, False, "log-shipper",
    ),
    Case("IndigoCertificateExpiring", {f'{CERTIFICATE}{{name="iam-tls",{N}}}': "864000x90"}, 70, True, "iam"),
    Case(
        "IndigoCertificateExpiring",  # scraped without honorLabels
        {f'{CERTIFICATE}{{name="iam-tls",namespace="cert-manager",exported_{N}}}': "864000x90"}, 70, True, "iam",
    ),
    Case("IndigoCertificateExpiring", {f'{CERTIFICATE}{{name="iam-tls",{N}}}': "7776000x90"}, 70, False, "iam"),
    # pods that an operator makes have no Deployment or StatefulSet behind them
    Case("IndigoComponentDown", {BROKER % (0, 1): "0x10", BROKER % (1, 2): "0x10"}, 5, True, "kafka"),
    Case("IndigoComponentDown", {'up{a="b"}': "1x10"}, 5, True, "kafka"),  # not even a pod
    Case("IndigoComponentDown", {BROKER % (0, 1): "0x10", BROKER % (1, 2): "1x10"}, 5, False, "kafka"),
    Case("IndigoComponentDegraded", {BROKER % (0, 1): "1x30", BROKER % (1, 2): "1x30"}, 20, True, "kafka"),
    Case("IndigoComponentDegraded", {BROKER % (n, n): "1x30" for n in range(3)}, 20, False, "kafka"),
    Case("IndigoKafkaUnderReplicated", {UNDER: "4x30"}, 20, True, "kafka"),
    Case("IndigoKafkaUnderReplicated", {UNDER: "4x10 0x20"}, 25, False, "kafka"),  # a restart
    Case("IndigoKafkaOfflinePartitions", {OFFLINE: "1x10"}, 5, True, "kafka"),
    Case("IndigoKafkaOfflinePartitions", {OFFLINE: "0x10"}, 5, False, "kafka"),
    Case("IndigoMonitoringBlind", {'kube_pod_info{namespace="other"}': "1x20"}, 15, True, "platform"),
    Case("IndigoMonitoringBlind", {f"kube_pod_info{{{N}}}": "1x20"}, 15, False, "platform"),
    Case("IndigoPodNotScheduled", {f'kube_pod_status_unschedulable{{{N},pod="a"}}': "1x20"}, 15, True, "platform"),
    Case("IndigoPodNotScheduled", {f'kube_pod_status_unschedulable{{{N},pod="a"}}': "0x20"}, 15, False, "platform"),
    Case("IndigoQuotaNearlyUsed", {USED: "95x30", HARD: "100x30"}, 20, True, "platform"),
    Case("IndigoQuotaNearlyUsed", {USED: "50x30", HARD: "100x30"}, 20, False, "platform"),
    Case("IndigoDeliveryDegraded", {application("test", health_status="Degraded"): "1x30"}, 20, True, "platform"),
    Case("IndigoDeliveryDegraded", {application("test", health_status="Healthy"): "1x30"}, 20, False, "platform"),
    Case("IndigoDeliveryOutOfSync", {application("test", sync_status="OutOfSync"): "1x90"}, 70, True, "platform"),
    Case("IndigoDeliveryOutOfSync", {application("prod", sync_status="OutOfSync"): "1x90"}, 70, False, "platform"),
]  # fmt: skip


def rule_groups(case: Case) -> list[Any]:
    """The rule groups that the chart renders for a case's component."""
    platform = {"urls": URLS_ALL, "environment": "test", "monitoring": SITE}
    if case.component == "platform":
        objects = render_chart("indigo-paas", {"global": platform})
    else:
        routes = INGRESS if case.component == "iam" else {"kind": "none"}
        modes = {"openbao": IAM, "kafka": OPERATED}.get(case.component, {})
        objects = Chart(case.component, urls=URLS_ALL).render(
            components=modes, **{"global": platform | {"routes": routes, "network": API}}
        )
    groups: list[Any] = next(
        item["spec"]["groups"]
        for item in objects
        if item["kind"] == "PrometheusRule" and item["metadata"]["name"] == case.component
    )
    return groups


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    names = alerts.names(Graph.build(load_contracts(charts())))
    assert {case.alert for case in CASES if case.fires} == set(names)
    assert {case.alert for case in CASES if not case.fires} == set(names)


def name(case: Case) -> str:
    """What a case is called; several of one alert have a number."""
    same = [other for other in CASES if (other.alert, other.fires) == (case.alert, case.fires)]
    number = f"-{same.index(case) + 1}" if len(same) > 1 else ""
    return f"{case.alert}-{'fires' if case.fires else 'silent'}{number}"


def trial(case: Case) -> dict[str, Any]:
    """A case as promtool's unit test. It is asked for silence: it refuses, with the alert it got, where one fires."""
    series = [{"series": title, "values": values} for title, values in case.series.items()]
    wanted = {"eval_time": f"{case.after}m", "alertname": case.alert, "exp_alerts": []}
    return {
        "rule_files": [f"{name(case)}.rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": [wanted]}],
    }


def ask(promtool: Path, folder: Path, tests: list[str]) -> dict[str, str]:
    """Let promtool run the unit tests in some files of a folder; return what it refuses of each, by the file's name."""
    run(promtool, "test", "rules", "--junit=said.xml", *tests, cwd=folder, check=False)
    suites = ElementTree.parse(folder / "said.xml").getroot().findall("testsuite")
    assert [suite.get("name") for suite in suites] == tests
    return {
        str(suite.get("name")): "\n".join(item.text or "" for item in suite.iter() if item.tag in ("failure", "error"))
        for suite in suites
    }


@pytest.fixture(scope="module")
def promtool() -> Path:
    if not toolchain.program("promtool").is_file():
        pytest.skip("promtool is not built; `indigo tools build promtool` builds it")
    return toolchain.tool("promtool")


@pytest.fixture(scope="module")
def said(promtool: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What promtool says of each case, by the case's name."""
    folder = tmp_path_factory.mktemp("alerts")
    for case in CASES:
        rules = yaml.safe_dump({"groups": rule_groups(case)})
        # an unknown alert would be silent for ever: the rule file must have it
        assert f"alert: {case.alert}\n" in rules, name(case)
        (folder / f"{name(case)}.rules.yaml").write_text(rules, encoding="utf-8")
        (folder / f"{name(case)}.yaml").write_text(yaml.safe_dump(trial(case)), encoding="utf-8")
    found = ask(promtool, folder, [f"{name(case)}.yaml" for case in CASES])
    return {file.removesuffix(".yaml"): text for file, text in found.items()}


@pytest.mark.parametrize("case", CASES, ids=name)
def test_alert(said: dict[str, str], case: Case) -> None:
    text = said[name(case)]
    assert bool(text) == case.fires, text
    if case.fires:
        assert f'alertname="{case.alert}"' in text and "got:" in text, text


def test_promtool_says_what_is_no_rule_at_all(promtool: Path, tmp_path: Path) -> None:
    """Silence is what many cases ask for: rules that nobody can read must not pass for it."""
    (tmp_path / "a.rules.yaml").write_text(
        "groups: [{name: g, rules: [{alert: A, expr: 'sum(('}]}]\n", encoding="utf-8"
    )
    (tmp_path / "a.yaml").write_text("rule_files: [a.rules.yaml]\ntests: [{interval: 1m}]\n", encoding="utf-8")
    assert "unclosed left parenthesis" in ask(promtool, tmp_path, ["a.yaml"])["a.yaml"]

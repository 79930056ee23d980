"""The metrics that alerts and dashboards ask for, with their labels, where each is documented.

An alert on a name that nobody offers never fires, and nobody notices. So a metric is entered here once, from its
documentation, and the rule `alerts` refuses expressions with others.
"""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser as promql

TARGET = frozenset({"namespace", "pod", "container", "job", "instance", "endpoint"})  # what a PodMonitor's targets have

# name -> its own labels (a series has those of its target besides)
KNOWN: dict[str, frozenset[str]] = {
    # kube-state-metrics docs/metrics/workload/{deployment,statefulset}-metrics.md
    "kube_deployment_spec_replicas": frozenset({"namespace", "deployment"}),
    "kube_deployment_status_replicas_ready": frozenset({"namespace", "deployment"}),
    "kube_statefulset_replicas": frozenset({"namespace", "statefulset"}),
    "kube_statefulset_status_replicas_ready": frozenset({"namespace", "statefulset"}),
    # kube-state-metrics docs/metrics/workload/{job,cronjob}-metrics.md
    "kube_job_failed": frozenset({"namespace", "job_name", "condition"}),
    "kube_cronjob_created": frozenset({"namespace", "cronjob"}),
    "kube_cronjob_next_schedule_time": frozenset({"namespace", "cronjob"}),
    "kube_cronjob_status_last_schedule_time": frozenset({"namespace", "cronjob"}),
    "kube_cronjob_status_last_successful_time": frozenset({"namespace", "cronjob"}),
    # kube-state-metrics docs/metrics/workload/pod-metrics.md
    "kube_pod_info": frozenset({"namespace", "pod", "node", "created_by_kind", "created_by_name"}),
    "kube_pod_container_info": frozenset({"namespace", "pod", "container", "image"}),
    "kube_pod_container_resource_limits": frozenset({"namespace", "pod", "container", "node", "resource", "unit"}),
    "kube_pod_container_status_restarts_total": frozenset({"namespace", "pod", "container", "uid"}),
    "kube_pod_container_status_last_terminated_reason": frozenset({"namespace", "pod", "container", "reason", "uid"}),
    "kube_pod_status_ready": frozenset({"namespace", "pod", "condition", "uid"}),
    "kube_pod_status_unschedulable": frozenset({"namespace", "pod", "uid"}),
    # kube-state-metrics docs/metrics/policy/resourcequota-metrics.md
    "kube_resourcequota": frozenset({"namespace", "resourcequota", "resource", "type"}),
    # Kubernetes metrics reference, kubelet and cAdvisor
    "kubelet_volume_stats_available_bytes": frozenset({"namespace", "persistentvolumeclaim"}),
    "kubelet_volume_stats_capacity_bytes": frozenset({"namespace", "persistentvolumeclaim"}),
    "container_cpu_usage_seconds_total": frozenset({"namespace", "pod", "container"}),
    "container_memory_working_set_bytes": frozenset({"namespace", "pod", "container"}),
    # Prometheus documentation, jobs and instances; alerting rules
    "up": TARGET,
    "ALERTS": frozenset({"alertname", "alertstate", "severity", "component", "environment", "tier", "namespace"}),
    # Argo CD documentation, operator-manual/metrics
    "argocd_app_info": frozenset({"name", "namespace", "project", "health_status", "sync_status"}),
    # cert-manager documentation, Prometheus metrics
    "certmanager_certificate_expiration_timestamp_seconds": frozenset({"name", "namespace", "exported_namespace"}),
    # OpenBao website/content/partials/telemetry-metrics
    "vault_core_unsealed": TARGET | {"cluster"},
    "vault_core_active": TARGET | {"cluster"},
    "vault_audit_log_request_failure": TARGET,
    "vault_expire_num_leases": TARGET,
    # Strimzi, KafkaCluster.java (DEFAULT_METRICS_ALLOW_LIST) and the dashboards of examples/metrics
    "kafka_server_replicamanager_underreplicatedpartitions": TARGET,
    "kafka_controller_kafkacontroller_offlinepartitionscount": TARGET,
    # OpenTelemetry documentation, Collector internal telemetry (names without suffixes, as the chart sets it)
    "otelcol_exporter_queue_size": TARGET,
    "otelcol_exporter_queue_capacity": TARGET,
    "otelcol_exporter_send_failed_log_records": TARGET,
    "otelcol_exporter_sent_log_records": TARGET,
    "otelcol_receiver_accepted_log_records": TARGET,
    # OPA documentation, monitoring
    "http_request_duration_seconds_count": TARGET | {"code", "handler", "method"},
    "http_request_duration_seconds_bucket": TARGET | {"code", "handler", "method", "le"},
}


def problems(expr: str) -> Iterator[str]:
    """Yield what is wrong with an expression: its grammar, metrics that nobody offers, labels they do not have."""
    try:
        tree = promql.parse(expr)
    except ValueError as error:
        yield f"is not PromQL: {error}"
        return
    selectors: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> bool:
        if isinstance(node, promql.VectorSelector):
            selectors.append(node)
        elif isinstance(node, promql.MatrixSelector):
            selectors.append(node.vector_selector)
        return True

    promql.walk(tree, visit)
    if not selectors:
        yield "asks for no metric"
    for selector in selectors:
        yield from _selector(selector)


def _selector(selector: promql.VectorSelector) -> Iterator[str]:
    if selector.name is None or selector.name not in KNOWN:
        yield f"asks for {selector.name or 'a series without a name'}, which is not in harness/model/series.py"
        return
    for matcher in selector.matchers.matchers:
        if matcher.name not in KNOWN[selector.name]:
            yield f"asks {selector.name} for the label {matcher.name}, which it does not have"

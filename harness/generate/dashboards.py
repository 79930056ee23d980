"""`charts/indigo-paas/dashboards/*.json`: a dashboard for each tier and one for the platform, in Grafana's JSON model.

The files hold `[[namespace]]`, `[[environment]]` and `[[uid]]`, which the umbrella fills in; a dashboard's uid is
that of the environment and the tier, so that links to it survive. Rows are repeated for the components that run, so one
that is switched off leaves no empty panel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.generate.text import to_json
from harness.model.graph import Graph

FOLDER = Path("charts") / "indigo-paas" / "dashboards"
TIERS = {
    "data": "stores",
    "core": "core",
    "services": "services",
    "batch": "batch",
}
SOURCE = {"type": "prometheus", "uid": "${source}"}
HERE = 'namespace="[[namespace]]"'
ONE = f'{HERE},container="$component"'
WIDTH, HEIGHT = 24, 7

Panel = dict[str, Any]


def tier(graph: Graph, name: str) -> str:
    """Return the text of one tier's dashboard."""
    components = [item for item, contract in graph.contracts.items() if contract.tier == name]
    claims = [item for item in components if any(volume.keep for volume in graph.contracts[item].writable)]
    crons = [item for item in components if graph.contracts[item].workload.kind == "CronJob"]
    place = _Places()
    place.row("$component", repeat="component")
    place.add("Ready pods", f'sum(kube_pod_status_ready{{{HERE},condition="true"}} * on (namespace, pod) group_left ()'
              f" max by (namespace, pod) (kube_pod_container_info{{{ONE}}}))", 6)  # fmt: skip
    place.add(
        "Restarts in an hour", f"sum by (pod) (increase(kube_pod_container_status_restarts_total{{{ONE}}}[1h]))", 6
    )
    place.add("Processors", f"sum by (pod) (rate(container_cpu_usage_seconds_total{{{ONE}}}[5m]))", 6)
    place.add(
        "Memory, and its limit",
        f"max by (pod) (container_memory_working_set_bytes{{{ONE}}})",
        6,
        unit="bytes",
        more=(f'max(kube_pod_container_resource_limits{{{ONE},resource="memory"}})',),
    )
    if claims or crons:
        place.row("Volumes and scheduled runs")
    if claims:
        which = f'{HERE},persistentvolumeclaim=~".*({"|".join(claims)}).*"'
        left = f"kubelet_volume_stats_available_bytes{{{which}}} / kubelet_volume_stats_capacity_bytes{{{which}}}"
        place.add("Space left on volumes", left, 12, unit="percentunit")
    if crons:
        which = f'{HERE},cronjob=~"{"|".join(crons)}"'
        age = f"time() - kube_cronjob_status_last_successful_time{{{which}}}"
        place.add("Since the last success", age, 12, unit="s")
    for component in components:
        shown = graph.contracts[component].metrics.series
        if shown:
            place.row(f"{graph.contracts[component].title}: its own metrics")
        for item in shown:
            own = f'{HERE},container="{component}"'
            place.add(item.title, item.expr.replace("[[own]]", own), 8, unit=item.unit)
    choice = f'label_values(kube_pod_container_info{{{HERE},container=~"{"|".join(components)}"}}, container)'
    return _dashboard(name, f"INDIGO PaaS [[environment]]: {TIERS[name]}", place.panels, choice)


def platform() -> str:
    """Return the text of the dashboard of the environment as a whole."""
    application = '{project="indigo-[[environment]]"}'
    place = _Places()
    place.row("Now")
    place.add(
        "Alerts that fire",
        'sum by (alertname, component) (ALERTS{environment="[[environment]]",alertstate="firing"})',
        12,
    )
    place.add(
        "Applications of Argo CD", f"sum by (name, health_status, sync_status) (argocd_app_info{application})", 12
    )
    place.row("Pods")
    place.add("Pods that are not ready", f'sum by (pod) (kube_pod_status_ready{{{HERE},condition="false"}}) > 0', 8)
    place.add(
        "Restarts in an hour",
        f"sum by (container) (increase(kube_pod_container_status_restarts_total{{{HERE}}}[1h])) > 0",
        8,
    )
    place.add("Jobs that failed", f'sum by (job_name) (kube_job_failed{{{HERE},condition="true"}}) > 0', 8)
    place.row("Room")
    used = f'kube_resourcequota{{{HERE},type="used"}} / ignoring (type) (kube_resourcequota{{{HERE},type="hard"}} > 0)'
    place.add("Quota used", used, 8, unit="percentunit")
    volumes = f"kubelet_volume_stats_available_bytes{{{HERE}}} / kubelet_volume_stats_capacity_bytes{{{HERE}}}"
    place.add("Space left on volumes", volumes, 8, unit="percentunit")
    place.add(
        "Memory by component",
        f'sum by (container) (container_memory_working_set_bytes{{{HERE},container!=""}})',
        8,
        unit="bytes",
    )
    return _dashboard("platform", "INDIGO PaaS [[environment]]: platform", place.panels)


class _Places:
    """Puts panels side by side, from left to right, in a grid of 24 columns."""

    def __init__(self) -> None:
        self.panels: list[Panel] = []
        self._x = self._y = 0

    def row(self, title: str, repeat: str = "") -> None:
        if self._x:
            self._x, self._y = 0, self._y + HEIGHT
        grid = {"x": 0, "y": self._y, "w": WIDTH, "h": 1}
        row = {"type": "row", "title": title, "collapsed": False, "gridPos": grid, "panels": []}
        self._take(row | ({"repeat": repeat} if repeat else {}))
        self._y += 1

    def add(self, title: str, expr: str, width: int, unit: str = "short", more: tuple[str, ...] = ()) -> None:
        if self._x + width > WIDTH:
            self._x, self._y = 0, self._y + HEIGHT
        targets = [
            {"refId": chr(ord("A") + index), "expr": query, "datasource": SOURCE}
            for index, query in enumerate((expr, *more))
        ]
        self._take(
            {
                "type": "timeseries",
                "title": title,
                "datasource": SOURCE,
                "gridPos": {"x": self._x, "y": self._y, "w": width, "h": HEIGHT},
                "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                "targets": targets,
            }
        )
        self._x += width

    def _take(self, panel: Panel) -> None:
        self.panels.append({"id": len(self.panels) + 1, **panel})


def _dashboard(name: str, title: str, panels: list[Panel], components: str = "") -> str:
    source = {"type": "datasource", "name": "source", "label": "Prometheus", "query": "prometheus", "hide": 0}
    choice = {
        "type": "query",
        "name": "component",
        "label": "Component",
        "datasource": SOURCE,
        "query": components,
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
        "sort": 1,
        "hide": 0,
    }
    return to_json(
        {
            "uid": f"indigo-[[uid]]-{name}",
            "title": title,
            "description": "Written by `indigo generate` from the contracts.",
            "tags": ["indigo-paas", "[[environment]]"],
            "schemaVersion": 41,
            "editable": False,
            "refresh": "1m",
            "time": {"from": "now-6h", "to": "now"},
            "templating": {"list": [source, choice] if components else [source]},
            "annotations": {"list": []},
            "links": [
                {
                    "type": "dashboards",
                    "title": "INDIGO PaaS [[environment]]",
                    "tags": ["indigo-paas", "[[environment]]"],
                    "asDropdown": True,
                    "icon": "external link",
                    "tooltip": "",
                    "targetBlank": False,
                    "includeVars": False,
                    "keepTime": True,
                }
            ],
            "panels": panels,
        }
    )

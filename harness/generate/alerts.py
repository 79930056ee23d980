"""`docs/reference/alerts.md`: every alert, recovery budgets, and what the software itself offers Prometheus."""

from __future__ import annotations

from harness.generate.reference import NOTE, link
from harness.generate.text import cell, code, page, section, table
from harness.model import alerts
from harness.model.graph import Graph


def render(graph: Graph) -> str:
    """Return the page of all alerts: when each fires, who has it, where its runbook is."""
    rows = []
    for alert in alerts.known(graph):
        having = [name for name, contract in graph.contracts.items() if alert.of in alerts.kinds(contract)]
        many = {
            "platform": "the environment",
            "serving": "all that are no CronJob",
            "certificate": "an Ingress with a certificate by cert-manager",
        }
        own = [alert.of] if alert.of in graph.contracts else having
        owners = many.get(alert.of) or ", ".join(link(graph, name) for name in own) or "-"
        lasting = "the contract's recovery budget" if alert.minutes == "budget" else f"{alert.minutes} min"
        runbook = f"[{alert.name}](../runbooks/{alert.name}.md)"
        rows.append(
            (runbook, alert.severity, lasting, cell(alert.summary), owners, code(alert.expr), cell(alert.source))
        )
    intro = [
        "# Alerts",
        "",
        NOTE,
        "",
        "Rendered where `global.monitoring.enabled` is true ([how to](../how-to/monitoring.md)). `[[...]]` is filled",
        "in from the contract, `<...>` is a label of the series. A critical one wakes somebody, a warning can wait.",
        "",
    ]
    header = ("alert", "severity", "holds for", "says", "of", "asks", "source")
    return page(intro, table(header, rows), *_budgets(graph))


def _budgets(graph: Graph) -> list[list[str]]:
    rows = [(link(graph, name), f"{contract.availability.budget} s") for name, contract in graph.contracts.items()
            if contract.workload.kind != "CronJob"]  # fmt: skip
    offered = [
        (
            link(graph, name),
            f"port {contract.metrics.port}, {code(contract.metrics.path)}" if contract.metrics.port else "-",
            cell(contract.metrics.none),
            cell(contract.metrics.source),
        )
        for name, contract in graph.contracts.items()
    ]
    return [
        section("Recovery budgets", table(("component", "ready again within"), rows)),
        section("Metrics of the software itself", table(("component", "asked at", "why none", "source"), offered)),
    ]

"""The alerts of the platform: those that every component has, and those on metrics of one software.

The first are data in `charts/common/templates/_alerts.tpl`, which the templates read too; the second are in contracts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from harness import paths
from harness.errors import UserError
from harness.model.contract import Alert, Closed, Contract, Sentence
from harness.model.graph import Graph

FILE = Path("charts") / "common" / "templates" / "_alerts.tpl"
RUNBOOKS = Path("docs") / "runbooks"
_DEFINED = re.compile(r'\{\{- define "common\.alerts" -\}\}\n(.*?)\{\{- end -\}\}', re.S)


class Pattern(Closed):
    """An alert of every component that has what it is `of`; the head of the file says what the words mean."""

    of: Literal["serving", "cronjob", "volumes", "jobs", "metrics", "certificate", "platform"]
    severity: Literal["critical", "warning"]
    minutes: Literal["budget"] | Annotated[int, Field(ge=1)]
    expr: str
    summary: Sentence
    source: str


@dataclass(frozen=True)
class Known:
    """One alert as the documents show it."""

    name: str
    severity: str
    minutes: str
    of: str  # what has it: a group of components, or the name of one
    expr: str
    summary: str
    source: str


def patterns() -> dict[str, Pattern]:
    """Return the alerts that do not belong to one software, by name.

    Raises:
        UserError: the file is not what the templates and this module expect.
    """
    return _patterns(paths.repository() / FILE)


@cache
def _patterns(path: Path) -> dict[str, Pattern]:
    found = _DEFINED.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    if found is None:
        raise UserError("does not define common.alerts", where=str(FILE), fix="keep the text between define and end")
    try:
        return TypeAdapter(dict[Alert, Pattern]).validate_python(yaml.safe_load(found[1]))
    except (yaml.YAMLError, ValidationError) as error:
        raise UserError(f"common.alerts is not a map of alerts: {error}", where=str(FILE), fix="mend it") from None


def known(graph: Graph) -> list[Known]:
    """Return every alert that the charts can render, by name.

    Raises:
        UserError: two contracts, or a contract and the common file, have an alert of one name.
    """
    found = {
        name: Known(name, item.severity, str(item.minutes), item.of, item.expr, item.summary, item.source)
        for name, item in patterns().items()
    }
    for component, contract in graph.contracts.items():
        operated = contract.operator.metrics.alerts if contract.operator and contract.like is None else {}
        for name, own in [*contract.metrics.alerts.items(), *operated.items()]:
            if name in found:
                where = "operator.metrics" if name in operated else "metrics"
                raise UserError(
                    f"the alert {name} belongs to {found[name].of} already",
                    where=f"{contract.file} {where}.alerts.{name}",
                    fix="give one of the two another name",
                )
            found[name] = Known(name, own.severity, str(own.minutes), component, own.expr, own.summary, own.source)
    return [found[name] for name in sorted(found)]


def names(graph: Graph) -> list[str]:
    """Return the names of all alerts, sorted."""
    return [alert.name for alert in known(graph)]


def kinds(contract: Contract) -> set[str]:
    """Return the groups of alerts that a component has whatever the values (`Pattern.of`)."""
    facts: Mapping[str, bool] = {
        "serving": contract.workload.kind != "CronJob",
        "cronjob": contract.workload.kind == "CronJob",
        "volumes": any(volume.keep for volume in contract.writable),
        "jobs": bool(contract.jobs),
        "metrics": contract.metrics.port is not None,
    }
    return {kind for kind, true in facts.items() if true}

"""Checks: every environment rendered, and one rule after the other held against it; the contracts are the oracle."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Collection
from functools import cache
from pathlib import Path

from harness import paths
from harness.checks import rules as _rules
from harness.checks.model import Example, Finding, Platform, Problem, Rule, Severity, Subject
from harness.checks.places import Places
from harness.checks.report import Report
from harness.errors import UserError
from harness.model.environment import read_values
from harness.model.graph import Graph
from harness.model.images import load_shared
from harness.model.load import load_contracts
from harness.model.placement import place
from harness.render import REPO, Rendered, render_all, render_bootstrap
from harness.render.trials import render_trials

__all__ = [
    "Example",
    "Finding",
    "Platform",
    "Problem",
    "Report",
    "Rule",
    "Severity",
    "Subject",
    "check",
    "rules",
    "subject",
]


@cache
def rules() -> dict[str, Rule]:
    """Return every rule by id, in alphabetical order; a rule is a module of `harness.checks.rules` with a `RULE`."""
    names = sorted(module.name for module in pkgutil.iter_modules(_rules.__path__))
    found = [importlib.import_module(f"{_rules.__name__}.{name}").RULE for name in names]
    return {rule.id: rule for rule in found}


def subject(
    environments: Collection[str] | None = None, repository: Path | None = None, *, profiles: bool = False
) -> Subject:
    """Return what the rules look at: contracts, graph, and environments as Argo CD would make them of this checkout.

    A pinned environment too is looked at with the charts at hand, which is what a promotion would bring: a chart that
    does not fit it is found here, and not then. What it runs today is the rule `revisions`.

    Args:
        environments: folders of argocd/environments; default: all.
        repository: the checkout; default: the one at hand.
        profiles: whether to look at every profile too, as the example of a site has it (`harness.render.trials`).

    Raises:
        UserError: a contract, a configuration or values are wrong, or a chart cannot be rendered.
    """
    root = repository or paths.repository()
    contracts = load_contracts(root / "charts")
    graph = Graph.build(contracts)
    rendered = render_all(environments, root, pinned=False)
    platforms = {name: platform(root, item, graph) for name, item in rendered.items()}
    if profiles:
        place, tried = render_trials(root)
        platforms |= {name: platform(place, item, graph) for name, item in tried.items()}
    return Subject(
        repository=root,
        contracts=contracts,
        graph=graph,
        platforms=platforms,
        bootstrap=render_bootstrap(repository=root),
        repo=REPO,
        complete=environments is None,
    )


def platform(repository: Path, rendered: Rendered, graph: Graph) -> Platform:
    """Return one environment as the rules see it."""
    values = read_values(repository, rendered.environment)
    placed = place(graph.contracts, values)
    return Platform(rendered, placed.graph.contracts, placed.graph, values, placed.modes, load_shared(repository))


def check(looked_at: Subject, only: Collection[str] = ()) -> Report:
    """Return what the rules find.

    Args:
        looked_at: as `subject` returns it.
        only: ids of rules; default: all.

    Raises:
        UserError: an id that is none.
    """
    asked = chosen(only)
    findings: list[Finding] = []
    seconds: dict[str, float] = {}
    for identifier, rule in asked.items():
        start = time.perf_counter()
        findings += rule.findings(looked_at)
        seconds[identifier] = time.perf_counter() - start
    places = Places(looked_at)
    return Report(
        sorted({places.placed(finding) for finding in findings}),
        seconds,
        asked,
        tuple(looked_at.platforms),
        sum(len(platform.objects) for platform in looked_at.platforms.values()),
    )


def chosen(only: Collection[str] = ()) -> dict[str, Rule]:
    """Return the rules of some ids, or all, in alphabetical order.

    Raises:
        UserError: an id that is none.
    """
    known = rules()
    unknown = sorted(set(only) - set(known))
    if unknown:
        raise UserError(f"no rule {', '.join(unknown)}", fix="indigo explain lists them")
    return {identifier: rule for identifier, rule in known.items() if not only or identifier in only}

"""Pitfalls of Argo CD with Helm: the page names rules and tests that exist; those that have no other place are here."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.checks import Subject, rules
from harness.model.environment import UMBRELLA
from harness.model.load import load_contracts
from harness.model.trial import EXAMPLE
from harness.paths import repository
from harness.render import Object, helm_template
from tests.static.copied import Copied

PAGE = repository() / "docs" / "explanation" / "argocd-and-helm-pitfalls.md"
COUNT = 44  # of the list that the page was made from
CRON = [name for name, item in load_contracts(repository() / "charts").items() if item.workload.kind == "CronJob"]
BUILT_IN = re.compile(
    r"^(v1|apps/v1|batch/v1|policy/v1|autoscaling/v\d|rbac\.authorization\.k8s\.io/v1|networking\.k8s\.io/v1)$"
)


def rows(text: str) -> dict[int, str]:
    """Return the last cell of every row, by the row's number."""
    found = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", text, re.M)
    return {int(number): held for number, held in found}


def missing(held: str) -> Iterator[str]:
    """Yield what a cell names and is not there."""
    for name in re.findall(r"`([^`]+)`", held):
        if name.startswith("rule:"):
            if name.removeprefix("rule:") not in rules():
                yield f"no rule {name}"
            continue
        path, _, test = name.partition("::")
        file = repository() / path
        tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.parse("")
        if test not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
            yield f"no test {name}"


def test_every_pitfall_is_held_by_a_rule_or_a_test_or_says_why_not() -> None:
    found = rows(PAGE.read_text(encoding="utf-8"))
    assert sorted(found) == list(range(1, COUNT + 1))
    problems = [f"{number}: {problem}" for number, held in found.items() for problem in missing(held)]
    assert problems == []
    without = [number for number, held in found.items() if "`" not in held]
    assert without == [39, 43, 44], "these are settings of the site's Argo CD"


def test_a_rule_or_test_that_is_not_there_is_found() -> None:
    assert list(missing("`rule:no-such-rule` `rule:names`")) == ["no rule rule:no-such-rule"]
    assert list(missing("`tests/static/test_pitfalls.py::test_nothing`")) == [
        "no test tests/static/test_pitfalls.py::test_nothing"
    ]


def objects(committed: Subject) -> list[Object]:
    """Return all that is rendered for all environments, and what an operator applies."""
    found = [item for platform in committed.platforms.values() for item in (*platform.objects, *platform.delivery)]
    return [*found, *committed.bootstrap]


def nulls(value: Any, path: str = "") -> Iterator[str]:
    """Yield the keys that are set to null."""
    if value is None and path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from nulls(inner, f"{path}.{key}".strip("."))


def unsaid(path: Path) -> list[str]:
    """Return the options of a chart that say nothing by themselves: what is elsewhere counts."""
    contract = load_contracts(repository() / "charts").get(path.parent.name)
    return [name for name, option in contract.options.items() if option.default is None] if contract else []


def test_no_values_file_relies_on_null() -> None:
    assert list(nulls({"a": {"b": None, "c": 1}, "d": None})) == ["a.b", "d"]
    patterns = ("charts/*/values.yaml", "charts/indigo-paas/profiles/*.yaml", "argocd/environments/*/*.yaml")
    files = [path for pattern in patterns for path in sorted(repository().glob(pattern))]
    assert len(files) > 10
    for path in files:
        found = set(nulls(yaml.safe_load(path.read_text(encoding="utf-8")))) - set(unsaid(path))
        assert found == set(), f"{path}: a null deletes a default in one version of Helm and keeps it in another"


def test_an_option_that_says_nothing_is_the_same_as_one_that_is_not_there(tmp_path: Path) -> None:
    """So it does not matter whether Helm keeps the null or deletes it."""
    copied = Copied(repository(), tmp_path / "copy", ("charts",)).root
    removed = []
    for path in sorted(copied.glob("charts/*/values.yaml")):
        for name in unsaid(path):
            text = path.read_text(encoding="utf-8")
            assert f"\n{name}: null\n" in text
            path.write_text(text.replace(f"\n{name}: null\n", "\n"), encoding="utf-8")
            removed.append(f"{path.parent.name}.{name}")
    assert {"orchestrator.jdbcOptions", "federation-registry.furtherIssuers", "dashboard.adminGroups"} <= set(removed)
    site = repository() / EXAMPLE / "values.yaml"

    def rendered(root: Path) -> list[Object]:
        chart = root / UMBRELLA
        return helm_template(chart, chart / "profiles/full.yaml", site, release="x")

    assert rendered(copied) == rendered(repository())


def setting(committed: Subject, name: str) -> dict[str, str]:
    """Return our keys of a ConfigMap of Argo CD."""
    (found,) = [item for item in committed.bootstrap if item["metadata"]["name"] == name]
    data: dict[str, str] = found["data"]
    return data


def test_renders_at_once_are_limited(committed: Subject) -> None:
    limit = int(setting(committed, "argocd-cmd-params-cm")["reposerver.parallelism.limit"])
    assert 1 <= limit <= 10, "0 means no limit"


def labelled(items: Iterable[Object]) -> list[str]:
    return names(item for item in items if "app.kubernetes.io/instance" in (item["metadata"].get("labels") or {}))


def test_tracking_is_by_annotation(committed: Subject) -> None:
    assert setting(committed, "argocd-cm")["application.resourceTrackingMethod"] == "annotation"
    assert labelled(objects(committed)) == []
    wrong = planted("Service")
    wrong["metadata"]["labels"] = {"app.kubernetes.io/instance": "indigo-dev"}
    assert labelled([wrong]) == ["Service/planted"]


def exclusions(keys: Iterable[str]) -> list[str]:
    """Return the keys of argocd-cm that hide objects or differences."""
    pattern = r"resource\.(exclusions|inclusions)|resource\.customizations\.ignore\w+\..*"
    return [key for key in keys if re.fullmatch(pattern, key)]


def test_our_settings_of_argo_cd_exclude_nothing(committed: Subject) -> None:
    assert exclusions(setting(committed, "argocd-cm")) == []
    wrong = ["resource.exclusions", "resource.customizations.ignoreDifferences.all", "timeout.reconciliation"]
    assert exclusions(wrong) == wrong[:2]


def names(found: Iterable[Object]) -> list[str]:
    """Return objects as Kind/name."""
    return [f"{item['kind']}/{item['metadata']['name']}" for item in found]


def planted(kind: str, api_version: str = "v1", **more: Any) -> Object:
    """Return an object that a check has to find."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "planted"}, **more}


def hiding(items: Iterable[Object]) -> list[str]:
    kinds = ("Application", "ApplicationSet")
    return names(item for item in items if item["kind"] in kinds and "ignoreDifferences" in str(item["spec"]))


def test_no_difference_is_ignored(committed: Subject) -> None:
    assert hiding(objects(committed)) == []
    assert hiding([planted("Application", spec={"ignoreDifferences": []})]) == ["Application/planted"]


def autoscalers(items: Iterable[Object]) -> list[str]:
    kinds = ("HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler")
    return names(item for item in items if item["kind"] in kinds)


def test_no_autoscaler_is_rendered_beside_replicas(committed: Subject) -> None:
    assert autoscalers(objects(committed)) == []
    assert autoscalers([planted("HorizontalPodAutoscaler")]) == ["HorizontalPodAutoscaler/planted"]


def definitions(items: Iterable[Object], root: Path) -> list[str]:
    folders = [str(path.relative_to(root)) for part in ("charts", "argocd") for path in root.glob(f"{part}/*/crds")]
    return names(item for item in items if item["kind"] == "CustomResourceDefinition") + folders


def test_no_chart_brings_a_definition(committed: Subject, tmp_path: Path) -> None:
    assert definitions(objects(committed), repository()) == []
    (tmp_path / "charts" / "kafka" / "crds").mkdir(parents=True)
    found = definitions([planted("CustomResourceDefinition")], tmp_path)
    assert found == ["CustomResourceDefinition/planted", "charts/kafka/crds"]


def hasty(items: Iterable[Object]) -> list[str]:
    def waits(item: Object) -> bool:
        options = (item["metadata"].get("annotations") or {}).get("argocd.argoproj.io/sync-options", "")
        return "SkipDryRunOnMissingResource=true" in options.split(",")

    return names(item for item in items if not BUILT_IN.match(item["apiVersion"]) and not waits(item))


def test_custom_resources_wait_for_their_definitions(committed: Subject) -> None:
    for platform in committed.platforms.values():
        assert hasty(platform.objects) == []
    assert hasty([planted("MariaDB", "k8s.mariadb.com/v1alpha1"), planted("Service")]) == ["MariaDB/planted"]


def progressive(items: Iterable[Object]) -> list[str]:
    return names(item for item in items if item["kind"] == "ApplicationSet" and "strategy" in item["spec"])


def test_no_progressive_sync(committed: Subject) -> None:
    assert [item for item in objects(committed) if item["kind"] == "ApplicationSet"]
    assert progressive(objects(committed)) == []
    strategy = {"type": "RollingSync"}
    assert progressive([planted("ApplicationSet", spec={"strategy": strategy})]) == ["ApplicationSet/planted"]


def server_side(items: Iterable[Object]) -> list[str]:
    wide = "ServerSideApply=true"
    return names(
        item for item in items
        if item["kind"] == "Application" and wide in (item["spec"].get("syncPolicy") or {}).get("syncOptions", ())
    )  # fmt: skip


def test_no_environment_is_applied_server_side(committed: Subject) -> None:
    for platform in committed.platforms.values():
        assert server_side([platform.rendered.delivered_by, *platform.delivery]) == []
    policy = {"syncOptions": ["CreateNamespace=false", "ServerSideApply=true"]}
    assert server_side([planted("Application", spec={"syncPolicy": policy})]) == ["Application/planted"]


def stopping(items: Iterable[Object]) -> list[str]:
    def ignored(item: Object) -> bool:
        found = (item["metadata"].get("annotations") or {}).get("argocd.argoproj.io/ignore-healthcheck")
        return str(found) == "true"

    return names(item for item in items if item["kind"] == "CronJob" and not ignored(item))


@pytest.mark.parametrize("component", CRON)
def test_a_failed_run_does_not_stop_a_delivery(component: str) -> None:
    rendered = importlib.import_module(f"tests.static.test_{component.replace('-', '_')}").chart.render()
    assert [item["kind"] for item in rendered if item["kind"] == "CronJob"] == ["CronJob"]
    assert stopping(rendered) == []
    assert stopping([planted("CronJob", "batch/v1")]) == ["CronJob/planted"]


def test_the_page_is_linked() -> None:
    assert PAGE.name in (repository() / "docs" / "README.md").read_text(encoding="utf-8")

"""Operators are Applications of the cluster, before the environments; the contracts name their charts and versions."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.schemas import violations
from harness.errors import UserError
from harness.model.images import load_shared
from harness.model.load import load_contracts
from harness.paths import repository
from harness.render import KUBERNETES, helm_template
from tests import support

BOTH = ["mariadb-operator", "strimzi"]
WAVE = "argocd.argoproj.io/sync-wave"


def bootstrap(install: list[str], **values: Any) -> list[support.Object]:
    operators = {"install": install, "namespace": "indigo-operators", "registry": "", **values.pop("operators", {})}
    inline = {"repoURL": "https://git.example.org/paas.git", "operators": operators, **values}
    return helm_template(repository() / "argocd/bootstrap", release="indigo-root", namespace="argocd", inline=inline)


def applications(objects: list[support.Object]) -> dict[str, support.Object]:
    return {
        item["metadata"]["name"]: item
        for item in objects
        if item["kind"] == "Application" and item["spec"]["project"] == "indigo-operators"
    }


def test_none_is_installed_unless_asked_for() -> None:
    objects = bootstrap([])
    assert not applications(objects)
    assert "indigo-operators" not in {item["metadata"]["name"] for item in objects}


def test_charts_and_versions_are_those_of_the_contracts() -> None:
    wanted = {
        (chart.repository, chart.name, chart.version)
        for item in load_contracts(support.charts()).values()
        if item.operator
        for chart in item.operator.charts
    }
    sources = [item["spec"]["source"] for item in applications(bootstrap(BOTH)).values()]
    assert {(item["repoURL"], item["chart"], item["targetRevision"]) for item in sources} == wanted


def test_definitions_come_before_the_operator_and_operators_before_environments() -> None:
    objects = bootstrap(BOTH)
    found = applications(objects)
    waves = {name: int(item["metadata"]["annotations"][WAVE]) for name, item in found.items()}
    project = support.find(objects, "AppProject", "indigo-operators")
    environments = support.find(objects, "ApplicationSet", "indigo-environments")
    first = int(project["metadata"]["annotations"][WAVE])
    last = int(environments["metadata"]["annotations"][WAVE])
    assert first < waves["mariadb-operator-crds"] < waves["mariadb-operator"] < last
    assert waves["strimzi-kafka-operator"] < last


def test_definitions_are_never_pruned() -> None:
    for item in applications(bootstrap(BOTH)).values():
        assert item["spec"]["syncPolicy"]["automated"]["prune"] is False
        assert "finalizers" not in item["metadata"]
        assert "ServerSideApply=true" in item["spec"]["syncPolicy"]["syncOptions"], "definitions outgrow the annotation"


def test_the_objects_fit_argo_cds_definitions() -> None:
    for item in bootstrap(BOTH):
        assert not list(violations(item, KUBERNETES)), item["metadata"]["name"]


def test_each_cluster_has_operators_of_its_own_and_a_mirror_serves_all_charts() -> None:
    clusters = ["https://kubernetes.default.svc", "https://other.example.org"]
    objects = bootstrap(BOTH, clusters=clusters, operators={"registry": "mirror.example.org/charts"})
    found = applications(objects)
    assert sorted({item["spec"]["destination"]["server"] for item in found.values()}) == clusters
    assert len(found) == 6
    assert {item["spec"]["source"]["repoURL"] for item in found.values()} == {"mirror.example.org/charts"}
    project = support.find(objects, "AppProject", "indigo-operators")["spec"]
    assert project["sourceRepos"] == ["mirror.example.org/charts"]
    assert [place["server"] for place in project["destinations"]] == clusters


def test_a_mirror_serves_the_images_of_the_operators_too() -> None:
    """`indigo images mirror` keeps the path below the registry; the operators themselves are in its list."""
    found = applications(bootstrap(BOTH, operators={"images": "mirror.example.org/indigo"}))
    values = {name: item["spec"]["source"].get("helm", {}).get("valuesObject", {}) for name, item in found.items()}
    shared = load_shared(repository())
    for name, image in (("mariadb-operator", "mariadb-operator"), ("strimzi-kafka-operator", "strimzi-operator")):
        path = shared[image].repository.partition("/")[2]
        written = values[name].get("image", {}).get("repository") or f"{values[name]['defaultImageRegistry']}/{path}"
        assert written == f"mirror.example.org/indigo/{path}"
    usual = applications(bootstrap(BOTH))["mariadb-operator"]["spec"]["source"]["helm"]["valuesObject"]
    assert "image" not in usual


def test_an_operator_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        bootstrap(["other-operator"])
    assert "operators.install" in str(caught.value)

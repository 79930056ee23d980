"""The charts fit every version of Kubernetes that they are said to be for; the tables behind the rules are right."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from harness.checks import Subject, rules, schemas
from harness.checks.lifecycle import TABLE, lifecycles
from harness.checks.lifecycle.__main__ import table
from harness.checks.lifecycle.parts import deprecated_parts
from harness.checks.schemas import violations, violations_in
from harness.checks.versions import SUPPORTED, minor, ordered, span
from harness.engines.crds import deprecated
from harness.errors import UserError
from harness.paths import cache_dir, repository
from harness.render import KUBERNETES
from harness.toolchain.catalog import HERE, pinned_versions
from tests.support import parse


def deployment(**pod: Any) -> dict[str, Any]:
    labels = {"app": "x"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "x", "image": "x:1"}], **pod}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def test_the_versions_are_those_of_the_charts_and_of_the_engine() -> None:
    assert minor(KUBERNETES) == SUPPORTED[-1]
    files = [*(repository() / "charts").glob("*/Chart.yaml"), *(repository() / "argocd").glob("*/Chart.yaml")]
    wanted = {parse(file.read_text(encoding="utf-8")).get("kubeVersion") for file in files}
    assert wanted <= {f">={SUPPORTED[0]}.0-0", None}, wanted
    assert list(SUPPORTED) == sorted(SUPPORTED, key=ordered)


@pytest.mark.parametrize("version", SUPPORTED)
def test_the_schemas_are_those_of_the_version(version: str) -> None:
    assert list(violations(deployment(), version)) == []
    newest = list(violations(deployment(evictionResponders=[{"name": "a", "priority": 1}]), version))
    assert bool(newest) == (version != "1.37"), "a field of Kubernetes 1.37"


def test_a_version_without_schemas_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"no schemas of Kubernetes 1\.99") as refused:
        violations_in(deployment(), *SUPPORTED, "1.99")
    assert "1.37" in str(refused.value.fix)


def test_what_differs_between_versions_says_so() -> None:
    ((path, message, minors),) = violations_in(deployment(schedulingGroup={}), *SUPPORTED)[:1]
    assert (path, message, span(minors)) == (
        "spec.template.spec",
        "unknown field schedulingGroup",
        "Kubernetes 1.34, 1.35",
    )
    assert span(SUPPORTED) == ""


def test_an_object_is_looked_at_once_until_it_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INDIGO_CACHE", str(tmp_path))
    assert cache_dir().is_relative_to(tmp_path)
    item = deployment(hostnam="x")
    first = violations_in(item, *SUPPORTED)
    schemas._kept.cache_clear()
    monkeypatch.setattr(schemas, "_violations", lambda *_: pytest.fail("it was looked at before"))
    assert violations_in(item, *SUPPORTED) == first != []
    with pytest.raises(pytest.fail.Exception):
        violations_in(deployment(hostname="x"), *SUPPORTED)


def test_all_objects_in_all_versions_take_less_than_three_seconds(committed: Subject) -> None:
    rule = rules()["kubernetes-schema"]
    assert list(rule.findings(committed)) == []
    schemas._kept.cache_clear()
    begin = time.process_time()
    assert list(rule.findings(committed)) == []
    assert time.process_time() - begin < 3


@pytest.mark.parametrize(
    ("api", "kind", "version", "state"),
    [
        ("policy/v1beta1", "PodDisruptionBudget", "1.24", "deprecated"),
        ("policy/v1beta1", "PodDisruptionBudget", "1.25", "removed"),
        ("policy/v1beta1", "PodSecurityPolicy", "1.37", "removed"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "1.26", "removed"),
        ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "1.31", "deprecated"),
        ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "1.32", "removed"),
        ("v1", "Endpoints", "1.32", "served"),
        ("v1", "Endpoints", "1.33", "deprecated"),
    ],
)
def test_the_table_says_what_the_deprecation_guide_says(api: str, kind: str, version: str, state: str) -> None:
    life = lifecycles()[api, kind]
    found = "removed" if life.is_removed(version) else "deprecated" if life.is_deprecated(version) else "served"
    assert found == state


def test_what_is_served_for_good_is_in_no_table() -> None:
    for api, kind in (("apps/v1", "Deployment"), ("batch/v1", "CronJob"), ("v1", "Service"), ("v1", "Pod")):
        assert (api, kind) not in lifecycles()


def test_the_table_is_that_of_the_pinned_kubernetes() -> None:
    source = json.loads(TABLE.read_text(encoding="utf-8"))["source"]
    pinned = pinned_versions(HERE / "go" / "go.mod")["k8s.io/client-go"]
    assert {name.rpartition("@")[2] for name in source} == {pinned}, "python -m harness.checks.lifecycle writes it anew"


def test_the_table_is_what_the_modules_declare() -> None:
    written = json.loads(TABLE.read_text(encoding="utf-8"))
    modules = [cache_dir() / "go-mod" / name for name in written["source"]]
    if not all(module.is_dir() for module in modules):
        pytest.skip("Kubernetes' modules are not in the cache; `indigo tools build kubernetes` brings them")
    assert table(modules) == written


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (deployment(volumes=[{"name": "a", "gitRepo": {"repository": "x"}}]), "the volume type gitRepo"),
        (deployment(topologySpreadConstraints=[{"topologyKey": "beta.kubernetes.io/os"}]), "use kubernetes.io/os"),
        (
            deployment(
                affinity={
                    "podAntiAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            {"podAffinityTerm": {"topologyKey": "failure-domain.beta.kubernetes.io/zone"}}
                        ]
                    },
                }
            ),
            "use topology.kubernetes.io/zone",
        ),
        (
            deployment(
                affinity={
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [{"matchExpressions": [{"key": "beta.kubernetes.io/arch"}]}]
                        }
                    }
                }
            ),
            "use kubernetes.io/arch",
        ),
        ({"kind": "Service", "spec": {"loadBalancerIP": "192.0.2.1"}}, "loadBalancerIP is deprecated"),
        ({"kind": "Service", "spec": {"trafficDistribution": "PreferClose"}}, "use PreferSameZone"),
        (
            {"kind": "Ingress", "metadata": {"annotations": {"kubernetes.io/ingress.class": "x"}}},
            "use the field ingressClassName",
        ),
        (
            {
                "kind": "StatefulSet",
                "spec": {
                    "volumeClaimTemplates": [
                        {"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "fast"}}}
                    ]
                },
            },
            "use the field storageClassName",
        ),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_a_deprecated_part_is_found(item: dict[str, Any], says: str) -> None:
    found = list(deprecated_parts(item))
    assert len(found) == 1, found
    assert says in found[0][1]


def test_what_is_not_deprecated_is_not_found() -> None:
    item = deployment(serviceAccountName="x", nodeSelector={"kubernetes.io/os": "linux"}, volumes=[{"name": "a"}])
    assert list(deprecated_parts(item)) == []


def test_a_version_that_its_project_deprecates_is_known() -> None:
    assert deprecated("gateway.networking.k8s.io/v1alpha3", "BackendTLSPolicy")
    assert not deprecated("gateway.networking.k8s.io/v1", "BackendTLSPolicy")
    assert not deprecated("apps/v1", "Deployment")

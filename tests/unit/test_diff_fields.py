"""What makes no difference is none: order, ways to write an amount, defaults; what does is named by its path."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.diff.fields import compare
from harness.diff.normal import Quantity, normal, quantity
from harness.render.objects import Object


def deployment(**container: Any) -> Object:
    main = {"name": "iam", "image": "iam:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    template = {"metadata": {"labels": {"app": "iam"}}, "spec": {"containers": [main | container]}}
    spec = {"selector": {"matchLabels": {"app": "iam"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "iam"}, "spec": spec}


def differences(old: Object, new: Object) -> list[tuple[str, Any, Any]]:
    return [(field.where, field.old, field.new) for field in compare(normal(old), normal(new)) if not field.order]


@pytest.mark.parametrize(
    ("one", "other"),
    [("500m", "0.5"), ("1Gi", "1024Mi"), ("1", 1), ("1e3", "1k"), ("0.5Gi", "512Mi"), ("2", "2000m")],
)
def test_the_same_amount_written_in_two_ways_is_the_same(one: Any, other: Any) -> None:
    assert quantity(one) == quantity(other)
    assert hash(quantity(one)) == hash(quantity(other))


@pytest.mark.parametrize(("one", "other"), [("1G", "1Gi"), ("500m", "500"), ("1M", "1m")])
def test_another_amount_is_another(one: str, other: str) -> None:
    assert Quantity(one) != Quantity(other)


def test_defaults_written_out_are_no_difference() -> None:
    written = deployment(
        imagePullPolicy="IfNotPresent",
        terminationMessagePath="/dev/termination-log",
        ports=[{"name": "http", "containerPort": 80, "protocol": "TCP"}],
        readinessProbe={"httpGet": {"port": "http", "scheme": "HTTP"}, "periodSeconds": 10},
        resources={},
    )
    written["spec"] |= {"replicas": 1, "strategy": {"type": "RollingUpdate"}, "revisionHistoryLimit": 10}
    left_out = deployment(
        ports=[{"name": "http", "containerPort": 80}], readinessProbe={"httpGet": {"port": "http", "path": "/"}}
    )
    assert differences(written, left_out) == []


def test_an_empty_map_that_says_something_stays() -> None:
    old, new = deployment(), deployment()
    old["spec"]["template"]["spec"]["volumes"] = [{"name": "tmp", "emptyDir": {}}]
    new["spec"]["template"]["spec"]["volumes"] = [{"name": "tmp", "hostPath": {"path": "/tmp"}}]
    assert [path for path, _, _ in differences(old, new)] == [
        "spec.template.spec.volumes[tmp].emptyDir",
        "spec.template.spec.volumes[tmp].hostPath",
    ]


def test_a_field_is_named_by_what_names_the_entry_and_not_by_its_place() -> None:
    new = deployment(env=[{"name": "C", "value": "3"}, {"name": "A", "value": "9"}, {"name": "B", "value": "2"}])
    assert differences(deployment(), new) == [
        ("spec.template.spec.containers[iam].env[A].value", "1", "9"),
        ("spec.template.spec.containers[iam].env[C]", None, {"name": "C", "value": "3"}),
    ]


def test_another_order_alone_is_told_apart() -> None:
    new = deployment()
    new["spec"]["template"]["spec"]["containers"][0]["env"].reverse()
    (field,) = compare(normal(deployment()), normal(new))
    assert field.order
    assert field.where == "spec.template.spec.containers[iam].env"


def test_lists_without_names_are_compared_as_they_are() -> None:
    old = {"rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]}
    new = {"rules": [{"verbs": ["list"]}, {"verbs": ["watch"]}]}
    assert [(field.where, field.old, field.new) for field in compare(old, new)] == [
        ("rules[-]", {"verbs": ["get"]}, None),
        ("rules[+]", None, {"verbs": ["watch"]}),
    ]


def test_true_is_not_one() -> None:
    assert [field.where for field in compare({"a": True}, {"a": 1})] == ["a"]


def test_a_service_port_that_leads_to_itself_is_a_default() -> None:
    old = {"kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80, "targetPort": 80}]}}
    new = {"kind": "Service", "metadata": {"name": "s"}, "spec": {"type": "ClusterIP", "ports": [{"port": 80}]}}
    assert differences(old, new) == []


def test_what_is_compared_is_not_changed() -> None:
    item = deployment(resources={"requests": {"cpu": 1}})
    before = copy.deepcopy(item)
    normal(item)
    assert item == before


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {"completions": 1, "parallelism": 1}, True),
        ({"completions": 1}, {"completions": 1, "parallelism": 1}, True),
        ({"completions": 3}, {"completions": 3, "parallelism": 1}, True),
        ({}, {"parallelism": 1}, False),  # a queue of work: it ends when one of its pods says so
        ({}, {"completions": 2}, False),
    ],
)
def test_how_often_a_job_runs(one: Object, other: Object, same: bool) -> None:
    jobs = [{"kind": "Job", "metadata": {"name": "j"}, "spec": spec} for spec in (one, other)]
    assert (differences(*jobs) == []) is same

"""Schemas refuse the wrong values that are made of them: all in Python, a sample through Helm, another each day."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.checks import check, subject
from harness.checks.rules.values_refused import taken
from harness.checks.wrong_values import instance, places, wrong
from harness.errors import UserError
from harness.model.environment import overlay
from harness.paths import repository
from harness.render import render_all

TAKEN: list[tuple[dict[str, Any], str]] = [
    ({"properties": {"replica": {"type": "integer"}}}, "takes unknown keys"),
    ({"additionalProperties": False, "properties": {"a": {"description": "What it is."}}}, "takes anything"),
    ({"type": "string", "pattern": ""}, "is not of the form"),
]


@pytest.mark.parametrize(("schema", "says"), TAKEN)
def test_a_schema_that_takes_what_is_wrong_is_found(schema: dict[str, Any], says: str) -> None:
    found = [message for _, message in taken({"type": "object", **schema} if "properties" in schema else schema)]
    assert len(found) == 1, found
    assert says in found[0]


def test_a_schema_that_was_opened_is_found_in_its_component(checkout: Path) -> None:
    path = checkout / "charts/indigo-paas/values.schema.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["properties"]["valkey"]["additionalProperties"] = True
    path.write_text(json.dumps(data), encoding="utf-8")
    found = check(subject(["dev"], checkout), ["values-refused"]).findings
    assert [(item.component, item.path) for item in found] == [("valkey", "valkey")]


def test_many_wrong_values_are_made_of_a_schema() -> None:
    data = json.loads((repository() / "charts/indigo-paas/values.schema.json").read_text(encoding="utf-8"))
    made = [value for place in places(data) for value in wrong(place.schema)]
    assert len(made) > 10_000


def test_wrong_values_are_refused_by_helm_too_and_the_key_is_named(checkout: Path) -> None:
    data = json.loads((repository() / "charts/indigo-paas/values.schema.json").read_text(encoding="utf-8"))
    tried = [(place, value) for place in places(data) if len(place.path) > 1 for value, _ in wrong(place.schema)]
    path = checkout / "argocd/environments/dev/values.yaml"
    site = yaml.safe_load(path.read_text(encoding="utf-8"))
    for place, value in tried[datetime.date.today().toordinal() % 97 :: len(tried) // 4][:4]:
        path.write_text(yaml.safe_dump(overlay(site, instance(place.path, value))), encoding="utf-8")
        with pytest.raises(UserError) as refused:
            render_all(["dev"], checkout)
        assert place.path[0] in str(refused.value), (place.shown, value)

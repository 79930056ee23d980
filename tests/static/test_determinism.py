"""The same values give the same bytes; what would break that is found."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.checks import Platform, Subject, check
from harness.checks.rules import determinism
from harness.checks.rules.determinism import backwards
from harness.render.helm import Inputs, digest, template, template_text


def chart(folder: Path, template: str) -> Inputs:
    """Make a chart with one template, and values for it."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: odd\nversion: 0.1.0\n", encoding="utf-8")
    (folder / "templates" / "map.yaml").write_text(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: odd}}\ndata:\n  found: {template}\n", encoding="utf-8"
    )
    values = folder.parent / "values.yaml"
    values.write_text("b: 1\na: {d: 1, c: [2, 1]}\n", encoding="utf-8")
    return Inputs(folder, "odd", "default", (values,))


def with_inputs(committed: Subject, inputs: Inputs, key: str = "") -> Subject:
    """Return a subject whose one Application has these inputs, and this hash of them."""
    platform = committed.platforms["dev"]
    rendered = dataclasses.replace(
        platform.rendered,
        inputs={"odd": inputs},
        digests={"odd": digest(template_text(inputs))},
        keys={"odd": key},
    )
    changed = Platform(rendered, platform.contracts, platform.graph, platform.values, platform.modes, platform.images)
    return dataclasses.replace(committed, platforms={"dev": changed})


@pytest.mark.parametrize(
    "expression",
    [
        '"{{ now.UnixNano }}"',
        '"{{ randAlphaNum 16 }}"',
        '"{{ (now | date "MST -0700") }}"',
        '"{{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor" }}"',
    ],
)
def test_what_is_not_determined_by_the_values_is_found(committed: Subject, tmp_path: Path, expression: str) -> None:
    found = check(with_inputs(committed, chart(tmp_path / "odd", expression)), ["determinism"]).findings
    assert [item.rule for item in found] == ["determinism"]
    assert "odd renders differently" in found[0].message
    assert "see ConfigMap/odd" in found[0].message


def test_what_is_determined_by_the_values_is_not_found(committed: Subject, tmp_path: Path) -> None:
    inputs = chart(tmp_path / "odd", "{{ .Values | toJson | quote }}")
    assert check(with_inputs(committed, inputs), ["determinism"]).findings == []


def test_keys_are_reversed_and_lists_are_not() -> None:
    value = {"b": 1, "a": {"d": [1, {"y": 1, "x": 2}], "c": None}}
    assert backwards(value) == value
    assert list(backwards(value)) == ["a", "b"]
    assert list(backwards(value)["a"]["d"][1]) == ["x", "y"]


def test_another_version_of_kubernetes_gives_the_same_objects(committed: Subject) -> None:
    for inputs in committed.platforms["dev"].rendered.inputs.values():
        older = template(dataclasses.replace(inputs, kube_version="1.35.0"))
        assert older.digest == committed.platforms["dev"].rendered.digests[inputs.release]


@pytest.mark.parametrize(("expression", "renders"), [("1", 1), ("{{ now.UnixNano }}", 2)])
def test_only_what_was_proved_is_not_rendered_again(
    committed: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expression: str, renders: int
) -> None:
    monkeypatch.setattr("harness.render.cache.cache_dir", lambda: tmp_path / "cache")
    inputs = chart(tmp_path / "odd", f'"{expression}"')
    subject = with_inputs(committed, inputs, template(inputs).key)
    rendered: list[Inputs] = []
    real = determinism.other_render

    def counted(given: Inputs) -> str:
        rendered.append(given)
        return real(given)

    monkeypatch.setattr(determinism, "other_render", counted)
    found = [len(check(subject, ["determinism"]).findings) for _ in range(2)]
    assert (found, len(rendered)) == ([renders - 1] * 2, renders)

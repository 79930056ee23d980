"""`indigo ci ct-install` where images are needed: what cannot be had here is skipped, what there is not fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.ci import charts
from harness.cli import ci
from harness.engines.kind.docker import Docker
from harness.errors import UserError
from tests.unit.fake_docker import FakeDocker


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    fake = FakeDocker(tmp_path)
    monkeypatch.setenv("PATH", f"{fake.directory}:{os.environ['PATH']}")
    monkeypatch.setattr(charts, "images", lambda _, names: [f"{name}:1" for name in names])
    return fake


def test_a_chart_without_its_image_is_skipped_where_no_registry_answers(
    fake: FakeDocker, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.change(images=["valkey:1"])
    assert ci._with_images(["opa", "valkey"]) == ["valkey"]
    assert "skipped   opa: opa:1 is not here, and its registry does not answer" in capsys.readouterr().out


def test_without_any_image_nothing_is_called_installed(fake: FakeDocker) -> None:
    with pytest.raises(UserError, match="2 images are not here"):
        ci._with_images(["opa", "valkey"])


def test_an_image_that_a_registry_does_not_have_is_a_mistake(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.change(images=["valkey:1"])
    monkeypatch.setattr(Docker, "pull", lambda *_: "manifest unknown")
    with pytest.raises(UserError, match="1 images are not here and cannot be pulled: opa:1"):
        ci._with_images(["opa", "valkey"])

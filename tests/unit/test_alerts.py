"""The alerts as data: what is read from the library chart, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.model import alerts
from tests.unit.fixtures import Contracts

RIGHT = """\
{{- define "common.alerts" -}}
IndigoDown:
  of: serving
  severity: warning
  minutes: 5
  expr: up == 0
  summary: It is down.
  source: a test
{{- end -}}
"""
OWN = {"expr": "up{[[own]]} == 0", "minutes": 5, "severity": "warning", "summary": "It is down.", "source": "a test"}


def read(tmp_path: Path, text: str) -> dict[str, alerts.Pattern]:
    path = tmp_path / "alerts.tpl"
    path.write_text(text, encoding="utf-8")
    return alerts._patterns(path)


def test_the_text_between_define_and_end_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, RIGHT)["IndigoDown"].minutes == 5


def test_how_long_it_must_hold_may_be_the_recovery_budget(tmp_path: Path) -> None:
    assert read(tmp_path, RIGHT.replace("minutes: 5", "minutes: budget"))["IndigoDown"].minutes == "budget"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (RIGHT.replace("common.alerts", "common.alarms"), "does not define common.alerts"),
        (RIGHT.replace("of: serving", "of: web"), "is not a map of alerts"),
        (RIGHT.replace("IndigoDown", "Alert"), "is not a map of alerts"),
        (RIGHT.replace("minutes: 5", "minutes: 0"), "is not a map of alerts"),
        (RIGHT.replace("  source: a test\n", ""), "is not a map of alerts"),
    ],
    ids=["name", "group", "alert", "minutes", "source"],
)
def test_what_the_templates_could_not_read_is_refused(tmp_path: Path, wrong: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read(tmp_path, wrong)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        alerts._patterns(tmp_path / "none.tpl")
    assert caught.value.where == str(alerts.FILE)


def test_an_alert_of_a_contract_cannot_have_the_name_of_another() -> None:
    contracts = Contracts()
    metrics = {"port": "http", "source": "a test", "alerts": {"IndigoJobFailed": OWN}}
    contracts.data["issuer"]["metrics"] = metrics
    with pytest.raises(UserError, match="IndigoJobFailed belongs to jobs already"):
        alerts.known(contracts.build())
    contracts.data["issuer"]["metrics"] = metrics | {"alerts": {"IndigoIssuerSad": OWN}}
    assert "IndigoIssuerSad" in alerts.names(contracts.build())


def test_an_alert_of_a_contract_is_about_its_own_targets() -> None:
    contracts = Contracts()
    wrong = {"IndigoIssuerSad": OWN | {"expr": "up == 0"}}
    contracts.data["issuer"]["metrics"] = {"port": "http", "source": "a test", "alerts": wrong}
    assert "IndigoIssuerSad" in contracts.refusal()

"""The traps of the Rally runs (charts/federation-manager-rally/contract.yaml), a test each."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests import support
from tests.static.federation import URLS
from tests.support import Chart, env_of, mounts, secret

pytestmark = pytest.mark.static

NAME = "federation-manager-rally"
chart = Chart(NAME, urls=URLS)
FOLDERS = {"RALLY_ENVS_FOLDER", "RALLY_ARGS_FOLDER", "RALLY_REPORT_FOLDER"}


def test_same_keys_as_the_manager() -> None:
    manager = support.environment(Chart("federation-manager", urls=URLS).render(), "federation-manager")
    found = chart.env()
    assert found["SECRET_KEY"] == manager["SECRET_KEY"] == secret("federation-manager-keys", "secret-key")
    assert found["X_API_KEY"] == manager["API_KEY"] == secret("federation-manager-keys", "api-key")
    renamed = {"global": {"secrets": {"federation-manager-keys": "the-keys"}}}
    moved = chart.env(**copy.deepcopy(renamed))
    assert moved["SECRET_KEY"] == secret("the-keys", "secret-key")


def test_url_ends_in_slash() -> None:
    assert chart.env()["FED_MGR_API_URL"] == "http://federation-manager:8000/api/v1/"
    elsewhere = chart.env(components={"federation-manager": {"mode": "external"}})
    assert elsewhere["FED_MGR_API_URL"] == "https://manager.example.org/api/v1/"
    assert "FED_MGR_API_URL" in chart.refusal(settings={"FED_MGR_API_URL": "https://manager.example.org/api/v1"})


def test_one_page_only_so_it_is_a_large_one() -> None:
    assert int(chart.env()["API_SIZE"]) >= 1000


def test_misspelt_folder_is_refused_and_the_right_ones_are_volumes() -> None:
    def writable(pod: dict[str, Any]) -> None:
        where = mounts(pod)
        for name in FOLDERS:
            assert "emptyDir" in where.get(env_of(pod)[name], {}), name

    writable(chart.pod())
    broken = copy.deepcopy(chart.pod())
    first = broken["containers"][0]
    first["volumeMounts"] = [item for item in first["volumeMounts"] if item["mountPath"] != "/app/environments"]
    with pytest.raises(AssertionError):
        writable(broken)
    assert "RALLY_ENV_FOLDER" in chart.refusal(settings={"RALLY_ENV_FOLDER": "/app/environments"})


def test_home_not_writable_is_replaced() -> None:
    pod = chart.pod()
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert "emptyDir" in mounts(pod)[env_of(pod)["HOME"]]


def test_not_the_rally_topic() -> None:
    topic = chart.env()["KAFKA_TOPIC"]
    assert topic in chart.contract.topics
    assert topic != "rally"
    off = chart.env(components={"kafka": {"mode": "off"}})
    assert off["KAFKA_ENABLE"] == "false"
    assert "KAFKA_SSL_PASSWORD" not in off


def test_runs_overlap_never() -> None:
    cron = chart.find("CronJob")["spec"]
    assert cron["concurrencyPolicy"] == "Forbid"
    assert cron["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 14400

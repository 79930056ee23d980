"""The traps of the Rally runs (charts/federation-manager-rally/contract.yaml), a test each."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.model.load import load_contract
from tests import support
from tests.static.federation import env_of, mounts, refusal, render, run_pod, secret

pytestmark = pytest.mark.static

NAME = "federation-manager-rally"
FOLDERS = {"RALLY_ENVS_FOLDER", "RALLY_ARGS_FOLDER", "RALLY_REPORT_FOLDER"}


def spec(**values: Any) -> dict[str, Any]:
    return run_pod(render(NAME, **values), NAME)


def test_same_keys_as_the_manager() -> None:
    manager = support.environment(render("federation-manager"), "federation-manager")
    found = env_of(spec())
    assert found["SECRET_KEY"] == manager["SECRET_KEY"] == secret("federation-manager-keys", "secret-key")
    assert found["X_API_KEY"] == manager["API_KEY"] == secret("federation-manager-keys", "api-key")
    renamed = {"global": {"secrets": {"federation-manager-keys": "the-keys"}}}
    moved = env_of(run_pod(render(NAME, **copy.deepcopy(renamed)), NAME))
    assert moved["SECRET_KEY"] == secret("the-keys", "secret-key")


def test_url_ends_in_slash() -> None:
    assert env_of(spec())["FED_MGR_API_URL"] == "http://federation-manager:8000/api/v1/"
    elsewhere = env_of(spec(components={"federation-manager": {"mode": "external"}}))
    assert elsewhere["FED_MGR_API_URL"] == "https://manager.example.org/api/v1/"
    assert "FED_MGR_API_URL" in refusal(NAME, settings={"FED_MGR_API_URL": "https://manager.example.org/api/v1"})


def test_one_page_only_so_it_is_a_large_one() -> None:
    assert int(env_of(spec())["API_SIZE"]) >= 1000


def test_misspelt_folder_is_refused_and_the_right_ones_are_volumes() -> None:
    def writable(pod: dict[str, Any]) -> None:
        where = mounts(pod)
        for name in FOLDERS:
            assert "emptyDir" in where.get(env_of(pod)[name], {}), name

    writable(spec())
    broken = copy.deepcopy(spec())
    first = broken["containers"][0]
    first["volumeMounts"] = [item for item in first["volumeMounts"] if item["mountPath"] != "/app/environments"]
    with pytest.raises(AssertionError):
        writable(broken)
    assert "RALLY_ENV_FOLDER" in refusal(NAME, settings={"RALLY_ENV_FOLDER": "/app/environments"})


def test_home_not_writable_is_replaced() -> None:
    pod = spec()
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert "emptyDir" in mounts(pod)[env_of(pod)["HOME"]]


def test_not_the_rally_topic() -> None:
    topic = env_of(spec())["KAFKA_TOPIC"]
    assert topic in load_contract(support.charts() / NAME).topics
    assert topic != "rally"
    off = env_of(spec(components={"kafka": {"mode": "off"}}))
    assert off["KAFKA_ENABLE"] == "false"
    assert "KAFKA_SSL_PASSWORD" not in off


def test_runs_overlap_never() -> None:
    cron = support.find(render(NAME), "CronJob", NAME)["spec"]
    assert cron["concurrencyPolicy"] == "Forbid"
    assert cron["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 14400

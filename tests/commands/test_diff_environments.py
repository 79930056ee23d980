"""Statements about whole environments: the same in several said once; those that come, go and move; operators."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

from harness.checks import Subject
from harness.diff import Kind, Level, compare
from harness.diff.sides import Revision
from tests.static.edit import Edit
from tests.static.telling import BASE, TARGET, only, told


def anywhere(edit: Edit, kind: str, name: str) -> Any:
    """Return an object of whichever Application of the environment."""
    everything = [item for objects in edit.applications.values() for item in objects]
    return next(item for item in everything if (item["kind"], item["metadata"]["name"]) == (kind, name))


def variable(edit: Edit, name: str) -> Any:
    containers = anywhere(edit, "Deployment", "iam")["spec"]["template"]["spec"]["containers"]
    return next(entry for entry in containers[0]["env"] if entry["name"] == name)


def test_the_same_in_several_environments_is_said_once(committed: Subject) -> None:
    edits = [Edit(committed, name) for name in ("dev", "staging")]
    for edit in edits:
        variable(edit, "IAM_ORGANISATION_NAME")["value"] = "other"
        anywhere(edit, "StatefulSet", "mariadb")["spec"]["serviceName"] = "other"
    variable(edits[1], "IAM_JWT_DEFAULT_PROFILE")["value"] = "wlcg"
    found = told(committed, *edits)
    by_text = {change.text: change.environments for change in found.of(Kind.SETTING)}
    assert by_text == {
        "IAM_ORGANISATION_NAME: indigo-dc -> other": ("dev", "staging"),
        "IAM_JWT_DEFAULT_PROFILE: iam -> wlcg": ("staging",),
    }
    change = only(found, Kind.IMMUTABLE)
    assert change.environments == ("dev", "staging")
    assert "kubectl -n <namespace> delete statefulset mariadb --cascade=orphan" in change.steps


def test_a_new_environment_and_one_that_goes(committed: Subject) -> None:
    dev, prod = committed.platforms["dev"], committed.platforms["prod"]
    found = compare(
        Revision(BASE, {"dev": dev}, committed.bootstrap), Revision(TARGET, {"prod": prod}, committed.bootstrap)
    )
    assert {one.name: one.state for one in found.environments} == {"dev": "removed", "prod": "added"}
    assert {change.environments[0]: change.level for change in found.of(Kind.ENVIRONMENT)} == {
        "dev": Level.ATTENTION,
        "prod": Level.INFO,
    }
    assert "iam-db" in only(found, Kind.SECRET).details[0]


def test_an_environment_that_becomes_another_namespace_is_one_danger(committed: Subject) -> None:
    edit = Edit(committed)
    platform = edit.subject().platforms["dev"]
    configuration = platform.rendered.environment.model_copy(update={"namespace": "other"})
    moved = dataclasses.replace(platform, rendered=dataclasses.replace(platform.rendered, environment=configuration))
    found = compare(
        Revision(BASE, {"dev": platform}, committed.bootstrap), Revision(TARGET, {"dev": moved}, committed.bootstrap)
    )
    change = only(found, Kind.ENVIRONMENT)
    assert change.level is Level.DANGER
    assert change.text.startswith("dev moves: namespace indigo-dev -> other; all of its ")
    assert found.verdict == "1 environment moved to another place, without data."


def test_a_cron_job_with_another_pod_runs_it_next_time(with_profiles: Subject) -> None:
    edit = Edit(with_profiles, "trial-full")
    job = edit.get("CronJob", "federation-registry-feeder")
    job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"] = "example/feeder:2"
    change = only(told(with_profiles, edit), Kind.JOB)
    assert change.text == "its next run has another pod; one that runs goes on"
    assert change.details[0].startswith("image of federation-registry-feeder: ")


def test_an_operators_resource_may_replace_pods_and_what_its_webhook_refuses_is_told(with_profiles: Subject) -> None:
    edit = Edit(with_profiles, "trial-ha")
    resource = edit.get("MariaDB", "mariadb")
    resource["spec"]["resources"]["limits"]["memory"] = "17Gi"
    resource["spec"]["storage"]["storageClassName"] = "other"
    topic = next(item for item in edit.objects if item["kind"] == "KafkaTopic")
    topic["spec"]["replicas"] = 1
    found = told(with_profiles, edit)
    assert "mariadb-operator carries it out" in only(found, Kind.OBJECT).text
    texts = {change.object: (change.text, change.level) for change in found.of(Kind.IMMUTABLE)}
    assert "the operator's webhook refuses it" in texts["MariaDB/mariadb"][0]
    assert texts[f"KafkaTopic/{topic['metadata']['name']}"][1] is Level.ATTENTION


def test_what_is_applied_once_is_told_without_an_environment(committed: Subject) -> None:
    changed: list[Any] = copy.deepcopy(committed.bootstrap)
    project = next(item for item in changed if item["kind"] == "AppProject")
    project["spec"]["sourceRepos"] = ["*"]
    found = compare(
        Revision(BASE, dict(committed.platforms), committed.bootstrap),
        Revision(TARGET, dict(committed.platforms), changed),
    )
    change = only(found, Kind.DELIVERY)
    assert (change.environments, change.level) == ((), Level.ATTENTION)

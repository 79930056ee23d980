"""Every profile, with what a site writes for it, renders and keeps every rule; and the rules see what only it has."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checks import Subject, check, rules
from harness.errors import UserError
from harness.model.environment import Mode, load_environment
from harness.model.trial import profiles, trial
from harness.paths import repository
from harness.render import render_all
from harness.render.trials import render_trials
from tests.static.edit import Edit

OF_FILES = {"determinism", "generated-fresh", "no-nondeterminism", "images-listed"}
OF_OBJECTS = sorted(set(rules()) - OF_FILES)
OPTIONAL = {"orchestrator-python", "orchestrator-python-opa"}


def only(everything: Subject, environment: str) -> Subject:
    return dataclasses.replace(everything, platforms={environment: everything.platforms[environment]}, complete=False)


@pytest.mark.parametrize("profile", profiles(repository()))
def test_a_profile_keeps_every_rule(with_profiles: Subject, profile: str) -> None:
    attempt = trial(repository(), profile)
    found = check(only(with_profiles, attempt.environment), [*OF_OBJECTS, "determinism", "images-listed"]).findings
    assert not found, "\n".join(f"{item.rule} {item.object} {item.path}: {item.message}; {item.fix}" for item in found)


@pytest.fixture(scope="module")
def full(with_profiles: Subject) -> Subject:
    return only(with_profiles, "trial-full")


@pytest.mark.parametrize("profile", ["ha", "legacy"])
def test_what_is_checked_is_what_would_be_deployed(with_profiles: Subject, checkout: Path, profile: str) -> None:
    """`make e2e --profile` writes the example into a tree of its own; the check looks at a view of the checkout."""
    attempt = trial(checkout, profile)
    attempt.write(checkout)
    deployed = render_all([attempt.environment], checkout)[attempt.environment]
    viewed = with_profiles.platforms[attempt.environment].rendered
    assert deployed.digests == viewed.digests
    assert deployed.delivery == viewed.delivery


def test_a_mistake_in_an_example_is_refused_with_its_file(checkout: Path) -> None:
    path = checkout / "argocd/examples/site/values-legacy.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "mariadb: {replica: 1}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"mariadb\.replica: no such key") as caught:
        render_trials(checkout)
    assert caught.value.where == "argocd/examples/site/values-legacy.yaml (the profile is tried as trial-legacy)"
    assert not list((checkout / "argocd/environments").glob("trial-*"))


def test_a_view_is_written_once_and_follows_its_checkout(checkout: Path) -> None:
    place, rendered = render_trials(checkout)
    assert render_trials(checkout)[0] == place
    assert set(rendered) == {"trial-full", "trial-ha", "trial-legacy"}
    path = checkout / "charts/indigo-paas/profiles/ha.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("evictAfterSeconds: 60", "evictAfterSeconds: 61"), encoding="utf-8"
    )
    again, changed = render_trials(checkout)
    assert again == place, "a profile is read through the view's links"
    differing = {name for name in rendered if rendered[name].digests != changed[name].digests}
    assert differing == {"trial-ha"}


def test_the_example_of_a_site_switches_on_all_but_the_successor_of_the_orchestrator(full: Subject) -> None:
    (platform,) = full.platforms.values()
    assert {name for name, mode in platform.modes.items() if mode is Mode.OFF} == OPTIONAL
    here = {name for name, mode in platform.modes.items() if mode.here}
    assert {platform.component(item) for item in platform.objects} == here
    assert len(here) >= 27


def test_nothing_of_the_example_is_where_a_bootstrap_would_deploy_it(checkout: Path) -> None:
    attempt = trial(checkout, "full")
    assert not (checkout / "argocd/environments" / attempt.environment).exists()
    with pytest.raises(UserError, match=f"no environment {attempt.environment}"):
        load_environment(checkout, attempt.environment)
    attempt.write(checkout)
    assert load_environment(checkout, attempt.environment).profiles == ["full"]
    with pytest.raises(UserError, match="no environment dev"):
        load_environment(checkout, "dev")


def test_an_unknown_profile_is_refused_with_those_there_are(checkout: Path) -> None:
    with pytest.raises(UserError, match="no profile huge") as caught:
        trial(checkout, "huge")
    assert "full, " in str(caught.value)


def overlapping_runs(edit: Edit) -> None:
    edit.workload("federation-registry-feeder")["spec"]["concurrencyPolicy"] = "Allow"


def a_run_without_an_end(edit: Edit) -> None:
    del edit.workload("ai-ranker-training")["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]


def two_pods_of_one_run(edit: Edit) -> None:
    edit.workload("ai-ranker-training")["spec"]["jobTemplate"]["spec"]["parallelism"] = 2


def an_init_container_that_writes_elsewhere(edit: Edit) -> None:
    spec = edit.pod("mlflow")["spec"]
    spec["volumes"].append({"name": "more", "emptyDir": {"sizeLimit": "1Gi"}})
    spec["initContainers"][0]["volumeMounts"].append({"name": "more", "mountPath": "/more"})


def an_init_container_whose_data_is_lost(edit: Edit) -> None:
    spec = edit.pod("mlflow")["spec"]
    spec["volumes"].append({"name": "more", "emptyDir": {"sizeLimit": "1Gi"}})
    mount = next(item for item in spec["initContainers"][0]["volumeMounts"] if item["mountPath"] == "/mlflow")
    mount["name"] = "more"


def an_init_container_of_another_image(edit: Edit) -> None:
    edit.pod("mlflow")["spec"]["initContainers"][0]["image"] = "example.org/other:1.0"


@pytest.mark.parametrize(
    ("mistake", "rule", "says"),
    [
        (overlapping_runs, "contract-replicas", "is Allow, the contract says Forbid"),
        (a_run_without_an_end, "contract-replicas", "is not set: a run that hangs"),
        (two_pods_of_one_run, "contract-replicas", "is 2: a run is one pod"),
        (an_init_container_that_writes_elsewhere, "contract-writable", "/more is writable in upgrade"),
        (an_init_container_whose_data_is_lost, "contract-writable", "/mlflow is to be kept, but is a volume of type"),
        (an_init_container_of_another_image, "contract-image", "is example.org/other:1.0, contract and values say"),
    ],
)
def test_a_mistake_that_only_the_full_profile_can_have(
    full: Subject, mistake: Callable[[Edit], None], rule: str, says: str
) -> None:
    edit = Edit(full, "trial-full")
    mistake(edit)
    found = check(edit.subject(), OF_OBJECTS).findings
    assert {item.rule for item in found} == {rule}, [(item.rule, item.path, item.message) for item in found]
    assert any(says in item.message for item in found), [item.message for item in found]


def test_a_namespace_enforces_no_less_than_its_components_need(committed: Subject, full: Subject) -> None:
    edit = Edit(committed)
    labels = edit.get("Namespace", edit.namespace)["metadata"]["labels"]
    labels["pod-security.kubernetes.io/enforce"] = "baseline"
    found = check(edit.subject(), ["contract-user"]).findings
    assert ["no component that runs here needs more than restricted" in item.message for item in found] == [True]

    edit = Edit(full, "trial-full")
    edit.get("Namespace", edit.namespace)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    components = {item.component for item in check(edit.subject(), ["contract-user"]).findings}
    assert components == {"federation-registry", "template-parser", "provider-selector", "dataset-collector"}

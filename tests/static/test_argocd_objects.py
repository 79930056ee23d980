"""What Argo CD is given: the root keeps itself, environments come from folders, and nothing can delete what runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.checks import Subject, check, subject
from harness.checks.rules.graph_waves import wave
from harness.model.environment import load_environments
from harness.render import REPO, REVISION, Object, helm_template, render_all, render_bootstrap
from harness.render.objects import title

KINDS = ("Application", "ApplicationSet", "AppProject")


def one(objects: list[Object], kind: str, name: str) -> Any:
    found = [item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, [title(item) for item in objects]
    return found[0]


def test_the_root_renders_exactly_what_was_applied_by_hand(committed: Subject) -> None:
    root = one(committed.bootstrap, "Application", "indigo-root")
    source = root["spec"]["source"]
    assert source["path"] == "argocd/bootstrap"
    again = helm_template(
        committed.repository / source["path"],
        release="indigo-root",
        namespace=root["spec"]["destination"]["namespace"],
        inline=source["helm"]["valuesObject"],
    )
    assert again == committed.bootstrap


def test_bootstrap_follows_one_repository_at_one_revision() -> None:
    found: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            if "repoURL" in value:
                found.append((value["repoURL"], value.get("targetRevision", value.get("revision"))))
            for item in value.values():
                collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)

    collect(render_bootstrap(repo="https://git.example.org/x.git", revision="v9"))
    assert len(found) == 5  # root with its values, generator, template with its values
    assert set(found) == {("https://git.example.org/x.git", "v9")}


def test_bootstrap_holds_no_secret_and_makes_no_namespace(committed: Subject) -> None:
    kinds = {item["kind"] for item in committed.bootstrap}
    assert kinds == {"ConfigMap", *KINDS}
    assert all(item["metadata"]["namespace"] == "argocd" for item in committed.bootstrap)


def test_settings_come_before_the_project_and_that_before_the_environments(committed: Subject) -> None:
    waves = {title(item): wave(item) for item in committed.bootstrap}
    settings = max(number for name, number in waves.items() if name.startswith("ConfigMap/") and number is not None)
    project = waves["AppProject/indigo-delivery"]
    environments = waves["ApplicationSet/indigo-environments"]
    assert project is not None
    assert environments is not None
    assert settings < project < environments


def test_every_folder_of_environments_becomes_one_application(committed: Subject) -> None:
    known = load_environments(committed.repository)
    assert set(committed.platforms) == set(known)
    for name, platform in committed.platforms.items():
        parent = platform.rendered.delivered_by
        assert parent["metadata"]["name"] == f"env-{name}"
        assert parent["spec"]["project"] == "indigo-delivery"
        assert parent["spec"]["destination"] == {"server": "https://kubernetes.default.svc", "namespace": "argocd"}
        before = one(platform.delivery, "Application", f"indigo-{name}-namespace")
        assert before["spec"]["project"] == "indigo-delivery"
        assert before["spec"]["destination"] == {"server": known[name].cluster, "namespace": known[name].namespace}


def test_a_new_environment_needs_a_folder_and_nothing_else(checkout: Path) -> None:
    dev = checkout / "argocd/environments/dev"
    lab = checkout / "argocd/environments/lab"
    lab.mkdir()
    for name in ("config.yaml", "values.yaml"):
        text = (dev / name).read_text(encoding="utf-8")
        (lab / name).write_text(re.sub(r"\bdev\b", "lab", text), encoding="utf-8")
    rendered = render_all(["lab"], checkout)["lab"]
    assert list(rendered.applications) == ["indigo-lab"]
    assert {item["metadata"]["namespace"] for item in rendered.objects()} == {"indigo-lab"}
    only_objects = ["argocd-projects", "argocd-sync", "graph-policies", "kubernetes-schema", "names", "references"]
    assert check(subject(repository=checkout), only_objects).findings == []


@pytest.mark.parametrize("key", ["podSecurity", "profiles", "namespace"])
def test_what_config_yaml_says_reaches_the_objects(checkout: Path, key: str) -> None:
    path = checkout / "argocd/environments/dev/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    (checkout / "charts/indigo-paas/profiles/other.yaml").write_text("{}\n", encoding="utf-8")
    config[key] = {"podSecurity": "baseline", "profiles": ["other", "minimal"], "namespace": "indigo-other"}[key]
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    delivery = render_all(repository=checkout)["dev"].delivery
    if key == "podSecurity":
        labels = one(delivery, "Namespace", "indigo-dev")["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    elif key == "profiles":
        files = one(delivery, "Application", "indigo-dev")["spec"]["source"]["helm"]["valueFiles"]
        assert files[:2] == ["profiles/other.yaml", "profiles/minimal.yaml"]
        assert len(files) == 3
    else:
        assert one(delivery, "Namespace", "indigo-other")


def test_an_environment_that_waits_for_a_hand_has_no_automated_sync(checkout: Path) -> None:
    path = checkout / "argocd/environments/dev/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["sync"] = {"automated": False, "retries": 1}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    application = one(render_all(repository=checkout)["dev"].delivery, "Application", "indigo-dev")
    assert "automated" not in application["spec"]["syncPolicy"]
    assert application["spec"]["syncPolicy"]["retry"]["limit"] == 1
    assert check(subject(repository=checkout), ["argocd-sync", "kubernetes-schema"]).findings == []


def test_nothing_of_argo_cd_deletes_what_runs(committed: Subject) -> None:
    everything = [*committed.bootstrap]
    for platform in committed.platforms.values():
        everything += [platform.rendered.delivered_by, *platform.delivery]
    for item in everything:
        assert not item["metadata"].get("finalizers"), title(item)
    applicationset = one(committed.bootstrap, "ApplicationSet", "indigo-environments")
    assert applicationset["spec"]["syncPolicy"] == {
        "applicationsSync": "create-update", "preserveResourcesOnDeletion": True
    }  # fmt: skip


def test_no_commit_is_taken_for_unchanged(committed: Subject) -> None:
    """With manifest-generate-paths, a fix compared while an older sync hung is never synced (Argo CD 3.6.1)."""
    for platform in committed.platforms.values():
        for item in platform.delivery:
            annotations = item["metadata"].get("annotations") or {}
            assert "argocd.argoproj.io/manifest-generate-paths" not in annotations, title(item)


def test_the_quota_lets_the_platform_start(committed: Subject) -> None:
    for platform in committed.platforms.values():
        quota = platform.rendered.environment.quota
        asked = [
            container.data["resources"]["requests"]["memory"] for pod in platform.pods for container in pod.containers
        ]
        if "requests.memory" in quota:
            # init containers and Jobs are counted as if they ran beside the others: more than ever runs at once
            assert sum(map(mebibytes, asked)) <= mebibytes(quota["requests.memory"]), platform.name


def mebibytes(quantity: str) -> float:
    units = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024, "Ti": 1024 * 1024}
    return float(quantity[:-2]) * units[quantity[-2:]]


def test_the_stand_in_repository_is_no_real_one() -> None:
    assert REPO.startswith("https://git.example.org/")
    assert REVISION == "main"

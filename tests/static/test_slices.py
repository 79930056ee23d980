"""Whole or in slices: the same objects under the same names, each exactly once, and what may go wrong is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.checks import Subject, check, rules, subject
from harness.errors import UserError
from harness.model.contract import TIERS
from harness.model.environment import load_environment, values_files
from harness.model.trial import profiles, trial
from harness.paths import repository
from harness.render import Object, helm_template, render_all
from harness.render.objects import title
from tests.static.edit import Edit
from tests.static.test_checks import OF_FILES

UMBRELLA = Path("charts/indigo-paas")
DEV = Path("argocd/environments/dev")


def ordered(objects: list[Object]) -> list[Object]:
    """Return objects in an order that does not depend on how they were delivered."""
    return sorted(objects, key=lambda item: (title(item), item["apiVersion"]))


def configure(checkout: Path, **changes: Any) -> None:
    """Change keys of the environment dev's config.yaml."""
    path = checkout / DEV / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


@pytest.fixture
def sliced(checkout: Path) -> Path:
    """A checkout whose environment dev is delivered in slices."""
    configure(checkout, delivery="slices")
    return checkout


@pytest.mark.parametrize("profile", profiles(repository()))
def test_all_slices_together_are_the_whole_and_nothing_is_there_twice(checkout: Path, profile: str) -> None:
    root = checkout
    tried = trial(root, profile)
    tried.write(root)
    files = tuple(root / path for path in values_files(load_environment(root, tried.environment)))

    def rendered(slice_: str) -> list[Object]:
        inline = {"global": {"slice": slice_}} if slice_ else None
        return helm_template(root / UMBRELLA, *files, release="x", namespace="indigo-dev", inline=inline)

    parts = {tier: rendered(tier) for tier in TIERS}
    assert ordered([item for part in parts.values() for item in part]) == ordered(rendered(""))
    assert parts["data"] and parts["core"]
    times = Counter((item["apiVersion"], title(item)) for part in parts.values() for item in part)
    assert set(times.values()) == {1}


def test_config_yaml_decides_which_applications_there_are(committed: Subject, sliced: Path) -> None:
    dev = render_all(["dev"], sliced)["dev"]
    assert list(dev.applications) == [f"indigo-dev-{tier}" for tier in TIERS]
    assert ordered(dev.objects()) == ordered(committed.platforms["dev"].objects)
    assert dev.applications["indigo-dev-batch"] == []
    made = {item["metadata"]["name"]: item for item in dev.delivery if item["kind"] == "Application"}
    assert "indigo-dev" not in made
    assert {item["spec"]["project"] for name, item in made.items() if name in dev.applications} == {"indigo-dev"}


def test_slices_keep_every_rule(sliced: Path) -> None:
    looked_at = subject(["dev"], sliced)
    assert check(looked_at, sorted(set(rules()) - OF_FILES)).findings == []


def test_only_slices_without_what_all_need_may_become_empty(sliced: Path) -> None:
    delivery = render_all(["dev"], sliced)["dev"].delivery
    automated = {
        item["metadata"]["name"]: item["spec"]["syncPolicy"]["automated"]
        for item in delivery
        if item["kind"] == "Application" and item["spec"]["project"] == "indigo-dev"
    }
    assert {name for name, policy in automated.items() if policy.get("allowEmpty")} == {
        "indigo-dev-services", "indigo-dev-batch"
    }  # fmt: skip
    edit = Edit(subject(["dev"], sliced))
    edit.get("Application", "indigo-dev-data")["spec"]["syncPolicy"]["automated"]["allowEmpty"] = True
    found = check(edit.subject(), ["argocd-sync"]).findings
    assert ["an empty render would prune everything" in item.message for item in found] == [True]


def test_a_first_installation_is_ordered_and_nothing_waits_afterwards(sliced: Path) -> None:
    delivery = render_all(["dev"], sliced)["dev"].delivery
    said = {
        item["metadata"]["name"]: (
            int(item["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]),
            item["metadata"]["annotations"].get("indigo-paas/waited-for"),
        )
        for item in delivery
        if item["kind"] == "Application"
    }
    assert said == {
        "indigo-dev-namespace": (0, None),
        "indigo-dev-data": (1, "first-sync"),
        "indigo-dev-core": (2, "first-sync"),
        "indigo-dev-services": (3, "never"),
        "indigo-dev-batch": (3, "never"),
    }


@pytest.mark.parametrize("written", ["database", "Data", None])
def test_a_slice_that_does_not_exist_is_refused(committed: Subject, written: str | None) -> None:
    with pytest.raises(UserError, match="slice"):
        helm_template(
            committed.repository / UMBRELLA,
            committed.repository / DEV / "values.yaml",
            release="x",
            inline={"global": {"slice": written}} if written else {"global": {"slice": 1}},
        )


def test_another_way_of_delivery_is_refused(checkout: Path) -> None:
    configure(checkout, delivery="parts")
    with pytest.raises(UserError, match="delivery"):
        render_all(["dev"], checkout)


def misplaced(edit: Edit) -> None:
    moved = edit.get("Service", "mariadb")
    edit.objects.remove(moved)
    edit.applications["indigo-dev-batch"].append(moved)


def lost(edit: Edit) -> None:
    edit.objects[:] = [
        item for item in edit.objects if item["metadata"]["labels"]["app.kubernetes.io/name"] != "valkey"
    ]


def dropped(edit: Edit) -> None:
    del edit.applications["indigo-dev-batch"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (misplaced, "is delivered by indigo-dev-batch, but mariadb is of tier data"),
        (lost, "indigo-dev-data delivers nothing of it"),
        (dropped, "the Application indigo-dev-batch is not made, config.yaml says slices"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_delivered_twice_nowhere_or_in_the_wrong_slice_is_found(sliced: Path, wrong: Any, says: str) -> None:
    edit = Edit(subject(["dev"], sliced))
    wrong(edit)
    assert [item.message for item in check(edit.subject(), ["slices"]).findings] == [says]

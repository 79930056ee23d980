"""A Secret's revision rolls exactly the pods that read it, in every environment."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from typing import Any

import pytest

from harness.checks import Platform, Subject
from harness.checks.pods import pods_of
from harness.errors import UserError
from harness.render import Object
from harness.render.helm import template
from harness.secrets.references import references

PREFIX = "secret-revision/"
HASH = re.compile(r"-[0-9a-f]{8}$")


def rendered(platform: Platform, revisions: dict[str, str], names: dict[str, str] | None = None) -> list[Object]:
    """Return what the environment's charts render with these revisions (and names of Secrets)."""
    values = json.dumps({"global": {"secretRevisions": revisions, "secrets": names or {}}})
    given = [platform.rendered.inputs[name] for name in platform.rendered.applications]
    return [item for inputs in given for item in template(dataclasses.replace(inputs, inline=values)).objects]


def identifiers(platform: Platform) -> list[str]:
    """Return the ids of the Secrets that the environment's components own or read."""
    return sorted(name for name, (owner, _) in platform.graph.secrets().items() if owner in platform.embedded)


def key(item: Object) -> str:
    """Return Kind/name, without the hash that a Job's name has of what it runs."""
    name = item["metadata"]["name"]
    return f"{item['kind']}/{HASH.sub('', name) if item['kind'] == 'Job' else name}"


def readers(objects: list[Object], secret: str) -> set[str]:
    """Return the objects whose pods read a Secret, as Kind/name."""
    found = {f"{use.kind}/{use.object}" for use in references(objects) if use.secret == secret}
    return {name if not name.startswith("Job/") else HASH.sub("", name) for name in found}


def places(item: Object) -> list[Any]:
    """Return the metadata where revisions are written: of an object's pods, or where its operator takes them from."""
    if item["apiVersion"].startswith("k8s.mariadb.com/"):
        return [item["spec"]["podMetadata"]] if item["kind"] == "MariaDB" else [item["metadata"]]
    if item["kind"] == "Kafka":
        return [item["spec"]["kafka"]["template"]["pod"]["metadata"]]
    return [pod.metadata for pod in pods_of(item)]


def marks(item: Object) -> set[str]:
    """Return the ids whose revision is an annotation there."""
    found = {name for metadata in places(item) for name in metadata.get("annotations") or {}}
    return {name.removeprefix(PREFIX) for name in found if name.startswith(PREFIX)}


def without_marks(item: Object) -> Object:
    """Return an object without revisions and without the hash in a Job's name."""
    plain = copy.deepcopy(item)
    plain["metadata"]["name"] = key(item).partition("/")[2]
    for metadata in places(plain):
        annotations = metadata.get("annotations") or {}
        for name in [name for name in annotations if name.startswith(PREFIX)]:
            del annotations[name]
        if not annotations:
            metadata.pop("annotations", None)
    return plain


def test_every_pod_carries_the_revisions_of_what_it_reads_and_no_other(committed: Subject) -> None:
    for name in ("dev", "prod"):  # the fewest components as a whole; all of them in slices, some made by operators
        platform = committed.platforms[name]
        ids = identifiers(platform)
        objects = rendered(platform, dict.fromkeys(ids, "r1"))
        reading = {name: readers(objects, name) for name in ids}
        read = 0
        for item in objects:
            expected = {name for name in ids if key(item) in reading[name]}
            assert marks(item) == expected, key(item)
            read += len(expected)
        assert read >= len(ids) // 2, f"{platform.name}: hardly anything is read"


def test_a_revision_changes_its_readers_and_nothing_else(committed: Subject) -> None:
    platform = committed.platforms["dev"]
    before = {key(item): item for item in platform.objects}
    name = "valkey-auth"
    after = {key(item): item for item in rendered(platform, {name: "r1"})}
    assert after.keys() == before.keys()
    changed = {each for each, item in after.items() if item != before[each]}
    assert changed == readers(platform.objects, name)
    assert len(changed) >= 2, changed
    assert {each: without_marks(item) for each, item in after.items()} == {
        each: without_marks(item) for each, item in before.items()
    }
    again = {key(item): item for item in rendered(platform, {name: "r2"})}
    assert {each for each, item in again.items() if item != after[each]} == changed


def test_a_password_of_a_database_runs_the_job_that_sets_it_again(committed: Subject) -> None:
    platform = committed.platforms["dev"]
    before, after = platform.objects, rendered(platform, {"iam-db": "r1"})
    jobs = [{item["metadata"]["name"] for item in objects if item["kind"] == "Job"} for objects in (before, after)]
    gone, new = jobs[0] - jobs[1], jobs[1] - jobs[0]
    assert [HASH.sub("", name) for name in (*gone, *new)] == ["mariadb-provision"] * 2


def test_a_renamed_secret_is_followed(committed: Subject) -> None:
    platform = committed.platforms["dev"]
    objects = rendered(platform, {"iam-db": "r1"}, {"iam-db": "site-db"})
    marked = {key(item) for item in objects if "iam-db" in marks(item)}
    assert marked == readers(objects, "site-db") == {"Deployment/iam", "Job/mariadb-provision"}


def test_without_revisions_nothing_is_written(committed: Subject) -> None:
    for platform in committed.platforms.values():
        assert not any(marks(item) for item in platform.objects)


@pytest.mark.parametrize(
    ("revisions", "says"), [({"nobody": "r1"}, "global.secretRevisions.nobody"), ({"iam-db": "two words"}, "iam-db")]
)
def test_an_unknown_secret_or_a_text_with_blanks_is_refused(
    committed: Subject, revisions: dict[str, str], says: str
) -> None:
    with pytest.raises(UserError) as refused:
        rendered(committed.platforms["dev"], revisions)
    assert says in str(refused.value)

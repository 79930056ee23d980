"""Every rule finds what it is there for, alone; and nothing in the working tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from harness.checks import Finding, Subject, check, rules
from harness.checks.rules.no_nondeterminism import scan
from harness.cli.check import check as command
from harness.errors import UserError
from tests.static import mistakes_delivery
from tests.static.edit import Edit
from tests.static.mistakes import MISTAKES

# These look at files, not at the objects that an edit changes; they have tests of their own.
OF_FILES = {"determinism", "generated-fresh", "no-nondeterminism"}
assert mistakes_delivery  # enters its own into the table
OF_OBJECTS = sorted(set(rules()) - OF_FILES)


@pytest.fixture(scope="module")
def before(committed: Subject) -> set[Finding]:
    """What is found without a mistake: nothing, unless somebody is at work on it."""
    return set(check(Edit(committed).subject(), OF_OBJECTS).findings)


@pytest.mark.parametrize("rule", rules())
def test_the_working_tree_keeps_every_rule(committed: Subject, rule: str) -> None:
    found = check(committed, [rule]).findings
    assert not found, "\n".join(f"{item.object} {item.path}: {item.message}; {item.fix}" for item in found)


@pytest.mark.parametrize(
    ("rule", "says", "edit"), [pytest.param(*mistake[:3], id=mistake[3]) for mistake in MISTAKES]
)
def test_a_mistake_is_found_by_its_rule_alone(
    committed: Subject, before: set[Finding], rule: str, says: str, edit: Callable[[Edit], None]
) -> None:
    copied = Edit(committed)
    edit(copied)
    found = [item for item in check(copied.subject(), OF_OBJECTS).findings if item not in before]
    assert {item.rule for item in found} == {rule}, [(item.rule, item.object, item.path, item.message) for item in found]
    assert any(says in item.message for item in found), [item.message for item in found]
    assert all(item.fix for item in found)


def test_every_rule_has_a_mistake_that_it_finds() -> None:
    assert {mistake[0] for mistake in MISTAKES} == set(OF_OBJECTS)


def test_what_is_right_is_not_found(committed: Subject) -> None:
    edit = Edit(committed)
    edit.job("mariadb")["spec"]["template"]["spec"]["containers"][0]["env"].append(
        {"name": "PROVISION_PASSWORD_MORE", "valueFrom": {"secretKeyRef": {"name": "mariadb-root", "key": "password"}}}
    )
    edit.contract("mariadb", replicas=edit.contracts["mariadb"].replicas.model_copy(update={"max": 3}))
    edit.scale("mariadb", 2)
    assert check(edit.subject(), OF_OBJECTS).findings == check(committed, OF_OBJECTS).findings


def test_a_rule_is_one_module_named_after_it() -> None:
    for identifier, rule in rules().items():
        assert rule.environment or rule.checkout, identifier
        assert rule.title and rule.fix and rule.source, identifier


def test_an_object_of_odd_shape_is_a_finding_and_no_crash(committed: Subject) -> None:
    edit = Edit(committed)
    edit.workload("mariadb")["spec"]["template"]["spec"]["containers"] = "none"
    found = check(edit.subject(), OF_OBJECTS).findings
    assert any(item.rule == "kubernetes-schema" for item in found)
    assert any("cannot judge" in item.message for item in found)


def test_an_unknown_rule_is_refused(committed: Subject) -> None:
    with pytest.raises(UserError, match="no rule nonsense"):
        check(committed, ["nonsense"])


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ randAlphaNum 8 }}", "randAlphaNum is random"),
        ("a: {{- uuidv4 }}", "uuidv4 is random"),
        ("{{ now | date }}", "now depends on the time"),
        ('{{ if (lookup "v1" "Secret" "a" "b") }}', "lookup asks a cluster"),
        ('{{ $ca := genCA "ca" 365 }}', "genCA makes a new key"),
        ("{{ if .Capabilities.APIVersions.Has `x/v1` }}", ".Capabilities differs"),
        ("{{ $.Capabilities.KubeVersion }}", ".Capabilities differs"),
        ("{{ if .Release.IsUpgrade }}", ".Release.IsUpgrade is always the same"),
        ("name: {{ .Release.Name }}", "named after the component"),
        ("{{ range keys .Values.x }}", "random order"),
        ('{{ env "HOME" }}', "env depends on the machine"),
        ("line\n{{/* rand */}}\n{{ shuffle .x }}", "shuffle is random"),
    ],
)
def test_what_a_template_may_not_use_is_found(template: str, says: str) -> None:
    found = list(scan(template))
    assert len(found) == 1, found
    assert says in found[0][1]
    assert found[0][0] == template.count("\n") + 1


@pytest.mark.parametrize(
    "template",
    [
        '{{- /* Nothing random: no rand*, now, lookup, genCA, .Capabilities. */ -}}',
        '{{ include "common.env" (dict "env" .env) }}',
        '{{ fail "look it up now" }}',
        "{{ range keys .Values.x | sortAlpha }}",
        "{{ .Release.Namespace }}{{ .Values.now }}{{ $now }}",
        "the word now outside of an action",
    ],
)
def test_what_a_template_may_use_is_not_found(template: str) -> None:
    assert list(scan(template)) == []


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command, arguments)


def test_the_command_says_how_much_it_looked_at(committed: Subject) -> None:
    done = run("--rule", "selectors-minimal")
    assert done.exit_code == 0, done.output
    assert "no finding; 1 rules" in done.output
    assert "dev" in done.output


def test_the_command_writes_json_with_times() -> None:
    done = run("--rule", "names", "--environment", "dev", "--output", "json")
    data = json.loads(done.output)
    assert data["environments"] == ["dev"]
    assert data["rules"] == ["names"]
    assert data["findings"] == []
    assert set(data["seconds"]) == {"render", "names"}


def test_the_command_shows_findings_by_environment_and_component(
    committed: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = Edit(committed)
    edit.container("mariadb")["image"] = "mariadb:latest"
    monkeypatch.setattr("harness.cli.check.subject", lambda _: edit.subject())
    done = run("--rule", "contract-image")
    assert done.exit_code == 1
    assert done.output.splitlines()[:5] == [
        "dev",
        "  mariadb",
        "    contract-image StatefulSet/mariadb spec.template.spec.containers[0].image",
        "      mariadb:latest is a tag that moves",
        "      fix: name a version, or pin the digest",
    ]


def test_the_command_lists_the_rules() -> None:
    listed = run("--list").output
    assert all(identifier in listed for identifier in rules())
    assert {entry["id"] for entry in json.loads(run("--list", "--output", "json").output)} == set(rules())

"""Every rule finds what it is there for, alone; and nothing in the working tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from harness.checks import Finding, Subject, check, rules, subject
from harness.checks.rules.images_listed import scan as images_in
from harness.checks.rules.no_nondeterminism import scan
from harness.cli.check import check as command
from harness.errors import UserError
from tests.static import (
    mistakes_delivery,
    mistakes_kubernetes,
    mistakes_objects,
    mistakes_references,
    mistakes_routes,
)
from tests.static.edit import Edit
from tests.static.mistakes import MISTAKES

# These look at files, not at the objects that an edit changes; they have tests of their own.
OF_FILES = {
    "determinism",
    "generated-fresh",
    "immutable-fields",
    "no-nondeterminism",
    "revisions",
    "values-documented",
    "values-effective",
    "values-refused",
}
# they enter their own into the table
assert mistakes_delivery and mistakes_kubernetes and mistakes_objects and mistakes_references and mistakes_routes
BELOW = {
    "iam": "https://iam.example.org",
    "dashboard": "https://dashboard.example.org",
    "orchestrator": "https://paas.example.org/orchestrator",
}
OF_OBJECTS = sorted(set(rules()) - OF_FILES)


@pytest.fixture(scope="module")
def before(committed: Subject) -> set[Finding]:
    """What is found without a mistake: nothing, unless somebody is at work on it."""
    return set(check(Edit(committed).subject(), OF_OBJECTS).findings)


@pytest.mark.parametrize("rule", rules())
def test_the_working_tree_keeps_every_rule(committed: Subject, rule: str) -> None:
    found = check(committed, [rule]).findings
    assert not found, "\n".join(f"{item.object} {item.path}: {item.message}; {item.fix}" for item in found)


@pytest.mark.parametrize(("rule", "says", "edit"), [pytest.param(*mistake[:3], id=mistake[3]) for mistake in MISTAKES])
def test_a_mistake_is_found_by_its_rule_alone(
    committed: Subject, before: set[Finding], rule: str, says: str, edit: Callable[[Edit], None]
) -> None:
    copied = Edit(committed)
    edit(copied)
    found = [item for item in check(copied.subject(), OF_OBJECTS).findings if item not in before]
    assert {item.rule for item in found} == {rule}, [
        (item.rule, item.object, item.path, item.message) for item in found
    ]
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


@pytest.mark.parametrize(
    "values",
    [
        {"components": {"mariadb": {"mode": "external", "host": "db.example.org", "port": 3307}}},
        {"components": {"iam": {"mode": "external"}}},
        {"components": {"dashboard": {"mode": "off"}}},
        {"images": {"registry": "mirror.example.org/indigo", "pullSecrets": ["mirror"]}},
        {"secrets": {"mariadb-root": "site-root", "iam-db": "site-iam"}},
        {"routes": {"kind": "HTTPRoute", "gateway": {"name": "public", "sectionName": "https"}}},
        {"urls": BELOW, "routes": {"kind": "HTTPRoute", "gateway": {"name": "public"}}},
        {"routes": {"kind": "Ingress", "ingress": {"className": "haproxy", "tls": {"clusterIssuer": "site"}}}},
        {"monitoring": {"enabled": True, "runbooks": "https://git.example.org/runbooks", "labels": {"release": "x"}}},
        {"network": {"gatewayNamespace": "edge", "gatewayCidrs": ["10.0.0.1/32"], "internetCidrs": ["10.0.0.0/8"]}},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_a_site_may_set_keeps_every_rule(checkout: Path, values: dict[str, Any]) -> None:
    path = checkout / "argocd/environments/dev/values.yaml"
    site = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**site, "global": {**site["global"], **values}}), encoding="utf-8")
    assert check(subject(["dev"], checkout), OF_OBJECTS).findings == []


def test_a_budget_may_be_allowed_before_an_environment_needs_it(committed: Subject) -> None:
    edit = Edit(committed)
    edit.allow("policy", "PodDisruptionBudget")
    assert check(edit.subject(), ["argocd-projects"]).findings == []
    edit.contract("iam", replicas=edit.contracts["iam"].replicas.model_copy(update={"max": None}))
    edit.scale("iam", 2)
    kinds = edit.get("AppProject", "indigo-dev")["spec"]["namespaceResourceWhitelist"]
    kinds.remove({"group": "policy", "kind": "PodDisruptionBudget"})
    assert [item.message for item in check(edit.subject(), ["argocd-projects"]).findings] == [
        "PodDisruptionBudget of policy is missing, and is rendered: the sync would be refused"
    ]


def test_a_generated_file_that_was_changed_by_hand_is_found(checkout: Path) -> None:
    path = checkout / "charts/mariadb/README.md"
    path.write_text(path.read_text(encoding="utf-8") + "more\n", encoding="utf-8")
    found = check(subject(["dev"], checkout), ["generated-fresh"]).findings
    assert ("mariadb", "charts/mariadb/README.md") in {(item.component, item.object) for item in found}


def test_a_random_template_is_found_in_its_chart(checkout: Path) -> None:
    path = checkout / "charts/valkey/templates/_wiring.tpl"
    path.write_text(path.read_text(encoding="utf-8") + '{{- define "x" }}{{ uuidv4 }}{{ end }}\n', encoding="utf-8")
    found = check(subject(["dev"], checkout), ["no-nondeterminism"]).findings
    lines = path.read_text(encoding="utf-8").count("\n")
    assert [(item.component, item.object, item.path) for item in found] == [
        ("valkey", "charts/valkey/templates/_wiring.tpl", f"line {lines}")
    ]


def test_an_environment_on_another_cluster_keeps_its_applications_with_argo_cd(checkout: Path) -> None:
    path = checkout / "argocd/environments/dev/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    far = "https://far.example.org:6443"
    path.write_text(yaml.safe_dump({**config, "cluster": far}), encoding="utf-8")
    found = check(subject(["dev"], checkout), ["argocd-projects"]).findings
    # the one thing missing is that the bootstrap knows the cluster
    assert [item.message for item in found] == [f"namespace indigo-dev of {far} is missing, and is delivered to"]


@pytest.mark.parametrize("wrong", ["https://far.example.org:6443"])
def test_applications_made_where_no_argo_cd_runs_are_found(checkout: Path, wrong: str) -> None:
    path = checkout / "argocd/bootstrap/templates/environments.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("server: https://kubernetes.default.svc") == 1
    path.write_text(text.replace("server: https://kubernetes.default.svc", f"server: {wrong}"), encoding="utf-8")
    found = check(subject(["dev"], checkout), ["argocd-projects"]).findings
    assert any("which has to see them" in item.message for item in found)


def test_a_rule_is_one_module_named_after_it() -> None:
    for identifier, rule in rules().items():
        assert rule.environment or rule.checkout, identifier
        assert rule.title and rule.fix and rule.source and rule.why and rule.example.says, identifier


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
        "{{- /* Nothing random: no rand*, now, lookup, genCA, .Capabilities. */ -}}",
        '{{ include "common.env" (dict "env" .env) }}',
        '{{ fail "look it up now" }}',
        "{{ range keys .Values.x | sortAlpha }}",
        "{{ .Release.Namespace }}{{ .Values.now }}{{ $now }}",
        "the word now outside of an action",
    ],
)
def test_what_a_template_may_use_is_not_found(template: str) -> None:
    assert list(scan(template)) == []


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("      image: busybox:1.36", "image is busybox:1.36"),
        ('  - image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"', "image is"),
        ("  exporterImage: quay.io/x/y:1", "exporterImage is quay.io/x/y:1"),
        ('{{ $c := dict "image" "busybox:1.36" }}', '"busybox:1.36" is an image'),
        ('{{ include "common.image" (dict "root" . "repository" "busybox" "tag" "1" "digest" "") }}', '"busybox" is'),
    ],
)
def test_an_image_that_a_template_names_is_found(template: str, says: str) -> None:
    found = list(images_in(f"first line\n{template}\n"))
    assert [line for line, _ in found] == [2], found
    assert says in found[0][1]


@pytest.mark.parametrize(
    "template",
    [
        '  image: {{ include "common.component.image" $x }}',
        '  image: {{ include "common.image.shared" (dict "root" $x.root "image" "wait") }}',
        "  imagePullPolicy: IfNotPresent\n  imagePullSecrets:\n    - name: x",
        "{{- /* image: busybox:1.36 */ -}}",
        '{{ fail "write image.digest" }}{{ .Values.image.repository }}',
    ],
)
def test_an_image_that_the_list_decides_is_not_found(template: str) -> None:
    assert list(images_in(template)) == []


def test_an_image_written_into_a_wiring_is_found_in_its_chart(checkout: Path) -> None:
    path = checkout / "charts/valkey/templates/_wiring.tpl"
    path.write_text(
        path.read_text(encoding="utf-8") + '{{- define "x" }}\nimage: redis:7\n{{ end }}\n', encoding="utf-8"
    )
    found = check(subject(["dev"], checkout), ["images-listed"]).findings
    assert [(item.component, item.message) for item in found] == [
        ("valkey", "image is redis:7, written into the template")
    ]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command, arguments)


def test_the_command_says_how_much_it_looked_at(committed: Subject) -> None:
    done = run("--rule", "selectors-minimal")
    assert done.exit_code == 0, done.output
    assert "no finding; 1 rule, " in done.output
    assert "dev" in done.output


def test_the_command_writes_json_with_times() -> None:
    done = run("--rule", "names", "--environment", "dev", "--format", "json")
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
    monkeypatch.setattr("harness.cli.check.subject", lambda _, profiles: edit.subject())
    done = run("--rule", "contract-image")
    assert done.exit_code == 1
    shown = done.output.splitlines()
    assert shown[:4] == [
        "dev",
        "  mariadb",
        "    contract-image StatefulSet/mariadb spec.template.spec.containers[0].image",
        "      mariadb:latest is a tag that moves",
    ]
    assert shown[4].startswith("      where: charts/mariadb/contract.yaml:")
    assert shown[5] == "      fix: name a version, or pin the digest"


def test_the_command_lists_the_rules() -> None:
    listed = run("--list").output
    assert all(identifier in listed for identifier in rules())
    assert {entry["id"] for entry in json.loads(run("--list", "--format", "json").output)} == set(rules())

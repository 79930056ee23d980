"""Two sides of values: what is written does something, and what can be written is read and described."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from harness.checks import Subject, check, platform, rules, subject
from harness.checks.rules.values_documented import read_keys
from harness.model.load import load_contracts
from harness.model.trial import trial
from harness.render import render_all
from harness.render.trials import view

VALUES = "argocd/environments/dev/values.yaml"
HA = "charts/indigo-paas/profiles/ha.yaml"


def found(checkout: Path, rule: str) -> list[tuple[str, str]]:
    """Return file and message of what a rule finds."""
    report = check(subject(repository=checkout), [rule])
    return [(item.object, item.message) for item in report.findings]


def add(checkout: Path, file: str, text: str, after: str = "") -> None:
    path = checkout / file
    old = path.read_text(encoding="utf-8")
    assert after in old
    path.write_text(old.replace(after, after + text, 1) if after else old + text, encoding="utf-8")


def test_a_value_of_a_component_that_is_off_is_found(checkout: Path) -> None:
    add(checkout, VALUES, "tosca: {replicas: 2}\n")
    says = rules()["values-effective"].example.says
    assert found(checkout, "values-effective") == [(VALUES, says)]


def test_what_a_key_does_is_tried_once(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bool:
        raise AssertionError("tried again")

    add(checkout, VALUES, "tosca: {replicas: 2}\n")
    once = found(checkout, "values-effective")
    monkeypatch.setattr(sys.modules["harness.checks.rules.values_effective"].Tries, "_tried", fails)
    assert found(checkout, "values-effective") == once != []
    add(checkout, VALUES, "valkey: {replicas: 1}\n")  # another text of the file is another question
    with pytest.raises(AssertionError, match="tried again"):
        found(checkout, "values-effective")


def test_a_value_that_repeats_what_is_so_anyway_acts_when_it_is_changed(checkout: Path) -> None:
    add(checkout, VALUES, "valkey: {replicas: 1}\n")
    assert found(checkout, "values-effective") == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("  network: {operatorNamespace: operators}\n", "global.network.operatorNamespace"),
        ("  storage: {className: fast}\n  nodeFailure: {evictAfterSeconds: 300}\n", ""),
        ("  routes: {annotations: {a: b}}\n", "global.routes.annotations.a"),
        ("  monitoring: {labels: {release: x}}\n", "global.monitoring.labels.release"),
    ],
)
def test_a_setting_of_a_mode_that_is_not_chosen_is_found(checkout: Path, text: str, key: str) -> None:
    add(checkout, VALUES, text, after="global:\n")
    messages = [message for _, message in found(checkout, "values-effective")]
    assert [message.partition(" ")[0] for message in messages] == ([key] if key else []), messages


def test_a_key_of_a_profile_is_judged_without_what_a_site_says_of_it(with_profiles: Subject, checkout: Path) -> None:
    assert check(with_profiles, ["values-effective"]).findings == []
    # off in the example of a site, and yet no finding: the profile is for sites that switch it on
    assert "orchestrator-python:\n  replicas: 2" in (checkout / HA).read_text(encoding="utf-8")
    add(checkout, HA, "  routes: {annotations: {a: b}}\n", after="global:\n")
    place = view(checkout, [trial(checkout, "ha")])
    (rendered,) = render_all(None, place, pinned=False).values()
    platforms = {"trial-ha": platform(place, rendered, with_profiles.graph)}
    alone = dataclasses.replace(with_profiles, repository=checkout, platforms=platforms)
    findings = check(alone, ["values-effective"]).findings
    assert [(item.object, item.path) for item in findings] == [(HA, "global.routes.annotations.a")]


def test_a_key_is_not_judged_where_an_environment_is_left_out(checkout: Path) -> None:
    add(checkout, VALUES, "tosca: {replicas: 2}\n")
    assert check(subject(["dev"], checkout), ["values-effective"]).findings == []


# --------------------------------------------------------------- documented


def undocumented(committed: Subject, checkout: Path) -> list[tuple[str, str]]:
    """Return file and message of what is found in the files, which need not be rendered for it."""
    looked_at = dataclasses.replace(
        committed, repository=checkout, contracts=load_contracts(checkout / "charts"), platforms={}
    )
    return [(item.object, item.message) for item in check(looked_at, ["values-documented"]).findings]


def test_an_option_that_nothing_reads_is_found(committed: Subject, checkout: Path) -> None:
    option = "options:\n  colour: {schema: {type: string}, default: red, meaning: A colour for nobody.}\n"
    add(checkout, "charts/valkey/contract.yaml", option)
    ((file, message),) = undocumented(committed, checkout)
    assert (file, message) == ("charts/valkey/contract.yaml", rules()["values-documented"].example.says)


def test_a_key_that_no_site_can_set_is_found(committed: Subject, checkout: Path) -> None:
    add(checkout, "charts/valkey/templates/_wiring.tpl", '{{- define "x" }}{{ .Values.colour }}{{ end }}\n')
    assert undocumented(committed, checkout) == [
        ("charts/valkey/contract.yaml", "a template reads .Values.colour, which no site can set: the schema is closed")
    ]


def test_a_global_value_without_description_or_reader_is_found(committed: Subject, checkout: Path) -> None:
    add(checkout, "charts/indigo-paas/values.yaml", "\n  colour: {outside: red}\n", after="global:\n")
    messages = {message for _, message in undocumented(committed, checkout)}
    assert messages == {
        "global.colour has no description",
        "no template reads global.colour: whoever sets it changes nothing",
        "no template reads global.colour.outside: whoever sets it changes nothing",
    }


@pytest.mark.parametrize(
    ("template", "keys"),
    [
        ("{{ .Values.a.b }} {{ $.Values.c }} {{ $x.root.Values.d | default 1 }}", {"a", "c", "d"}),
        ("{{- $site := .root.Values -}}{{ $site.a }}{{ $other.b }}", {"a"}),
        ('{{ get .Values "a" }} {{ get (.Values.b | default dict) "c" }}', {"a", "b"}),
        ('{{ dig "a" "b" dict (.Values | toYaml | fromYaml) }}', {"a"}),
        ("{{- /* .Values.a */ -}}{{ range .Values.b }}{{ .c }}{{ end }}", {"b"}),
    ],
)
def test_which_values_a_template_reads(template: str, keys: set[str]) -> None:
    assert read_keys(template) == keys

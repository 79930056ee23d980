"""What `indigo check` writes for others: every format says the same, in the shape that its readers expect."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from click.testing import CliRunner

from harness.checks import Report, Rule, Severity, Subject, check, rules
from harness.checks.output import FORMATS
from harness.checks.output.markdown import LIMIT
from harness.checks.places import Places, failure
from harness.checks.report import RENDER, failed
from harness.cli import check as command
from harness.cli.explain import explain
from harness.errors import UserError
from harness.paths import repository
from tests.static import mistakes_delivery, mistakes_objects, mistakes_routes
from tests.static.edit import Edit
from tests.static.mistakes import MISTAKES
from tests.static.test_checks import OF_FILES

assert mistakes_delivery and mistakes_objects and mistakes_routes  # they enter their own into the table

SARIF = json.loads((Path(__file__).parent / "schemas" / "sarif-used.schema.json").read_text(encoding="utf-8"))
CHECK = json.loads((repository() / "schemas" / "check.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wrong(committed: Subject) -> Report:
    """A report with findings of three rules: of an image, of a variable, of the environment as a whole."""
    edit = Edit(committed)
    edit.container("mariadb")["image"] = "mariadb:latest | <b>*x*</b>\x07"
    edit.container("iam")["env"].append({"name": "TYPO", "value": "1"})
    edit.get("Namespace", "indigo-dev")["metadata"]["labels"].pop("app.kubernetes.io/part-of")
    return check(edit.subject(), ["contract-image", "contract-settings", "traceable", "names"])


@pytest.fixture(scope="module")
def broken() -> Report:
    error = UserError("values.yaml is not YAML", where="argocd/environments/dev/values.yaml:3:1", fix="mend the line")
    return failed(failure(error))


def problems(schema: Any, data: Any) -> list[str]:
    return [
        f"{error.json_path}: {error.message}" for error in jsonschema.Draft202012Validator(schema).iter_errors(data)
    ]


@pytest.mark.parametrize("report", ["wrong", "broken", "nothing"])
def test_sarif_is_what_its_schema_says(request: pytest.FixtureRequest, report: str) -> None:
    found = Report([], rules=rules()) if report == "nothing" else request.getfixturevalue(report)
    data = json.loads(FORMATS["sarif"](found))
    assert problems(SARIF, data) == []
    (run,) = data["runs"]
    assert len(run["results"]) == len(found.findings)
    assert [run["tool"]["driver"]["rules"][item["ruleIndex"]]["id"] for item in run["results"]] == [
        finding.rule for finding in found.findings
    ]


def test_the_schema_of_sarif_refuses_what_code_scanning_would(wrong: Report) -> None:
    data = json.loads(FORMATS["sarif"](wrong))
    result = data["runs"][0]["results"][0]
    result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = "/etc/passwd"
    result["level"] = "fatal"
    assert len(problems(SARIF, data)) == 2
    del result["locations"]
    assert any("'locations' is a required property" in problem for problem in problems(SARIF, data))


def test_sarif_names_file_and_line(wrong: Report) -> None:
    results = json.loads(FORMATS["sarif"](wrong))["runs"][0]["results"]
    places = {
        (item["ruleId"], item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]): item["locations"][0][
            "physicalLocation"
        ]["region"]["startLine"]
        for item in results
    }
    contract = (repository() / "charts/mariadb/contract.yaml").read_text(encoding="utf-8").splitlines()
    line = places[("contract-image", "charts/mariadb/contract.yaml")]
    assert contract[line - 1].startswith("image:")
    assert places[("contract-settings", "charts/iam/contract.yaml")] > 1
    template = next(file for rule, file in places if rule == "traceable")
    assert template.startswith("argocd/") and places[("traceable", template)] > 1


def test_fingerprints_survive_a_line_that_moves(wrong: Report) -> None:
    moved = dataclasses.replace(wrong, findings=[dataclasses.replace(item, line=99) for item in wrong.findings])
    prints = [
        [item["partialFingerprints"] for item in json.loads(FORMATS["sarif"](report))["runs"][0]["results"]]
        for report in (wrong, moved)
    ]
    assert prints[0] == prints[1]
    assert len({item["indigo/v1"] for item in prints[0]}) == len(wrong.findings)


@pytest.mark.parametrize("report", ["wrong", "broken"])
def test_json_is_what_its_schema_says(request: pytest.FixtureRequest, report: str) -> None:
    found = request.getfixturevalue(report)
    data = json.loads(FORMATS["json"](found))
    assert problems(CHECK, data) == []
    assert [item["message"] for item in data["findings"]] == [item.message for item in found.findings]
    assert problems(CHECK, data | {"more": 1}) != []


def test_junit_has_a_case_for_each_rule_and_environment(wrong: Report) -> None:
    root = ET.fromstring(FORMATS["junit"](wrong))
    names = {(suite.get("name"), str(case.get("name")).partition(":")[0]) for suite in root for case in suite}
    assert names == {("dev", rule) for rule in wrong.rules}
    failing = {
        str(case.get("name")).partition(":")[0] for case in root.iter("testcase") if case.find("failure") is not None
    }
    assert failing == {item.rule for item in wrong.findings} and "names" not in failing
    assert root.get("failures") == str(len(failing))
    assert root.get("tests") == "4"


def test_markdown_says_the_verdict_first_and_cannot_be_broken_by_a_value(wrong: Report) -> None:
    text = FORMATS["markdown"](wrong)
    assert text.splitlines()[0] == f"**`indigo check`: {len(wrong.findings)} errors**"
    rows = [line for line in text.splitlines() if line.startswith("| ❌")]
    assert len(rows) == len(wrong.findings)
    assert all(row.replace("\\|", "").count("|") == 6 for row in rows)
    assert "<b>" not in text


def test_markdown_fits_into_a_comment(wrong: Report) -> None:
    many = Report(wrong.findings * 2000, rules=wrong.rules)
    text = FORMATS["markdown"](many)
    assert len(text) < LIMIT + 500
    assert "more: `indigo check` shows all of them" in text


def test_a_terminal_shows_place_and_fix(wrong: Report) -> None:
    text = FORMATS["terminal"](wrong)
    assert text.startswith("dev\n  as a whole\n    traceable Namespace/indigo-dev metadata.labels\n")
    assert "  iam\n    contract-settings Deployment/iam" in text
    assert "      where: charts/iam/contract.yaml:" in text
    assert text.endswith(f"{wrong.summary()}\n")


def test_a_warning_does_not_fail(wrong: Report) -> None:
    mild = [dataclasses.replace(item, severity=Severity.WARNING) for item in wrong.findings]
    report = Report(mild, rules=wrong.rules, environments=("dev",))
    assert report.ok and not wrong.ok
    assert "warning" in report.summary() and "error" not in report.summary()
    assert ET.fromstring(FORMATS["junit"](report)).get("failures") == "0"
    levels = {item["level"] for item in json.loads(FORMATS["sarif"](report))["runs"][0]["results"]}
    assert levels == {"warning"}


def test_a_value_of_the_environment_is_named_before_the_contract(committed: Subject, checkout: Path) -> None:
    values = checkout / "argocd/environments/dev/values.yaml"
    values.write_text(values.read_text(encoding="utf-8") + "mariadb:\n  image: {tag: latest}\n", encoding="utf-8")
    edit = Edit(committed)
    edit.container("mariadb")["image"] = "mariadb:latest"
    (finding,) = check(edit.subject(), ["contract-image"]).findings
    place = Places(dataclasses.replace(edit.subject(), repository=checkout)).place(finding)
    last = values.read_text(encoding="utf-8").splitlines()
    assert str(place) == f"argocd/environments/dev/values.yaml:{len(last)}"


# ------------------------------------------------------------- the command


def test_files_are_written_in_several_formats_at_once(tmp_path: Path) -> None:
    targets = [f"--output={name}={tmp_path}/reports/{name}" for name in FORMATS]
    done = CliRunner().invoke(command.check, ["--rule", "names", "-e", "dev", *targets])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("no finding; 1 rule, ")
    assert {path.name for path in (tmp_path / "reports").iterdir()} == set(FORMATS)


def test_an_unknown_format_is_refused() -> None:
    done = CliRunner().invoke(command.check, ["--output", "html=x"])
    assert done.exit_code == 2
    assert "html=x: write FORMAT=FILE, FORMAT one of terminal, json" in done.output


def test_what_cannot_be_rendered_is_in_the_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Report:
        raise UserError(
            "mariadb.replica: no such key", where="argocd/environments/dev/values.yaml:7", fix="write replicas"
        )

    monkeypatch.setattr(command, "run", fails)
    done = CliRunner().invoke(command.check, [f"--output=sarif={tmp_path}/x.sarif"])
    assert isinstance(done.exception, UserError)
    data = json.loads((tmp_path / "x.sarif").read_text(encoding="utf-8"))
    assert problems(SARIF, data) == []
    (result,) = data["runs"][0]["results"]
    assert result["ruleId"] == "render"
    assert data["runs"][0]["invocations"] == [{"executionSuccessful": False}]


# ----------------------------------------------------------- what rules say
# of those that look at files, other tests make what their examples say


@pytest.mark.parametrize("rule", sorted(set(rules()) - OF_FILES))
def test_the_example_of_a_rule_is_refused_with_what_it_says(committed: Subject, rule: str) -> None:
    says = rules()[rule].example.says
    made = [edit for found, part, edit, _ in MISTAKES if found == rule and (part in says or says in part)]
    assert made, f"no mistake of tests/static/mistakes*.py makes rule {rule} say: {says}"
    messages = []
    for mistake in made:
        edit = Edit(committed)
        mistake(edit)
        messages += [item.message for item in check(edit.subject(), [rule]).findings]
    assert any(says in message for message in messages), messages


@pytest.mark.parametrize("rule", [RENDER, *rules().values()], ids=lambda rule: rule.id)
def test_a_rule_is_explained(rule: Rule) -> None:
    done = CliRunner().invoke(explain, [rule.id])
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    for words in (rule.title, rule.why, rule.example.given, rule.example.says, rule.source):
        assert " ".join(words.replace("`", "").split()) in said
    page = (repository() / "docs/reference/rules.md").read_text(encoding="utf-8")
    assert f"\n## {rule.id}\n" in page


def test_an_unknown_rule_is_not_explained() -> None:
    done = CliRunner().invoke(explain, ["graph-polices"])
    assert isinstance(done.exception, UserError)
    assert done.exception.fix == "did you mean graph-policies or graph-waves? indigo explain lists all of them"
    assert "graph-policies" in CliRunner().invoke(explain, []).output

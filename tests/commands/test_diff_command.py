"""`indigo diff` on a Git repository: which revisions are compared, what is printed, what is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from harness import paths
from harness.cli.diff import diff as command
from harness.diff import Difference, difference
from harness.diff.markdown import MARKER
from harness.errors import UserError
from harness.model.environment import ENVIRONMENTS
from harness.process import run
from tests.static import repositories
from tests.static.repositories import save

DEV = ENVIRONMENTS / "dev/values.yaml"


@pytest.fixture
def clone(small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A Git repository with one commit on main, a folder for temporary files, and a cache for files of commits."""
    repositories.settle(monkeypatch)
    monkeypatch.setattr("harness.cli.diff.repository", lambda: small)
    monkeypatch.setattr("harness.revisions.cache_dir", lambda: tmp_path / "cache")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    yield small
    repositories.mend(small)


def setting(root: Path, name: str, file: Path = DEV) -> None:
    """Let dev have another name of its organisation."""
    text = (root / file).read_text(encoding="utf-8")
    assert "\niam:" not in text
    (root / file).write_text(f"{text}\niam: {{settings: {{IAM_ORGANISATION_NAME: {name}}}}}\n", encoding="utf-8")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def found(*arguments: str) -> list[str]:
    """Return what is said of settings."""
    done = invoke(*arguments, "--format", "json")
    assert done.exit_code == 0, done.output
    changes = json.loads(done.stdout)["changes"]
    return [change["text"] for change in changes if change["kind"] == "setting"]


def test_nothing_changed_is_said_without_a_render(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (clone / "README.md").write_text("no chart", encoding="utf-8")
    monkeypatch.setattr("harness.diff.sides.render_all", lambda **_: pytest.fail("rendered"))
    done = invoke()
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "Nothing changes.")


def test_edits_of_the_working_tree_are_compared_with_head_on_main(clone: Path, tmp_path: Path) -> None:
    setting(clone, "other")
    done = invoke()
    assert done.exit_code == 0
    assert "IAM_ORGANISATION_NAME: indigo-dc -> other" in done.output
    assert "Pods of iam are replaced (dev)." in done.output
    assert "no difference: prod, staging" in done.output
    assert list((tmp_path / "tmp").iterdir()) == [], "nothing is left behind"


def test_a_branch_is_compared_from_where_it_left_main(clone: Path) -> None:
    run("git", "switch", "--quiet", "-c", "work", cwd=clone)
    setting(clone, "other")
    first = save(clone)
    run("git", "switch", "--quiet", "main", cwd=clone)
    setting(clone, "somebody", ENVIRONMENTS / "prod/values.yaml")
    save(clone)
    run("git", "switch", "--quiet", "work", cwd=clone)
    mine, theirs = ("IAM_ORGANISATION_NAME: indigo-dc -> other", "IAM_ORGANISATION_NAME: somebody -> indigo-dc")
    assert found() == [mine], "what happened on main meanwhile is not of this branch"
    assert found("main...work") == [mine]
    assert sorted(found("main..work")) == [mine, theirs]
    assert found(f"{first}~1..{first[:9]}") == [mine]
    assert found("HEAD") == []


def test_an_untracked_environment_counts(clone: Path) -> None:
    shutil.copytree(clone / ENVIRONMENTS / "dev", clone / ENVIRONMENTS / "more")
    config = clone / ENVIRONMENTS / "more/config.yaml"
    text = config.read_text(encoding="utf-8").replace("name: dev", "name: more").replace("indigo-dev", "indigo-more")
    config.write_text(text, encoding="utf-8")
    done = invoke("-e", "more")
    assert "more is new: " in done.output
    assert "the environment more needs " in done.output


def test_a_pinned_environment_changes_with_its_pin_and_not_with_the_charts(clone: Path) -> None:
    config = clone / ENVIRONMENTS / "staging/config.yaml"
    first = run("git", "rev-parse", "HEAD", cwd=clone).stdout.strip()
    config.write_text(config.read_text(encoding="utf-8") + f"revision: {first}\n", encoding="utf-8")
    profile = clone / "charts/indigo-paas/profiles/minimal.yaml"
    profile.write_text(profile.read_text(encoding="utf-8") + '\nvalkey: {image: {tag: "9.9.9"}}\n', encoding="utf-8")
    second = save(clone)
    done = invoke("HEAD~1..HEAD", "--format", "json")
    (image,) = [change for change in json.loads(done.stdout)["changes"] if change["kind"] == "image"]
    assert image["environments"] == ["dev", "prod"]
    config.write_text(config.read_text(encoding="utf-8").replace(first, second), encoding="utf-8")
    done = invoke()
    assert "-> 9.9.9 (valkey) (staging)" in done.output
    assert "runs another commit of the charts" in done.output


def test_a_base_with_a_broken_environment_lets_the_others_be_compared(clone: Path) -> None:
    broken = clone / ENVIRONMENTS / "prod/values.yaml"
    before = broken.read_text(encoding="utf-8")
    broken.write_text(before + "\nglobal: [\n", encoding="utf-8")
    save(clone)
    broken.write_text(before, encoding="utf-8")
    setting(clone, "other")
    done = invoke()
    assert "prod is not compared: values.yaml is not YAML" in done.output
    assert "IAM_ORGANISATION_NAME: indigo-dc -> other" in done.output


def test_a_component_that_no_environment_has_is_seen_in_the_profiles(clone: Path, tmp_path: Path) -> None:
    contract = clone / "charts/indigo-paas/profiles/full.yaml"
    contract.write_text(contract.read_text(encoding="utf-8") + "\nkafka: {podAnnotations: {a: b}}\n", encoding="utf-8")
    assert invoke().stdout.startswith("Nothing changes in dev, prod, staging.\n")
    answer = json.loads(invoke("--profiles", "--format", "json").stdout)
    (roll,) = [change for change in answer["changes"] if change["kind"] == "roll"]
    assert (roll["component"], roll["environments"]) == ("kafka", ["profile full", "profile legacy"]), (
        "ha has an operator for it"
    )
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_base_whose_contracts_are_of_another_form_is_told_with_todays(clone: Path) -> None:
    contract = clone / "charts/iam/contract.yaml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(f"{text}\nearlier: {{}}\n", encoding="utf-8")
    save(clone)
    contract.write_text(text, encoding="utf-8")
    setting(clone, "other")
    done = invoke("--profiles")
    assert "Name of the organisation" in done.output
    assert "profiles is not compared: " in done.output
    assert "is new" not in done.output, "what cannot be compared is not new"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "no commit nowhere in this clone"),
        (["HEAD..nowhere"], "no commit nowhere in this clone"),
        (["-e", "nowhere"], "no environment nowhere on either side"),
    ],
)
def test_what_is_not_there_is_refused(clone: Path, arguments: list[str], says: str) -> None:
    setting(clone, "other")
    done = invoke(*arguments)
    assert isinstance(done.exception, UserError)
    assert says in done.exception.message
    assert done.exception.fix


def test_a_folder_without_a_commit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no Git repository with a commit"):
        difference(tmp_path)


def test_a_tree_that_does_not_render_is_refused_with_its_place(clone: Path) -> None:
    (clone / DEV).write_text("iam: {nonsense: true}\n", encoding="utf-8")
    done = invoke()
    assert isinstance(done.exception, UserError)
    assert "iam.nonsense: no such key" in done.exception.message


def test_the_exit_status_is_what_fail_on_says(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting(clone, "other")
    harmless = difference(clone)
    text = (clone / DEV).read_text(encoding="utf-8")
    (clone / DEV).write_text(f"{text}\nmariadb: {{volumes: {{data: {{storageClass: other}}}}}}\n", encoding="utf-8")
    worse = difference(clone)
    assert "spec.volumeClaimTemplates: the API server refuses it" in worse.changes[0].text

    def statuses(answer: Difference) -> list[int]:
        monkeypatch.setattr("harness.cli.diff.difference", lambda *_, **__: answer)
        return [invoke("--fail-on", level).exit_code for level in ("never", "danger", "attention", "any")]

    assert statuses(harmless) == [0, 0, 0, 1]
    assert statuses(worse) == [0, 1, 1, 1]


def test_json_fits_its_schema(clone: Path) -> None:
    setting(clone, "other")
    schema = json.loads((paths.repository() / "schemas/diff.schema.json").read_text(encoding="utf-8"))
    answer = json.loads(invoke("--format", "json").stdout)
    Draft202012Validator(schema).validate(answer)
    assert answer["target"]["dirty"] is True
    answer["changes"][0]["level"] = "awful"
    assert not Draft202012Validator(schema).is_valid(answer), "a schema that refuses nothing"


def test_markdown_begins_with_the_verdict_and_is_never_too_long(clone: Path, tmp_path: Path) -> None:
    setting(clone, "'<b>@somebody</b> `x`'")
    target = tmp_path / "out" / "comment.md"
    assert invoke("--format", "markdown", "--output", str(target)).exit_code == 0
    text = target.read_text(encoding="utf-8")
    assert text.startswith("**Pods of iam are replaced (dev).**\n")
    assert text.rstrip().endswith(MARKER)
    assert text.count("<details") == text.count("</details>") > 1
    assert "@somebody" not in text.split("```")[0] + text.split("```")[2], "nobody is notified"
    short = invoke("--format", "markdown", "--max-characters", "400").stdout
    assert short.startswith("**Pods of iam are replaced (dev).**\n")
    assert "left out" in short
    assert len(short) <= 500


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind(clone: Path, tmp_path: Path, number: signal.Signals) -> None:
    setting(clone, "other")
    slow = tmp_path / "slow.py"  # the command as it is, with a render that takes its time
    slow.write_text(
        "import time\nfrom harness.diff import sides\n"
        "sides.render_all = lambda **_: time.sleep(60)\n"
        "from harness.cli import main\nmain()\n",
        encoding="utf-8",
    )
    env = {**os.environ, "INDIGO_REPOSITORY": str(clone), "TMPDIR": str(tmp_path / "tmp")}
    process = subprocess.Popen([sys.executable, slow, "diff"], env=env, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 30
    while not list((tmp_path / "tmp").glob("indigo-diff-*/*/charts")):
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < end, "no files of the base within 30 s"
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "nothing is left running" in said
    assert list((tmp_path / "tmp").iterdir()) == []

"""The report says what was seen: each check with a case that it must refuse."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from pydantic import ValidationError

from harness.model.contract import Need
from harness.report import Assertion, Engine, Graph, Masker, Outcome, Recorder, Report, State, Tier, Verdict, sample
from harness.report import summary as summary_of
from harness.report.__main__ import read
from harness.report.charts import excess
from harness.report.html import page
from harness.report.junit import junit
from harness.report.layout import Drawing, lay_out
from harness.report.model import Component, Counts, Edge, Status, TierResult, schema_text
from harness.report.writer import replace, write

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = {
    "passed": sample.report(),
    "failed": sample.report(failed=True),
    "incomplete": sample.report(complete=False),
    "large": sample.report(large=True),
}
HELD = Assertion(id="t.py::a", sentence="It holds.", tier=Tier.STATIC, outcome=Outcome.PASSED)


def changed(report: Report, **fields: Any) -> Report:
    """Return a report read again from its JSON with some fields replaced."""
    return Report.model_validate({**json.loads(report.to_json()), **fields})


def recorder(directory: Path | None = None, **more: Any) -> Recorder:
    return Recorder(directory, command="make e2e", engine=Engine(name="embedded", tier=Tier.GITOPS), **more)


# -- model ---------------------------------------------------------------------------------------------------------


def test_the_schema_in_the_repository_is_the_models() -> None:
    written = (ROOT / "schemas/report.schema.json").read_text(encoding="utf-8")
    assert written == schema_text(), "run: python -m harness.report --schema > schemas/report.schema.json"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_is_valid_by_its_schema_and_comes_back_the_same(name: str) -> None:
    text = SAMPLES[name].to_json()
    jsonschema.validate(json.loads(text), json.loads(schema_text()))
    assert Report.model_validate_json(text) == SAMPLES[name]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"complete": False}, "does not follow"),
        ({"exit_status": 3}, "does not follow"),
        ({"assertions": []}, "its counts are not"),
        ({"started": "2026-01-14T09:30:12+01:00"}, "in UTC"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_a_report_that_says_more_than_was_seen_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        changed(SAMPLES["passed"], **fields)


@pytest.mark.parametrize(
    "tier",
    [
        {"status": Status.SKIPPED},  # without a reason
        {"status": Status.PASSED},  # without an assertion
        {"status": Status.PASSED, "counts": Counts(passed=3, failed=1)},
        {"status": Status.PASSED, "counts": Counts(passed=3, skipped=1, not_run=1)},
        {"status": Status.SKIPPED, "reason": "no time", "counts": Counts(error=1)},
    ],
)
def test_a_tier_that_did_not_hold_is_refused_as_such(tier: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TierResult(name=Tier.GITOPS, **tier)


def test_a_graph_with_an_edge_to_nowhere_is_refused() -> None:
    with pytest.raises(ValidationError, match="not in the graph: b"):
        Graph(
            components=(Component(name="a", level=0, wave=0),),
            edges=(Edge(from_="a", to="b", port="x", need=Need.HARD),),
        )


# -- recorder ------------------------------------------------------------------------------------------------------


def test_phases_know_their_parent_their_budget_and_how_they_ended() -> None:
    clock = iter(float(second) for second in range(1000))
    run = recorder(monotonic=lambda: next(clock))
    with run.phase("engine up", budget=0.5), run.phase("etcd"):
        pass
    with pytest.raises(RuntimeError), run.phase("etcd"):
        raise RuntimeError
    outer, inner, again = run.snapshot().phases
    assert (outer.parent, inner.parent, again.name) == (None, "engine up", "etcd (2)")
    assert outer.seconds and outer.over == outer.seconds - 0.5
    assert again.failed and not inner.failed
    assert excess(outer.model_copy(update={"seconds": 0.526}).over) == "0.03 s", "an excess is not shown as none"


def test_a_sync_stamps_when_objects_came_and_became_ready() -> None:
    run = recorder()
    with run.sync("first") as sync:
        sync.item("iam", "Deployment", "iam", wave=12, state=State.WAITING, waits_for=["mariadb:mysql"])
        assert run.snapshot().syncs[0].items[0].created is None
        sync.item("iam", "Deployment", "iam", wave=12, state=State.PROGRESSING)
        sync.item("iam", "Deployment", "iam", wave=12, state=State.HEALTHY)
    (item,) = run.snapshot().syncs[0].items
    assert item.created is not None and item.ready is not None and item.created <= item.ready
    assert run.offset(run.started.astimezone(timezone(timedelta(hours=1))) + timedelta(seconds=3)) == 3


def test_a_run_that_passed_is_passed_and_an_empty_one_is_not() -> None:
    full, empty = recorder(), recorder()
    full.assertion(HELD)
    assert full.finish(0).verdict is Verdict.PASSED
    assert empty.finish(0).verdict is Verdict.EMPTY
    assert "no assertion passed" in "\n".join(summary_of.lines(empty.snapshot()))


def test_a_selected_test_that_never_ran_keeps_its_tier_from_passing() -> None:
    run = recorder()
    run.plan([HELD, HELD.model_copy(update={"id": "t.py::b"})])
    run.assertion(HELD)
    report = run.finish(0)
    tier = next(tier for tier in report.tiers if tier.name is Tier.STATIC)
    assert (tier.status, tier.reason) == (Status.SKIPPED, "not answered: the run ended before 1 of its 2 assertions")


def test_a_killed_run_leaves_a_readable_report_that_is_incomplete(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom harness.report import *\n"
        "run = Recorder(Path(sys.argv[1]), command='make e2e')\n"
        "run.assertion(Assertion(id='a', sentence='It holds.', tier=Tier.STATIC, outcome=Outcome.PASSED))\n"
        "with run.phase('engine up'):\n    print('up', flush=True)\n    time.sleep(60)\n"
    )
    write(SAMPLES["passed"], tmp_path)  # of an earlier run in the same place
    run = subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, cwd=ROOT)
    assert run.stdout and run.stdout.readline()
    limit = time.monotonic() + 30
    while not (tmp_path / "report.json").exists() or "engine up" not in (tmp_path / "report.json").read_text():
        assert time.monotonic() < limit, "nothing is written while the run is under way"
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    assert not (tmp_path / "junit.xml").exists(), "the earlier run's result does not stand for this one"
    left = read(tmp_path)
    assert left.verdict is Verdict.INCOMPLETE and not left.complete
    assert [(phase.name, phase.seconds) for phase in left.phases] == [("engine up", None)]
    write(left, tmp_path)
    assert "<h1>Incomplete</h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert int(ET.parse(tmp_path / "junit.xml").getroot().get("errors", "0")) == 1
    assert "verdict: incomplete, the run did not come to its end" in summary_of.lines(left)


def test_a_busy_run_writes_a_few_times_a_second_and_the_last_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def counted(path: Path, text: str) -> None:
        if path.parent == tmp_path:  # the run of these tests writes a report of its own
            written.append(path.name)
        replace(path, text)

    monkeypatch.setattr("harness.report.writer.replace", counted)
    run = recorder(tmp_path)

    def feed(start: int) -> None:
        for number in range(start, start + 300):
            run.assertion(HELD.model_copy(update={"id": f"t.py::{number}"}))
            time.sleep(0.001)

    threads = [threading.Thread(target=feed, args=(start,)) for start in (0, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = run.now()
    assert 1 <= written.count("report.json") <= seconds * 4 + 2
    run.finish(0)
    assert read(tmp_path).totals() == (600, 0, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["junit.xml", "report.html", "report.json"]


# -- secrets -------------------------------------------------------------------------------------------------------

FERNET = base64.urlsafe_b64encode(bytes(range(7, 39))).decode()
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"RS256"}', b'{"sub":"me"}', b"sig" * 8)
)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password: hunter2hunter2", "hunter2hunter2"),
        ("MARIADB_ROOT_PASSWORD=s3cr-et.value", "s3cr-et.value"),
        ("assert {'client_secret': 'abc def', 'x': 1} == {}", "abc def"),
        ('{\\"adminToken\\": \\"qwertyuiop\\"}', "qwertyuiop"),
        ("jdbc:mysql://root:p4ssw0rd@mariadb:3306/iam", "p4ssw0rd"),
        ("curl -H 'Authorization: Basic dXNlcjpwYXNz'", "dXNlcjpwYXNz"),
        ("Bearer 0123456789abcdef0123", "0123456789abcdef0123"),
        ("mysqladmin --db-password Tr0ub4dor ping", "Tr0ub4dor"),
        (f"token is {JWT}!", JWT),
        (f"key {FERNET} end", FERNET),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\nxyz\n-----END RSA PRIVATE KEY-----", "MIIabc"),
        ("cut off: -----BEGIN PRIVATE KEY-----\nMIIabc\nxyz", "MIIabc"),
        ('{"kty":"RSA","d":"AAAAAAAAAAAAAAAAAAAAAAAA"}', "AAAAAAAAAAAAAAAAAAAAAAAA"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    assert secret in text
    clean = Masker().text(text)
    assert secret not in clean and "***" in clean


@pytest.mark.parametrize(
    "text",
    [
        "secretName: mariadb-root, secretKeyRef: {name: iam-db, key: password}",
        "existingSecret: iam-db",
        "password: None",
        "SPRING_DATASOURCE_PASSWORD=$(DB_PASSWORD)",
        "image sha256:4f7c2a9be01d5c3377a1e6d0b8f29c4455aa9d10 at http://iam:8080/health",
        "the basic configuration expects a token from the issuer",
    ],
)
def test_names_of_secrets_and_ordinary_words_stay(text: str) -> None:
    assert Masker().text(text) == text


@pytest.mark.parametrize("part", ["a", "a_b-", "eyJ-", "--token", "http://", "password=", '\\"'])
def test_a_long_text_is_masked_in_no_time(part: str) -> None:
    start = time.monotonic()
    Masker().text(part * (200_000 // len(part)))
    assert time.monotonic() - start < 30, "a pattern backtracks without end"


def test_a_known_value_is_masked_in_every_spelling() -> None:
    masker, value = Masker(), 'zwölf "Boxer"/42'
    assert masker.add(value)
    encoded = base64.b64encode(value.encode()).decode()
    for spelled in (value, encoded, json.dumps(value), f"{value!r}"):
        assert "***" in masker.text(f"<{spelled}>") and "Boxer" not in masker.text(spelled)
    assert not masker.add("short"), "a short value would blank ordinary words, and the caller is told"


def test_no_file_of_a_report_holds_a_secret_that_went_in_anywhere(tmp_path: Path) -> None:
    run = recorder(tmp_path, root=ROOT)
    value = "correct-horse-battery"
    run.note(f"noted {value} before it was known")
    run.masker.add(value)
    with run.phase(f"phase {value}"), run.sync(value) as sync:
        sync.item("iam", "Deployment", "iam", wave=1, state=State.WAITING, waits_for=[value])
    run.assertion(
        HELD.model_copy(update={"outcome": Outcome.FAILED, "message": f"{ROOT}/x.py: \x1b[31m{value}\x1b[0m\x00"})
    )
    run.version("tool", value)
    report = run.finish(1)
    for name in ("report.json", "junit.xml", "report.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert value not in text and "correct" not in text, name
        assert str(ROOT) not in text and "\x1b" not in text, name
    assert report.assertions[0].message == "./x.py: ***�"


# -- what is made of it --------------------------------------------------------------------------------------------


def test_junit_has_a_suite_for_each_tier_and_sums_that_are_right() -> None:
    root = ET.fromstring(junit(SAMPLES["failed"]).encode())
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["static", "gitops", "kind", "cluster"]
    for key, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        for suite in (root, *suites.values()):
            assert int(suite.get(key, "-1")) == len(list(suite.iter(tag))), (suite.get("name"), key)
    told = {p.get("name"): p.get("value") for p in suites["gitops"].iter("property")}
    assert (told["phase.first sync.budget"], told["tier.status"]) == ("30", "failed")
    assert float(told["phase.first sync.over"] or 0) > 0
    skipped = suites["kind"].find("testcase/skipped")
    assert skipped is not None and skipped.get("message") == "Docker is not on this machine"


@pytest.mark.parametrize("complete", [True, False])
def test_junit_of_a_run_without_a_verdict_is_not_green(complete: bool) -> None:
    run = recorder()
    if not complete:
        run.assertion(HELD)
    root = ET.fromstring(junit(run.finish(0, complete=complete)).encode())
    assert root.get("errors") == "1"


def test_the_page_escapes_what_it_is_given() -> None:
    run = recorder()
    run.assertion(HELD.model_copy(update={"sentence": "<script>alert(1)</script>", "id": '"><img src=x>'}))
    text = page(run.finish(0))
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text and "<img" not in text


def overlaps(drawing: Drawing) -> int:
    """Return how many pairs of boxes overlap."""
    boxes = drawing.boxes
    return sum(
        a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height
        for i, a in enumerate(boxes)
        for b in boxes[i + 1 :]
    )


@pytest.mark.parametrize("large", [False, True])
def test_the_graph_is_laid_out_by_level_without_overlaps_and_always_the_same(large: bool) -> None:
    graph = sample.graph(large)
    drawing = lay_out(graph)
    assert overlaps(drawing) == 0 and drawing == lay_out(graph)
    assert len(drawing.boxes) == len(graph.components)
    by_level = sorted(drawing.boxes, key=lambda box: box.x)
    assert [box.component.level for box in by_level] == sorted(box.component.level for box in drawing.boxes)
    assert {(line.source, line.target) for line in drawing.lines} == {(edge.from_, edge.to) for edge in graph.edges}
    assert lay_out(Graph()).boxes == ()


# -- of several processes ------------------------------------------------------------------------------------------


def test_what_another_process_recorded_counts_from_the_begin_of_this_run() -> None:
    other = Recorder(None, command="other")
    with other.phase("up"), other.phase("inside"):
        pass
    with other.sync("sync") as sync:
        sync.item("iam", "Deployment", "iam", wave=10, state=State.HEALTHY)
    other.note("a remark")
    other.version("helm", "4.3.1")
    run = Recorder(None, command="indigo test")
    run.started = other.started - timedelta(seconds=100)
    with run.phase("up"):
        pass
    run.merge(other.snapshot())
    merged = run.snapshot()
    assert [(phase.name, phase.parent) for phase in merged.phases] == [
        ("up", None), ("up (2)", None), ("inside", "up (2)"),
    ]  # fmt: skip
    assert 100 <= merged.phases[1].start < 130
    (moved,) = merged.syncs
    assert moved.started >= 100 and moved.finished is not None and moved.finished >= moved.started
    assert moved.items[0].ready is not None and moved.items[0].ready >= 100
    assert (merged.notes, merged.versions) == (("a remark",), {"helm": "4.3.1"})


def test_an_outcome_wins_over_a_test_that_did_not_run_wherever_it_comes_from() -> None:
    def one(name: str, outcome: Outcome) -> Assertion:
        return Assertion(id=name, sentence="It holds.", tier=Tier.STATIC, outcome=outcome)

    first, second = Recorder(None, command="a"), Recorder(None, command="b")
    for recorder in (first, second):
        recorder.plan([one("x", Outcome.SKIPPED), one("y", Outcome.SKIPPED), one("z", Outcome.SKIPPED)])
    first.assertion(one("x", Outcome.FAILED))
    second.assertion(one("y", Outcome.PASSED))
    first.tier_skipped(Tier.KIND, "no Docker here")
    run = Recorder(None, command="indigo test")
    for recorder in (first, second):
        run.merge(recorder.snapshot())
    merged = run.snapshot()
    assert [(told.id, told.outcome, told.ran) for told in merged.assertions] == [
        ("x", Outcome.FAILED, True), ("y", Outcome.PASSED, True), ("z", Outcome.SKIPPED, False),
    ]  # fmt: skip
    reasons = {tier.name: tier.reason for tier in merged.tiers}
    assert reasons[Tier.KIND] == "no Docker here"
    assert merged.verdict is Verdict.INCOMPLETE

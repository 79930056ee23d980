"""Drills: what is measured of a fault, and when a hypothesis is refuted."""

from __future__ import annotations

import contextlib
import json
import re
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from harness.cli.drill import drill, text
from harness.drills import Drills, Result, Verdict, catalogue, session
from harness.drills.model import Away, Measure, Scene
from harness.drills.pods import _node
from harness.drills.probe import Gap, Probe, Sample, answering
from harness.drills.run import _reasons
from harness.engines import choice
from harness.errors import UserError
from harness.model.contract import Need
from harness.paths import repository
from harness.report.drills import drills_table
from harness.report.model import Outcome, Tier
from harness.report.recorder import Recorder


def pod(component: str, ready: str = "True", **metadata: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app.kubernetes.io/name": component}, **metadata},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def test_a_component_answers_where_one_of_its_pods_is_ready_and_does_not_end() -> None:
    pods = [pod("a"), pod("a", "False"), pod("b", "False"), pod("c", deletionTimestamp="now")]
    assert answering(pods) == {"a"}


def test_the_longest_while_begins_with_the_last_answer_before_it() -> None:
    probe = Probe(list)
    seen = {0.0: "ab", 0.1: "b", 0.2: "b", 0.3: "ab", 0.4: None, 0.5: "a", 0.6: "a", 0.7: "a"}
    probe.samples = [Sample(at, None if who is None else frozenset(who)) for at, who in seen.items()]
    assert [probe.gap(name, 0.0) for name in "abc"] == [Gap(2, 0.2), Gap(3, 0.4), Gap(7, 0.7)]
    assert probe.gap("a", 0.25) == Gap(0, 0.0)
    assert probe.rate(0.1, 0.6) == pytest.approx(10.0)


def test_a_question_that_fails_is_a_sample_without_an_answer_and_ends_nothing() -> None:
    asked: list[int] = []

    def ask() -> list[dict[str, Any]]:
        asked.append(1)
        if len(asked) == 2:
            raise OSError
        return [pod("a")]

    with Probe(ask, hertz=100) as probe:
        while len(asked) < 5:
            time.sleep(0.01)
    assert [sample.answering for sample in probe.samples[:3]] == [{"a"}, None, {"a"}]
    assert probe.gap("a", 0.0) == Gap(0, 0.0)


@pytest.mark.parametrize(
    ("recovery", "away", "rate", "says"),
    [
        (1.0, False, 10.0, []),
        (None, False, 10.0, ["not mended within 30 s"]),
        (6.0, False, 10.0, ["mended after 6.0 s, budget 5 s"]),
        (1.0, True, 10.0, ["iam was away for 2.0 s and should not have been"]),
        (1.0, False, 4.9, ["only 4.9 questions a second were asked: nothing is known of what was in between"]),
    ],
)
def test_a_hypothesis_is_refuted_with_the_reason(
    recovery: float | None, away: bool, rate: float, says: list[str]
) -> None:
    lost = Away(component="iam", measure=Measure.REQUESTS, samples=20, longest=2.0, allowed=not away)
    assert list(_reasons(recovery, 5.0, [lost], rate)) == says


def test_results_are_what_their_schema_says() -> None:
    lost = Away(component="iam", measure=Measure.REQUESTS, samples=8, longest=0.8, allowed=True, errors=("EOF",))
    result = Result(
        drill="kill-pod", component="iam", hypothesis="It comes back.", verdict=Verdict.HELD, measure=Measure.REQUESTS,
        recovery=0.9, budget=30, samples=30, rate=10.0, failed=8, away=(lost,), probed="requests",
    )  # fmt: skip
    found = Drills(engine="embedded", environment="dev", revision="", results=(result,))
    schema = json.loads((repository() / "schemas/drills.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(json.loads(found.model_dump_json()))
    assert any("iam away for 0.8 s" in line for line in text(result))


def test_the_report_has_a_table_of_drills_those_that_were_refuted_first() -> None:
    held = Result(
        drill="kill-pod", component="iam", hypothesis="It comes back.", verdict=Verdict.HELD, measure=Measure.REQUESTS,
        recovery=0.94, budget=30, samples=30, rate=6.6, failed=8, probed="requests", notes=("one pod",),
        away=(Away(component="iam", measure=Measure.REQUESTS, samples=8, longest=0.8, allowed=True),),
    )  # fmt: skip
    changes = {"drill": "stop-node", "component": "", "verdict": Verdict.REFUTED, "recovery": None, "away": ()}
    refuted = held.model_copy(update=changes | {"measure": Measure.READINESS, "reasons": ("not mended",)})
    recorder = Recorder(None, command="x")
    assert drills_table(recorder.snapshot()) is None
    for result in (held, refuted):
        recorder.drill(session.line(result))
    found = str(drills_table(recorder.snapshot()))
    words = re.sub(r"\s*(<[^>]*>\s*)+", "|", found)
    assert "2 drills, 1 refuted" in words
    assert words.index("✕|refuted|stop-node|one pod|never|") < words.index(
        "✓|held|kill-pod iam|one pod|0.9 s|30.0 s|requests"
    )
    assert "|iam 0.8 s|" in words and "|readiness|30|–|nobody|" in words
    assert session.assertion(refuted, Tier.KIND, 1.0).message.startswith("not mended\nmended never, budget 30 s")
    assert session.assertion(held, Tier.KIND, 1.0).outcome is Outcome.PASSED


def test_every_drill_is_listed_with_its_hypothesis() -> None:
    listed = json.loads(CliRunner().invoke(drill, ["list", "--json"]).output)
    assert [one["id"] for one in listed] == list(catalogue())
    assert all(one["hypothesis"].startswith("When ") for one in listed)
    assert {"kill-pod", "kill-store", "drain-node", "stop-node", "cut-network", "full-disk", "bad-image-tag"} <= set(
        catalogue()
    )


def test_a_cluster_that_is_not_of_our_making_is_never_drilled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "attach", lambda name: SimpleNamespace(kind="cluster"))
    refused = CliRunner().invoke(drill, ["run", "kill-pod", "--name", "prod"]).exception
    assert isinstance(refused, UserError)
    assert refused.message.startswith("the engine prod is of the kind cluster: drills break things")


class Nodes:
    """A cluster of two workers, whose volume of mariadb is a directory of the first."""

    def __init__(self, *pods: tuple[str, str]) -> None:
        claim = {"claimRef": {"namespace": "indigo", "name": "data-mariadb"}, "nodeAffinity": {"required": {}}}
        self.objects: dict[str, list[Any]] = {
            "Node": [{"metadata": {"name": name}, "spec": {}} for name in ("w1", "w2")],
            "PersistentVolume": [{"spec": claim}],
            "Pod": [_on_node(*pod) for pod in pods],
        }

    def list(self, kind: str, *_: object, **__: object) -> list[Any]:
        return self.objects[kind]


def _on_node(component: str, node: str) -> dict[str, Any]:
    volumes = [{"persistentVolumeClaim": {"claimName": f"data-{component}"}}]
    return {
        "metadata": {"labels": {"app.kubernetes.io/name": component}},
        "spec": {"nodeName": node, "volumes": volumes},
    }


def _scene(*pods: tuple[str, str]) -> Scene:
    needs = SimpleNamespace(edges=[SimpleNamespace(need=Need.HARD, consumer="iam", provider="mariadb")])
    platform = SimpleNamespace(cluster=Nodes(*pods), namespace="indigo", graph=needs)
    return Scene(cast(Any, platform), "", contextlib.ExitStack())


def test_the_node_of_a_drill_is_the_one_that_most_pods_may_leave() -> None:
    scene = _scene(("mariadb", "w1"), ("mariadb", "w1"), ("iam", "w1"), ("valkey", "w2"), ("dashboard", "w2"))
    assert _node(scene) == ("w2", set())
    assert not scene.waived


def test_who_waits_for_the_node_of_a_drill_is_waived_with_those_who_need_it() -> None:
    scene = _scene(("mariadb", "w1"), ("iam", "w1"), ("valkey", "w1"), ("dashboard", "w2"))
    assert _node(scene) == ("w1", {"mariadb"})
    assert scene.waived == {"mariadb", "iam"}
    assert scene.notes == ["their volumes cannot leave w1: mariadb; they wait for it"]


def test_a_drill_on_a_node_that_no_pod_may_leave_is_refused() -> None:
    with pytest.raises(UserError, match="no pod may leave its node"):
        _node(_scene(("mariadb", "w1")))

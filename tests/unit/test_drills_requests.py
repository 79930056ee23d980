"""Drills by requests: who asks whom, what of the answers counts, and when a hypothesis is refuted by them."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, cast

import pytest

from harness import process
from harness.drills import machines
from harness.drills.askers import GATEWAY, targets
from harness.drills.model import Away, Drill, Measure, Recovered, Scene, whole
from harness.drills.probe import Gap, Sample
from harness.drills.requests import Answer, Requests
from harness.drills.run import _answers_at_first, _reasons, _unnoticed, _wait, run
from harness.drills.watch import Watch
from harness.errors import UserError
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.model.placement import place
from harness.paths import repository

# Reads what to ask, and answers for `a` well, for `b` not; ends with its input, as the real one does
PROGRAM = """
import json, sys, time
asked = json.loads(sys.stdin.readline())
print("a line that is no answer", flush=True)
for one in asked["targets"]:
    for again in range(3):
        error = "" if one["name"] == "a" else "dial tcp 10.0.0.1:80: connect: connection refused"
        print(json.dumps({"name": one["name"], "at": int(time.time() * 1000), "milliseconds": 1, "error": error}), flush=True)
        time.sleep(0.02)
if not asked["targets"]:
    sys.exit("no targets")
sys.stdin.read()
"""  # noqa: E501


@pytest.fixture(scope="module")
def graph() -> Graph:
    return place(load_contracts(repository() / "charts"), {}).graph


def test_whoever_asks_is_let_through_by_the_graph(graph: Graph) -> None:
    found = {target.component: target for target in targets(graph, graph.contracts)}
    for target in found.values():
        contract = graph.contracts[target.component]
        names = {port.port: name for name, port in contract.ports.items() if port.service}
        port = names[target.port]
        allowed = {*graph.consumers(target.component, port), *([GATEWAY] if contract.exposed == port else [])}
        assert target.asker in allowed
    unasked = graph.contracts.keys() - found.keys()
    assert {"template-parser", "ai-ranker-training"} <= unasked
    for name in unasked:
        assert graph.contracts[name].exposed is None or graph.contracts[name].workload.kind == "CronJob"
    assert (found["iam"].how, found["iam"].path) == ("http", "/actuator/health")
    assert found["kafka"].how == "tls"
    assert (found["mariadb"].says, found["mariadb"].hears) == (b"", True)
    assert found["valkey"].says == b"PING\r\n"


def test_only_those_who_run_here_ask(graph: Graph) -> None:
    found = targets(graph, ["mariadb", "valkey"])
    assert found == []
    (only,) = targets(graph, ["mariadb", "iam"])[1:]
    assert (only.component, only.asker) == ("mariadb", "iam")


def asking(*names: str) -> Requests:
    return Requests({"x": ([sys.executable, "-c", PROGRAM], [{"name": name} for name in names])})


def test_answers_are_taken_from_the_programs_that_ask() -> None:
    begun = time.monotonic()
    with asking("a", "b") as requests:
        end = begun + 20
        while len(requests.answers("b", begun)) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        assert requests.silent(begun) == ["b"]
        assert requests.silent(begun, but=["b"]) == []
        assert requests.silent(time.monotonic() + 1) == ["a", "b"]
        assert requests.gap("a", begun) == Gap(0, 0.0)
        assert requests.gap("b", begun).count == 3
        assert requests.errors("b", begun) == ("connection refused",)
        assert requests.rate(begun, time.monotonic()) > 0
    assert requests.ends == []
    assert all(program.poll() is not None for program in requests._programs)


def test_a_program_that_ends_by_itself_is_told_with_its_last_word() -> None:
    with asking() as requests:
        end = time.monotonic() + 20
        while not requests.ends and time.monotonic() < end:
            time.sleep(0.01)
    assert requests.ends == ["no targets"]


def test_an_answer_that_is_on_its_way_at_the_end_is_waited_for() -> None:
    late = PROGRAM + 'print(json.dumps({"name": "a", "at": int(time.time() * 1000), "error": "EOF"}))'
    begun = time.monotonic()
    with Requests({"x": ([sys.executable, "-c", late], [{"name": "a"}])}) as requests:
        end = begun + 20
        while requests.silent(begun) and time.monotonic() < end:
            time.sleep(0.01)
        assert requests.errors("a", begun) == ()
    assert requests.errors("a", begun) == ("EOF",)
    assert requests.ends == []


def test_answers_that_come_late_are_put_in_the_order_of_their_questions() -> None:
    requests = asking("a")
    requests._answers["a"] = [
        Answer("a", 10.0, ""),
        Answer("a", 10.3, ""),
        Answer("a", 10.1, "EOF"),
        Answer("a", 10.2, "EOF"),
    ]
    assert requests.gap("a", 10.0) == Gap(2, 0.2)
    assert requests.gap("a", 10.25) == Gap(0, 0.0)


class Asked(Watch):
    """A watch that is told what it has seen."""

    def __init__(self, requests: Requests | None) -> None:
        self.requests = requests


def scene(*waived: str) -> Scene:
    return Scene(cast(Any, SimpleNamespace(components=())), "a", contextlib.ExitStack(), waived=set(waived))


def test_it_is_mended_when_every_component_has_answered_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = asking("a", "b")
    watch = Asked(requests)
    now = time.monotonic()
    requests._answers = {"a": [Answer("a", now + 3600, "")], "b": [Answer("b", now + 3600, "EOF")]}
    monkeypatch.setattr("harness.drills.run._limit", lambda budget: budget)
    assert _wait(lambda: True, watch, scene(), time.monotonic(), 0.3) is None
    assert _wait(lambda: True, watch, scene("b"), time.monotonic(), 0.3) is not None
    assert _wait(lambda: False, watch, scene("b"), time.monotonic(), 0.3) is None


def test_who_answers_nothing_before_the_drill_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.drills.run.FIRST", 0.1)
    requests = asking("a", "b")
    with pytest.raises(UserError, match=r"before the drill, a, b answers no request within 0\.1 s"):
        _answers_at_first(Asked(requests))
    requests.ends.append("error: pods not found")
    with pytest.raises(UserError, match="a pod that asks has ended: error: pods not found"):
        _answers_at_first(Asked(requests))


def test_a_moment_without_answers_is_no_outage_and_one_of_readiness_is() -> None:
    lost = Away(component="a", measure=Measure.REQUESTS, samples=3, longest=0.9, allowed=False)
    longer = lost.model_copy(update={"longest": 1.1})
    unready = lost.model_copy(update={"measure": Measure.READINESS})
    said = "a was away for {} s and should not have been"
    for away, reasons in ((lost, []), (longer, [said.format("1.1")]), (unready, [said.format("0.9")])):
        assert list(_reasons(1.0, 5.0, [away], 6.6)) == reasons


def test_who_runs_now_and_then_only_is_never_away(graph: Graph) -> None:
    names = ("iam", "ai-ranker-training")
    platform = SimpleNamespace(graph=graph, components=names, cluster=None, namespace="x")
    watch = Watch(cast(Any, platform), None)
    watch.readiness.samples = [Sample(1.0, frozenset())]
    assert [one.component for one in watch.away(0.0, set())] == ["iam"]


def test_a_fault_that_no_request_notices_refutes() -> None:
    lost = Away(component="a", measure=Measure.REQUESTS, samples=3, longest=0.4, allowed=True)
    watch = Asked(asking("a", "b"))
    assert _unnoticed(watch, {"a"}, [lost]) == set()
    assert _unnoticed(watch, {"b", "not-asked"}, [lost]) == {"b"}
    assert _unnoticed(Asked(None), {"b"}, []) == set()
    said = list(_reasons(1.0, 5.0, [lost], 6.6, {"b"}, ["pods not found"]))
    assert said == [
        "no request to b failed: the fault was none, or whoever asks is blind",
        "who sends the requests ended before the drill: pods not found",
    ]


class Blind(Asked):
    """A watch that begins and ends, and asks nothing."""

    def __init__(self, platform: object, askers: object) -> None:
        super().__init__(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


def test_what_a_drill_changed_is_undone_last_first_after_ctrl_c_too(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def prepare(scene: Scene) -> None:
        scene.undo.callback(done.append, "volume as it was")

    def inject(scene: Scene) -> Recovered:
        scene.undo.callback(done.append, "network as it was")
        raise KeyboardInterrupt

    drill = Drill("x", "When.", whole, inject, lambda scene: 1.0, prepare=prepare)
    monkeypatch.setattr("harness.drills.run._well", lambda scene, when, seconds: done.append(when))
    monkeypatch.setattr("harness.drills.run.Watch", Blind)
    monkeypatch.setattr("harness.drills.run.CALM", 0.0)
    with pytest.raises(KeyboardInterrupt):
        run(cast(Any, None), drill, "a")
    assert done == ["before the drill", "before the injection", "network as it was", "volume as it was"]


class Node:
    """A platform whose one node is this machine, with programs of ours in the place of iptables and mount."""

    def __init__(self, folder: Path, programs: dict[str, str]) -> None:
        self.folder, self.engine = folder, self
        for name, text in programs.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)

    def on_node(self, node: str, *command: str) -> str:
        return process.run(*command, env={"PATH": f"{self.folder}:{os.environ['PATH']}"}).stdout


FIREWALL = """
rules=$(dirname "$0")/rules; touch "$rules"
case $1 in
  -D) grep -q "^FORWARD" "$rules" || exit 1; sed -i '0,/^FORWARD/{/^FORWARD/d}' "$rules";;
  -F) grep -q "^CHAIN" "$rules" || exit 1; sed -i '/^[-]/d' "$rules";;
  -X) sed -i '/^CHAIN/d' "$rules";;
  -N) echo "CHAIN $2" >> "$rules";;
  -I) echo "FORWARD $5" >> "$rules";;
  -A) echo "- $3 $4" >> "$rules";;
esac
"""


def test_a_network_that_is_cut_is_joined_however_often_it_was_cut(tmp_path: Path) -> None:
    there = Scene(cast(Any, Node(tmp_path, {"iptables": FIREWALL})), "a", contextlib.ExitStack())
    rules = tmp_path / "rules"
    machines._on(there, "node", machines.JOIN)
    assert rules.read_text() == ""
    machines._on(there, "node", machines.CUT_OFF, "10.0.0.1", "10.0.0.2")
    assert rules.read_text().splitlines() == [
        "CHAIN INDIGO-DRILL", "- -s 10.0.0.1", "- -d 10.0.0.1", "- -s 10.0.0.2", "- -d 10.0.0.2",
        "FORWARD INDIGO-DRILL",
    ]  # fmt: skip
    with rules.open("a") as file:
        file.write("FORWARD INDIGO-DRILL\n")  # a run that was killed between two steps
    machines._on(there, "node", machines.JOIN)
    assert rules.read_text() == ""


def test_a_volume_that_is_not_full_is_no_drill(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = {"dd": "true", "df": "echo Avail; echo 4096"}
    there = Scene(cast(Any, Node(tmp_path, programs)), "mariadb", contextlib.ExitStack())
    monkeypatch.setattr(machines, "_volume", lambda scene: ("node-1", "/somewhere"))
    monkeypatch.setattr(machines, "pods_of", lambda scene, component: [])
    with pytest.raises(UserError, match="the volume of mariadb is not full: 4096 KiB are left on node-1"):
        machines._filled(there)


def test_what_a_killed_drill_left_is_mended_and_a_volume_in_memory_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node = Node(tmp_path, {"iptables": FIREWALL})
    work = tmp_path / "work"
    for name in ("EMPTY", "LEFT"):
        monkeypatch.setattr(machines, name, getattr(machines, name).replace(machines.WORK, str(work)))
    (tmp_path / "rules").write_text("CHAIN INDIGO-DRILL\n- -s 10.0.0.1\nFORWARD INDIGO-DRILL\n")
    work.mkdir()
    (work / "filler").write_text("full")
    (work / "path").write_text("/volumes/mariadb\n")
    machines.mend(cast(Any, node), ["node-1"])
    assert (tmp_path / "rules").read_text() == "" and not (work / "filler").exists()
    monkeypatch.setattr(machines, "_volume", lambda scene: ("node-1", "/volumes/valkey"))
    with pytest.raises(UserError, match="has left /volumes/mariadb of node-1 as a copy in memory"):
        machines._small(Scene(cast(Any, node), "valkey", contextlib.ExitStack()))

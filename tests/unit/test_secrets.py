"""Secrets are planned, made once and verified, and no value is ever shown."""

from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.model.environment import Mode
from harness.model.graph import Graph
from harness.secrets.apply import apply
from harness.secrets.plan import State, Wanted, plan, wanted
from harness.secrets.references import demanded
from harness.secrets.shapes import Hidden
from harness.secrets.verify import verify
from tests.unit.fixtures import Contracts, make_checkout
from tests.unit.fixtures.memory import Memory, command_line, nobody, run

HERE = {"issuer": Mode.EMBEDDED, "portal": Mode.EMBEDDED, "store": Mode.EMBEDDED}


@pytest.fixture
def graph() -> Graph:
    return Contracts().build()


@pytest.fixture
def items(graph: Graph) -> list[Wanted]:
    return wanted(graph, HERE, {})


@pytest.fixture
def memory() -> Memory:
    return Memory()


def states(items: list[Wanted], memory: Memory) -> dict[str, str]:
    return {f"{one.wanted.name}/{key.key}": key.state.value for one in plan(items, memory) for key in one.keys}


def test_the_plan_says_what_is_made_and_what_a_person_supplies(items: list[Wanted], memory: Memory) -> None:
    memory.put("store-auth", user="client")
    assert states(items, memory) == {
        "issuer-db/password": State.MAKE,
        "issuer-keys/fernet": State.MAKE,
        "issuer-keys/jwks": State.MAKE,
        "issuer-mail/password": State.OPTIONAL,
        "issuer-mail/user": State.OPTIONAL,
        "portal-app/client-id": State.MAKE,
        "portal-app/mail": State.PERSON,
        "portal-app/session": State.MAKE,
        "store-auth/password": State.MAKE,
        "store-auth/user": State.EXISTS,
        "store-root/password": State.MAKE,
    }
    assert memory.changes == 0


def test_what_runs_elsewhere_brings_only_what_is_read_of_it(graph: Graph, memory: Memory) -> None:
    items = wanted(graph, {**HERE, "store": Mode.EXTERNAL, "portal": Mode.OFF}, {})
    assert [item.name for item in items] == ["issuer-db", "issuer-keys", "issuer-mail", "store-auth"]
    assert states(items, memory)["store-auth/password"] == State.PERSON
    assert items[0].notes == ("the store outside needs database issuer and user issuer with this password",)
    assert items[3].notes == ("store runs elsewhere: write its values",)


def test_names_of_the_environment_are_used_and_refused(graph: Graph) -> None:
    named = wanted(graph, HERE, {"store-root": "admin", "store-auth": "clients"})
    assert {"admin", "clients"} <= {item.name for item in named}
    for names, message in (
        ({"shop": "x"}, "global.secrets.shop: no contract declares this Secret"),
        ({"store-root": ""}, "global.secrets.store-root: names no Secret"),
        (
            {"store-root": "a", "store-auth": "a"},
            "global.secrets: store-auth and store-root would share key password of Secret a",
        ),
    ):
        with pytest.raises(UserError) as caught:
            wanted(graph, HERE, names)
        assert caught.value.message == message
        assert caught.value.fix


def test_a_secret_of_somebody_else_gets_no_key(items: list[Wanted], memory: Memory) -> None:
    memory.put("store-auth", user="client")
    memory.locked["store-auth"] = "is written by ExternalSecret store: add the key there"
    assert states(items, memory)["store-auth/password"] == State.LOCKED
    apply(items, memory, "indigo-dev")
    assert set(memory.secrets["store-auth"]) == {"user"}
    assert (
        "Secret store-auth, key password: is missing; the Secret is written by ExternalSecret store: add the key there"
        in {str(finding) for finding in verify(items, memory)}
    )


def test_apply_makes_what_is_missing_and_a_second_run_changes_nothing(items: list[Wanted], memory: Memory) -> None:
    done = apply(items, memory, "indigo-dev")
    assert {one.planned.wanted.name for one in done if one.created} == {
        "issuer-db", "issuer-keys", "portal-app", "store-auth", "store-root"
    }  # fmt: skip
    assert set(memory.secrets["portal-app"]) == {"client-id", "session"}
    assert memory.labels["issuer-db"]["app.kubernetes.io/part-of"] == "indigo-paas"
    assert memory.annotations["issuer-db"] == {
        "indigo-paas/owner": "issuer",
        "indigo-paas/contract": "charts/issuer/contract.yaml secrets.issuer-db",
    }
    before = copy.deepcopy((memory.secrets, memory.changes))
    assert [one.added for one in apply(items, memory, "indigo-dev")] == [()] * len(items)
    assert (memory.secrets, memory.changes) == before


def test_apply_adds_keys_and_leaves_the_others_alone(items: list[Wanted], memory: Memory) -> None:
    memory.put("issuer-keys", fernet="of somebody", extra="too")
    apply(items, memory, "indigo-dev")
    assert memory.secrets["issuer-keys"]["fernet"] == b"of somebody"
    assert memory.secrets["issuer-keys"]["extra"] == b"too"
    assert "jwks" in memory.secrets["issuer-keys"]


def test_apply_yields_to_whoever_was_first(items: list[Wanted], memory: Memory) -> None:
    def first(name: str) -> None:
        memory.meddle = nobody
        memory.put(name, password="from-the-other-run")

    memory.meddle = first
    done = apply(items, memory, "indigo-dev")
    assert done[0].planned.wanted.name == "issuer-db"
    assert done[0].added == ()
    assert memory.secrets["issuer-db"]["password"] == b"from-the-other-run"


def test_apply_reads_again_when_a_secret_changes_under_it(items: list[Wanted], memory: Memory) -> None:
    memory.put("issuer-keys", fernet="here")

    def between(name: str) -> None:
        if name == "issuer-keys":
            memory.meddle = nobody
            memory.put(name, jwks="from-the-other-run")

    memory.meddle = between
    apply(items, memory, "indigo-dev")
    assert memory.secrets["issuer-keys"]["jwks"] == b"from-the-other-run"


def test_apply_gives_up_on_a_secret_that_never_rests(items: list[Wanted], memory: Memory) -> None:
    memory.put("issuer-keys", fernet="here")
    memory.meddle = lambda name: memory.put("issuer-keys")
    with pytest.raises(UserError) as caught:
        apply([item for item in items if item.name == "issuer-keys"], memory, "indigo-dev")
    assert str(caught.value) == (
        "Secret issuer-keys was changed by something else 5 times in a row\n"
        "fix: find out what writes it (kubectl get secret --show-managed-fields), stop that, and run it again"
    )


def test_verify_lists_what_is_missing_wrong_and_unknown(items: list[Wanted], memory: Memory) -> None:
    apply(items, memory, "indigo-dev")
    memory.put("portal-app", mail="correct-horse-battery")
    assert [str(finding) for finding in verify(items, memory)] == [
        "Secret issuer-mail: is not there; optional: Only where the mail server asks for a login."
    ]
    assert all(finding.note for finding in verify(items, memory))
    del memory.secrets["store-root"]
    del memory.secrets["portal-app"]["mail"], memory.secrets["issuer-keys"]["jwks"]
    memory.put("issuer-db", password="12345678", other="x")
    findings = verify(items, memory)
    assert [str(finding) for finding in findings if not finding.note] == [
        "Secret issuer-db, key password: is made of digits only, which software reads as a number; "
        "it must be of shape password; on change: Restart the issuer.",
        "Secret issuer-keys, key jwks: is missing; indigo secrets apply adds it",
        "Secret portal-app, key mail: is missing; a person has to supply it: Password at the mail server.",
        "Secret store-root: is missing; indigo secrets apply makes it with the keys: password",
    ]
    assert "Secret issuer-db, key other: no contract knows it" in {str(finding) for finding in findings if finding.note}


def test_an_optional_secret_that_a_pod_cannot_start_without_is_not_optional(graph: Graph, memory: Memory) -> None:
    def pod(optional: bool) -> dict[str, object]:
        volume = {"name": "mail", "secret": {"secretName": "issuer-mail", "optional": optional}}
        return {
            "kind": "Deployment",
            "metadata": {"name": "issuer"},
            "spec": {"template": {"spec": {"volumes": [volume]}}},
        }

    for objects, state, missing in (
        (
            [pod(optional=True)],
            State.OPTIONAL,
            ["is not there; optional: Only where the mail server asks for a login."],
        ),
        (
            [pod(optional=False)],
            State.PERSON,
            ["is missing; indigo secrets plan says who supplies its keys: password, user"],
        ),
    ):
        items = [item for item in wanted(graph, HERE, {}, demanded=demanded(objects)) if item.name == "issuer-mail"]
        assert states(items, memory) == {"issuer-mail/password": state, "issuer-mail/user": state}
        found = verify(items, memory)
        assert [str(finding) for finding in found] == [f"Secret issuer-mail: {text}" for text in missing]
        assert [finding.note for finding in found] == [state is State.OPTIONAL]


def test_two_ids_in_one_secret_do_not_call_each_other_unknown(graph: Graph, memory: Memory) -> None:
    items = [
        item
        for item in wanted(graph, HERE, {"issuer-db": "all", "issuer-keys": "all"})
        if item.identifier in ("issuer-db", "issuer-keys")
    ]
    apply(items, memory, "indigo-dev")
    assert set(memory.secrets) == {"all"}
    assert verify(items, memory) == []


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: Memory) -> Iterator[Memory]:
    """The command line in a checkout of the fixtures, with a cluster that is in memory."""
    make_checkout(tmp_path)
    with command_line(tmp_path, memory, monkeypatch) as stored:
        yield stored


def test_the_commands_tell_the_story(shell: Memory) -> None:
    planned = run("plan").output
    assert "issuer-db  of issuer, missing" in planned
    assert "  mail       a person supplies it    password    Password at the mail server." in planned
    assert planned.endswith("8 to be made, 1 a person supplies it, 2 optional, not there\n")
    applied = run("apply")
    assert applied.exit_code == 0
    assert "created Secret issuer-keys: fernet, jwks\n" in applied.output
    assert "portal-app  of portal, exists" in applied.output
    failed = run("verify")
    assert failed.exit_code == 1
    assert "error Secret portal-app, key mail: is missing" in failed.output
    shell.put("portal-app", mail="correct-horse-battery")
    passed = run("verify")
    assert passed.exit_code == 0
    assert passed.output.endswith("6 Secrets with 11 keys are as the contracts ask\n")
    answer = json.loads(run("plan", "--json").output)
    assert answer["namespace"] == "indigo-dev"
    assert answer["secrets"][0]["keys"][0]["state"] == "exists"
    assert json.loads(run("verify", "--json", "--namespace", "x").output)["namespace"] == "x"


def forms(value: str) -> list[str]:
    """Return how a value may look when it leaks: as it is, in base64, as a part."""
    return [value, base64.b64encode(value.encode()).decode(), value[4:20]]


def test_no_value_appears_in_any_output_or_log(shell: Memory, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = run("apply").output
    shell.put("issuer-db", password="1" * 40)
    shell.put("store-auth", password="with space and secrets inside", odd="value-of-an-unknown-key")
    for arguments in (("plan",), ("plan", "--json"), ("apply",), ("verify",), ("verify", "--json")):
        shown += run(*arguments).output
    shown += caplog.text
    for value in shell.values():
        if value != "client":  # the contract itself says it
            assert not any(form in shown for form in forms(value))


def test_no_value_appears_in_the_repr_of_an_object(items: list[Wanted], memory: Memory) -> None:
    done = apply(items, memory, "indigo-dev")
    memory.put("issuer-db", password="2" * 40)
    stored = [memory.get(item.name) for item in items]
    shown = "".join(map(repr, [items, done, stored, plan(items, memory), verify(items, memory)]))
    shown += f"{stored[0]} {stored[0]!s}" + "".join(str(finding) for finding in verify(items, memory))
    for value in memory.values():
        if value != "client":
            assert not any(form in shown for form in forms(value))
    hidden = Hidden(b"value")
    assert f"{hidden} {hidden!r} {hidden!s}" == "Hidden(...) Hidden(...) Hidden(...)"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(hidden)
    with pytest.raises(TypeError, match="cannot be pickled"):
        copy.copy(hidden)

"""Rotation: which keys get a new value, which are refused, and that nothing of a value is seen."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli import rotate as command
from harness.errors import UserError
from harness.generate.rotation import readers as readers_of
from harness.generate.rotation import render
from harness.model.contract import Secret
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.paths import repository
from harness.secrets.apply import apply
from harness.secrets.plan import Wanted
from harness.secrets.rotate import carry_out, next_revision, prepare
from harness.secrets.shapes import Hidden
from tests.unit.fixtures.memory import Memory

PEOPLE = {"changedBy": "An operator.", "onChange": "Tell the others first."}


def key(shape: str = "password", **more: Any) -> dict[str, Any]:
    return {"shape": shape, "purpose": "A key of a test.", **PEOPLE, **more}


SECRET = Secret.model_validate(
    {
        "purpose": "A Secret of a test.",
        "keys": {
            "free": key(rotate="roll"),
            "bound": key(),
            "for-ever": key(rotate="never", onChange="What is stored is lost."),
            "outside": key("text", generate=False, rotate="roll"),
            "login": key("username", value="operator", rotate="roll"),
        },
    }
)
ITEM = Wanted("example", "site-example", "store", SECRET, False, (), "charts/example/contract.yaml secrets.example")


@pytest.fixture
def store() -> Memory:
    memory = Memory()
    values = {"free": "old-free-value", "bound": "old-bound", "for-ever": "eternal-value", "outside": "x"}
    memory.put("site-example", **values, login="operator")
    return memory


def test_what_nobody_else_must_know_of_gets_a_new_value(store: Memory) -> None:
    before = dict(store.secrets["site-example"])
    rotation = prepare(ITEM, store, "ns")
    assert rotation.keys == ["free"]
    assert store.changes == 0, "preparing changes nothing"
    carry_out(rotation, store)
    after = store.secrets["site-example"]
    assert after["free"] != before["free"]
    assert len(after["free"]) >= 32
    assert {name: value for name, value in after.items() if name != "free"} == {
        name: value for name, value in before.items() if name != "free"
    }
    assert after["free"].decode() not in repr(rotation)


@pytest.mark.parametrize(
    ("keys", "given", "prepared", "says", "fix"),
    [
        (["bound"], {}, False, "takes more than a new value: Tell the others first.", "--prepared"),
        (["for-ever"], {}, True, "must not get another value: What is stored is lost.", ""),
        (["outside"], {}, True, "only a person can supply key outside", "--from-file outside=FILE"),
        (["login"], {}, True, "only a person can supply key login", "--from-file"),
        (["nothing"], {}, True, "has no key nothing", "write one of: bound, for-ever, free, login, outside"),
        ([], {"free": "tiny"}, False, "is shorter than", "shape password"),
        ([], {"free": "old-free-value"}, False, "is the one that is there already", ""),
    ],
)
def test_what_takes_more_is_refused(
    store: Memory, keys: list[str], given: dict[str, str], prepared: bool, says: str, fix: str
) -> None:
    hidden = {name: Hidden(value.encode()) for name, value in given.items()}
    with pytest.raises(UserError) as refused:
        prepare(ITEM, store, "ns", keys, hidden, prepared)
    assert says in refused.value.message
    assert fix in (refused.value.fix or "")
    assert all(value not in str(refused.value) for value in (*given.values(), *store.values()) if value != "x")


def test_a_person_supplies_a_value_and_prepared_lets_the_others_pass(store: Memory) -> None:
    given = {"outside": Hidden(b"new")}
    carry_out(prepare(ITEM, store, "ns", given=given), store)
    assert store.secrets["site-example"]["outside"] == b"new"
    carry_out(prepare(ITEM, store, "ns", ["bound"], prepared=True), store)
    assert store.secrets["site-example"]["bound"] != b"old-bound"


def test_a_secret_that_changes_meanwhile_is_not_written(store: Memory) -> None:
    rotation = prepare(ITEM, store, "ns")
    store.put("site-example", free="somebody-elses-value")
    with pytest.raises(UserError, match="changed by something else in the meantime; nothing was written"):
        carry_out(rotation, store)
    assert store.secrets["site-example"]["free"] == b"somebody-elses-value"


def test_an_absent_or_locked_secret_is_refused(store: Memory) -> None:
    store.locked["site-example"] = "is written by ExternalSecret iam: add the key there"
    with pytest.raises(UserError, match="is written by ExternalSecret") as refused:
        prepare(ITEM, store, "ns")
    assert "--keep-values" in (refused.value.fix or "")
    with pytest.raises(UserError, match="does not exist"):
        prepare(ITEM, Memory(), "ns")


def test_a_certificate_gets_a_new_key_from_the_same_authority() -> None:
    graph = Graph.build(load_contracts(repository() / "charts"))
    item = Wanted(
        "kafka-server-tls", "kafka-server-tls", "kafka", graph.secrets()["kafka-server-tls"][1], False, (), ""
    )
    memory = Memory()
    apply([item], memory, "ns")
    before = dict(memory.secrets["kafka-server-tls"])
    rotation = prepare(item, memory, "ns", ["tls.crt"])
    assert rotation.keys == ["ca.crt", "tls.crt", "tls.key"], "a certificate and its key change together"
    carry_out(rotation, memory)
    after = memory.secrets["kafka-server-tls"]
    assert after["ca.crt"] == before["ca.crt"]
    assert after["tls.crt"] != before["tls.crt"]
    assert after["tls.key"] != before["tls.key"]
    del memory.secrets["platform-ca"]
    with pytest.raises(UserError, match="holds no authority"):
        prepare(item, memory, "ns")


@pytest.mark.parametrize(
    ("current", "following"),
    [
        (None, "2026-11-23"),
        ("2026-11-22", "2026-11-23"),
        ("2026-11-23", "2026-11-23.2"),
        ("2026-11-23.9", "2026-11-23.10"),
        ("v2.1", "2026-11-23"),
    ],
)
def test_every_rotation_has_another_text(current: str | None, following: str) -> None:
    assert next_revision(current, date(2026, 11, 23)) == following
    assert next_revision(current, date(2026, 11, 23)) != current


def test_every_key_is_in_the_page_with_its_readers() -> None:
    graph = Graph.build(load_contracts(repository() / "charts"))
    page = render(graph)
    for identifier, (owner, secret) in graph.secrets().items():
        assert owner in readers_of(graph, identifier)
        for name in secret.keys:
            assert page.count(f"| `{identifier} {name}` |") == 1, f"{identifier} {name}"
    assert readers_of(graph, "iam-db") == ["iam", "mariadb-iam"]


def test_database_passwords_are_rotated_by_one_command_and_keys_of_data_are_not() -> None:
    secrets = Graph.build(load_contracts(repository() / "charts")).secrets()
    for identifier, (_, secret) in secrets.items():
        if identifier.endswith("-db"):
            assert secret.keys["password"].rotate == "roll", identifier
    assert secrets["iam-mfa"][1].keys["password"].rotate == "never"
    assert secrets["openbao-seal"][1].keys["key"].rotate == "steps"
    assert secrets["federation-manager-keys"][1].keys["secret-key"].rotate == "steps"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody"], "the environment reads no Secret nobody"),
        (["iam-db", "--from-file", "password"], "is not KEY=FILE"),
        (["iam-db", "--from-file", "password=/nowhere/at-all"], "cannot read /nowhere/at-all"),
        (["iam-db", "--keep-values", "--key", "password"], "--keep-values writes none"),
        (["iam-db", "--keep-values", "--revision", "two words"], "would roll nothing"),
    ],
)
def test_the_command_refuses(arguments: list[str], says: str) -> None:
    done = CliRunner().invoke(command.rotate, arguments)
    assert isinstance(done.exception, UserError), done.output
    assert says in str(done.exception)


def test_a_dry_run_names_the_readers_and_writes_nothing(tmp_path: Path) -> None:
    path = repository() / "argocd/environments/dev/values.yaml"
    before = path.read_bytes()
    done = CliRunner().invoke(command.rotate, ["valkey-auth", "--keep-values", "--dry-run", "--revision", "r1"])
    assert done.exit_code == 0, done.output
    assert "would get global.secretRevisions.valkey-auth: r1" in done.output
    assert "that rolls: Job/dashboard-migrate-" in done.output
    assert "StatefulSet/valkey" in done.output
    assert path.read_bytes() == before

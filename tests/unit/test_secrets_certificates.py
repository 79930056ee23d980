"""Certificates are made once, by one authority, as servers and clients demand them; what is wrong with one is said."""

from __future__ import annotations

import copy
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.errors import UserError
from harness.model.environment import Mode
from harness.secrets.apply import apply
from harness.secrets.certificates import AUTHORITY, new_authority, new_certificate, read_authority
from harness.secrets.plan import State, Wanted, plan, wanted
from harness.secrets.verify import verify
from tests.unit.fixtures import Contracts, make_checkout
from tests.unit.fixtures.memory import Memory, command_line, nobody, run

PLACE = "indigo-dev"
HERE = {"issuer": Mode.EMBEDDED, "portal": Mode.EMBEDDED, "store": Mode.EMBEDDED}
USUAL = {"purpose": "For this test.", "changedBy": "Nobody.", "onChange": "Restart it."}
KEYS = {
    "ca.crt": {"shape": "authorities", **USUAL},
    "tls.crt": {"shape": "certificate", **USUAL},
    "tls.key": {"shape": "private-key", **USUAL},
}
SERVER = {
    "purpose": "Certificate of the store.",
    "certificate": {"use": "server", "name": "store", "names": ["store", "*.store-peers"]},
    "keys": KEYS,
}
CLIENT = {
    "purpose": "Certificate of its clients.",
    "certificate": {"use": "client", "name": "clients"},
    "keys": {**KEYS, "password": {"shape": "password", **USUAL}},
}


@pytest.fixture
def contracts() -> Contracts:
    changed = Contracts()
    changed.data["store"]["secrets"] |= {"store-server-tls": SERVER, "store-client-tls": CLIENT}
    return changed


@pytest.fixture
def items(contracts: Contracts) -> list[Wanted]:
    return [item for item in wanted(contracts.build(), HERE, {}) if item.secret.certificate]


@pytest.fixture
def memory() -> Memory:
    return Memory()


def errors(items: list[Wanted], memory: Memory, now: datetime.datetime | None = None) -> list[str]:
    return [str(finding) for finding in verify(items, memory, now) if not finding.note]


def later(days: int) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)


def leaf(memory: Memory, secret: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(memory.secrets[secret]["tls.crt"])


def test_they_are_made_once_with_one_authority(items: list[Wanted], memory: Memory) -> None:
    assert {one.state for planned in plan(items, memory) for one in planned.keys} == {State.SIGN, State.MAKE}
    assert memory.changes == 0
    done = apply(items, memory, PLACE)
    assert [one.added for one in done] == [
        ("password", "ca.crt", "tls.crt", "tls.key"),
        ("ca.crt", "tls.crt", "tls.key"),
    ]
    assert set(memory.secrets) == {AUTHORITY, "store-client-tls", "store-server-tls"}
    before = copy.deepcopy((memory.secrets, memory.changes))
    assert [one.added for one in apply(items, memory, PLACE)] == [(), ()]
    assert (memory.secrets, memory.changes) == before
    assert verify(items, memory) == []
    names = leaf(memory, "store-server-tls").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [
        f"{name}{suffix}"
        for name in ("store", "*.store-peers")
        for suffix in ("", ".indigo-dev", ".indigo-dev.svc", ".indigo-dev.svc.cluster.local")
    ]
    for secret in ("store-server-tls", "store-client-tls"):
        assert memory.secrets[secret]["tls.key"].startswith(b"-----BEGIN PRIVATE KEY-----")  # PKCS 8, no password
        assert memory.secrets[secret]["ca.crt"] == memory.secrets[AUTHORITY]["ca.crt"]


def handshake(memory: Memory, folder: Path, client: str, name: str) -> str:
    """Return what a server with the store's certificate sees of a client: its subject; strict on both sides."""
    for secret, keys in memory.secrets.items():
        for key, value in keys.items():
            (folder / f"{secret}.{key}").write_bytes(value)

    def context(purpose: ssl.Purpose, secret: str) -> ssl.SSLContext:
        made = ssl.create_default_context(purpose, cafile=str(folder / f"{secret}.ca.crt"))
        made.verify_flags |= ssl.VERIFY_X509_STRICT
        made.load_cert_chain(folder / f"{secret}.tls.crt", folder / f"{secret}.tls.key")
        return made

    inside = context(ssl.Purpose.CLIENT_AUTH, "store-server-tls")
    inside.verify_mode = ssl.CERT_REQUIRED
    outside = context(ssl.Purpose.SERVER_AUTH, client)
    here, there = socket.socketpair()
    seen: list[str] = []

    def serve() -> None:
        try:
            with inside.wrap_socket(here, server_side=True) as connection:
                seen.append(str((connection.getpeercert() or {})["subject"]))
                connection.send(b"welcome")
        except OSError as error:
            seen.append(str(error))

    thread = threading.Thread(target=serve)
    thread.start()
    with there, outside.wrap_socket(there, server_hostname=name) as connection:
        connection.recv(7)
    thread.join(10)
    return seen[0]


def test_server_and_client_accept_each_other_and_nobody_else(
    items: list[Wanted], memory: Memory, tmp_path: Path
) -> None:
    apply(items, memory, PLACE)
    for name in ("store", "store.indigo-dev.svc", "store-0.store-peers.indigo-dev.svc.cluster.local"):
        assert handshake(memory, tmp_path, "store-client-tls", name) == "((('commonName', 'clients'),),)"
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(memory, tmp_path, "store-client-tls", "other")
    with pytest.raises(ssl.SSLError):  # a server's certificate is no client's
        handshake(memory, tmp_path, "store-server-tls", "store")


def test_two_runs_at_once_sign_with_one_authority(items: list[Wanted], memory: Memory) -> None:
    other = new_authority(PLACE)

    def first(name: str) -> None:
        memory.meddle = nobody
        memory.put(AUTHORITY, **{key: value.reveal().decode() for key, value in other.items()})

    memory.meddle = first
    apply(items, memory, PLACE)
    assert memory.secrets[AUTHORITY]["ca.crt"] == other["ca.crt"].reveal()
    assert memory.secrets["store-server-tls"]["ca.crt"] == other["ca.crt"].reveal()
    assert verify(items, memory) == []


def test_a_lost_authority_is_not_replaced_behind_the_back_of_those_it_signed(
    items: list[Wanted], memory: Memory
) -> None:
    apply(items, memory, PLACE)
    kept = memory.secrets.pop(AUTHORITY)
    del memory.secrets["store-client-tls"]
    assert {one.state for one in plan(items, memory)[0].keys} == {State.PERSON, State.MAKE}
    apply(items, memory, PLACE)
    assert set(memory.secrets) == {"store-server-tls", "store-client-tls"}
    assert set(memory.secrets["store-client-tls"]) == {"password"}
    memory.secrets[AUTHORITY], memory.versions[AUTHORITY] = kept, 1
    apply(items, memory, PLACE)
    assert verify(items, memory) == []


def test_half_a_certificate_is_a_persons(items: list[Wanted], memory: Memory) -> None:
    apply(items, memory, PLACE)
    del memory.secrets["store-server-tls"]["tls.key"]
    before = copy.deepcopy(memory.secrets)
    apply(items, memory, PLACE)
    assert memory.secrets == before
    assert errors(items, memory) == [
        "Secret store-server-tls, key tls.key: is missing; the rest of the certificate is there: put it back, or "
        "delete ca.crt, tls.crt, tls.key and make it anew (docs/how-to/certificates.md)"
    ]


def test_an_authority_that_cannot_sign_is_refused(items: list[Wanted], memory: Memory) -> None:
    memory.put(AUTHORITY, **{"ca.crt": "x", "ca.key": "y"})
    with pytest.raises(UserError, match="Secret platform-ca holds no authority that can sign"):
        apply(items, memory, PLACE)
    one, two = new_authority(PLACE), new_authority(PLACE)
    assert read_authority({"ca.crt": one["ca.crt"], "ca.key": two["ca.key"]}) is None
    issuer = read_authority(one)
    assert issuer is not None
    signed = new_certificate(items[0].secret, PLACE, issuer)
    assert read_authority({"ca.crt": signed["tls.crt"], "ca.key": signed["tls.key"]}) is None  # signs nobody


def test_what_is_wrong_with_a_certificate_is_said(items: list[Wanted], memory: Memory) -> None:
    apply(items, memory, PLACE)
    good = copy.deepcopy(memory.secrets)

    def now_wrong(secret: str, **keys: bytes) -> list[str]:
        memory.secrets = copy.deepcopy(good)
        memory.secrets[secret].update({key.replace("_", "."): value for key, value in keys.items()})
        return errors(items, memory)

    other = new_authority(PLACE)
    issuer = read_authority(other)
    assert issuer is not None
    client, server = (item.secret for item in items)
    foreign = new_certificate(client, PLACE, issuer)
    anew = "make it anew (docs/how-to/certificates.md); on change: Restart it."
    assert now_wrong("store-client-tls", tls_key=foreign["tls.key"].reveal()) == [
        f"Secret store-client-tls, key tls.key: does not belong to the certificate in tls.crt; {anew}"
    ]
    assert now_wrong("store-client-tls", tls_key=foreign["tls.key"].reveal(), tls_crt=foreign["tls.crt"].reveal()) == [
        "Secret store-client-tls, key tls.crt: is of no authority that ca.crt of Secret store-server-tls trusts; "
        "add its authority there, or make both anew (docs/how-to/certificates.md)"
    ]
    swapped = {key.replace(".", "_"): good["store-server-tls"][key] for key in ("tls.crt", "tls.key")}
    assert now_wrong("store-client-tls", **swapped) == [
        f"Secret store-client-tls, key tls.crt: is not for the authentication of a client; {anew}"
    ]
    of_client = {key.replace(".", "_"): good["store-client-tls"][key] for key in ("tls.crt", "tls.key")}
    assert now_wrong("store-server-tls", **of_client) == [
        f"Secret store-server-tls, key tls.crt: is not for the authentication of a server; {anew}",
        f"Secret store-server-tls, key tls.crt: lacks the DNS name store; {anew}",
    ]
    assert server.certificate is not None
    pkcs1 = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    shape = "it must be of shape {}; on change: Restart it."
    assert now_wrong("store-server-tls", tls_key=pkcs1)[0] == (
        "Secret store-server-tls, key tls.key: is not a key in PKCS 8 without a password (BEGIN PRIVATE KEY); "
        + shape.format("private-key")
    )
    for key, kind in (("ca_crt", "authorities"), ("tls_crt", "certificate")):
        assert now_wrong("store-server-tls", **{key: b"MIIB"})[0] == (
            f"Secret store-server-tls, key {key.replace('_', '.')}: is not a certificate in PEM (BEGIN CERTIFICATE); "
            + shape.format(kind)
        )


def test_the_end_of_a_certificate_is_seen_before_it_comes(items: list[Wanted], memory: Memory) -> None:
    apply(items, memory, PLACE)
    assert verify(items, memory, later(699)) == []
    soon = verify(items, memory, later(710))
    assert [str(finding) for finding in soon if finding.note] == [
        f"Secret store-{kind}-tls, key tls.crt: expires in 19 days: renew it (docs/how-to/certificates.md)"
        for kind in ("client", "server")
    ]
    assert [finding for finding in soon if not finding.note] == []
    until = leaf(memory, "store-client-tls").not_valid_after_utc
    assert errors(items, memory, later(731))[0].startswith(
        f"Secret store-client-tls, key tls.crt: expired on {until:%Y-%m-%d}; make it anew"
    )
    assert "is not valid before" in errors(items, memory, later(-2))[0]


def test_a_certificate_never_outlives_its_authority(contracts: Contracts, memory: Memory) -> None:
    contracts.data["store"]["secrets"]["store-server-tls"] = {
        **SERVER, "certificate": {"use": "server", "name": "store", "names": ["store"], "days": 9000}
    }  # fmt: skip
    items = [item for item in wanted(contracts.build(), HERE, {}) if item.secret.certificate]
    apply(items, memory, PLACE)
    authority = x509.load_pem_x509_certificate(memory.secrets[AUTHORITY]["ca.crt"])
    assert leaf(memory, "store-server-tls").not_valid_after_utc == authority.not_valid_after_utc


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"certificate": None}, "keys of a certificate need `certificate` (what it is for), or `generate: false`"),
        ({"keys": {"tls.crt": KEYS["tls.crt"]}}, "certificate: needs one key of each of the shapes authorities,"),
        ({"certificate": {"use": "server", "name": "store"}}, "the certificate of a server has names"),
        ({"certificate": {"use": "client", "name": "x", "names": ["y"]}}, "the certificate of a server has names"),
        ({"certificate": {"use": "server", "name": "s", "names": ["a_b"]}}, "String should match pattern"),
    ],
)
def test_a_contract_that_describes_no_whole_certificate_is_refused(changes: dict[str, object], message: str) -> None:
    contracts = Contracts()
    contracts.data["store"]["secrets"]["store-server-tls"] = {**SERVER, **changes}
    assert message in contracts.refusal()


@pytest.fixture
def shell(tmp_path: Path, contracts: Contracts, monkeypatch: pytest.MonkeyPatch, memory: Memory) -> Iterator[Memory]:
    make_checkout(tmp_path)
    (tmp_path / "charts" / "store" / "contract.yaml").write_text(yaml.safe_dump(contracts.data["store"]))
    with command_line(tmp_path, memory, monkeypatch) as stored:
        yield stored


def test_the_status_shows_the_days_that_are_left_and_fails_in_time(shell: Memory) -> None:
    assert run("status").output == "no certificates\n"
    run("apply")
    shown = run("status")
    assert shown.exit_code == 0
    assert "729 days left" in shown.output
    assert "CN=clients by CN=INDIGO PaaS platform authority (indigo-dev)" in shown.output.replace("\n", " ")
    assert run("status", "--within", "800").exit_code == 1
    answer = run("status", "--json").output
    assert '"daysLeft": 3649' in answer
    pems = [value.decode() for keys in shell.secrets.values() for value in keys.values() if b"BEGIN" in value]
    assert len(pems) == 8
    for line in (line for pem in pems for line in pem.splitlines() if "-----" not in line):
        assert line not in shown.output + answer

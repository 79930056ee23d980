"""Values are made strong and of their shape, and wrong ones are described without being shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.model.contract import SecretKey
from harness.secrets.shapes import MAKERS, Hidden, doubtful, make, wrong


def spec(shape: str, **changes: Any) -> SecretKey:
    usual = {"shape": shape, "purpose": "For this test.", "changedBy": "Nobody.", "onChange": "Nothing."}
    return SecretKey.model_validate({**usual, **changes})


@pytest.mark.parametrize("shape", sorted(MAKERS))
def test_what_is_made_is_of_its_shape_and_never_twice_the_same(shape: str) -> None:
    first, second = make(spec(shape)), make(spec(shape))
    assert wrong(spec(shape), first) is None
    assert doubtful(spec(shape), first) is None
    assert first.reveal() != second.reveal()


def test_a_password_is_read_as_text_by_everything() -> None:
    for _ in range(50):
        password = make(spec("password")).reveal().decode()
        assert len(password) == 32
        assert password[0].isalpha()
        assert password.isascii()
        assert password.isalnum()
        with pytest.raises(json.JSONDecodeError):
            json.loads(password)


def test_a_key_set_is_what_iam_reads() -> None:
    keys = json.loads(make(spec("jwks")).reveal())["keys"]
    assert [(key["kty"], key["kid"], key["alg"]) for key in keys] == [("RSA", "rsa1", "RS256")]
    assert set(keys[0]) == {"kty", "kid", "alg", "n", "e", "d", "p", "q", "dp", "dq", "qi"}


def test_a_fixed_value_is_taken_from_the_contract_and_some_are_a_persons() -> None:
    assert make(spec("username", value="client")).reveal() == b"client"
    for person in (spec("password", generate=False), spec("text"), spec("pem"), spec("username")):
        with pytest.raises(LookupError, match="only a person can supply"):
            make(person)


@pytest.mark.parametrize(
    ("shape", "value", "problem"),
    [
        ("password", "", "is empty"),
        ("password", "correct-horse\n", "begins or ends with white space (a line feed of echo or of an editor)"),
        ("password", "1234567", "is shorter than 8 characters"),
        ("password", "1234567890", "is made of digits only, which software reads as a number"),
        ("password", "correct horse", "holds white space or characters that cannot be typed"),
        ("fernet", "c2hvcnQ=", "is not URL-safe base64 of exactly 32 bytes"),
        ("fernet", "+" * 43 + "=", "is not URL-safe base64 of exactly 32 bytes"),
        ("base64-32", "A" * 40, "is not base64 of exactly 32 bytes"),
        ("username", "a b", "is not a user name (letters, digits, _ . @ -)"),
        ("client-id", "a b", "holds white space"),
        ("pem", "MIIB", "is not PEM (BEGIN and END lines)"),
        ("jwks", "{", "is not JSON"),
        ("jwks", "[]", 'is not a JWK set ({"keys": [...]})'),
        ("jwks", '{"keys": [{"kty": "RSA"}]}', "has a key without kid"),
        ("jwks", '{"keys": [{"kid": "a"}, {"kid": "a"}]}', "has two keys of the same kid"),
        ("jwks", '{"keys": [{"kid": "a", "kty": "RSA", "n": "AQAB"}]}', "has no private RSA key"),
        ("jwks", '{"keys": [{"kid": "a", "kty": "RSA", "d": "x"}]}', "has an RSA key without n, p and q"),
        (
            "jwks",
            '{"keys": [{"kid": "a", "kty": "RSA", "d": "x", "n": "Ag", "p": "Ag", "q": "Ag"}]}',
            "has an RSA key whose numbers do not belong together",
        ),
        (
            "jwks",
            '{"keys": [{"kid": "a", "kty": "RSA", "d": "x", "n": "BA", "p": "Ag", "q": "Ag"}]}',
            "has an RSA key of less than 2048 bits",
        ),
    ],
)
def test_a_wrong_value_is_described_without_being_shown(shape: str, value: str, problem: str) -> None:
    assert wrong(spec(shape), Hidden(value.encode())) == problem


def test_further_wrong_values() -> None:
    assert wrong(spec("password"), Hidden(b"\xff")) == "is not text in UTF-8"
    assert wrong(spec("text"), Hidden(b"\xff")) is None
    assert wrong(spec("binary", generate=False), Hidden(b"\xfe\xed\xfe\xed")) is None
    assert wrong(spec("binary", generate=False), Hidden(b"")) == "is empty"
    assert wrong(spec("text"), Hidden(b" \n")) == "is empty"
    assert wrong(spec("username", value="client"), Hidden(b"root")) == "is not the value that the contract fixes"
    assert (doubtful(spec("password"), Hidden(b"p@ss/word")) or "").startswith("holds characters that mean something")

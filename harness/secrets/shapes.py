"""What a valid value of each shape looks like: making one, and saying what is wrong with one without showing it."""

from __future__ import annotations

import base64
import binascii
import enum
import hmac
import json
import re
import secrets
import string
import uuid
from collections.abc import Callable
from typing import Any, NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.model.contract import CERTIFICATE_SHAPES, SecretKey

PASSWORD_LENGTH = 32
PASSWORD_LEAST = 8
RSA_BITS = 2048
ALPHABET = string.ascii_letters + string.digits


class Hidden:
    """Bytes that do not show in `repr`, `str`, formats, pickles or the message of an exception."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes; the caller sees to it that they go to the API server and nowhere else."""
        return self._value

    def same(self, text: str) -> bool:
        """Return whether the bytes are this text, in a time that does not depend on where they differ."""
        return hmac.compare_digest(self._value, text.encode())

    def __repr__(self) -> str:
        return "Hidden(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a hidden value cannot be pickled")


class Origin(enum.StrEnum):
    """Where the value of a key comes from."""

    FIXED = "fixed"  # the contract says it: a user name
    MADE = "made"  # `indigo secrets apply` makes it
    SIGNED = "signed"  # it makes it with the other keys of a certificate, which the platform's authority signs
    PERSON = "person"  # only somebody with an outside account can supply it


def origin(spec: SecretKey) -> Origin:
    """Return where the value of a key comes from; shapes that cannot be made up are a person's."""
    if not spec.generate:
        return Origin.PERSON
    if spec.value is not None:
        return Origin.FIXED
    if spec.shape in CERTIFICATE_SHAPES:
        return Origin.SIGNED
    return Origin.MADE if spec.shape in MAKERS else Origin.PERSON


def make(spec: SecretKey) -> Hidden:
    """Return a new value for a key: the contract's fixed one, or a strong one of the key's shape.

    Raises:
        LookupError: only a person can supply it.
    """
    match origin(spec):
        case Origin.FIXED:
            return Hidden((spec.value or "").encode())
        case Origin.MADE:
            return Hidden(MAKERS[spec.shape]().encode())
        case _:
            raise LookupError(f"only a person can supply a value of shape {spec.shape}")


def _password() -> str:
    # letters and digits only, a letter first: nothing for a URL, JSON, YAML or a shell to read as something else
    while True:
        value = secrets.choice(string.ascii_letters) + "".join(
            secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH - 1)
        )
        if re.search("[a-z]", value) and re.search("[A-Z]", value) and re.search("[0-9]", value):
            return value


def _jwks() -> str:
    # what IAM reads (IAM documentation, "JSON Web Key"): private RSA keys as a JWK set, found by their kid
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS).private_numbers()
    numbers = {
        "n": key.public_numbers.n,
        "e": key.public_numbers.e,
        "d": key.d,
        "p": key.p,
        "q": key.q,
        "dp": key.dmp1,
        "dq": key.dmq1,
        "qi": key.iqmp,
    }
    entry = {
        "kty": "RSA",
        "kid": "rsa1",
        "alg": "RS256",
        **{name: _base64url(number) for name, number in numbers.items()},
    }
    return json.dumps({"keys": [entry]}, separators=(",", ":"))


def _base64url(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


MAKERS: dict[str, Callable[[], str]] = {
    "password": _password,
    "fernet": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "jwks": _jwks,
    "base64-32": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    "client-id": lambda: str(uuid.uuid4()),
}


def wrong(spec: SecretKey, value: Hidden) -> str | None:
    """Return what is wrong with a key's value, as words that hold nothing of it; None where it is right."""
    if spec.value is not None and spec.generate and not value.same(spec.value):
        return "is not the value that the contract fixes"
    if not value.reveal().strip():
        return "is empty"
    if spec.shape in ("text", "binary"):  # whatever a person supplies
        return None
    try:
        text = value.reveal().decode("utf-8")
    except UnicodeDecodeError:
        return "is not text in UTF-8"
    if spec.shape not in ("pem", "jwks", *CERTIFICATE_SHAPES) and text != text.strip():
        return "begins or ends with white space (a line feed of echo or of an editor)"
    return CHECKS[spec.shape](text)


def doubtful(spec: SecretKey, value: Hidden) -> str | None:
    """Return what may go wrong with a value that is right as such; None where nothing is known."""
    if spec.shape == "password" and not re.fullmatch(rb"[A-Za-z0-9._~-]+", value.reveal()):
        return "holds characters that mean something in a URL or a shell; letters and digits are safe everywhere"
    return None


def _check_password(text: str) -> str | None:
    if len(text) < PASSWORD_LEAST:
        return f"is shorter than {PASSWORD_LEAST} characters"
    if text.isdecimal():
        return "is made of digits only, which software reads as a number"
    if re.search(r"\s", text) or not text.isprintable():
        return "holds white space or characters that cannot be typed"
    return None


def _check_fernet(text: str) -> str | None:
    return _decodes(text, base64.urlsafe_b64decode, r"[A-Za-z0-9_-]{43}=", "URL-safe base64")


def _check_base64(text: str) -> str | None:
    return _decodes(text, base64.b64decode, r"[A-Za-z0-9+/]{43}=", "base64")


def _decodes(text: str, decode: Callable[[str], bytes], pattern: str, name: str) -> str | None:
    try:
        right = re.fullmatch(pattern, text) is not None and len(decode(text)) == 32
    except (ValueError, binascii.Error):
        right = False
    return None if right else f"is not {name} of exactly 32 bytes"


def _check_jwks(text: str) -> str | None:
    try:
        document = json.loads(text)
    except ValueError:
        return "is not JSON"
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        return 'is not a JWK set ({"keys": [...]})'
    if not all(isinstance(key.get("kid"), str) and key["kid"] for key in keys):
        return "has a key without kid"
    if len({key["kid"] for key in keys}) < len(keys):
        return "has two keys of the same kid"
    private = [key for key in keys if key.get("kty") == "RSA" and key.get("d")]
    if not private:
        return "has no private RSA key"
    return next((problem for key in private if (problem := _check_rsa(key))), None)


def _check_rsa(key: dict[str, Any]) -> str | None:
    try:
        n, p, q = (_number(key[name]) for name in ("n", "p", "q"))
    except (KeyError, TypeError, ValueError):
        return "has an RSA key without n, p and q"
    if n != p * q:
        return "has an RSA key whose numbers do not belong together"
    if n.bit_length() < RSA_BITS:
        return f"has an RSA key of less than {RSA_BITS} bits"
    return None


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _check_certificate(text: str) -> str | None:
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return "is not a certificate in PEM (BEGIN CERTIFICATE)"
    return None


def _check_private_key(text: str) -> str | None:
    try:
        serialization.load_pem_private_key(text.encode(), None)
        right = "-----BEGIN PRIVATE KEY-----" in text
    except (ValueError, TypeError, UnsupportedAlgorithm):
        right = False
    # openssl pkcs8 -topk8 -nocrypt makes one of any other
    return None if right else "is not a key in PKCS 8 without a password (BEGIN PRIVATE KEY)"


def _matches(pattern: str, problem: str) -> Callable[[str], str | None]:
    return lambda text: None if re.fullmatch(pattern, text, re.DOTALL) else problem


CHECKS: dict[str, Callable[[str], str | None]] = {
    "password": _check_password,
    "fernet": _check_fernet,
    "jwks": _check_jwks,
    "base64-32": _check_base64,
    "username": _matches(r"[A-Za-z0-9_.@-]+", "is not a user name (letters, digits, _ . @ -)"),
    "client-id": _matches(r"\S+", "holds white space"),
    "authorities": _check_certificate,
    "certificate": _check_certificate,
    "private-key": _check_private_key,
    "pem": _matches(
        r"\s*-----BEGIN [A-Z0-9 ]+-----\n.+-----END [A-Z0-9 ]+-----\s*", "is not PEM (BEGIN and END lines)"
    ),
}

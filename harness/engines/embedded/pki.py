"""Keys, certificate and tokens of one run: elliptic curves, made in milliseconds, gone with the run directory."""

from __future__ import annotations

import datetime
import ipaddress
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
ADDRESSES = ("127.0.0.1", "10.96.0.1")
DAYS = 365


@dataclass(frozen=True)
class Pki:
    """The files that the API server, the controllers and the clients read."""

    ca: Path
    certificate: Path
    key: Path
    service_account_key: Path
    service_account_public: Path
    tokens_file: Path
    tokens: dict[str, str]


def create(directory: Path, users: tuple[str, ...]) -> Pki:
    """Make a CA, the API server's certificate, the key of service accounts and one token per user.

    Args:
        directory: where the files go (mode 0700, files 0600).
        users: names; each is a member of `system:masters`.

    Raises:
        OSError: a file cannot be written.
    """
    directory.mkdir(mode=0o700)
    ca_key, key, account_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "indigo embedded engine")])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    names = x509.SubjectAlternativeName(
        [*(x509.DNSName(name) for name in NAMES), *(x509.IPAddress(ipaddress.ip_address(ip)) for ip in ADDRESSES)]
    )
    ca = _certificate(ca_name, ca_key, ca_name, ca_key, [(x509.BasicConstraints(ca=True, path_length=0), True)])
    server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    certificate = _certificate(server, key, ca_name, ca_key, [(usage, False), (names, False)])
    tokens = {user: secrets.token_urlsafe(24) for user in users}
    lines = [f'{token},{user},{user},"system:masters"\n' for user, token in tokens.items()]
    public = account_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    pem = serialization.Encoding.PEM
    return Pki(
        ca=_write(directory / "ca.crt", ca.public_bytes(pem)),
        certificate=_write(directory / "apiserver.crt", certificate.public_bytes(pem)),
        key=_write(directory / "apiserver.key", _private(key)),
        service_account_key=_write(directory / "service-account.key", _private(account_key)),
        service_account_public=_write(directory / "service-account.pub", public),
        tokens_file=_write(directory / "tokens.csv", "".join(lines).encode()),
        tokens=tokens,
    )


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    extensions: list[tuple[x509.ExtensionType, bool]],
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    # SEC 1 ("EC PRIVATE KEY"): what kube-apiserver and the controller manager read for service accounts
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> Path:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return path

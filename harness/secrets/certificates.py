"""The platform's own authority, the certificates that it signs, and what is wrong with a certificate that is there.

Keys are on the curve P-256, in PKCS 8 without a password: Kafka's PEM stores read no other form (Apache Kafka,
DefaultSslEngineFactory). Extensions are those that strict verifiers demand (RFC 5280, 4.2; VERIFY_X509_STRICT).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.model.contract import Certificate, Secret, SecretKey
from harness.secrets.shapes import Hidden

SOON = 30  # days before the end at which everything begins to warn
BACKDATED = datetime.timedelta(hours=1)  # clocks of nodes differ

CERTIFICATE, PRIVATE_KEY = "ca.crt", "ca.key"
AUTHORITY = "platform-ca"
AUTHORITY_SECRET = Secret(
    purpose="The platform's own certificate authority. No pod reads it; keep a copy of it outside the cluster.",
    optional="Where every certificate comes from elsewhere (cert-manager, an authority of the site).",
    keys={
        CERTIFICATE: SecretKey(
            shape="certificate",
            purpose="Certificate of the authority.",
            generate=False,
            changedBy="An operator; docs/how-to/certificates.md.",
            onChange="Every certificate that it signed has to be made anew; both authorities are trusted meanwhile.",
        ),
        PRIVATE_KEY: SecretKey(
            shape="private-key",
            purpose="Key that signs the platform's certificates.",
            generate=False,
            changedBy="As ca.crt, together with it.",
            onChange="As ca.crt.",
        ),
    },
)
_AUTHORITY = Certificate(use="authority", name="INDIGO PaaS platform authority", days=3650)
USES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> tuple[Hidden, Hidden]:
        """Return certificate and key as PEM."""
        private = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Hidden(self.certificate.public_bytes(serialization.Encoding.PEM)), Hidden(private)


def new_authority(namespace: str) -> dict[str, Hidden]:
    """Return the keys of a new Secret `platform-ca`: valid for ten years, for no authority below it."""
    name = _AUTHORITY.model_copy(update={"name": f"{_AUTHORITY.name} ({namespace})"[:64]})
    certificate, key = _issue(name, (), None).pem()
    return {CERTIFICATE: certificate, PRIVATE_KEY: key}


def read_authority(keys: Mapping[str, Hidden]) -> Issued | None:
    """Return the authority that a Secret `platform-ca` holds; None where it is not one that can sign."""
    try:
        certificate = x509.load_pem_x509_certificate(keys[CERTIFICATE].reveal())
        key = serialization.load_pem_private_key(keys[PRIVATE_KEY].reveal(), None)
    except (KeyError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
        return None
    return Issued(certificate, key) if _signs(certificate) else None


def new_certificate(secret: Secret, namespace: str, authority: Issued) -> dict[str, Hidden]:
    """Return the keys of a Secret's certificate, signed by the authority: authorities, certificate, private key."""
    names = secret.certificate_keys()
    assert secret.certificate is not None
    assert names is not None
    hosts = dns_names(secret.certificate, namespace)
    certificate, key = _issue(secret.certificate, hosts, authority).pem()
    return dict(zip(names, (authority.pem()[0], certificate, key), strict=True))


def for_hosts(hosts: Sequence[str], authority: Issued) -> tuple[Hidden, Hidden]:
    """Return certificate and key, as PEM, of a server that is asked for by these host names."""
    wanted = Certificate(use="server", name=hosts[0][:64], names=tuple(hosts), days=30)
    return _issue(wanted, hosts, authority).pem()


def dns_names(certificate: Certificate, namespace: str) -> list[str]:
    """Return the DNS names of a server: those of its Services, with every search suffix of the cluster."""
    suffixes = ("", f".{namespace}", f".{namespace}.svc", f".{namespace}.svc.cluster.local")
    return [f"{name}{suffix}" for name in certificate.names for suffix in suffixes]


def _issue(wanted: Certificate, hosts: Sequence[str], authority: Issued | None) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wanted.name)])
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    until = now + datetime.timedelta(days=wanted.days)
    if authority is not None:
        until = min(until, authority.certificate.not_valid_after_utc)
    signer = authority.key if authority else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None if authority else 0), True)
        .add_extension(_usage(authority is None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    )
    if wanted.use in USES:
        builder = builder.add_extension(x509.ExtendedKeyUsage([USES[wanted.use]]), False)
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, False)
    return Issued(builder.sign(signer, hashes.SHA256()), key)


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def problems(secret: Secret, values: Mapping[str, Hidden], now: datetime.datetime) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a Secret's certificate, as the key at fault and words; the keys are of their shapes.

    Held against each other are certificate and private key, its use and names and what the contract asks for, and the
    time at which it is valid.
    """
    names, wanted = secret.certificate_keys(), secret.certificate
    if names is None or wanted is None:
        return
    _, certificate_key, private_key = names
    try:
        leaf = x509.load_pem_x509_certificates(values[certificate_key].reveal())[0]
        private = serialization.load_pem_private_key(values[private_key].reveal(), None)
    except (KeyError, ValueError, TypeError, UnsupportedAlgorithm):
        return  # the shapes of the keys say so
    if leaf.public_key() != private.public_key():
        yield private_key, f"does not belong to the certificate in {certificate_key}"
    if problem := _use(leaf, wanted):
        yield certificate_key, problem
    missing = [name for name in wanted.names if not name.startswith("*") and name not in _names(leaf)]
    if missing:
        yield certificate_key, f"lacks the DNS name {', '.join(missing)}"
    if problem := out_of_time(leaf, now):
        yield certificate_key, problem


def certificates_in(secret: Secret, values: Mapping[str, Hidden]) -> Iterator[tuple[str, x509.Certificate]]:
    """Yield every certificate that a Secret's keys hold, with its key; what is of the wrong shape is left out."""
    for shape in ("authorities", "certificate"):
        for key in secret.of(shape):
            try:
                found = x509.load_pem_x509_certificates(values[key].reveal()) if key in values else []
            except ValueError:
                continue
            yield from ((key, certificate) for certificate in found)


def out_of_time(certificate: x509.Certificate, now: datetime.datetime) -> str | None:
    """Return that a certificate is not valid now, with the date; None where it is."""
    if certificate.not_valid_after_utc <= now:
        return f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if certificate.not_valid_before_utc > now:
        return f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    return None


def days_left(certificate: x509.Certificate, now: datetime.datetime) -> int:
    """Return the whole days until a certificate expires; negative once it has."""
    return (certificate.not_valid_after_utc - now).days


def trusts(authorities: Hidden, chain: Hidden) -> bool:
    """Return whether the first certificate of a chain leads to one of the authorities, by its signatures."""
    trusted = x509.load_pem_x509_certificates(authorities.reveal())
    leaf, *rest = x509.load_pem_x509_certificates(chain.reveal())
    for _ in range(len(rest) + 1):
        if any(_signed(leaf, authority) for authority in trusted):
            return True
        above = next((other for other in rest if _signed(leaf, other)), None)
        if above is None:
            return False
        leaf = above
    return False


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _signs(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def _use(certificate: x509.Certificate, wanted: Certificate) -> str | None:
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None  # RFC 5280, 4.2.1.12: without the extension it may be used for anything
    if USES[wanted.use] not in uses and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in uses:
        return f"is not for the authentication of a {wanted.use}"
    return None

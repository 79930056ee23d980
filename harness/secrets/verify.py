"""Checks that every Secret and key is there and of its shape; findings hold nothing of a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.secrets.certificates import (
    AUTHORITY,
    AUTHORITY_SECRET,
    SOON,
    certificates_in,
    days_left,
    out_of_time,
    problems,
    trusts,
)
from harness.secrets.plan import Wanted
from harness.secrets.shapes import Origin, doubtful, wrong
from harness.secrets.store import SecretStore, Stored

GUIDE = "docs/how-to/certificates.md"


@dataclass(frozen=True)
class Finding:
    """Something wrong with a Secret, or (`note`) worth knowing."""

    secret: str
    key: str | None
    message: str
    fix: str
    note: bool = False

    def __str__(self) -> str:
        place = f"Secret {self.secret}" + (f", key {self.key}" if self.key else "")
        return f"{place}: {self.message}" + (f"; {self.fix}" if self.fix else "")


def verify(items: Sequence[Wanted], store: SecretStore, now: datetime | None = None) -> list[Finding]:
    """Return what is wrong with the wanted Secrets, in their order; notes are among the findings.

    Args:
        items: the Secrets.
        store: where they are kept.
        now: the time at which certificates have to be valid; the present where it is not given.

    Raises:
        UserError: the store cannot be read.
    """
    now = now or datetime.now(UTC)
    known: dict[str, set[str]] = {}
    for item in items:
        known.setdefault(item.name, set()).update(item.secret.keys)
    findings: list[Finding] = []
    found = {item.name: store.get(item.name) for item in items}
    for item in items:
        stored = found[item.name]
        findings += _verify(item, stored)
        findings += _verify_certificate(item, stored, now)
        if stored is not None:  # several ids may share one Secret: its unknown keys are named once
            unknown = sorted(set(stored.keys) - known.pop(item.name, set(stored.keys)))
            findings += [Finding(item.name, key, "no contract knows it", "", note=True) for key in unknown]
    return [*findings, *_verify_trust(items, found)]


def _verify(item: Wanted, stored: Stored | None) -> Iterator[Finding]:
    if stored is None:
        keys = ", ".join(sorted(item.secret.keys))
        if item.optional:
            yield Finding(item.name, None, f"is not there; optional: {item.optional}", "", note=True)
        elif any(item.origin(key) is Origin.PERSON for key in item.secret.keys):
            yield Finding(item.name, None, "is missing", f"indigo secrets plan says who supplies its keys: {keys}")
        else:
            yield Finding(item.name, None, "is missing", f"indigo secrets apply makes it with the keys: {keys}")
        return
    for key, spec in sorted(item.secret.keys.items()):
        value = stored.keys.get(key)
        if value is None:
            yield Finding(item.name, key, "is missing", _supply(item, key, stored))
        elif problem := wrong(spec.model_copy(update={"value": None}) if item.outside else spec, value):
            yield Finding(item.name, key, problem, f"it must be of shape {spec.shape}; on change: {spec.onChange}")
        elif doubt := doubtful(spec, value):
            yield Finding(item.name, key, doubt, "", note=True)


def _verify_certificate(item: Wanted, stored: Stored | None, now: datetime) -> Iterator[Finding]:
    if stored is None:
        return
    for key, problem in problems(item.secret, stored.keys, now):
        yield Finding(item.name, key, problem, f"make it anew ({GUIDE}); on change: {item.secret.keys[key].onChange}")
    for key, certificate in certificates_in(item.secret, stored.keys):
        left = days_left(certificate, now)
        if out_of_time(certificate, now) is None and left < SOON:
            yield Finding(item.name, key, f"expires in {left} days: renew it ({GUIDE})", "", note=True)


def _verify_trust(items: Sequence[Wanted], found: Mapping[str, Stored | None]) -> Iterator[Finding]:
    """Yield the certificates of a component that its other Secrets do not trust: server and clients meet in it."""
    held = [
        (item, keys, stored)
        for item in items
        if (keys := item.secret.certificate_keys()) and (stored := found[item.name])
    ]
    for item, (_, certificate, _), stored in held:
        for other, (authorities, _, _), theirs in held:
            if other.owner != item.owner or other.name == item.name:
                continue
            try:
                trusted = trusts(theirs.keys[authorities], stored.keys[certificate])
            except (KeyError, ValueError):
                continue  # absent or of the wrong shape, which is said of the key itself
            if not trusted:
                yield Finding(
                    item.name,
                    certificate,
                    f"is of no authority that {authorities} of Secret {other.name} trusts",
                    f"add its authority there, or make both anew ({GUIDE})",
                )


def _supply(item: Wanted, key: str, stored: Stored) -> str:
    if item.origin(key) is Origin.PERSON:
        return f"a person has to supply it: {item.secret.keys[key].purpose}"
    if key in (keys := item.secret.certificate_keys() or ()) and set(keys) & set(stored.keys):
        return (
            f"the rest of the certificate is there: put it back, or delete {', '.join(keys)} and make it anew ({GUIDE})"
        )
    return f"the Secret {stored.locked}" if stored.locked else "indigo secrets apply adds it"


@dataclass(frozen=True, order=True)
class Validity:
    """A certificate in a Secret, and how long it is still valid."""

    secret: str
    key: str
    subject: str
    issuer: str
    until: datetime
    left: int  # whole days; negative once it has expired


def validity(items: Sequence[Wanted], store: SecretStore, now: datetime | None = None) -> list[Validity]:
    """Return every certificate in the wanted Secrets and in the platform's authority, the first to expire first.

    Raises:
        UserError: the store cannot be read.
    """
    now = now or datetime.now(UTC)
    held = [(AUTHORITY, AUTHORITY_SECRET), *((item.name, item.secret) for item in items)]
    found = [
        Validity(
            name,
            key,
            certificate.subject.rfc4514_string(),
            certificate.issuer.rfc4514_string(),
            certificate.not_valid_after_utc,
            days_left(certificate, now),
        )
        for name, secret in held
        if (stored := store.get(name)) is not None
        for key, certificate in certificates_in(secret, stored.keys)
    ]
    return sorted(found, key=lambda item: (item.until, item.secret, item.key))

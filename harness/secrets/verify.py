"""Checks that every Secret and key is there and of its shape; findings hold nothing of a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.secrets.plan import Wanted
from harness.secrets.shapes import Origin, doubtful, wrong
from harness.secrets.store import SecretStore, Stored


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


def verify(items: Sequence[Wanted], store: SecretStore) -> list[Finding]:
    """Return what is wrong with the wanted Secrets, in their order; notes are among the findings.

    Raises:
        UserError: the store cannot be read.
    """
    known: dict[str, set[str]] = {}
    for item in items:
        known.setdefault(item.name, set()).update(item.secret.keys)
    findings: list[Finding] = []
    for item in items:
        stored = store.get(item.name)
        findings += _verify(item, stored)
        if stored is not None:  # several ids may share one Secret: its unknown keys are named once
            unknown = sorted(set(stored.keys) - known.pop(item.name, set(stored.keys)))
            findings += [Finding(item.name, key, "no contract knows it", "", note=True) for key in unknown]
    return findings


def _verify(item: Wanted, stored: Stored | None) -> Iterator[Finding]:
    if stored is None:
        keys = ", ".join(sorted(item.secret.keys))
        if item.secret.optional:
            yield Finding(item.name, None, f"is not there; optional: {item.secret.optional}", "", note=True)
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


def _supply(item: Wanted, key: str, stored: Stored) -> str:
    if item.origin(key) is Origin.PERSON:
        return f"a person has to supply it: {item.secret.keys[key].purpose}"
    return f"the Secret {stored.locked}" if stored.locked else "indigo secrets apply adds it"

"""Gives keys of a Secret new values and makes exactly the pods that read it roll.

A pod does not notice that a Secret changed, and nothing in Git changed. So there are two steps: the new values go to
the cluster, and `global.secretRevisions.<id>` of the environment's values gets a new text, which the charts write as an
annotation on the pods that read the Secret (docs/adr/0007-rotation-by-revision.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from harness.errors import UserError
from harness.model.contract import Rotate
from harness.secrets.certificates import AUTHORITY, new_certificate, read_authority
from harness.secrets.plan import Wanted
from harness.secrets.references import references
from harness.secrets.shapes import Hidden, Origin, make, wrong
from harness.secrets.store import Changed, SecretStore, Stored


@dataclass(frozen=True)
class Rotation:
    """What is going to be done: new values (hidden) for some keys of a Secret."""

    wanted: Wanted
    values: Mapping[str, Hidden]
    version: str

    @property
    def keys(self) -> list[str]:
        """Return the keys that get a new value."""
        return sorted(self.values)


def prepare(
    item: Wanted,
    store: SecretStore,
    namespace: str,
    keys: Collection[str] = (),
    given: Mapping[str, Hidden] | None = None,
    prepared: bool = False,
) -> Rotation:
    """Return the rotation of a Secret; reads the store and changes nothing.

    Args:
        item: the Secret, as the environment wants it.
        store: where it is kept.
        namespace: where it is read; part of the DNS names in certificates.
        keys: the keys; without any, those that can be made up and take no further steps, and those that are given. A
            certificate gets a new key, too: its keys change together.
        given: new values of keys, where they are not to be made up.
        prepared: somebody did what has to be done before (`onChange` of the contract).

    Raises:
        UserError: the Secret or a key is not there, a value has the wrong shape, only a person can supply it, or the
            contract says that it takes more than a new value.
    """
    given = dict(given or {})
    stored = store.get(item.name)
    if stored is None:
        raise UserError(f"Secret {item.name} does not exist", fix="indigo secrets apply makes it")
    if stored.locked:
        raise UserError(f"Secret {item.name} {stored.locked}", fix="change it there, then run this with --keep-values")
    chosen = sorted({*keys, *given}) or [key for key in sorted(item.secret.keys) if _free(item, key)]
    if not chosen:
        raise UserError(
            f"no key of {item.identifier} can be rotated without a hand",
            where=item.declared,
            fix="name keys with --key or --from-file; docs/reference/rotation.md says what each of them takes",
        )
    values = {key: _value(item, key, stored, given, prepared) for key in chosen if not _signed(item, key, given)}
    if any(_signed(item, key, given) for key in chosen):
        values |= _certificate(item, store, namespace)
    return Rotation(item, values, stored.version)


def _free(item: Wanted, key: str) -> bool:
    """Whether a key can be given a new value by nobody but us."""
    return item.origin(key) in (Origin.MADE, Origin.SIGNED) and item.secret.keys[key].rotate is Rotate.ROLL


def _signed(item: Wanted, key: str, given: Mapping[str, Hidden]) -> bool:
    return key in item.secret.keys and key not in given and item.origin(key) is Origin.SIGNED


def _certificate(item: Wanted, store: SecretStore, namespace: str) -> Mapping[str, Hidden]:
    stored = store.get(AUTHORITY)
    authority = read_authority(stored.keys) if stored else None
    if authority is None:
        raise UserError(
            f"Secret {AUTHORITY} holds no authority that could sign {item.identifier}",
            fix="put back the copy from outside the cluster, or give all keys of the certificate with --from-file; "
            "where cert-manager made it, let cert-manager renew it and run this with --keep-values",
        )
    return new_certificate(item.secret, namespace, authority)


def _value(item: Wanted, key: str, stored: Stored, given: Mapping[str, Hidden], prepared: bool) -> Hidden:
    where = f"{item.declared}.keys.{key}"
    spec = item.secret.keys.get(key)
    if spec is None:
        known = ", ".join(sorted(item.secret.keys))
        raise UserError(f"{item.identifier} has no key {key}", where=where, fix=f"write one of: {known}")
    if spec.rotate is Rotate.NEVER:
        raise UserError(f"{item.identifier}, key {key}, must not get another value: {spec.onChange}", where=where)
    if spec.rotate is Rotate.STEPS and not prepared:
        raise UserError(
            f"{item.identifier}, key {key}, takes more than a new value: {spec.onChange}",
            where=where,
            fix="do what has to be done before, then run it again with --prepared",
        )
    if key not in given and item.origin(key) is not Origin.MADE:
        raise UserError(
            f"only a person can supply key {key} of {item.identifier}: {spec.purpose}",
            where=where,
            fix=f"write the new value to a file that only you can read, and give it with --from-file {key}=FILE",
        )
    value = given[key] if key in given else make(spec)
    problem = wrong(spec, value)
    if problem:
        raise UserError(f"the value for key {key} of {item.identifier} {problem}", fix=f"it is of shape {spec.shape}")
    old = stored.keys.get(key)
    if old is not None and old.reveal() == value.reveal():
        raise UserError(f"the value for key {key} of {item.identifier} is the one that is there already")
    return value


def carry_out(rotation: Rotation, store: SecretStore) -> None:
    """Write the new values, all of them or none.

    Raises:
        UserError: the Secret was changed since the rotation was prepared, or the store refuses.
    """
    try:
        store.replace(rotation.wanted.name, rotation.values, rotation.version)
    except Changed:
        raise UserError(
            f"Secret {rotation.wanted.name} was changed by something else in the meantime; nothing was written",
            fix="find out what writes it, and run it again",
        ) from None


def readers(objects: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    """Return the objects whose pods read a Secret, as Kind/name: those that roll, and Jobs that run again."""
    return sorted({f"{found.kind}/{found.object}" for found in references(objects) if found.secret == name})


def next_revision(current: str | None, today: date) -> str:
    """Return the text of a rotation on a day: the date, and a number from the second one of the day on."""
    day = today.isoformat()
    if current == day:
        return f"{day}.2"
    head, dot, number = (current or "").rpartition(".")
    return f"{day}.{int(number) + 1}" if dot and head == day and number.isdecimal() else day


def of_identifier(items: Sequence[Wanted], identifier: str) -> Wanted:
    """Return the Secret of an id among those of an environment.

    Raises:
        UserError: the environment has none of that id.
    """
    for item in items:
        if item.identifier == identifier:
            return item
    known = ", ".join(item.identifier for item in items)
    raise UserError(f"the environment reads no Secret {identifier}", fix=f"write one of: {known}")

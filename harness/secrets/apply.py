"""Creates what is missing, once: never overwrites a key, never shows a value, and may run twice at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import UserError
from harness.secrets.certificates import AUTHORITY, Issued, new_authority, new_certificate, read_authority
from harness.secrets.plan import Planned, State, Wanted, can_sign, decide
from harness.secrets.shapes import Hidden, make
from harness.secrets.store import Changed, SecretStore

TRIES = 5


@dataclass(frozen=True)
class Applied:
    """What was done for one Secret, and how it stands now."""

    planned: Planned
    created: bool
    added: tuple[str, ...]


def apply(items: Sequence[Wanted], store: SecretStore, namespace: str) -> list[Applied]:
    """Make what can be made of the wanted Secrets and return what was done for each.

    The platform's authority is made with the first certificate that it has to sign.

    Args:
        items: the Secrets.
        store: where they are kept.
        namespace: where they are read; part of the DNS names in certificates.

    Raises:
        UserError: the store refuses, a Secret is changed by something else again and again, or Secret platform-ca holds
            no authority.
    """
    found = {item.name: store.get(item.name) for item in items}
    signs = can_sign(items, found, store.get(AUTHORITY))
    return [_apply(item, store, namespace, signs) for item in items]


def _apply(item: Wanted, store: SecretStore, namespace: str, signs: bool) -> Applied:
    for _ in range(TRIES):
        stored = store.get(item.name)
        planned = decide(item, stored, signs)
        missing = [*planned.of(State.MAKE), *planned.of(State.SIGN)]
        if not missing:
            return Applied(planned, created=False, added=())
        data = {key: make(item.secret.keys[key]) for key in planned.of(State.MAKE)}
        if planned.of(State.SIGN):
            data |= new_certificate(item.secret, namespace, _authority(store, namespace))
        try:
            if stored is None:
                store.create(item.name, data, labels(), provenance(item))
            else:
                store.add(item.name, data, stored.version)
        except Changed:
            continue  # somebody else was first: read again, what they made counts
        return Applied(decide(item, store.get(item.name), signs), stored is None, tuple(missing))
    raise UserError(
        f"Secret {item.name} was changed by something else {TRIES} times in a row",
        fix="find out what writes it (kubectl get secret --show-managed-fields), stop that, and run it again",
    )


def _authority(store: SecretStore, namespace: str) -> Issued:
    """Return the platform's authority, made where there is none; of two runs at once, one makes it and both use it."""
    stored = store.get(AUTHORITY)
    keys: Mapping[str, Hidden]
    if stored is not None:
        keys = stored.keys
    else:
        keys = new_authority(namespace)
        try:
            store.create(AUTHORITY, keys, labels(), {"indigo-paas/owner": "platform"})
        except Changed:
            found = store.get(AUTHORITY)
            keys = found.keys if found else {}
    authority = read_authority(keys)
    if authority is None:
        raise UserError(
            f"Secret {AUTHORITY} holds no authority that can sign: ca.crt and ca.key must belong together, on P-256",
            fix="put back the copy from outside the cluster, or make a new one as docs/how-to/certificates.md says",
        )
    return authority


def labels() -> dict[str, str]:
    """Return the labels of a Secret that is made here."""
    return {"app.kubernetes.io/part-of": "indigo-paas", "app.kubernetes.io/managed-by": "indigo-secrets"}


def provenance(item: Wanted) -> dict[str, str]:
    """Return the annotations of a Secret that is made here: whose it is, and where it is declared."""
    return {
        "indigo-paas/owner": item.owner,
        "indigo-paas/contract": item.declared,
    }

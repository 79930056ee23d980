"""Creates what is missing, once: never overwrites a key, never shows a value, and may run twice at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import UserError
from harness.secrets.plan import Planned, State, Wanted, decide
from harness.secrets.shapes import make
from harness.secrets.store import Changed, SecretStore

TRIES = 5


@dataclass(frozen=True)
class Applied:
    """What was done for one Secret, and how it stands now."""

    planned: Planned
    created: bool
    added: tuple[str, ...]


def apply(items: Sequence[Wanted], store: SecretStore) -> list[Applied]:
    """Make what can be made of the wanted Secrets and return what was done for each.

    Raises:
        UserError: the store refuses, or a Secret is changed by something else again and again.
    """
    return [_apply(item, store) for item in items]


def _apply(item: Wanted, store: SecretStore) -> Applied:
    for _ in range(TRIES):
        stored = store.get(item.name)
        planned = decide(item, stored)
        missing = planned.of(State.MAKE)
        if not missing:
            return Applied(planned, created=False, added=())
        data = {key: make(item.secret.keys[key]) for key in missing}
        try:
            if stored is None:
                store.create(item.name, data, labels(), provenance(item))
            else:
                store.add(item.name, data, stored.version)
        except Changed:
            continue  # somebody else was first: read again, what they made counts
        return Applied(decide(item, store.get(item.name)), stored is None, tuple(missing))
    raise UserError(
        f"Secret {item.name} was changed by something else {TRIES} times in a row",
        fix="find out what writes it (kubectl get secret --show-managed-fields), stop that, and run it again",
    )


def labels() -> dict[str, str]:
    """Return the labels of a Secret that is made here."""
    return {"app.kubernetes.io/part-of": "indigo-paas", "app.kubernetes.io/managed-by": "indigo-secrets"}


def provenance(item: Wanted) -> dict[str, str]:
    """Return the annotations of a Secret that is made here: whose it is, and where it is declared."""
    return {
        "indigo-paas/owner": item.owner,
        "indigo-paas/contract": f"charts/{item.owner}/contract.yaml secrets.{item.identifier}",
    }

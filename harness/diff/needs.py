"""Secrets that have to be there before the sync, because a pod that does not find its key does not start."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Platform
from harness.diff.model import Change, Kind, Level
from harness.diff.pairs import Pairs
from harness.model.contract import Secret
from harness.model.environment import secret_names
from harness.secrets.references import SecretRef, references
from harness.secrets.shapes import Origin, origin


def said(pairs: Pairs) -> Iterator[Change]:
    """Yield the Secrets that are read and were not, or not with these keys, and those that nobody reads any more."""
    before, after = _read(pairs.before), _read(pairs.after)
    if pairs.before is None:
        yield _all(pairs, sorted({name for name, _ in after}))
        return
    new = after.keys() - before.keys()
    for name in sorted({name for name, _ in new}):
        keys = sorted(key for secret, key in new if secret == name)
        by = sorted({use.component for key in keys for use in after[name, key]} - {""})
        yield _needed(pairs, name, keys, by)
    gone = {name for name, _ in before} - {name for name, _ in after}
    for name in sorted(gone):
        yield Change(
            kind=Kind.SECRET,
            component=_owner(pairs, name)[0],
            object=f"Secret/{name}",
            text="is read by nothing any more; it stays where it is",
        )
    for name in sorted(_pull(pairs.after) - _pull(pairs.before)):
        text = "is needed to pull images; nobody makes it but you"
        yield Change(kind=Kind.SECRET, level=Level.ATTENTION, object=f"Secret/{name}", text=text)


def _all(pairs: Pairs, names: list[str]) -> Change:
    return Change(
        kind=Kind.SECRET,
        level=Level.ATTENTION,
        text=f"the environment {pairs.name} needs {len(names)} Secrets",
        details=(", ".join(names),),
        steps=(f"indigo secrets apply --environment {pairs.name} (plan shows before what it does)",),
    )


def _needed(pairs: Pairs, name: str, keys: list[str], by: list[str]) -> Change:
    owner, declared = _owner(pairs, name)
    lines, person = [], declared is None
    for key in keys:
        known = declared.keys.get(key) if declared else None
        if known is None:
            lines.append(f"{key or 'all of its keys'}")
            continue
        hand = origin(known) is Origin.PERSON
        person = person or hand
        lines.append(f"{key}: {known.purpose}" + (f" Supplied by a person ({known.changedBy})." if hand else ""))
    return Change(
        kind=Kind.SECRET,
        level=Level.ATTENTION,
        component=owner or (by[0] if by else ""),
        object=f"Secret/{name}",
        text=f"{_named(keys)} read by {', '.join(by) or 'an object'}"
        + (", and a person has to supply some" if person else ""),
        details=tuple(lines),
        steps=(f"indigo secrets apply --environment {pairs.name} (plan shows before what it does)",),
    )


def _named(keys: list[str]) -> str:
    known = [key for key in keys if key]
    if not known:
        return "is newly"
    return f"key{'s' if len(known) > 1 else ''} {', '.join(known)} {'are' if len(known) > 1 else 'is'} newly"


def _read(platform: Platform | None) -> dict[tuple[str, str], list[SecretRef]]:
    """Return what pods and resources cannot do without, by Secret and key (empty: all of its keys)."""
    found: dict[tuple[str, str], list[SecretRef]] = {}
    for use in references(platform.objects) if platform else ():
        if not use.optional:
            found.setdefault((use.secret, use.key or ""), []).append(use)
    return found


def _owner(pairs: Pairs, name: str) -> tuple[str, Secret | None]:
    platform = pairs.platform
    ids = {given: identifier for identifier, given in secret_names(platform.values).items()}
    for contract in pairs.contracts.values():
        declared = contract.secrets.get(ids.get(name, name))
        if declared is not None:
            return contract.component, declared
    return "", None


def _pull(platform: Platform | None) -> set[str]:
    return {
        str(entry.get("name"))
        for pod in (platform.pods if platform else ())
        for entry in pod.spec.get("imagePullSecrets") or ()
    }

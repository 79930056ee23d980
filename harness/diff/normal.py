"""Objects without what makes no difference: defaults of the API server, ways to write a quantity, nulls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from harness.diff.defaults import DEFAULTS, OBJECT, OPTIONAL_MAPS, Tree
from harness.render.objects import Object

_QUANTITY = re.compile(r"^([+-]?[0-9.]+)([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$")
_UNITS = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(10**3),
    "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}  # fmt: skip
_MAPS_OF_QUANTITIES = {"requests", "limits", "hard", "capacity", "default", "defaultRequest", "max", "min"}
_QUANTITIES = {"sizeLimit", "divisor", "size"}  # size: of operators' resources


class Quantity(str):
    """An amount as it was written (500m, 0.5), equal to every other way to write the same amount."""

    __slots__ = ()

    @property
    def amount(self) -> Decimal:
        """Return it as a number."""
        found = _QUANTITY.match(self)
        assert found, f"{self} is no quantity"
        number, unit = Decimal(found[1]), found[2] or ""
        return number * (_UNITS[unit] if unit in _UNITS else Decimal(f"1{unit}"))

    def __eq__(self, other: object) -> bool:
        """Whether another one is the same amount."""
        return self.amount == other.amount if isinstance(other, Quantity) else str.__eq__(self, str(other))

    def __ne__(self, other: object) -> bool:
        """Whether another one is not the same amount."""
        return not self == other

    def __hash__(self) -> int:
        """Return a hash of the amount."""
        return hash(self.amount)


def quantity(value: Any) -> Any:
    """Return a value as a quantity, or as it is where it is none."""
    text = str(value)
    return Quantity(text) if not isinstance(value, bool) and _QUANTITY.match(text) else value


def normal(item: Object) -> Object:
    """Return an object without the defaults and the nulls in it, quantities comparable; the object is not changed."""
    tree: Tree = {**OBJECT, **DEFAULTS.get(str(item.get("kind")), {})}
    found: Object = _clean(item, tree, "")
    spec = found.get("spec") or {}
    if item.get("kind") in ("Job", "CronJob"):
        _runs(spec if item["kind"] == "Job" else (spec.get("jobTemplate") or {}).get("spec") or {})
    if item.get("kind") == "Service":
        for port in spec.get("ports") or ():
            if port.get("targetPort") == port.get("port"):
                port.pop("targetPort", None)
    return found


def _runs(spec: dict[str, Any]) -> None:
    """Leave out how often a Job runs where it is once: completions is 1 only where neither of the two is written."""
    if "completions" in spec and spec.get("parallelism") == 1:
        del spec["parallelism"]
    if spec.get("completions") == 1 and "parallelism" not in spec:
        del spec["completions"]


def _clean(value: Any, tree: Any, name: str) -> Any:
    below: Tree = tree if isinstance(tree, dict) else {}
    if isinstance(value, Mapping):
        amounts = name in _MAPS_OF_QUANTITIES
        cleaned = {}
        for key, entry in value.items():
            if entry is None:
                continue
            default = below.get(key)
            new = quantity(entry) if amounts or key in _QUANTITIES else _clean(entry, default, str(key))
            if key in below and not isinstance(default, Mapping) and new == default:
                continue
            if key in OPTIONAL_MAPS and new == {}:
                continue
            cleaned[key] = new
        if "serviceAccount" in cleaned and cleaned.get("serviceAccountName") == cleaned["serviceAccount"]:
            del cleaned["serviceAccount"]  # the old name of the same field: the API server writes both
        return cleaned
    if isinstance(value, list):
        return [_clean(entry, below.get("*"), name) for entry in value]
    return value

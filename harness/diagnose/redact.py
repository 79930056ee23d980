"""Takes secrets out of a snapshot before anything reads it: known values, secret places, and what looks like one.

Text alone does not give away a value whose name stands beside it in the object (`name: X_PASSWORD`, `value: ...`): such
places are found by structure, and their values are taught to the masker, so that a log cannot repeat them either.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from harness.diagnose.objects import Object
from harness.diagnose.snapshot import Snapshot
from harness.report.masking import MASK, SHORTEST, Masker

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SECRET = re.compile(
    r"passw|pwd$|passphrase|secret|token|credential|authorization|cookie|fernet|jwks|[_.-]key$|[_.-]auth$|"
    r"(?:api|private|access|encryption|signing|session|admin)key$",
    re.I,
)
_NO_SECRET = re.compile(
    r"(?:file|path|dir|folder|name|namespace|url|uri|host|port|id|ttl|seconds|minutes|days|expiry|expiration|enabled|lifetime|"
    r"duration|type|algorithm|size|length|endpoint|location|ref|version|checksum|hash|policy|mode|count|key-name)$",
    re.I,
)
_IN_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s:/@\"']*:([^\s/@\"']+)@")
_REFERENCE = re.compile(r"^\s*(?:\$\([A-Za-z_]\w*\)|\$\{[A-Za-z_]\w*\}|true|false|yes|no|none|null)?\s*$", re.I)
_PUBLIC_KEY = re.compile(
    r"^(?:user(?:name)?|login|host(?:name)?|port|ur[li]|endpoint|email|client[-_]?id|issuer|database|db|name|namespace|type)$",
    re.I,
)
_COMMON = {"password", "changeme", "username", "undefined", "disabled", "required", "optional", "not-used"}
_KEY_TAIL = re.compile(r"\A(?:[A-Za-z0-9+/=]+\s*\n)*[A-Za-z0-9+/=]*\s*-----END [A-Z ]*PRIVATE KEY-----")
_PEM = re.compile(r"-----BEGIN [A-Z ]*CERTIFICATE-----")


def redact(snapshot: Snapshot, masker: Masker) -> Snapshot:
    """Return a snapshot without secrets; Secrets, managed fields and last-applied annotations are left out.

    Args:
        snapshot: as the cluster gave it; it is not changed.
        masker: knows the secrets of the run; it learns those that the snapshot itself shows.
    """
    data = cast("dict[str, Any]", snapshot)
    names = public_names(data)
    shown = {key: part for key, part in data.items() if key not in ("logs", "secrets")}
    for value in (*secrets_in(shown), *_IN_URL.findall("\n".join((data.get("logs") or {}).values()))):
        learn(value, masker, names)
    kept = {
        key: [one for one in part if not _is_secret(one)] if isinstance(part, list) else part
        for key, part in shown.items()
    }
    logs = {key: mask_log(text, masker) for key, text in (data.get("logs") or {}).items()}
    named = {str(key): [str(one) for one in keys] for key, keys in (data.get("secrets") or {}).items()}
    clean = {key: part if key in ("taken", "masked") else _clean(part, masker) for key, part in kept.items()}
    result = {**clean, "logs": logs, "secrets": named if data.get("secrets") is not None else None, "masked": True}
    return cast("Snapshot", result)


def mask_log(text: str, masker: Masker) -> str:
    """Return a log without secrets, also where its beginning was cut off inside a private key."""
    return masker.text(_KEY_TAIL.sub(MASK, text))


def is_secret_name(name: str) -> bool:
    """Return whether a setting of this name holds a secret: X_PASSWORD does, X_PASSWORD_FILE and TOKEN_URL do not."""
    return bool(_SECRET.search(name)) and not _NO_SECRET.search(name)


def learn(value: str, masker: Masker, names: Iterable[str] = ()) -> None:
    """Teach the masker a value, unless it is no secret after all: a reference, an ordinary word, an object's name."""
    text = value.strip()
    if len(text) >= SHORTEST and not _REFERENCE.match(text) and text.lower() not in _COMMON and text not in names:
        masker.add(text)


def learn_data(data: Mapping[str, str], masker: Masker, names: Iterable[str] = ()) -> None:
    """Teach the masker the data of a Secret (base64): whole values, and the secrets inside JSON and URLs.

    Args:
        data: as in the object; user names, addresses and certificates in it are no secrets.
        masker: learns.
        names: what is no secret either: the names of objects.
    """
    for key, encoded in data.items():
        try:
            text = base64.b64decode(encoded, validate=True).decode()
        except ValueError:
            continue
        if not (_PUBLIC_KEY.match(key) or key.endswith(".crt") or _PEM.match(text)):
            learn(text, masker, names)
        for found in (*_IN_URL.findall(text), *secrets_in(_json(text))):
            learn(found, masker, names)


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
    except ValueError:
        return None


def public_names(data: Mapping[str, Any]) -> set[str]:
    """Return the names of all objects of a snapshot: they are no secrets, whatever a setting calls them."""
    found = set(data.get("secrets") or {})
    for part in data.values():
        for item in part if isinstance(part, list) else []:
            if isinstance(item, dict):
                metadata = item.get("metadata") or {}
                found |= {str(metadata.get("name", "")), str(metadata.get("namespace", ""))}
    return found


def _is_secret(item: object) -> bool:
    """Return whether this is a Secret itself, not a mention of one (an event, an entry in an Application)."""
    if not isinstance(item, dict) or item.get("kind") not in ("Secret", "SecretList"):
        return False
    return bool({"metadata", "data", "stringData", "items"} & set(item))


def secrets_in(value: Any, name: str = "") -> Iterator[str]:
    """Yield the secret values that stand anywhere in plain data, by the names beside them."""
    if isinstance(value, str):
        if name and is_secret_name(name):
            yield value
        yield from _IN_URL.findall(value)
        return
    if isinstance(value, list):
        yield from _after_flags(value)
        for part in value:
            yield from secrets_in(part, name)
    if not isinstance(value, dict):
        return
    if _is_secret(value):
        yield from _of_secret(value)
    label = value.get("name")
    if isinstance(label, str) and isinstance(value.get("value"), str) and is_secret_name(label):
        yield value["value"]
    applied = (value.get("annotations") or {}).get(LAST_APPLIED) if isinstance(value.get("annotations"), dict) else None
    if applied:
        yield from secrets_in(_json(str(applied)))
    for key, part in value.items():
        yield from secrets_in(part, str(key))


def _of_secret(item: Object) -> Iterator[str]:
    yield from (str(part) for part in (item.get("stringData") or {}).values())
    for encoded in (item.get("data") or {}).values():
        try:
            yield base64.b64decode(str(encoded), validate=True).decode()
        except ValueError:
            yield str(encoded)


def _after_flags(words: list[Any]) -> Iterator[str]:
    """Yield what follows `--password` and the like in a list of arguments."""
    for flag, word in itertools.pairwise(words):
        if not (isinstance(flag, str) and isinstance(word, str) and flag.startswith("-") and "=" not in flag):
            continue
        if is_secret_name(flag) and not word.startswith("-"):
            yield word


def _clean(value: Any, masker: Masker, name: str = "") -> Any:
    if isinstance(value, str):
        hidden = name and value and is_secret_name(name) and not _REFERENCE.match(value)
        return MASK if hidden else masker.text(value)
    if isinstance(value, list):
        flagged = set(_after_flags(value))
        return [MASK if isinstance(part, str) and part in flagged else _clean(part, masker, name) for part in value]
    if isinstance(value, dict):
        return _clean_dict(value, masker)
    return value


def _clean_dict(value: dict[str, Any], masker: Masker) -> dict[str, Any]:
    if _is_secret(value):
        return {key: value[key] for key in ("apiVersion", "kind") if key in value}
    label = value.get("name")
    hidden = isinstance(label, str) and isinstance(value.get("value"), str) and is_secret_name(label)
    result = {}
    for key, part in value.items():
        if key in ("managedFields", LAST_APPLIED):
            continue
        if key == "value" and hidden and not _REFERENCE.match(part):
            result[key] = MASK
        else:
            result[masker.text(str(key))] = _clean(part, masker, str(key))
    return result

"""Keeps secret values out of reports and out of the terminal: known values, and what looks like one."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

MASK = "***"
SHORTEST = 8  # characters of a known value; a shorter one would blank words of ordinary text

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
# characters that XML 1.0 cannot hold, and that nobody wants on a page or a terminal
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

_WORDS = (
    r"passw(?:or)?d|pwd|passphrase|client[_-]?secret|secret[_-]?(?:access[_-]?)?key|(?<=_)secret|(?:access|refresh|id|"
    r"admin|auth|bearer|api|root|registration)?[_-]?token|(?:api|private|access|fernet|encryption|signing)[_-]?key|"
    r"credentials?"
)
_QUOTE = r"\\*[\"']"
_VALUE = rf"(?:{_QUOTE}(?:[^\"'\\]|\\(?![\"']))*{_QUOTE}|[^\s,;&<>\"'}}\])]+)"
_HARMLESS = re.compile(rf"^(?:{_QUOTE})*(?:None|null|nil|[Tt]rue|[Ff]alse|\*+|\$[({{].*|\{{\{{.*|<.*)?(?:{_QUOTE})*$")


def _assigned(found: re.Match[str]) -> str:
    if _HARMLESS.match(found["value"]):
        return found[0]
    edge = re.match(_QUOTE, found["value"])
    mark = edge[0] if edge else ""
    return f"{found['key']}{found['sep']}{mark}{MASK}{mark}"


# Every expression starts at few places and looks a bounded way ahead: a log of megabytes takes a second, not an hour.
_Replacement = str | Callable[[re.Match[str]], str]
_PATTERNS: tuple[tuple[re.Pattern[str], _Replacement], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        "-----BEGIN PRIVATE KEY----- ***",
    ),
    (re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)*"), MASK),
    (re.compile(r"((?<![\w+.-])[\w+.-]{1,40}://[^\s:/@\"']{0,200}):[^\s/@\"']{1,500}@"), rf"\1:{MASK}@"),
    (re.compile(r"(authorization\W{1,4}(?:basic|bearer|token)\s+)[^\s\"']+", re.I), rf"\1{MASK}"),
    (re.compile(r"(\bbearer\s+)(?=\S*\d)[\w.~+/=-]{16,}", re.I), rf"\1{MASK}"),
    (re.compile(rf"(?P<key>(?<![\w-])--[\w-]{{0,40}}?(?:{_WORDS}))(?P<sep>\s+)(?P<value>{_VALUE})", re.I), _assigned),
    (
        re.compile(
            rf"(?P<key>{_WORDS}|\bsecret(?=\s*=))(?P<sep>(?:{_QUOTE})?\s*(?:=+|:)\s*)(?P<value>{_VALUE})",
            re.I,
        ),
        _assigned,
    ),
    (re.compile(r"(\\*\"(?:d|p|q|dp|dq|qi|k)\\*\"\s*:\s*\\*\")[\w-]{20,}"), rf"\1{MASK}"),
    (re.compile(r"(?<![\w+/=-])[\w-]{43}=(?![\w=])"), MASK),
)

Model = TypeVar("Model", bound=BaseModel)


class Masker:
    """Replaces secret values in text; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._paths: list[tuple[str, str]] = []
        self._expression: re.Pattern[str] | None = None
        self._cache: dict[str, str] = {}

    def add(self, value: str) -> bool:
        """Learn a secret value, with its base64, JSON and URL spellings.

        Returns:
            False where it is shorter than 8 characters: it is not masked, since it may be an ordinary word.
        """
        if len(value) < SHORTEST:
            return False
        raw = value.encode()
        spellings = {value, json.dumps(value)[1:-1], quote(value, safe=""), repr(value)[1:-1]}
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            spellings.add(encode(raw).decode().rstrip("="))
        spellings.update(line for line in value.splitlines() if len(line) >= SHORTEST)
        with self._lock:
            self._known |= spellings
            longest_first = sorted(self._known, key=lambda known: (-len(known), known))
            self._expression = re.compile("|".join(re.escape(known) for known in longest_first))
            self._cache.clear()
        return True

    def shorten(self, path: Path, shown: str) -> None:
        """Show paths below a directory of this machine as paths below `shown` (`.` for the checkout, `~` for home)."""
        if path == Path(path.anchor):
            return
        with self._lock:
            self._paths = sorted({*self._paths, (str(path), shown)}, key=lambda pair: -len(pair[0]))
            self._cache.clear()

    def secrets(self, text: str) -> str:
        """Return text without secret values."""
        expression = self._expression
        clean = expression.sub(MASK, text) if expression is not None else text
        for pattern, replacement in _PATTERNS:
            clean = pattern.sub(replacement, clean)
        return clean

    def text(self, text: str) -> str:
        """Return text without secret values, terminal colours and control characters, and with short paths."""
        with self._lock:
            if text in self._cache:
                return self._cache[text]
            expression, paths = self._expression, self._paths
        clean = self.secrets(_CONTROL.sub("�", _ANSI.sub("", text)))
        for path, shown in paths:
            clean = re.sub(rf"{re.escape(path)}(?=[/:\s\"',)\]]|$)", shown, clean)
        with self._lock:
            if self._expression is expression and self._paths is paths:
                self._cache[text] = clean
        return clean

    def model(self, model: Model) -> Model:
        """Return a model with every free text in it masked; enumerations and numbers stay as they are."""
        masked: Model = self._value(model)
        return masked

    def _value(self, value: Any) -> Any:
        if isinstance(value, BaseModel):
            fields = {name: getattr(value, name) for name in type(value).model_fields}
            changed = {name: new for name, old in fields.items() if (new := self._value(old)) is not old}
            return value.model_copy(update=changed) if changed else value
        if type(value) is str:
            clean = self.text(value)
            return clean if clean != value else value
        if isinstance(value, tuple):
            new = tuple(self._value(part) for part in value)
            return new if any(a is not b for a, b in zip(new, value, strict=True)) else value
        if isinstance(value, dict):
            return {self._value(key): self._value(part) for key, part in value.items()}
        return value

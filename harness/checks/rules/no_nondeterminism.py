"""Templates ask nobody and roll no dice: Argo CD renders them again and again, and each time must give the same."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from harness.checks.model import Example, Problem, Rule, Subject
from harness.checks.templates import templates

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.S)
_ACTION = re.compile(r"\{\{(.*?)\}\}", re.S)
_TEXT = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`', re.S)
_WORD = r"(?<![\w.$-]){}(?![\w-])"

# pattern in an action (texts left out) -> why not
FORBIDDEN: dict[str, str] = {
    _WORD.format(r"rand\w+"): "is random",
    _WORD.format(r"(?:uuidv4|shuffle)"): "is random",
    _WORD.format(r"(?:genCA|genSelfSignedCert|genSignedCert|genPrivateKey)\w*"): "makes a new key at each render",
    _WORD.format(r"(?:bcrypt|htpasswd|encryptAES)"): "salts its result at random",
    _WORD.format(r"(?:now|ago)"): "depends on the time",
    _WORD.format(r"lookup"): "asks a cluster, and is empty in Argo CD",
    _WORD.format(r"(?:env|expandenv|getHostByName)"): "depends on the machine that renders",
    r"\.Capabilities\b": "differs between CI, Argo CD and helm",
    r"\.Release\.(?:IsInstall|IsUpgrade|Revision)\b": "is always the same in Argo CD, and differs in helm",
    r"\.Release\.Name\b": "would tie objects to the release; they are named after the component",
}
_UNORDERED = re.compile(_WORD.format(r"(?:keys|values)"))


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    for path, text in templates(subject.repository):
        for line, message in scan(text):
            yield "", _problem(subject, path, line, message)


def _problem(subject: Subject, path: Path, line: int, message: str) -> Problem:
    component = path.parts[1] if path.parts[1] in subject.contracts else ""
    return Problem(None, f"line {line}", message, component=component, file=str(path))


@functools.lru_cache(maxsize=1024)
def scan(text: str) -> tuple[tuple[int, str], ...]:
    """Return the line and a sentence for each use of what a template may not use; comments and texts are left out."""
    return tuple(_uses(_COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)))


def _uses(text: str) -> Iterator[tuple[int, str]]:
    for action in _ACTION.finditer(text):
        code = _TEXT.sub('""', action[1])
        line = text.count("\n", 0, action.start()) + 1
        for pattern, why in FORBIDDEN.items():
            for found in re.finditer(pattern, code):
                yield line, f"{found[0]} {why}"
        if _UNORDERED.search(code) and "sortAlpha" not in code:
            yield line, f"{_UNORDERED.search(code)[0]} gives a map's entries in random order"  # type: ignore[index]


RULE = Rule(
    id="no-nondeterminism",
    title="Templates use nothing random, nothing of the time, the cluster or the machine",
    fix="take it from values, or from a Secret by name; sort the keys of a map (sortAlpha)",
    source="Argo CD documentation, Helm (random data); argoproj/argo-cd issues 5202, 7291",
    why="Argo CD, CI and helm render in different places and without the cluster: what asks for time, chance or "
    "the cluster gives another answer in each.",
    example=Example(
        given="{{ uuidv4 }} in charts/valkey/templates/_wiring.tpl",
        says="uuidv4 is random",
    ),
    checkout=_check,
)

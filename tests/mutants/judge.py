"""Makes an edit in a copy of the checkout, and says what the checks answer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.checks import Finding, check, rules, subject
from harness.errors import UserError
from harness.generate import generate, write
from harness.model.environment import ENVIRONMENTS, overlay
from harness.model.load import read_yaml
from harness.model.trial import trial
from harness.paths import repository
from tests.mutants.corpus import Case, Edit, Mistake, Stage
from tests.static.copied import Copied

FILES = ("argocd", "charts", "docs", "schemas", "images.yaml")
# of a mistake asked only where they are to find it; they take longer than all others together
SLOW = {"determinism", "generated-fresh"}


@dataclass(frozen=True)
class Answer:
    """What the checks say of an edit.

    Attributes:
        case: its id.
        right: whether they say what the corpus wants.
        by: the rules that found something, or `refused`; of a correct edit, empty.
        says: what they say, or what is wrong with the edit or the answer.
        seconds: how long it took, rendering included.
    """

    case: str
    right: bool
    by: tuple[str, ...]
    says: str
    seconds: float


class Bench:
    """Copies of the checkout below a folder, one for each stage, that are mended after each edit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies: dict[Stage, tuple[Copied, str]] = {}

    def judge(self, case: Case) -> Answer:
        """Return what the checks say of an edit, made alone."""
        start = time.monotonic()
        copied, environment = self._copy(case.stage)
        try:
            right, by, says = _answer(copied.root, environment, case)
        finally:
            copied.mend()
        return Answer(case.id, right, tuple(by), says, time.monotonic() - start)

    def _copy(self, stage: Stage) -> tuple[Copied, str]:
        if stage not in self._copies:
            source, environment = self._folder / f"{stage}-source", ""
            before = Copied(repository(), source, FILES)
            if stage != "committed":
                attempt = trial(source, stage)
                attempt.write(source)
                environment = attempt.environment
            self._copies[stage] = (Copied(before.root, self._folder / stage, FILES), environment)
        return self._copies[stage]


def _answer(root: Path, environment: str, case: Case) -> tuple[bool, list[str], str]:
    wanted = case if isinstance(case, Mistake) else None
    for edit in case.edits:
        wrong = make(root, environment or "dev", edit)
        if wrong:
            return False, [], wrong
    try:
        if any(edit.file.endswith("/contract.yaml") for edit in case.edits):
            write(root, generate(root))
        asked = set(rules()) - (SLOW - {wanted.rule} if wanted else set())
        found = check(subject([environment] if environment else None, root), asked).findings
    except UserError as error:
        return (wanted is not None and _refuses(wanted, error)), ["refused"], " ".join(str(error).split())
    by = list(dict.fromkeys(finding.rule for finding in found))
    if wanted is None:
        return not found, by, _shown(found)
    answers = [finding for finding in found if finding.rule == wanted.rule and wanted.says in finding.message]
    return bool(answers), by, _shown(answers or found)


def _refuses(wanted: Mistake, error: UserError) -> bool:
    text = str(error)
    return wanted.refused is not None and wanted.refused in text and wanted.says in text


def _shown(found: list[Finding]) -> str:
    return "; ".join(f"{item.object} {item.path}: {item.message}" for item in found[:2]) or "nothing is found"


def make(root: Path, environment: str, edit: Edit) -> str:
    """Make one edit; returns what is wrong with it, empty where it was made."""
    path = root / (edit.file if "/" in edit.file else ENVIRONMENTS / environment / edit.file)
    if edit.write is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(edit.write, encoding="utf-8")
        return ""
    if not path.is_file():
        return f"the edit does not fit any more: there is no {edit.file}"
    if edit.delete:
        path.unlink()
        return ""
    text = path.read_text(encoding="utf-8")
    if edit.merge is not None:
        new = yaml.safe_dump(overlay(read_yaml(path, edit.file) or {}, edit.merge), sort_keys=False)
    elif edit.replace is not None:
        if text.count(edit.replace) != edit.times:
            there = text.count(edit.replace)
            return f"the edit does not fit any more: {edit.file} has {edit.replace!r} {there} times, not {edit.times}"
        new = text.replace(edit.replace, edit.by)
    else:
        new = text + (edit.append or "")
    if new == text:
        return f"the edit changes nothing in {edit.file}"
    path.write_text(new, encoding="utf-8")
    return ""

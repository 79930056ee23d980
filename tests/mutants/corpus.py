"""The corpora: what is changed in which file, and which rule or which refusal is to answer it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.checks import rules
from harness.errors import UserError
from harness.model.contract import Closed
from harness.model.load import parse, read_yaml

HERE = Path(__file__).parent
GOOD = "correct"  # the file of edits that no rule may find anything in

# What an edit is judged in. All but `committed` are profiles with the example of a site (harness/model/trial.py).
Stage = Literal["committed", "full", "ha", "legacy"]


class Edit(Closed):
    """One change of one file; exactly one of `replace`, `append`, `merge`, `write` and `delete`."""

    file: Annotated[
        str, Field(description="Below the checkout; values.yaml and config.yaml alone are the environment's own.")
    ]
    replace: Annotated[str | None, Field(description="Text that is there, `times` times.")] = None
    by: Annotated[str, Field(description="What stands in its place.")] = ""
    times: Annotated[int, Field(ge=1)] = 1
    append: str | None = None
    merge: Annotated[dict[str, Any] | None, Field(description="Laid over the YAML of the file; maps are merged.")] = (
        None
    )
    write: Annotated[str | None, Field(description="The whole of a file.")] = None
    delete: bool = False

    @model_validator(mode="after")
    def _one_action(self) -> Edit:
        actions = [self.replace, self.append, self.merge, self.write, self.delete or None]
        if sum(action is not None for action in actions) != 1:
            raise ValueError("exactly one of replace, append, merge, write and delete: true")
        return self


class Case(Closed):
    """Edits of a copy of the checkout; what is derived from contracts is written anew where one is changed."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    what: Annotated[str, Field(description="What somebody does, one sentence.")]
    stage: Stage = "full"
    edits: Annotated[tuple[Edit, ...], Field(min_length=1)]


class Mistake(Case):
    """An edit that has to be found: by a rule, or by a message that refuses to render it and names the file."""

    source: Annotated[str, Field(description="Where it was made or described: owner/repository#number, or a document.")]
    rule: Annotated[str | None, Field(description="Id of the rule that finds it; others may find it too.")] = None
    says: Annotated[str, Field(description="Part of what the rule or the refusal says.")] = ""
    refused: Annotated[str | None, Field(description="File that the refusal names; nothing is rendered.")] = None

    @model_validator(mode="after")
    def _one_answer(self) -> Mistake:
        if (self.rule is None) == (self.refused is None):
            raise ValueError("exactly one of rule and refused")
        if self.refused is not None and not self.says:
            raise ValueError("says: what the refusal says, so that no other one counts")
        return self


class _Mistakes(Closed):
    mistakes: Annotated[tuple[Mistake, ...], Field(min_length=1)]


class _Correct(Closed):
    correct: Annotated[tuple[Case, ...], Field(min_length=1)]


def mistakes(folder: Path = HERE) -> list[Mistake]:
    """Return all mistakes, file by file.

    Raises:
        UserError: a file breaks the schema, two have one id, or an unknown rule is named.
    """
    found = [
        item
        for path in sorted(folder.glob("*.yaml"))
        if path.stem != GOOD
        for item in parse(_Mistakes, read_yaml(path, path.name), path.name).mistakes
    ]
    for item in found:
        if item.rule is not None and item.rule not in rules():
            raise UserError(f"{item.id}: no rule {item.rule}", where=str(folder), fix="indigo check --list shows them")
    _unique(found, folder)
    return found


def correct(folder: Path = HERE) -> list[Case]:
    """Return all correct edits.

    Raises:
        UserError: the file breaks the schema, or two have one id.
    """
    path = folder / f"{GOOD}.yaml"
    found = list(parse(_Correct, read_yaml(path, path.name), path.name).correct)
    _unique(found, folder)
    return found


def _unique(found: list[Mistake] | list[Case], folder: Path) -> None:
    for twice in _twice(item.id for item in found):
        raise UserError(f"{twice}: two have this id", where=str(folder), fix="give one another id")


def _twice(names: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)

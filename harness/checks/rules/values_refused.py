"""Values are refused where they are wrong: the schema is closed, and takes none of the mistakes made from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.checks.model import Example, Problem, Rule, Subject
from harness.checks.wrong_values import open_place, places, valid, wrong
from harness.render.cache import Key, load, read, store

SCHEMAS = (Path("charts/indigo-paas/values.schema.json"), Path("argocd/bootstrap/values.schema.json"))
KIND = "values-refused"  # of the cache's entries
_DESCRIPTION = {"description", "title", "$comment", "default"}


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    for file in SCHEMAS:
        path = subject.repository / file
        if not path.is_file():
            yield "", Problem(None, "", "there is no schema: any values would be taken", file=str(file))
            continue
        for place, message in _judged(read(path)):
            component = place.split(".")[0] if place.split(".")[0] in subject.contracts else ""
            yield "", Problem(None, place, message, component=component, file=str(file))


def _judged(content: bytes) -> list[tuple[str, str]]:
    """Return what a schema takes and should not; of the same schema it is asked once."""
    key = Key()
    for item in (__file__, str(Path(__file__).parents[1] / "wrong_values.py")):
        key.add("rule", read(Path(item)))
    key.add("schema", content)
    known = load(key.text(), KIND)
    if known is None:
        known = list(taken(json.loads(content)))
        store(key.text(), known, KIND)
    return [(place, message) for place, message in known]


def taken(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the places of a schema that take what they should refuse, with a sentence."""
    answers: dict[str, list[str]] = {}
    for place in places(schema):
        own = {name: value for name, value in place.schema.items() if name not in _DESCRIPTION}
        text = json.dumps(own, sort_keys=True)
        if text not in answers:  # thousands of places are a few hundred different ones
            free = open_place(own)
            answers[text] = [free] if free else []
            for value, what in wrong(own):
                if valid(own, value):
                    answers[text].append(f"takes {json.dumps(value)}, which {what}")
        for message in answers[text]:
            yield place.shown, message


RULE = Rule(
    id="values-refused",
    title="Schemas of values refuse what is wrong: unknown keys, other types, other choices, other forms, other sizes",
    fix="write type, enum, pattern or properties in the contract's options or settings, and run: indigo generate",
    source="JSON Schema draft 7; mistakes made from the schema itself (harness/checks/wrong_values.py)",
    why="Helm takes unknown keys without a word: what a site believes to have configured is not in force, and "
    "nothing fails.",
    example=Example(
        given="an option of a contract whose schema has no type",
        says="takes anything: it has no type",
    ),
    checkout=_check,
)

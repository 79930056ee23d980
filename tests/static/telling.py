"""What is said of edits of the committed tree: the difference between its objects and a copy with one change."""

from __future__ import annotations

from pathlib import Path

import yaml

from harness.checks import Subject
from harness.diff import Change, Difference, Kind, compare
from harness.diff.model import WORKING_TREE, Side
from harness.diff.sides import Revision
from harness.model.environment import ENVIRONMENTS
from tests.static.edit import Edit

BASE = Side(name="main", commit="a" * 40)
TARGET = Side(name=WORKING_TREE, commit="a" * 40, dirty=True)


def told(committed: Subject, *edits: Edit, before: Edit | None = None) -> Difference:
    """Return what is said of edits of the committed tree's environments."""
    old = dict(
        before.subject().platforms if before else {name: committed.platforms[name] for name in (e.name for e in edits)}
    )
    new = {edit.name: edit.subject().platforms[edit.name] for edit in edits}
    return compare(Revision(BASE, old, committed.bootstrap), Revision(TARGET, new, committed.bootstrap))


def only(found: Difference, kind: Kind) -> Change:
    changes = found.of(kind)
    assert len(changes) == 1, (
        f"{kind}: {[change.text for change in changes]} of {[c.kind.value for c in found.changes]}"
    )
    return changes[0]


def kinds(found: Difference) -> list[str]:
    return [change.kind.value for change in found.changes]


def all_minimal(root: Path) -> None:
    """Let every environment of a copied checkout be as small as dev, so that renders are cheap; keys of dev's stay."""
    files = [
        (root / ENVIRONMENTS / "dev" / name).read_text(encoding="utf-8") for name in ("config.yaml", "values.yaml")
    ]
    config, values = map(yaml.safe_load, files)
    for name, origin in (("staging", "dev"), ("prod", "staging")):
        own = {"name": name, "namespace": f"indigo-{name}", "promotedFrom": origin, "delivery": "slices"}
        site = {**values, "global": {**values["global"], "environment": name}}
        for file, content in (("config.yaml", {**config, **own}), ("values.yaml", site)):
            text = yaml.safe_dump(content, sort_keys=False)
            (root / ENVIRONMENTS / name / file).write_text(text, encoding="utf-8")

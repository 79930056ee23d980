"""One key of a values file changes, and nothing else in it."""

from __future__ import annotations

import pytest
import yaml

from harness.errors import UserError
from harness.yamledit import set_text

KEY = ["global", "secretRevisions", "iam-db"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'global:\n  secretRevisions:\n    iam-db: "1"\n'),
        ("# a site\n", '# a site\nglobal:\n  secretRevisions:\n    iam-db: "1"\n'),
        ("global:\n  a: 1\niam: {}\n", 'global:\n  a: 1\n  secretRevisions:\n    iam-db: "1"\niam: {}\n'),
        (
            "global:\n  secretRevisions: {}  # none yet\n  z: 1\n",
            'global:\n  secretRevisions:  # none yet\n    iam-db: "1"\n  z: 1\n',
        ),
        ("global:\n  secretRevisions:\n  z: 1\n", 'global:\n  secretRevisions:\n    iam-db: "1"\n  z: 1\n'),
        (
            "global:\n  secretRevisions:\n    a: x  # why\n\n# other\nz: 1\n",
            'global:\n  secretRevisions:\n    a: x  # why\n    iam-db: "1"\n\n# other\nz: 1\n',
        ),
        (
            "global:\n  secretRevisions:\n    iam-db: 2026-01-01.2  # old\n    b: x\n",
            'global:\n  secretRevisions:\n    iam-db: "1"  # old\n    b: x\n',
        ),
        ("global:\n  secretRevisions:\n    iam-db:\n", 'global:\n  secretRevisions:\n    iam-db: "1"\n'),
        ("iam:\n  settings:\n    A: |\n      x\n\n      y\n", None),
        ("global:\n    list:\n    - a\n    - b\n", None),
    ],
)
def test_a_key_is_set_and_the_rest_stays(before: str, after: str | None) -> None:
    found = set_text(before, KEY, "1")
    if after is not None:
        assert found == after
    expected = yaml.safe_load(before) or {}
    expected.setdefault("global", {})
    expected["global"]["secretRevisions"] = {**(expected["global"].get("secretRevisions") or {}), "iam-db": "1"}
    assert yaml.safe_load(found) == expected
    assert set_text(found, KEY, "1") == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a\n", "expected a mapping"),
        ("global: {secretRevisions: {a: b}}\n", "stands in braces"),
        ("global:\n  secretRevisions: text\n", "is no map"),
        ("global:\n  secretRevisions:\n    iam-db: |\n      two\n", "is no text on one line"),
        ("global:\n  secretRevisions:\n    iam-db: [a]\n", "is no text on one line"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        set_text(text, KEY, "1")

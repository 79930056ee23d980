"""`docs/reference/immutable.md`: the fields that cannot be changed in place, and what to do instead."""

from __future__ import annotations

import itertools

from harness.diff.immutable import TABLE, Effect, Immutable
from harness.generate.text import cell, code, page, section, table


def render() -> str:
    """Return the page. It follows from the table in `harness/diff/immutable.py`, not from the contracts."""
    intro = [
        "# Fields that cannot be changed in place",
        "",
        "Written by `indigo generate` from `harness/diff/immutable.py`: do not edit.",
        "",
        "[`indigo diff`](../how-to/see-what-a-change-does.md) names them with the steps for the object at hand; the",
        "rule [`immutable-fields`](rules.md#immutable-fields) holds the working tree against the last release. What",
        "Kubernetes itself refuses is tried on a real API server (`tests/gitops/engine/test_immutable.py`).",
        "",
    ]

    def of(entry: Immutable) -> tuple[str, str]:
        return entry.kinds[0], entry.group

    def alike(entry: Immutable) -> tuple[str, str, str]:
        comes = "refused" if entry.effect is Effect.REFUSED else "left as it was"
        return cell(entry.condition), comes, cell("; ".join(entry.steps(entry.kinds[0], "NAME", "NAMESPACE")))

    parts = []
    for (kind, group), found in itertools.groupby(TABLE, of):
        entries = list(found)
        rows = [(", ".join(map(_field, same)), *how) for how, same in itertools.groupby(entries, alike)]
        sources = "; ".join(dict.fromkeys(entry.source for entry in entries))
        heading = f"{kind} ({group})" if group else kind
        listed = table(("field", "when", "comes of it", "instead"), rows)
        parts.append(section(heading, listed, [f"Source: {cell(sources)}.", ""]))
    return page(intro, *parts)


def _field(entry: Immutable) -> str:
    return code(entry.field) + (f" (but {', '.join(map(code, entry.but))})" if entry.but else "")

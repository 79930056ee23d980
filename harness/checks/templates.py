"""The templates of the charts, for the rules that read them as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness import files

FOLDERS = ("charts", "argocd")


def templates(repository: Path, folders: tuple[str, ...] = FOLDERS) -> Iterator[tuple[Path, str]]:
    """Yield each file below `<folder>/<chart>/templates`, sorted: its path in the checkout, and its text.

    Args:
        repository: root of the checkout.
        folders: whose charts.
    """
    for folder in folders:
        for place in sorted((repository / folder).glob("*/templates")):
            for name in files.below(place):
                path = place / name
                yield path.relative_to(repository), files.text(path)

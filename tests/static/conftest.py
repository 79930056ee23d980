"""Fixtures of the static tier: everything is rendered once, and a checkout to break is copied in milliseconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.checks import Subject, subject
from harness.paths import repository

COPIED = ("argocd", "charts", "docs/reference", "docs/runbooks", "schemas")


@pytest.fixture(scope="session")
def committed() -> Subject:
    """The working tree as the rules see it. Not to be changed: `tests.static.edit.Edit` makes a copy."""
    return subject()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what Argo CD reads of the working tree, to break it."""
    root = tmp_path / "checkout"
    for name in COPIED:
        if (repository() / name).is_dir():
            shutil.copytree(repository() / name, root / name, symlinks=True)
    return root

"""Fixtures of the static tier: everything is rendered once, and a checkout to break is mended after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.checks import Subject, subject
from harness.paths import repository
from tests.static import repositories
from tests.static.copied import Copied
from tests.static.telling import all_minimal

COPIED = ("argocd", "charts", "docs/reference", "docs/runbooks", "schemas")


@pytest.fixture(scope="session")
def committed() -> Subject:
    """The working tree as the rules see it. Not to be changed: `tests.static.edit.Edit` makes a copy."""
    return subject()


@pytest.fixture(scope="session")
def with_profiles() -> Subject:
    """The same, and every profile as the example of a site has it (trial-full, ...). Not to be changed."""
    return subject(profiles=True)


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Copied:
    """The one copy behind every `checkout`."""
    return Copied(repository(), tmp_path_factory.mktemp("copied") / "checkout", COPIED)


@pytest.fixture
def checkout(copied: Copied) -> Iterator[Path]:
    """A copy of what Argo CD reads of the working tree, to break it."""
    yield copied.root
    copied.mend()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Git repository with one commit, in which every environment is as small as dev: see `repositories.mend`."""
    with repositories.made(tmp_path_factory.mktemp("small") / "checkout", all_minimal) as root:
        yield root

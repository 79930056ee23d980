"""A test's folder says which tier answers it: tests/static, tests/gitops; tests/unit and tests/commands have none."""

from __future__ import annotations

import gc
import signal
from pathlib import Path

import pytest

TIERS = ("static", "gitops", "kind", "cluster")
HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `indigo e2e` passes on."""
    group = parser.getgroup("indigo", "the story of make e2e")
    group.addoption("--indigo-profile", metavar="NAME", default="", help="profile that the story is told with")
    group.addoption(
        "--indigo-others", metavar="NAMES", default="none", help="profiles brought up too: in-turn, all, none, a,b"
    )
    group.addoption("--indigo-kubeconfig", metavar="FILE", default="", help="of somebody's cluster (--engine cluster)")
    group.addoption("--indigo-context", metavar="NAME", default="", help="of that kubeconfig")
    group.addoption("--indigo-run", metavar="TEXT", default="", help="suffix of the namespaces there")
    group.addoption("--indigo-roomy", action="store_true", help="engines take twice the memory, for less time")
    group.addoption("--indigo-ends", action="store_true", help="on kind: also runs that are ended in the middle")
    group.addoption("--indigo-keep", action="store_true", help="leave the engine of a story running at the end")


def pytest_collection_finish() -> None:
    """Let Python look for cyclic garbage less often, and not among what lives as long as the run.

    By default it looks after each 700 new objects, and every rendered platform has tens of thousands.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the tier of its folder, where it does not name one itself."""
    for item in items:
        folder = item.path.relative_to(HERE).parts[0]
        folder = {"existing": "cluster"}.get(folder, folder)
        if folder in TIERS and not any(item.get_closest_marker(tier) for tier in TIERS):
            item.add_marker(getattr(pytest.mark, folder))


def pytest_configure() -> None:
    """Let the programs that tests start have ordinary signals, also where this run is in the background.

    A shell starts background jobs with SIGINT ignored, nohup ignores SIGHUP, and both are inherited by what a test
    starts and then interrupts. A handler, other than SIG_IGN, becomes the default again in a new program (exec).
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)

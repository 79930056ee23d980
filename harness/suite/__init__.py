"""Running the project's tests: those that need an engine here, the others beside them, and one report of all."""

from harness.suite.runner import run
from harness.suite.selection import CLUSTER, STORIES, TIERS, Selection, select

__all__ = ["CLUSTER", "STORIES", "TIERS", "Selection", "run", "select"]

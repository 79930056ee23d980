"""Tests of what the command line does with charts: they render, start programs, and make Git repositories.

They are of the tier unit: what they hold is true of the harness, not of what is rendered.
"""

from __future__ import annotations

from tests.static.conftest import checkout, committed, copied, small, with_profiles

__all__ = ["checkout", "committed", "copied", "small", "with_profiles"]

"""`indigo check --watch`: what changed is rendered and checked again while somebody writes."""

from harness.checks.watching.loop import watch

__all__ = ["watch"]

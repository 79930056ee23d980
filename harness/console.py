"""What the terminal shows: one console for results (standard output), one for progress and errors (standard error)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from harness.errors import UserError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def show_error(error: UserError) -> None:
    """Print a user's error: what, where, the fix, details."""
    err.print(f"[bold red]error:[/] {escape(error.message)}")
    if error.where:
        err.print(f"  [dim]where:[/] {escape(error.where)}")
    if error.fix:
        err.print(f"    [dim]fix:[/] {escape(error.fix)}")
    if error.details:
        err.print(escape(error.details.rstrip()), style="dim")


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show that a step runs (a spinner on a terminal) and, at its end, how long it took."""
    start = time.monotonic()
    if err.is_terminal:
        with err.status(escape(title)):
            yield
    else:
        yield
    err.print(f"[green]✓[/] {escape(title)} [dim]{time.monotonic() - start:.1f} s[/]")

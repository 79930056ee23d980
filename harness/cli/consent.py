"""Whether somebody agrees to what is going to be made in a cluster that is not ours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click
from rich.markup import escape

from harness.console import err
from harness.engines.existing.settings import said
from harness.errors import UserError


def asked(yes: bool) -> Callable[[Sequence[str]], None]:
    """Return what shows the changes and asks for them; with `yes` they are shown only.

    Raises (the function that is returned):
        UserError: they are not wanted, or there is nobody to ask.
    """

    def agree(changes: Sequence[str]) -> None:
        err.print("In this cluster there is going to be:")
        err.print(escape(said(changes)), highlight=False)
        if yes:
            return
        if not sys.stdin.isatty():
            raise UserError("nobody is here to agree to it", where="--yes", fix="give --yes where no terminal is")
        if not click.confirm("Go on?", err=True):
            raise UserError("nothing was changed", fix="another cluster: --kubeconfig, --context")

    return agree

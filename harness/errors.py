"""The one kind of error that a user is meant to read."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend: what is wrong, where, and what to do.

    The command line prints it as three short lines and exits with status 2; it never shows a traceback.

    Args:
        message: what is wrong, one sentence, naming the key or the object.
        where: the file (and key or line) at fault, or None.
        fix: what to write or run instead, or None.
        details: further lines (the output of a tool, a list of candidates), already free of secrets.
    """

    def __init__(self, message: str, *, where: str | None = None, fix: str | None = None, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.fix = fix
        self.details = details

    def __str__(self) -> str:
        parts = [self.message]
        if self.where:
            parts.append(f"where: {self.where}")
        if self.fix:
            parts.append(f"fix: {self.fix}")
        if self.details:
            parts.append(self.details.rstrip())
        return "\n".join(parts)

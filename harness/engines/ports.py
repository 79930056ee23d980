"""Ports of 127.0.0.1 for one engine, claimed so that several engines can start at once.

A claim is a bound abstract unix socket (unix(7)): like a port it belongs to the network namespace, it is exclusive, and
it ends with the last process that holds it. The keeper holds it as long as the engine lives. The blocks lie below
Linux's default range of ephemeral ports (32768-60999), so that no outgoing connection takes one meanwhile.
"""

from __future__ import annotations

import errno
import random
import socket
from dataclasses import dataclass

from harness.errors import UserError

FIRST = 20000
BLOCK = 16
BLOCKS = 768  # 20000-32287
HOST = "127.0.0.1"


@dataclass
class Claim:
    """A block of free ports and the socket that says it is taken."""

    ports: list[int]
    holder: socket.socket

    def take(self) -> int:
        """Return the next port of the block."""
        return self.ports.pop(0)

    def release(self) -> None:
        """Close this process's hold; a keeper that was given the socket goes on holding it."""
        self.holder.close()


def is_free(port: int) -> bool:
    """Return whether nothing listens on a port of 127.0.0.1 or of all addresses."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return True
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return False
        raise


def claim(count: int) -> Claim:
    """Claim `count` free ports (at most 16) that no other engine of this machine claims.

    Raises:
        UserError: every block is claimed or in use.
    """
    start = random.randrange(BLOCKS)
    for index in range(BLOCKS):
        first = FIRST + (start + index) % BLOCKS * BLOCK
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0indigo-paas/ports/{first}")
        except OSError as error:
            holder.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        free = [port for port in range(first, first + BLOCK) if is_free(port)]
        if len(free) >= count:
            return Claim(free[:count], holder)
        holder.close()
    raise UserError(
        f"no {count} free ports on {HOST} between {FIRST} and {FIRST + BLOCK * BLOCKS}",
        fix="stop other engines: indigo down --all",
    )


def require_free(port: int, option: str) -> None:
    """Refuse a port that the user named and that is taken.

    Raises:
        UserError: naming the port and the option.
    """
    if not is_free(port):
        raise UserError(
            f"port {port} of {HOST} is taken by another process",
            where=option,
            fix=f"name another port, or leave {option} out: a free one is chosen",
        )

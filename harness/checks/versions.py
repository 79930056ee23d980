"""The versions of Kubernetes that the charts are for: what every rule about Kubernetes is held against."""

from __future__ import annotations

SUPPORTED = ("1.34", "1.35", "1.36", "1.37")
"""Minor versions, oldest first: those that Argo CD 3.6 is tested with by its makers (its docs, installation.md)."""


def minor(version: str) -> str:
    """Return the minor version of a version: 1.37 of v1.37.2."""
    return ".".join(version.removeprefix("v").split(".")[:2])


def ordered(version: str) -> tuple[int, ...]:
    """Return a version as numbers, which compare as versions do: 1.9 is older than 1.10."""
    return tuple(int(part) for part in minor(version).split("."))


def span(minors: tuple[str, ...]) -> str:
    """Return minor versions as a person writes them: `Kubernetes 1.34, 1.35`, or nothing for all that are supported."""
    return "" if minors == SUPPORTED else f"Kubernetes {', '.join(minors)}"

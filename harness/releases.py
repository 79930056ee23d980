"""Which commits of the checkout are releases: tags vMAJOR.MINOR.PATCH, as the release workflow makes them."""

from __future__ import annotations

import re

from harness.history import History

PATTERN = "v[0-9]*"
_RELEASE = re.compile(r"^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")  # semver.org, without what is before a release


def last(history: History) -> str | None:
    """Return the newest release in the history of HEAD; None where there is none yet."""
    return next((tag for tag in history.tags(PATTERN) if _RELEASE.match(tag)), None)

"""One question: does a health address answer?"""

from __future__ import annotations

import urllib3


def answers(url: str) -> bool:
    """Return whether a health address answers with status 200 within 2 s."""
    try:
        return urllib3.request("GET", url, timeout=2.0, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False

"""One comment on a pull request, written anew each time instead of once more.

It is made by a workflow of its own (`comment`), after the one that ran what the pull request brought: only the text
comes from there, no code, and whose pull request it is, GitHub says and not the text. A mention in it calls nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from harness.errors import UserError

LIMIT = 60_000  # GitHub takes 65,536 characters
SECONDS = 30.0
CUT = "\n\n… the rest is in the artifact of the run.\n"


@dataclass(frozen=True)
class Repository:
    """A repository of GitHub and the right to comment in it."""

    name: str  # owner/name
    token: str
    api: str = "https://api.github.com"

    def pull_request(self, branch: str, sha: str) -> int | None:
        """Return the open pull request whose head is a commit of `owner:branch`; None where there is none."""
        for item in self._pages("pulls", {"state": "open", "head": branch}):
            if item["head"]["sha"] == sha:
                return int(item["number"])
        return None

    def comment(self, number: int, marker: str, text: str) -> str:
        """Write the comment that begins with a marker, or write it anew; return what was done.

        Raises:
            UserError: GitHub refuses.
        """
        body = compose(marker, text)
        for item in self._pages(f"issues/{number}/comments", {}):
            if item["body"].startswith(_first(marker)) and item["user"]["type"] == "Bot":
                if item["body"].replace("\r\n", "\n") == body:
                    return "unchanged"
                self._ask("PATCH", f"issues/comments/{item['id']}", {"body": body})
                return "updated"
        self._ask("POST", f"issues/{number}/comments", {"body": body})
        return "created"

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[Any]:
        page = 1
        while items := self._ask("GET", path, query={**query, "per_page": "100", "page": str(page)}):
            yield from items
            if len(items) < 100:
                return
            page += 1

    def _ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Any:
        answer = requests.request(
            method,
            f"{self.api}/repos/{self.name}/{path}",
            params=query,
            json=body,
            headers={"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json"},
            timeout=SECONDS,
        )
        if not answer.ok:
            raise UserError(
                f"GitHub answers {answer.status_code} to {method} {path}",
                where=self.name,
                fix="the token needs the right pull-requests: write",
            )
        return answer.json()


def compose(marker: str, text: str) -> str:
    """Return a comment: the marker, and the text without mentions, cut at what GitHub takes."""
    calm = re.sub(r"@(?=\w)", "@\u200b", text).strip()
    if len(calm) > LIMIT:
        calm = calm[:LIMIT].rpartition("\n")[0] + CUT
    return f"{_first(marker)}\n{calm}\n"


def _first(marker: str) -> str:
    return f"<!-- indigo-paas: {marker} -->"

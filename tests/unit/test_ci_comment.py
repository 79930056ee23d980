"""One comment on a pull request: made once, written anew, on the right one, and it calls nobody."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from harness.ci.comment import LIMIT, Repository, compose
from harness.cli.ci import ci
from harness.errors import UserError

SHA = "a" * 40


@dataclass
class GitHub:
    """As much of GitHub's API as a comment needs: one repository, its open pull requests and their comments."""

    url: str = ""
    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    refuses: bool = False

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        self.asked.append(f"{method} {path}")
        if self.refuses and method != "GET":
            return None
        page = int(query.get("page", ["1"])[0])
        if path.endswith("/pulls"):
            return [item for item in self.pulls if item["head"]["label"] == query["head"][0]] if page == 1 else []
        if method == "GET":
            return self.comments[(page - 1) * 100 : page * 100]
        if method == "PATCH":
            (found,) = (item for item in self.comments if path.endswith(f"/{item['id']}"))
            found["body"] = body["body"]
            return found
        self.comments.append({"id": len(self.comments), "body": body["body"], "user": {"type": "Bot"}})
        return self.comments[-1]


@pytest.fixture
def github() -> Iterator[GitHub]:
    fake = GitHub(pulls=[{"number": 7, "head": {"label": "fork:topic", "sha": SHA}}])

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(size)) if size else None
            found = fake.answer(self.command, parts.path, parse_qs(parts.query), body)
            data = json.dumps(found).encode()
            self.send_response(200 if found is not None and self.headers["Authorization"] == "Bearer t" else 403)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _do

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield fake
    server.shutdown()
    server.server_close()


def repository(github: GitHub, token: str = "t") -> Repository:
    return Repository("owner/name", token, github.url)


def test_a_comment_is_made_once_and_then_written_anew(github: GitHub) -> None:
    target = repository(github)
    assert target.comment(7, "difference", "first") == "created"
    assert target.comment(7, "difference", "second") == "updated"
    assert target.comment(7, "difference", "second") == "unchanged"
    assert target.comment(7, "another", "third") == "created"
    assert [item["body"].splitlines()[-1] for item in github.comments] == ["second", "third"]


def test_what_a_person_wrote_is_not_touched(github: GitHub) -> None:
    own = compose("difference", "mine")
    github.comments = [{"id": index, "body": own, "user": {"type": "User"}} for index in range(150)]
    assert repository(github).comment(7, "difference", "text") == "created"
    assert [item["body"] for item in github.comments[:150]] == [own] * 150


def test_the_pull_request_is_the_one_with_this_commit_as_its_head(github: GitHub) -> None:
    assert repository(github).pull_request("fork:topic", SHA) == 7
    assert repository(github).pull_request("fork:topic", "b" * 40) is None, "it was pushed to again"
    assert repository(github).pull_request("else:topic", SHA) is None


def test_a_refusal_says_what_is_missing(github: GitHub) -> None:
    github.refuses = True
    with pytest.raises(UserError, match="GitHub answers 403 to POST issues/7/comments") as refused:
        repository(github).comment(7, "difference", "text")
    assert "pull-requests: write" in str(refused.value)


def test_a_text_calls_nobody_and_fits() -> None:
    text = compose("difference", "@somebody and a@b.example\n" + "line\n" * LIMIT)
    assert "@somebody" not in text
    assert len(text) < 65_536
    assert text.startswith("<!-- indigo-paas: difference -->\n")
    assert text.rstrip().endswith("the rest is in the artifact of the run.")


def test_the_command_takes_everything_but_the_text_from_the_environment(
    github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "difference.md"
    file.write_text("what changes\n", encoding="utf-8")
    words = ["comment", "--marker", "difference", "--file", str(file)]
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "HEAD_BRANCH", "HEAD_SHA"):
        monkeypatch.delenv(name, raising=False)
    refused = CliRunner().invoke(ci, words).exception
    assert isinstance(refused, UserError)
    assert "GITHUB_REPOSITORY is not set" in refused.message
    given = {"GITHUB_REPOSITORY": "owner/name", "GITHUB_TOKEN": "t", "HEAD_BRANCH": "fork:topic", "HEAD_SHA": SHA}
    for name, value in {**given, "GITHUB_API_URL": github.url}.items():
        monkeypatch.setenv(name, value)
    assert "comment on #7: created" in CliRunner().invoke(ci, words).output
    monkeypatch.setenv("HEAD_SHA", "b" * 40)
    done = CliRunner().invoke(ci, words)
    assert (done.exit_code, len(github.comments)) == (0, 1)

{{- /* The program that fetches and serves; tests/static/test_tosca.py runs it. */ -}}
{{- define "tosca.program" -}}
"""Serves the files of Git repositories at pinned commits over HTTP, read only.

    python3 tosca.py SETTINGS.json

A set of commits is a release: a folder of its own, made complete under another name and then renamed, so that it is
there whole or not at all. The release that the settings want is fetched until that succeeds; until then the old one
is served. Addresses inside files that point to a repository which is served here are replaced by addresses of this
server, or types at a pinned commit would load artifacts from a moving branch of an outside host.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

GIT_SECONDS = 180
REWRITTEN = {".json", ".yaml", ".yml"}
# user and token come from the environment, so that they stand in no command line and in no file
HELPER = '!f() { echo "username=$GIT_USERNAME"; echo "password=$GIT_TOKEN"; }; f'


def say(text: str) -> None:
    """Write a line to the log at once."""
    print(f"tosca: {text}", flush=True)


class Failed(Exception):
    """A release could not be made; the text says why."""


class Releases:
    """The releases below a folder: `served` is the one that is shown, or None before the first one is complete."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.sources: dict[str, dict[str, Any]] = settings["sources"]
        self.url: str = settings["url"]
        self.retry: float = settings["retry"]
        self.root = Path(settings["root"])
        wanted = {"url": self.url, "sources": self.sources}
        self.wanted = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]
        self.pointer = self.root / "current"
        self.served: Path | None = self.pointer.resolve() if self.pointer.is_dir() else None
        self.ended = threading.Event()

    @property
    def fresh(self) -> bool:
        """Whether what is served is what is wanted."""
        return self.served is not None and self.served.name == self.wanted

    def keep_trying(self) -> None:
        """Fetch the wanted release, again and again until it is there."""
        while not self.fresh and not self.ended.is_set():
            try:
                self._make()
            except (Failed, OSError) as error:
                say(f"{error}; " + ("the copy of before stays" if self.served else "there is no copy of before"))
                self.ended.wait(self.retry)

    def _make(self) -> None:
        release = self.root / "releases" / self.wanted
        if not release.is_dir():
            new = self.root / "new"
            shutil.rmtree(new, ignore_errors=True)
            for name, source in self.sources.items():
                fetch(new / name, source["repository"], source["revision"])
            self._rewrite(new)
            release.parent.mkdir(exist_ok=True)
            new.rename(release)
        link = self.root / "current.new"
        link.unlink(missing_ok=True)
        link.symlink_to(release)
        link.replace(self.pointer)
        self.served = release
        say("serves " + ", ".join(f"{name} at {source['revision']}" for name, source in self.sources.items()))
        for other in release.parent.iterdir():
            if other != release:
                shutil.rmtree(other, ignore_errors=True)

    def _rewrite(self, tree: Path) -> None:
        """Let addresses of served repositories, at whatever branch, point here; those of files not there stay."""
        left: set[str] = set()
        for path in sorted(tree.rglob("*")):
            if path.suffix not in REWRITTEN or not path.is_file():
                continue
            before = path.read_bytes().decode("utf-8", "surrogateescape")
            after = before
            for name, source in self.sources.items():
                for address in source["replaces"]:
                    after = self._inside(after, name, address, tree, left)
            if after != before:
                path.write_bytes(after.encode("utf-8", "surrogateescape"))
        for address in sorted(left):
            say(f"not in the pinned commit, so left as it is: {address}")

    def _inside(self, text: str, name: str, address: str, tree: Path, left: set[str]) -> str:
        def replace(match: re.Match[str]) -> str:
            if (tree / name / match["path"]).is_file():
                return f"{self.url}/{name}/{match['path']}"
            left.add(match[0])
            return match[0]

        return re.sub(re.escape(address) + r"[^/\s\"']+/(?P<path>[^\s\"',)\]}]+)", replace, text)


def fetch(folder: Path, repository: str, revision: str) -> None:
    """Put the files of one commit into a folder.

    Git makes a commit's name out of everything in it and checks that while it receives, so a commit of this name has
    the right content, wherever it came from.

    Raises:
        Failed: the server does not answer, or has no such commit.
    """
    if not re.fullmatch("[0-9a-f]{40}", revision):
        raise Failed(f"{revision!r} is no commit, which has 40 digits")
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    try:
        git(folder, "fetch", "-q", "--depth", "1", "--no-tags", repository, revision)
    except Failed:  # a server may refuse to give a commit by its name
        git(folder, "fetch", "-q", repository, "+refs/heads/*:refs/remotes/all/*", "+refs/tags/*:refs/tags/*")
    if git(folder, "rev-parse", revision + "^{commit}") != revision:
        raise Failed(f"{repository} gave another commit than {revision}")
    git(folder, "checkout", "-q", "--detach", revision)
    shutil.rmtree(folder / ".git")


def git(folder: Path, *arguments: str) -> str:
    """Return what git says.

    Raises:
        Failed: it failed, or took too long.
    """
    # links would show files outside of the folder; as texts they are harmless
    command = ["git", "-c", "core.symlinks=false", "-c", "safe.directory=*"]
    if os.environ.get("GIT_TOKEN"):
        command += ["-c", f"credential.helper={HELPER}"]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_LFS_SKIP_SMUDGE": "1"}
    try:
        done = subprocess.run(
            [*command, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"git {arguments[0]} gave up after {GIT_SECONDS} s") from None
    if done.returncode != 0:
        raise Failed(f"git {' '.join(arguments)}: {' '.join(done.stderr.split()) or done.returncode}")
    return done.stdout.strip()


class Handler(SimpleHTTPRequestHandler):
    """Answers GET and HEAD with files of the served release; lists no folders; two pages of its own below /-/."""

    releases: Releases
    protocol_version = "HTTP/1.1"
    server_version = "tosca"
    sys_version = ""
    timeout = 30
    extensions_map = {  # noqa: RUF012  the base class has it so
        **SimpleHTTPRequestHandler.extensions_map,
        ".yaml": "application/yaml",
        ".yml": "application/yaml",
    }

    def do_GET(self) -> None:
        """Answer a request for a file, or for one of the two pages."""
        if self.path == "/-/ready":
            served = self.releases.served is not None
            self._text(200 if served else 503, "ready\n" if served else "no release yet\n")
        elif self.path == "/-/revision":
            revisions = {name: source["revision"] for name, source in self.releases.sources.items()}
            state = {"wanted": revisions, "fresh": self.releases.fresh}
            self._text(200, json.dumps(state, sort_keys=True) + "\n")
        elif self.releases.served is None:
            self._text(503, "no release yet\n")
        else:
            super().do_GET()

    def do_HEAD(self) -> None:
        """Answer like GET, without the content."""
        if self.releases.served is None:
            self._text(503, "")
        else:
            super().do_HEAD()

    def translate_path(self, path: str) -> str:
        """Return the file of a path; the base class drops what leads out of the folder."""
        self.directory = str(self.releases.served)
        return super().translate_path(path)

    def list_directory(self, path: Any) -> None:
        """Refuse: nobody needs lists, and they tell what there is."""
        self.send_error(404)

    def end_headers(self) -> None:
        """Let caches ask each time: the release may change."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *values: Any) -> None:
        """Write one line for each request, save those of probes."""
        if not self.path.startswith("/-/ready"):
            say(f"{self.address_string()} {format % values}")

    def _text(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve until SIGTERM."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    releases = Releases(settings)
    Handler.releases = releases
    server = ThreadingHTTPServer((settings["address"], settings["port"]), Handler)
    fetching = threading.Thread(target=releases.keep_trying, daemon=True)

    def stop(*_: object) -> None:
        releases.ended.set()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)  # the first process of a container has no default for it
    signal.signal(signal.SIGINT, stop)
    say(f"listens on {server.server_address[1]}")
    fetching.start()
    server.serve_forever()


if __name__ == "__main__":
    main()
{{ end -}}

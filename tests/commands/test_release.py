"""Charts are packed whole, with one version, and pushed to a registry that speaks OCI; the digests are those it got."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.ci import release
from harness.errors import UserError

NAMES = ["iam", "valkey"]


@pytest.fixture
def few(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of which two charts are released: thirty would take the time of thirty."""
    monkeypatch.setattr(release, "charts", lambda _: NAMES)
    return checkout


class Registry(ThreadingHTTPServer):
    """As much of an OCI registry as a push needs (OCI distribution specification 1.1, "Push")."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.blobs: set[str] = set()
        self.manifests: dict[str, str] = {}
        self.kept: dict[str, tuple[str, bytes]] = {}  # path -> type and content of a manifest


class Handler(BaseHTTPRequestHandler):
    server: Registry
    protocol_version = "HTTP/1.1"

    def _say(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_GET(self) -> None:
        kind, data = self.server.kept.get(self.path, ("", b""))
        if not data:
            self._say(200 if self.path == "/v2/" else 404)
            return
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self._say(200, Content_Length=str(len(data)), Content_Type=kind, Docker_Content_Digest=digest)
        if self.command == "GET":
            self.wfile.write(data)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._say(202, Location=f"{self.path}session")

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if "/manifests/" in self.path:
            kept = (self.headers["Content-Type"], data)
            self.server.manifests[self.path] = digest
            self.server.kept |= {self.path: kept, f"{self.path.rpartition('/')[0]}/{digest}": kept}
        else:
            self.server.blobs.add(digest)
        self._say(201, Location=self.path, Docker_Content_Digest=digest)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def registry() -> Iterator[Registry]:
    server = Registry()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_chart_is_packed_with_its_library_and_the_checksum_of_its_archive(few: Path) -> None:
    (few / "build/charts").mkdir(parents=True)
    (few / "build/charts/old-0.0.1.tgz").touch()
    archives = release.package(few, "v0.1.0")
    assert [file.name for file in archives] == ["iam-0.1.0.tgz", "valkey-0.1.0.tgz"]
    assert not (few / "build/charts/old-0.0.1.tgz").exists()
    sums = (few / release.FOLDER / release.SUMS).read_text(encoding="utf-8").splitlines()
    assert sums[0] == f"{hashlib.sha256(archives[0].read_bytes()).hexdigest()}  iam-0.1.0.tgz"
    with tarfile.open(fileobj=io.BytesIO(archives[0].read_bytes())) as archive:
        assert {"iam/Chart.yaml", "iam/contract.yaml", "iam/charts/common/Chart.yaml"} <= set(archive.getnames())


def test_a_push_says_the_digests_that_the_registry_got(few: Path, registry: Registry) -> None:
    host = f"127.0.0.1:{registry.server_port}"
    digests = release.push(few, f"{host}/Owner/charts", "v0.1.0", plain_http=True)
    assert digests == {
        f"{host}/owner/charts/{name}:0.1.0": registry.manifests[f"/v2/owner/charts/{name}/manifests/0.1.0"]
        for name in NAMES
    }
    written = (few / release.FOLDER / release.PUSHED).read_text(encoding="utf-8")
    assert re.findall(r"^([0-9a-f]{64})  (\S+)$", written, re.MULTILINE) == [
        (digest.removeprefix("sha256:"), name) for name, digest in digests.items()
    ]


def test_a_registry_that_is_not_there_is_a_clear_refusal(few: Path) -> None:
    with pytest.raises(UserError, match=r"the registry 127\.0\.0\.1:1/x refuses") as refused:
        release.push(few, "127.0.0.1:1/x", "v0.1.0", plain_http=True)
    assert "REGISTRY_PASSWORD" in str(refused.value.fix)
    with pytest.raises(UserError, match="is not a registry"):
        release.push(few, "oci://ghcr.io/x", "v0.1.0")


def test_a_tag_of_another_version_and_charts_of_several_are_refused(few: Path) -> None:
    assert release.version(few) == "0.1.0"
    with pytest.raises(UserError, match=r"the tag v9\.9\.9 is not the charts' version 0\.1\.0"):
        release.package(few, "v9.9.9")
    file = few / "charts/valkey/Chart.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("version: 0.1.0", "version: 0.2.0", 1), encoding="utf-8")
    with pytest.raises(UserError, match=r"several versions: 0\.1\.0, 0\.2\.0"):
        release.package(few)

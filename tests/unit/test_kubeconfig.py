"""Connections as a kubeconfig says: certificates and keys that it holds are files for no longer than they are read."""

from __future__ import annotations

import base64
import http.server
import ssl
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from harness.errors import UserError
from harness.kubeconfig import Transport, connect
from harness.model.contract import Secret
from harness.secrets import certificates

USUAL = {"purpose": "For this test.", "changedBy": "Nobody.", "onChange": "Nothing."}
KEYS = {
    "ca.crt": {"shape": "authorities", **USUAL},
    "tls.crt": {"shape": "certificate", **USUAL},
    "tls.key": {"shape": "private-key", **USUAL},
}


class Server(http.server.BaseHTTPRequestHandler):
    """Answers everybody whom the handshake lets in."""

    def do_GET(self) -> None:
        """Say yes."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""


CLIENT = {"certificate": {"use": "client", "name": "client"}, "keys": KEYS, "purpose": "For this test."}


def new_authority(name: str) -> certificates.Issued:
    found = certificates.read_authority(certificates.new_authority(name))
    assert found is not None
    return found


@pytest.fixture
def authority() -> certificates.Issued:
    """Who signs for both sides."""
    return new_authority("test")


@pytest.fixture
def server(authority: certificates.Issued, tmp_path: Path) -> Iterator[str]:
    """The address of a server that speaks with nobody who has no certificate of the authority's."""
    certificate, key = certificates.for_hosts(["localhost"], authority)
    (tmp_path / "server.pem").write_bytes(certificate.reveal() + key.reveal())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")
    context.load_verify_locations(cadata=authority.pem()[0].reveal().decode())
    context.verify_mode = ssl.CERT_REQUIRED
    with http.server.ThreadingHTTPServer(("localhost", 0), Server) as listener:
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"https://localhost:{listener.server_port}"
        listener.shutdown()
        thread.join()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def written(folder: Path, server: str, authority: certificates.Issued, **more: object) -> Path:
    made = certificates.new_certificate(Secret.model_validate(CLIENT), "test", authority)
    ca, certificate, key = (base64.b64encode(made[name].reveal()).decode() for name in KEYS)
    path = folder / "config"
    content = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", "namespace": "mine"}}],
        "clusters": [{"name": "a", "cluster": {"server": server, "certificate-authority-data": ca, **more}}],
        "users": [{"name": "a", "user": {"client-certificate-data": certificate, "client-key-data": key}}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


def status(transport: Transport) -> int:
    return int(transport.pool.request("GET", transport.server, retries=False, timeout=5).status)


def test_no_file_is_left_while_certificates_are_used_and_several_may_connect_at_once(
    tmp_path: Path, server: str, authority: certificates.Issued, temporary: Path
) -> None:
    path = written(tmp_path, server, authority)
    with ThreadPoolExecutor(4) as pool:
        transports = list(pool.map(lambda _: connect(path), range(8)))
    assert list(temporary.iterdir()) == []
    assert {status(transport) for transport in transports} == {200}
    assert {transport.namespace for transport in transports} == {"mine"}
    assert list(temporary.iterdir()) == []


def test_a_server_of_another_authority_is_not_spoken_with(
    tmp_path: Path, server: str, authority: certificates.Issued, temporary: Path
) -> None:
    path = written(tmp_path, server, new_authority("other"))
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        status(connect(path))
    path = written(tmp_path, server, authority, **{"tls-server-name": "elsewhere"})
    with pytest.raises(Exception, match="Hostname mismatch"):
        status(connect(path))


def test_a_kubeconfig_with_a_certificate_that_is_none_is_refused(
    tmp_path: Path, authority: certificates.Issued, temporary: Path
) -> None:
    path = written(tmp_path, "https://localhost:1", authority)
    content = yaml.safe_load(path.read_text())
    content["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(b"nonsense").decode()
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError, match="does not lead to a cluster"):
        connect(path)
    assert list(temporary.iterdir()) == []

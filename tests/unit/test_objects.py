"""Signed requests for S3: the signature covers what is sent, and the secret is in none of it."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.e2e.objects import Objects

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def signed(secret: str = "hidden-key", method: str = "PUT", path: str = "/bucket/thing", body: bytes = b"x") -> str:
    headers = Objects("http://127.0.0.1:7070", "root", secret).headers(method, path, body, NOW)
    assert headers["host"] == "127.0.0.1:7070" and headers["x-amz-date"] == "20260102T030405Z"
    return headers["Authorization"]


def test_the_signature_covers_method_path_body_and_secret() -> None:
    assert signed() == signed()
    assert len({signed(), signed(secret="other"), signed(method="GET"), signed(path="/b"), signed(body=b"y")}) == 5


def test_the_secret_is_not_sent() -> None:
    assert "hidden-key" not in signed() and "Credential=root/20260102/us-east-1/s3/aws4_request" in signed()

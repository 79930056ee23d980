"""S3 in as many lines as a test of one object needs: requests signed with version 4.

Source: AWS documentation, Signature Version 4 (authenticating requests with the Authorization header).
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import urlsplit

import urllib3

from harness.e2e.hands import Answer

REGION = "us-east-1"  # versitygw's default (VGW_REGION)


class Objects:
    """An S3 server at a base URL, as one user.

    Args:
        url: base URL; the signature is made for `host`, which may differ behind a forwarded port.
        access: access key.
        secret: secret key; it is in no request, only what is made with it.
    """

    def __init__(self, url: str, access: str, secret: str) -> None:
        self.url, self.access, self._secret = url, access, secret
        self.pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5.0, read=30.0))

    def ask(self, method: str, path: str, body: bytes = b"", now: datetime | None = None) -> Answer:
        """Send a signed request for a bucket or an object; nothing is raised for a status."""
        headers = self.headers(method, path, body, now or datetime.now(UTC))
        answer = self.pool.request(method, self.url + path, body=body, headers=headers)
        return Answer(answer.status, answer.data.decode(errors="replace"))

    def headers(self, method: str, path: str, body: bytes, now: datetime) -> dict[str, str]:
        """Return the headers of a request, the signature among them."""
        moment, content = now.strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(body).hexdigest()
        signed = {"host": urlsplit(self.url).netloc, "x-amz-content-sha256": content, "x-amz-date": moment}
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"{method}\n{path}\n\n{lines}\n{names}\n{content}"
        scope = f"{moment[:8]}/{REGION}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"AWS4{self._secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        login = f"AWS4-HMAC-SHA256 Credential={self.access}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "Authorization": login}

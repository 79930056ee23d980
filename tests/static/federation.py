"""What the tests of the federation components share: the public URLs that render them."""

from __future__ import annotations

from tests import support

URLS = {
    **support.URLS,
    "federation-registry": "https://registry.example.org",
    "federation-manager": "https://manager.example.org",
    "federation-manager-dashboard": "https://federation.example.org",
}
ISSUER = "https://iam.example.org/"

"""Kubeconfigs: write one with a token, and open a pool of connections as one says.

Credentials that are written out in a kubeconfig are used as they are; any others (exec plug-ins, a proxy) are left to
the `kubernetes` library, which is imported only then: that takes 0.3 s, too much for every start of the command line.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

from harness.errors import UserError


@dataclass(frozen=True)
class Transport:
    """How to reach the API server: a pool of connections, its address, and headers that authenticate."""

    pool: urllib3.PoolManager
    server: str
    headers: Callable[[], Mapping[str, str]]
    namespace: str


def connect(kubeconfig: Path, context: str | None = None) -> Transport:
    """Return the transport that a kubeconfig describes.

    Raises:
        UserError: the file, or the context in it, is not there.
    """
    try:
        content = yaml.load(kubeconfig.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        name = context or content["current-context"]
        chosen = next(entry["context"] for entry in content["contexts"] if entry["name"] == name)
        cluster = next(entry["cluster"] for entry in content["clusters"] if entry["name"] == chosen["cluster"])
        user = next(entry["user"] for entry in content["users"] if entry["name"] == chosen["user"])
    except (OSError, KeyError, StopIteration, TypeError, yaml.YAMLError) as error:
        what = f"context {context!r} of it" if context else "its current context"
        raise UserError(
            f"the kubeconfig does not lead to a cluster ({type(error).__name__}): {what}",
            where=str(kubeconfig),
            fix="name a kubeconfig whose current context has a cluster and a user (kubectl config view)",
        ) from error
    namespace = chosen.get("namespace", "default")
    plain = {"token", "client-certificate", "client-key", "client-certificate-data", "client-key-data"}
    if set(user) - plain or set(cluster) - {"server", "certificate-authority", "certificate-authority-data"}:
        return _connect_by_library(kubeconfig, context, namespace)
    if not cluster["server"].startswith("https://"):
        return Transport(urllib3.PoolManager(maxsize=16), cluster["server"].rstrip("/"), dict, namespace)
    tls = ssl.create_default_context(
        cafile=cluster.get("certificate-authority"),
        cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
        if "certificate-authority-data" in cluster
        else None,
    )
    if "client-certificate" in user:
        tls.load_cert_chain(user["client-certificate"], user["client-key"])
    elif "client-certificate-data" in user:
        with tempfile.NamedTemporaryFile() as file:  # OpenSSL reads key pairs from files only; this one is 0600
            file.write(base64.b64decode(user["client-certificate-data"]) + b"\n")
            file.write(base64.b64decode(user["client-key-data"]))
            file.flush()
            tls.load_cert_chain(file.name)
    headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
    pool = urllib3.PoolManager(maxsize=16, ssl_context=tls)
    return Transport(pool, cluster["server"].rstrip("/"), lambda: headers, namespace)


def _connect_by_library(kubeconfig: Path, context: str | None, namespace: str) -> Transport:
    from kubernetes import config

    client: Any = config.new_client_from_config(  # type: ignore[no-untyped-call]
        str(kubeconfig), context
    )
    settings = client.configuration

    def headers() -> Mapping[str, str]:
        token = settings.get_api_key_with_prefix("authorization") or settings.get_api_key_with_prefix("BearerToken")
        return {"Authorization": token} if token else {}

    return Transport(client.rest_client.pool_manager, settings.host.rstrip("/"), headers, namespace)


def write(path: Path, *, server: str, ca: Path, token: str, name: str, user: str, namespace: str) -> None:
    """Write a kubeconfig (mode 0600) with one context.

    Args:
        path: the file.
        server: the API server's address, https.
        ca: certificate that signed the server's.
        token: bearer token.
        name: of the cluster and the context.
        user: of the token's user.
        namespace: the context's namespace.
    """
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": base64.b64encode(ca.read_bytes()).decode(),
                },
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user, "namespace": namespace}}],
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")  # JSON is YAML, and needs no YAML writer

"""Kubeconfigs: write one with a token, and open a pool of connections as one says.

Reading them is the `kubernetes` library's part: credentials, exec plug-ins, certificates, proxies. It is imported only
when a cluster is asked for, because that takes 0.3 s.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from harness.errors import UserError

KEPT = 40  # connections for the next request; each watch has one, and what is beyond is made anew, with its handshake
_LOADING = threading.Lock()


@dataclass(frozen=True)
class Transport:
    """How to reach the API server: a pool of connections, its address, and headers that authenticate."""

    pool: urllib3.PoolManager
    server: str
    headers: Callable[[], Mapping[str, str]]
    namespace: str


def chosen(named: Path | None = None) -> Path:
    """Return the kubeconfig that a user means: the one named, else the first of `$KUBECONFIG`, else ~/.kube/config.

    Raises:
        UserError: there is no such file.
    """
    listed = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    path = named or (listed or [Path.home() / ".kube" / "config"])[0]
    if not path.is_file():
        raise UserError(
            f"no kubeconfig {path}",
            fix="name one with --kubeconfig, or start a cluster: indigo up; export KUBECONFIG=$(indigo kubeconfig)",
        )
    return path


def connect(kubeconfig: Path, context: str | None = None) -> Transport:
    """Return the transport that a kubeconfig describes.

    Raises:
        UserError: the file, or the context in it, is not there.
    """
    import yaml
    from kubernetes import client, config

    library: Any = config  # it carries no types
    try:
        contexts, active = library.list_kube_config_contexts(str(kubeconfig))
        chosen = next(entry for entry in contexts if entry["name"] == context) if context else active
        with _LOADING, tempfile.TemporaryDirectory(prefix="indigo-kubeconfig-") as folder:
            settings = client.Configuration()
            settings.connection_pool_maxsize = KEPT
            try:
                library.load_kube_config(str(kubeconfig), chosen["name"], settings, temp_file_path=folder)
                pool = client.ApiClient(settings).rest_client.pool_manager
                _keep_in_memory(pool)
            finally:  # it remembers files by what is in them, for all threads, and would name them again
                library.kube_config._cleanup_temp_files()
    except (OSError, KeyError, StopIteration, TypeError, yaml.YAMLError, library.ConfigException) as error:
        what = f"context {context!r} of it" if context else "its current context"
        raise UserError(
            f"the kubeconfig does not lead to a cluster ({type(error).__name__}): {what}",
            where=str(kubeconfig),
            fix="name a kubeconfig whose current context has a cluster and a user (kubectl config view)",
        ) from error

    def headers() -> Mapping[str, str]:
        token = settings.get_api_key_with_prefix("authorization") or settings.get_api_key_with_prefix("BearerToken")
        return {"Authorization": token} if token else {}

    namespace = chosen["context"].get("namespace", "default")
    return Transport(pool, settings.host.rstrip("/"), headers, namespace)


def _keep_in_memory(pool: urllib3.PoolManager) -> None:
    """Read the certificates and the key of a pool now: the library makes files of what a kubeconfig holds as data.

    Such files would lie in the temporary directory for as long as we run, and after kill -9 for ever.
    """
    settings = pool.connection_pool_kw
    files = {name: settings.pop(name, None) for name in ("ca_certs", "ca_cert_data", "cert_file", "key_file")}
    context = urllib3.util.ssl_.create_urllib3_context(cert_reqs=settings["cert_reqs"])
    if files["ca_certs"] or files["ca_cert_data"]:
        context.load_verify_locations(cafile=files["ca_certs"], cadata=files["ca_cert_data"])
    elif context.verify_mode is not ssl.CERT_NONE:
        context.load_default_certs()
    if files["cert_file"]:
        context.load_cert_chain(files["cert_file"], files["key_file"])
    settings["ssl_context"] = context


def flattened(path: Path, context: str | None, namespace: str) -> dict[str, Any]:
    """Return a kubeconfig with one context of another, nothing beside it being read: files are in it as data.

    Args:
        path: of the kubeconfig.
        context: of it; default: the current one.
        namespace: of the context in the result.

    Raises:
        UserError: the file, the context in it, or a file that it names cannot be read.
    """
    import yaml

    fix = "name a kubeconfig whose context has a cluster and a user (kubectl config view)"
    try:
        content = yaml.safe_load(path.read_text())
        chosen = context or content["current-context"]
        entry = _named(content["contexts"], chosen)["context"]
        cluster = dict(_named(content["clusters"], entry["cluster"])["cluster"])
        user = dict(_named(content["users"], entry["user"])["user"])
        for holder, key in ((cluster, "certificate-authority"), (user, "client-certificate"), (user, "client-key")):
            if file := holder.pop(key, None):
                holder[f"{key}-data"] = base64.b64encode((path.parent / file).read_bytes()).decode()
        if file := user.pop("tokenFile", None):
            user["token"] = (path.parent / file).read_text().strip()
    except (OSError, KeyError, TypeError, StopIteration, yaml.YAMLError) as error:
        what = f"context {context!r} of it" if context else "its current context"
        raise UserError(f"{what} cannot be read ({type(error).__name__})", where=str(path), fix=fix) from error
    program = user.get("exec", {}).get("command", "")
    if "/" in program:
        user["exec"] = {**user["exec"], "command": str(path.parent / program)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": chosen,
        "contexts": [{"name": chosen, "context": {"cluster": "it", "user": "you", "namespace": namespace}}],
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "you", "user": user}],
    }


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


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

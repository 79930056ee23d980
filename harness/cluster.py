"""A small typed adapter to any Kubernetes API server: objects are plain dicts, threads may share one `Cluster`.

Requests go over one pool of connections (urllib3), opened as the kubeconfig says (`harness.kubeconfig`). Discovery is
two requests, cached, and asked again when a kind is unknown (a CustomResourceDefinition may have come meanwhile).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

import urllib3

from harness.errors import UserError
from harness.kubeconfig import connect

Object = dict[str, Any]
Objects = list[Object]
JsonPatch = list[Any]
Query = Mapping[str, str | int | bool | None]
PatchType = Literal["merge", "json", "strategic"]
PATCH_TYPES: dict[PatchType, str] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
READ_SECONDS = 60.0


class ApiError(Exception):
    """The API server refused a request: HTTP `status`, Kubernetes' `reason` and `message`, and the whole answer."""

    def __init__(self, status: int, body: Object, request: str) -> None:
        self.status = status
        self.reason = str(body.get("reason", ""))
        self.message = str(body.get("message", ""))
        self.body = body
        super().__init__(f"{request}: {status} {self.reason}: {self.message}")


class NotFound(ApiError):
    """There is no such object, or no such kind at its path (404)."""


class Conflict(ApiError):
    """It exists already, or was changed meanwhile, or another field manager owns a field (409)."""


@dataclass(frozen=True)
class Resource:
    """Where a kind is served."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the URL path of the collection or of one object."""
        parts = [f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"]
        if namespace and self.namespaced:
            parts += ["namespaces", quote(namespace, safe="")]
        parts += [self.plural, *(quote(part, safe="/") for part in (name, subresource) if part)]
        return "/".join(parts)


class Cluster:
    """One API server, reached with one kubeconfig."""

    def __init__(self, kubeconfig: Path, context: str | None = None) -> None:
        self.kubeconfig = kubeconfig
        self.transport = connect(kubeconfig, context)
        self._resources: dict[str, Resource] = {}
        self._lock = threading.Lock()

    # ------------------------------------------------------------------ requests

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Object | JsonPatch | bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        seconds: float = READ_SECONDS,
    ) -> Any:
        """Send one request and return the decoded answer (a dict, or the text of what is not JSON).

        Raises:
            NotFound, Conflict, ApiError: the server refused.
            urllib3.exceptions.HTTPError: it could not be reached, or did not answer in `seconds`.
        """
        response = self._open(method, path, query, body, content_type, accept, seconds, preload=True)
        if "json" in response.headers.get("Content-Type", ""):
            return json.loads(response.data)
        return response.data.decode(errors="replace")

    def _open(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: Object | JsonPatch | bytes | None,
        content_type: str,
        accept: str,
        seconds: float,
        *,
        preload: bool,
    ) -> urllib3.BaseHTTPResponse:
        given = {key: str(value).lower() if value is True else value for key, value in (query or {}).items() if value}
        url = self.transport.server + path + (f"?{urlencode(given)}" if given else "")
        headers = {**self.transport.headers(), "Accept": accept, "User-Agent": "indigo"}
        if body is not None:
            headers["Content-Type"] = content_type
        response = self.transport.pool.request(
            method,
            url,
            body=json.dumps(body).encode() if isinstance(body, dict | list) else body,
            headers=headers,
            timeout=urllib3.Timeout(connect=5.0, read=seconds),
            retries=False,
            preload_content=preload,
        )
        if response.status >= 400:
            text = response.data.decode(errors="replace")
            response.release_conn()
            try:
                answer = json.loads(text)
            except ValueError:
                answer = {"message": text.strip()}
            kind = {404: NotFound, 409: Conflict}.get(response.status, ApiError)
            raise kind(response.status, answer, f"{method} {path}")
        return response

    def answers(self, path: str = "/readyz") -> bool:
        """Return whether the server answers a health path with success within 2 s."""
        try:
            self.request("GET", path, seconds=2.0)
        except (ApiError, urllib3.exceptions.HTTPError):
            return False
        return True

    # ----------------------------------------------------------------- discovery

    def resource(self, kind: str, api_version: str | None = None) -> Resource:
        """Return where a kind is served.

        Args:
            kind: `Deployment` (or `deployment`, `deployments`), or `Application.argoproj.io` where the group matters.
            api_version: `apps/v1`; without it the first group that serves the kind, in its preferred version.

        Raises:
            UserError: the server does not serve it.
        """
        key = f"{api_version}/{kind}" if api_version else kind
        with self._lock:
            if key not in self._resources:
                self._discover()
            if key not in self._resources:
                raise UserError(
                    f"the cluster serves no {kind}" + (f" of {api_version}" if api_version else ""),
                    fix="install the CustomResourceDefinition first (kubectl api-resources lists what is served)",
                )
            return self._resources[key]

    def _discover(self) -> None:
        found: dict[str, Resource] = {}
        for path in ("/api", "/apis"):
            for group in self.request("GET", path, accept=DISCOVERY)["items"]:
                name = group["metadata"].get("name", "")
                for version in group["versions"]:
                    for entry in version.get("resources", []):
                        kind, scope = entry["responseKind"]["kind"], entry["scope"]
                        resource = Resource(name, version["version"], entry["resource"], kind, scope == "Namespaced")
                        prefix = f"{name}/{version['version']}" if name else version["version"]
                        # as kubectl takes them: also the plural and lower case
                        for key in (f"{prefix}/{kind}", f"{kind}.{name}", kind, kind.lower(), resource.plural):
                            found.setdefault(key, resource)
        self._resources = found

    # ------------------------------------------------------------------- objects

    def get(self, kind: str, name: str, namespace: str | None = None, api_version: str | None = None) -> Object:
        """Return one object; raises NotFound."""
        answer: Object = self.request("GET", self._path(kind, api_version, namespace, name))
        return answer

    def find(self, kind: str, name: str, namespace: str | None = None, api_version: str | None = None) -> Object | None:
        """Return one object, or None where there is none."""
        try:
            return self.get(kind, name, namespace, api_version)
        except NotFound:
            return None

    def list(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
        api_version: str | None = None,
    ) -> Objects:
        """Return the objects of a kind, of all namespaces without `namespace`; `labels` and `fields` are selectors."""
        resource = self.resource(kind, api_version)
        query: Query = {"labelSelector": labels, "fieldSelector": fields}
        answer = self.request("GET", resource.path(namespace), query=query)
        prefix = f"{resource.group}/{resource.version}" if resource.group else resource.version
        return [{"apiVersion": prefix, "kind": resource.kind, **item} for item in answer["items"]]

    def apply(self, manifest: Object, *, manager: str = "indigo", force: bool = True, dry_run: bool = False) -> Object:
        """Apply a manifest server-side and return the object; raises Conflict on a foreign field without `force`."""
        path = self._path(manifest["kind"], manifest["apiVersion"], manifest["metadata"].get("namespace"))
        return self.apply_at(path, manifest, manager=manager, force=force, dry_run=dry_run)

    def apply_at(
        self, collection: str, manifest: Object, *, manager: str = "indigo", force: bool = True, dry_run: bool = False
    ) -> Object:
        """Apply a manifest to the collection at a path, without asking what the server serves."""
        query: Query = {"fieldManager": manager, "force": force, "dryRun": "All" if dry_run else None}
        path = f"{collection}/{quote(manifest['metadata']['name'], safe='')}"
        answer: Object = self.request(
            "PATCH", path, query=query, body=manifest, content_type="application/apply-patch+yaml"
        )
        return answer

    def create(self, manifest: Object, *, dry_run: bool = False) -> Object:
        """Create an object and return it; raises Conflict where it exists."""
        metadata = manifest["metadata"]
        path = self._path(manifest["kind"], manifest["apiVersion"], metadata.get("namespace"))
        answer: Object = self.request("POST", path, query={"dryRun": "All" if dry_run else None}, body=manifest)
        return answer

    def patch(
        self,
        kind: str,
        name: str,
        patch: Object | JsonPatch,
        namespace: str | None = None,
        *,
        how: PatchType = "merge",
        subresource: str | None = None,
        api_version: str | None = None,
    ) -> Object:
        """Patch an object (a merge patch unless `how` says otherwise) and return it; raises NotFound."""
        path = self._path(kind, api_version, namespace, name, subresource)
        answer: Object = self.request("PATCH", path, body=patch, content_type=PATCH_TYPES[how])
        return answer

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        grace_seconds: int | None = None,
        api_version: str | None = None,
    ) -> bool:
        """Ask for an object's deletion; returns False where there was none."""
        options: Object = {"propagationPolicy": propagation}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            self.request("DELETE", self._path(kind, api_version, namespace, name), body=options)
        except NotFound:
            return False
        return True

    def _path(
        self,
        kind: str,
        api_version: str | None,
        namespace: str | None,
        name: str | None = None,
        subresource: str | None = None,
    ) -> str:
        resource = self.resource(kind, api_version)
        return resource.path(namespace or self.transport.namespace, name, subresource)

    def watch(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        name: str | None = None,
        labels: str | None = None,
        seconds: float,
        pulse: float | None = None,
        api_version: str | None = None,
    ) -> Iterator[tuple[str, Object]]:
        """Yield (`ADDED` | `MODIFIED` | `DELETED`, object) for `seconds`; what exists comes first, as `ADDED`.

        A connection that breaks is opened anew where it was; when the server has forgotten that point, what exists
        comes again as `ADDED`.

        Args:
            kind: see `resource`.
            namespace: all of them without it.
            name: only this object.
            labels: a selector.
            seconds: when to end.
            pulse: yield (`IDLE`, {}) when nothing has happened for so many seconds.
            api_version: see `resource`.

        Raises:
            ApiError: the server refuses the watch.
        """
        resource = self.resource(kind, api_version)
        path = resource.path(namespace)
        selected: Query = {"fieldSelector": f"metadata.name={name}" if name else None, "labelSelector": labels}
        version = ""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                if not version:
                    found = self.request("GET", path, query=selected, seconds=left)
                    yield from (("ADDED", item) for item in found["items"])
                    version = found["metadata"]["resourceVersion"]
                query: Query = {**selected, "watch": True, "resourceVersion": version, "timeoutSeconds": int(left) + 1}
                silence = min(left, pulse or left)
                response = self._open("GET", path, query, None, "", "application/json", silence, preload=False)
                try:
                    for event in _events(response):
                        if event["type"] == "ERROR":
                            version = ""
                            break
                        version = event["object"]["metadata"]["resourceVersion"]
                        yield event["type"], event["object"]
                        if time.monotonic() > end:
                            return
                finally:
                    response.close()
            except urllib3.exceptions.ReadTimeoutError:
                if pulse:
                    yield "IDLE", {}
            except ApiError as error:
                if error.status != 410:
                    raise
                version = ""
            except (urllib3.exceptions.HTTPError, OSError):
                time.sleep(0.1)
                if pulse:
                    yield "IDLE", {}


def _events(response: urllib3.BaseHTTPResponse) -> Iterator[Object]:
    buffer = b""
    for chunk in response.stream(65536):
        *lines, buffer = (buffer + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines if line.strip())

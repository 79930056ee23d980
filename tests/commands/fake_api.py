"""What a gateway needs of the Kubernetes API, as a server of a few lines."""

from __future__ import annotations

import contextlib
import copy
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Object = dict[str, Any]
GATEWAY = "/apis/gateway.networking.k8s.io/v1"
KINDS = {
    f"{GATEWAY}/gatewayclasses": "GatewayClass",
    f"{GATEWAY}/gateways": "Gateway",
    f"{GATEWAY}/httproutes": "HTTPRoute",
    "/api/v1/services": "Service",
    "/apis/discovery.k8s.io/v1/endpointslices": "EndpointSlice",
}


class Quiet(BaseHTTPRequestHandler):
    """A handler that says nothing."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def reply(self, status: int, content: Object) -> None:
        """Answer with JSON."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # whoever asked did not wait
            self.wfile.write(body)


class Api:
    """What a gateway needs of the Kubernetes API: lists, watches, one Secret, and status that can be patched."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.watchers: list[tuple[str, queue.Queue[Object | None]]] = []
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, item: Object, event: str = "ADDED") -> None:
        """Create or change an object, and tell the watchers."""
        kind, name = item["kind"], item["metadata"]["name"]
        item["metadata"]["generation"] = item["metadata"].get("generation", 0) + (event != "STATUS")
        with self.lock:
            self.objects[kind, name] = item
            watchers = [q for kind_, q in self.watchers if kind_ == kind]
        for waiting in watchers:
            waiting.put({"type": "MODIFIED", "object": item})

    def conditions(self, kind: str, name: str) -> dict[str, str]:
        """Return the conditions of an object's status by type; of a route, those of its last parent."""
        status = self.objects[kind, name].get("status", {})
        found = status.get("parents", [{}])[-1] if kind == "HTTPRoute" and status.get("parents") else status
        return {
            item["type"]: item["status"] if item["status"] == "True" else f"{item['reason']}: {item['message']}"
            for item in found.get("conditions", ())
        }

    def close(self) -> None:
        """End the watches and the server."""
        for _, waiting in self.watchers:
            waiting.put(None)
        self.server.shutdown()
        self.server.server_close()

    def _handler(api) -> type[BaseHTTPRequestHandler]:
        class Handler(Quiet):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                if self.headers["Authorization"] != "Bearer of-the-account":
                    self.reply(401, {"message": "who is it"})
                elif "/secrets/" in path:
                    found = api.objects.get(("Secret", path.rsplit("/", 1)[1]))
                    self.reply(200 if found else 404, found or {"message": "no such Secret"})
                elif "watch=true" in query:
                    self.watch(KINDS[path])
                else:
                    with api.lock:
                        items = [item for (kind, _), item in api.objects.items() if kind == KINDS[path]]
                    self.reply(200, {"metadata": {"resourceVersion": "1"}, "items": items})

            def watch(self, kind: str) -> None:
                waiting: queue.Queue[Object | None] = queue.Queue()
                with api.lock:
                    api.watchers.append((kind, waiting))
                self.send_response(200)
                self.end_headers()
                self.wfile.flush()
                while (event := waiting.get()) is not None:
                    self.wfile.write(json.dumps(event).encode() + b"\n")
                    self.wfile.flush()

            def do_PATCH(self) -> None:
                parts = self.path.split("/")
                kind = {"gatewayclasses": "GatewayClass", "gateways": "Gateway", "httproutes": "HTTPRoute"}[parts[-3]]
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert parts[-1] == "status" and set(body) == {"status"}
                item = copy.deepcopy(api.objects[kind, parts[-2]])
                item["status"] = {**item.get("status", {}), **body["status"]}
                api.put(item, "STATUS")
                self.reply(200, item)

        return Handler

"""The program that sends a drill's requests: what is an answer, what is none, and that it ends with its listener."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from harness import toolchain


class Page(BaseHTTPRequestHandler):
    """Answers 200, the status of the path, or a redirection that must not be followed."""

    def do_GET(self) -> None:
        status = int(self.path.lstrip("/") or 200)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/500")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def speaking(first: bytes, answer: bytes) -> Iterator[int]:
    """Listen; whoever says `first` (nothing: whoever comes) hears `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard = connection.recv(len(first)) if first else b""
                    if heard == first:
                        connection.sendall(answer)

        threading.Thread(target=talk, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_every_answer_is_a_line_and_the_end_of_the_input_its_end() -> None:
    with served() as web, speaking(b"PING\r\n", b"+PONG") as store, speaking(b"", b"hello") as greeter:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            closed = gone.getsockname()[1]
        wanted: dict[str, tuple[dict[str, Any], int, str]] = {
            "well": ({"how": "http", "path": "/"}, web, ""),
            "moved": ({"how": "http", "path": "/302"}, web, ""),
            "broken": ({"how": "http", "path": "/503"}, web, "status 503"),
            "closed": ({"how": "http", "path": "/"}, closed, "connection refused"),
            "store": ({"how": "tcp", "says": base64.b64encode(b"PING\r\n").decode(), "hears": True}, store, ""),
            "greeter": ({"how": "tcp", "hears": True}, greeter, ""),
            "silent": ({"how": "tcp", "hears": True}, store, "i/o timeout"),
            "open": ({"how": "tcp"}, store, ""),
            "no-tls": ({"how": "tls"}, greeter, "tls"),
        }
        targets = [
            {"name": name, "address": f"127.0.0.1:{port}", "host": "x", **how}
            for name, (how, port, _) in wanted.items()
        ]
        program = subprocess.Popen(
            [toolchain.tool("double"), "probe", "watch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert program.stdin and program.stdout
        try:
            program.stdin.write(json.dumps({"milliseconds": 20, "timeout": 300, "targets": targets}) + "\n")
            program.stdin.flush()
            heard: dict[str, list[str]] = {}
            while heard.keys() != wanted.keys() or min(map(len, heard.values())) < 2:
                line = json.loads(program.stdout.readline())
                heard.setdefault(line["name"], []).append(line["error"])
            program.stdin.close()
            assert program.wait(10) == 0
        finally:
            program.kill()
    for name, (_, _, error) in wanted.items():
        assert all(error in one and bool(error) == bool(one) for one in heard[name]), (name, heard[name][:3])


def test_what_cannot_be_asked_is_refused() -> None:
    for said, told in (("{", "standard input"), ("{}", "milliseconds and timeout have to be at least 1")):
        done = subprocess.run(
            [toolchain.tool("double"), "probe", "watch"], input=f"{said}\n", capture_output=True, text=True, check=False
        )
        assert done.returncode == 1 and told in done.stderr

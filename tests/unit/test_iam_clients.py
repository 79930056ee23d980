"""The program that registers the platform's clients, run as its Job runs it, against an IAM of ours over real HTTP."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from harness.paths import repository

PROGRAM = (repository() / "charts" / "iam" / "register.py").read_text()
ID, SECRET, PLATFORM = "0b2e-dashboard", "Zq81dashboardsecret", "Pw55platformsecret"
WANTED = {
    "name": "dashboard",
    "variables": "CLIENT_DASHBOARD",
    "client_name": "INDIGO PaaS Dashboard",
    "grant_types": ["authorization_code", "refresh_token"],
    "redirect_uris": ["https://dashboard.example.org/login/iam/authorized"],
    "response_types": ["code"],
    "scope": "email offline_access openid profile",
    "token_endpoint_auth_method": "client_secret_basic",
    "allow_introspection": True,
}
Answer = tuple[int, Any]


class Iam:
    """IAM 1.12 at its edges: tokens, and clients under /iam/api/clients; `odd` answers instead of it where it likes."""

    def __init__(self) -> None:
        self.clients: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.odd: Callable[[str, str], Answer | bytes | None] = lambda method, path: None
        self.scopes = "iam:admin.read iam:admin.write"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append(f"{self.command} {self.path}")
                found = outer.odd(self.command, self.path)
                if found is None:
                    found = outer.serve(self.command, self.path, self.headers.get("Authorization", ""), body)
                status, content = (
                    (200, found) if isinstance(found, bytes) else (found[0], json.dumps(found[1]).encode())
                )
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def serve(self, method: str, path: str, who: str, body: bytes) -> Answer:
        if path == "/token":
            if who != "Basic " + base64.b64encode(f"indigo-platform:{PLATFORM}".encode()).decode():
                return 401, {"error": "invalid_client", "error_description": "Bad client credentials"}
            form = parse_qs(body.decode())
            assert form["grant_type"] == ["client_credentials"]
            return 200, {"access_token": "t0ken", "scope": self.scopes}
        if who != "Bearer t0ken":
            return 401, {"error": "invalid_token"}
        if method == "POST":
            client = json.loads(body)
            if client["client_id"] in self.clients:
                return 400, {"error": f"Client ID {client['client_id']} is not available"}
            # setupClientDefaults: lifetimes of its own; NON_EMPTY: what is empty is left out
            self.clients[client["client_id"]] = {"access_token_validity_seconds": 3600, "active": True, **client}
            return 201, self.clients[client["client_id"]]
        identifier = unquote(path.rsplit("/", 1)[1])
        if identifier not in self.clients:
            return 404, {"error": f"Client not found: {identifier}"}
        if method == "PUT":
            kept = {name: self.clients[identifier][name] for name in ("active",)}
            self.clients[identifier] = {"allow_introspection": False, **json.loads(body), **kept}
        return 200, self.clients[identifier]


@pytest.fixture
def iam() -> Iterator[Iam]:
    server = Iam()
    yield server
    server.server.shutdown()
    server.server.server_close()


def run(
    iam: Iam, *entries: dict[str, Any], patience: float = 0, url: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the program as the Job does: the program and its list as arguments, all secrets in variables."""
    environment = {
        "CLIENTS_IAM": url or iam.url,
        "CLIENTS_PROVISIONER_ID": "indigo-platform",
        "CLIENTS_PROVISIONER_SECRET": PLATFORM,
        "CLIENTS_PATIENCE": str(patience),
        "CLIENT_DASHBOARD_ID": ID,
        "CLIENT_DASHBOARD_SECRET": SECRET,
    } | variables
    arguments = [sys.executable, "-I", "-c", PROGRAM, json.dumps(entries or [WANTED])]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=30, check=False)
    for secret in (SECRET, PLATFORM, "t0ken"):
        assert secret not in done.stdout + done.stderr + str(arguments), "a secret is shown"
    return done


def changes(iam: Iam) -> list[str]:
    return [line for line in iam.asked if not line.startswith("GET") and line != "POST /token"]


def test_a_client_is_registered_once_with_the_id_and_secret_of_its_secret(iam: Iam) -> None:
    done = run(iam)
    assert (done.returncode, done.stdout) == (0, "client dashboard: registered\nclients done: 1\n")
    known = iam.clients[ID]
    assert known["client_secret"] == SECRET
    assert {name: known[name] for name in WANTED if name not in ("name", "variables")} == {
        name: value for name, value in WANTED.items() if name not in ("name", "variables")
    }
    iam.asked.clear()
    again = run(iam)
    assert (again.returncode, again.stdout) == (0, "client dashboard: is as it should be\nclients done: 1\n")
    assert changes(iam) == [], "a second run changes nothing"


def test_what_differs_is_put_right_and_what_others_added_stays(iam: Iam) -> None:
    run(iam)
    added = "https://other.example.org/back"
    iam.clients[ID] |= {
        "client_secret": "an-older-one",
        "redirect_uris": [added],
        "scope": "openid wlcg",
        "contacts": ["paas@example.org"],
        "refresh_token_validity_seconds": 86400,
        "created_at": "2026-01-01",
    }
    done = run(iam)
    assert done.stdout.startswith("client dashboard: changed: redirect_uris, scope, client_secret\n")
    known = iam.clients[ID]
    assert known["client_secret"] == SECRET
    assert set(known["redirect_uris"]) == {added, "https://dashboard.example.org/login/iam/authorized"}
    assert set(known["scope"].split()) == {"wlcg", *str(WANTED["scope"]).split()}
    assert known["contacts"] == ["paas@example.org"]
    assert known["refresh_token_validity_seconds"] == 86400, "a field that is left out would fall back to a default"
    assert known["allow_introspection"] is True, "PUT without it switches introspection off"
    iam.asked.clear()
    assert "is as it should be" in run(iam).stdout
    assert changes(iam) == []


def test_a_client_that_is_switched_off_in_iam_stays_so(iam: Iam) -> None:
    run(iam)
    iam.clients[ID]["active"] = False
    assert "switched off in IAM, and stays so" in run(iam).stdout
    assert iam.clients[ID]["active"] is False


def test_a_client_whose_optional_secret_is_not_there_is_left_out(iam: Iam) -> None:
    done = run(iam, WANTED, {**WANTED, "name": "clues", "variables": "CLIENT_CLUES"})
    assert done.returncode == 0
    assert "client clues: its Secret is not there; left out" in done.stdout
    assert list(iam.clients) == [ID]


def test_iam_that_comes_up_late_is_waited_for(iam: Iam) -> None:
    def starting(method: str, path: str) -> Answer | None:
        return (503, {}) if len(iam.asked) < 2 else None

    iam.odd = starting
    done = run(iam, patience=20)
    assert done.returncode == 0
    assert "clients waits for IAM at http://127.0.0.1" in done.stdout
    assert "POST /token answered 503" in done.stdout


def test_iam_that_stays_away_ends_the_job_with_what_to_look_at(iam: Iam) -> None:
    iam.server.shutdown()
    iam.server.server_close()
    done = run(iam)
    assert done.returncode == 1
    assert "does not answer (" in done.stderr
    assert "look at: kubectl get pods -l app.kubernetes.io/name=iam" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_secret_of_the_platforms_client_is_said(iam: Iam) -> None:
    done = run(iam, CLIENTS_PROVISIONER_SECRET="of-yesterday")
    assert done.returncode == 1
    assert "IAM does not know client indigo-platform with this secret (Bad client credentials)" in done.stderr
    assert "restart iam after a change of Secret iam-provisioner" in done.stderr


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/token", b"<html>nginx</html>", "/token answered something that is not JSON; is this INDIGO IAM?"),
        ("/token", (200, {"token_type": "Bearer"}), "POST /token answered 200 without a token"),
        ("/token", (200, ["x"]), "POST /token answered 200 without a token"),
        ("/token", (200, {"access_token": "t0ken", "scope": "iam:admin.read"}), "lacks iam:admin.write"),
        ("/iam", (403, {"error": "access_denied"}), "IAM refuses (403, access_denied); the client needs the scope"),
        ("/iam", (200, []), "answered 200 with something that is no client"),
        ("/iam", b"{", "answered something that is not JSON"),
    ],
)
def test_wrong_answers_end_in_a_sentence(iam: Iam, path: str, answer: Answer | bytes, said: str) -> None:
    iam.odd = lambda method, asked: answer if asked.startswith(path) else None
    done = run(iam)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "clients done" not in done.stdout


def test_a_refused_client_does_not_stop_the_others(iam: Iam) -> None:
    def refuses(method: str, path: str) -> Answer | None:
        first = len([line for line in iam.asked if line == "POST /iam/api/clients"]) == 1
        return (400, {"error": "Invalid redirect URI"}) if method == "POST" and path != "/token" and first else None

    iam.odd = refuses
    other = {**WANTED, "name": "other", "variables": "CLIENT_OTHER"}
    done = run(iam, WANTED, other, CLIENT_OTHER_ID="other-id", CLIENT_OTHER_SECRET="other-secret")
    assert done.returncode == 1
    assert f"client dashboard: registering {ID}: IAM answered 400 (Invalid redirect URI)" in done.stderr
    assert "client other: registered" in done.stdout


def test_an_iam_that_gives_an_id_of_its_own_is_noticed(iam: Iam) -> None:
    def own(method: str, path: str) -> Answer | None:
        return (201, {**WANTED, "client_id": "mine"}) if method == "POST" and path != "/token" else None

    iam.odd = own
    assert "IAM answered with another client_id than the one that was sent" in run(iam).stderr

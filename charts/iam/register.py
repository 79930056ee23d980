"""Registers the platform's clients at INDIGO IAM: what is missing is made, what differs is mended, nothing is deleted.

Runs as a Job with Python's standard library only. Clients are a list in JSON without secrets; ids and secrets come from
the variables that it names. Nothing of a secret is ever printed.

IAM (1.12) is asked as its own pages ask it: a token of the client `indigo-platform` (POST /token, client credentials,
scopes iam:admin.read and iam:admin.write), then GET, POST and PUT /iam/api/clients, which take ids and secrets as given
(ClientManagementAPIController, DefaultClientManagementService).
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

PAUSE = 3.0  # seconds between two attempts while IAM does not answer
TIMEOUT = 20.0  # seconds for one answer
LISTS = ("redirect_uris", "grant_types", "response_types")
# what PUT takes: a field that is left out falls back to IAM's default (ClientConverter), so all that is known is sent
KEPT = (
    "client_id", "client_secret", "client_name", "client_description", "client_uri", "tos_uri", "policy_uri",
    "contacts", "jwks_uri", "jwk", "scope", "token_endpoint_auth_method", "access_token_validity_seconds",
    "refresh_token_validity_seconds", "id_token_validity_seconds", "device_code_validity_seconds", "default_max_age",
    "reuse_refresh_token", "allow_introspection", "clear_access_tokens_on_refresh", "require_auth_time",
    "code_challenge_method", *LISTS,
)  # fmt: skip
Client = dict[str, Any]


class Wrong(Exception):
    """An answer that trying again does not mend; the text is what a person reads."""


class Away(Exception):
    """No answer, or one that says that IAM is not there yet."""


class Iam:
    """IAM's API, asked inside the platform.

    Args:
        base: URL without a slash at its end.
        client: id of the client that may write clients.
        secret: its secret.
        until: when to give up waiting, in seconds of the monotonic clock.
    """

    def __init__(self, base: str, client: str, secret: str, until: float) -> None:
        self._base = base
        self._client = client
        self._basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
        self._until = until
        self._token = ""

    def login(self) -> None:
        """Get a token; waits while IAM is away."""
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "iam:admin.read iam:admin.write"})
        status, answer = self._patiently("POST", "/token", f"Basic {self._basic}", form.encode())
        if status in (400, 401):
            raise Wrong(
                f"IAM does not know client {self._client} with this secret ({_said(answer)}); it learns it when it "
                "starts: restart iam after a change of Secret iam-provisioner, then run this Job again"
            )
        token = answer.get("access_token") if status == 200 and isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise Wrong(f"POST /token answered {status} without a token ({_said(answer)})")
        missing = {"iam:admin.read", "iam:admin.write"} - set(str(answer.get("scope", "")).split())
        if missing:
            raise Wrong(f"the token of client {self._client} lacks {' '.join(sorted(missing))}")
        self._token = token

    def find(self, identifier: str) -> Client | None:
        """Return a client as IAM has it, or None where it has none."""
        status, answer = self._ask("GET", identifier)
        if status == 404:
            return None
        return _client(status, answer, f"GET {identifier}")

    def create(self, client: Client) -> Client:
        """Register a client and return it as IAM has it."""
        status, answer = self._ask("POST", "", client)
        return _client(status, answer, f"registering {client['client_id']}")

    def update(self, client: Client) -> Client:
        """Replace what IAM has of a client and return it as IAM has it."""
        status, answer = self._ask("PUT", client["client_id"], client)
        return _client(status, answer, f"changing {client['client_id']}")

    def _ask(self, method: str, identifier: str, body: Client | None = None) -> tuple[int, Any]:
        path = "/iam/api/clients" + (f"/{urllib.parse.quote(identifier, safe='')}" if identifier else "")
        data = None if body is None else json.dumps(body).encode()
        return self._patiently(method, path, f"Bearer {self._token}", data, "application/json")

    def _patiently(self, method: str, path: str, who: str, data: bytes | None, kind: str = "") -> tuple[int, Any]:
        while True:
            try:
                return self._once(method, path, who, data, kind)
            except Away as away:
                if time.monotonic() + PAUSE >= self._until:
                    raise Wrong(
                        f"IAM at {self._base} does not answer ({away}); "
                        "look at: kubectl get pods -l app.kubernetes.io/name=iam"
                    ) from None
                print(f"clients waits for IAM at {self._base}: {away}", flush=True)
                time.sleep(PAUSE)

    def _once(self, method: str, path: str, who: str, data: bytes | None, kind: str) -> tuple[int, Any]:
        headers = {"Accept": "application/json", "Authorization": who}
        if kind:
            headers["Content-Type"] = kind
        request = urllib.request.Request(self._base + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return response.status, _parsed(response.read(), path)
        except urllib.error.HTTPError as refused:
            with refused:
                if refused.code >= 500:
                    raise Away(f"{method} {path} answered {refused.code}") from None
                try:
                    return refused.code, _parsed(refused.read(), path)
                except Wrong:
                    return refused.code, None  # an error page; the status says enough
        except (urllib.error.URLError, OSError) as failed:
            raise Away(str(getattr(failed, "reason", failed))) from None


def _parsed(body: bytes, path: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise Wrong(f"{path} answered something that is not JSON; is this INDIGO IAM?") from None


def _said(answer: Any) -> str:
    if isinstance(answer, dict):
        return str(answer.get("error_description") or answer.get("error") or "no reason given")
    return "no reason given"


def _client(status: int, answer: Any, what: str) -> Client:
    if status in (401, 403):
        raise Wrong(f"{what}: IAM refuses ({status}, {_said(answer)}); the client needs the scope iam:admin.write")
    if status not in (200, 201):
        raise Wrong(f"{what}: IAM answered {status} ({_said(answer)})")
    if not isinstance(answer, dict) or "client_id" not in answer:
        raise Wrong(f"{what}: IAM answered {status} with something that is no client")
    return answer


def put_right(found: Client, wanted: Client) -> tuple[Client, list[str]]:
    """Return the client as it shall be, and the names of the fields that differ.

    What is more than wanted (a redirect or a scope that an administrator has added) stays.
    """
    result = {name: found[name] for name in KEPT if found.get(name) is not None}
    changed = []
    for name, value in wanted.items():
        old = found.get(name)
        if name in LISTS:
            value = sorted({*(old or ()), *value})
            same = set(value) == set(old or ())
        elif name == "scope":
            have = set(str(old or "").split())
            value = " ".join(sorted(have | set(value.split())))
            same = set(value.split()) == have
        else:
            same = value == old
        if not same:
            result[name] = value
            changed.append(name)
    return result, changed


def register(iam: Iam, wanted: Client) -> str:
    """Make or mend one client and return what was done, in a few words."""
    identifier = wanted["client_id"]
    found = iam.find(identifier)
    if found is None:
        done, answer = "registered", iam.create(wanted)
    else:
        client, changed = put_right(found, wanted)
        if not changed:
            done, answer = "is as it should be", found
        else:
            done, answer = f"changed: {', '.join(changed)}", iam.update(client)
    for name in ("client_id", "client_secret"):
        if answer.get(name) != wanted[name]:
            raise Wrong(f"{done}, but IAM answered with another {name} than the one that was sent")
    if answer.get("active") is False:
        done += "; it is switched off in IAM, and stays so"
    return done


def clients(entries: list[dict[str, Any]]) -> list[tuple[str, Client]]:
    """Return the clients to register, by their names; those without id and secret (an optional Secret) are left out."""
    result = []
    for entry in entries:
        fields = dict(entry)
        name, prefix = fields.pop("name"), fields.pop("variables")
        identifier, secret = os.environ.get(f"{prefix}_ID", ""), os.environ.get(f"{prefix}_SECRET", "")
        if identifier and secret:
            result.append((name, {**fields, "client_id": identifier, "client_secret": secret}))
        else:
            print(f"client {name}: its Secret is not there; left out", flush=True)
    return result


def main(entries: str) -> int:
    """Register the clients of a list in JSON; return 0 where all of them are as they should be, else 1."""
    wanted = clients(json.loads(entries))
    until = time.monotonic() + float(os.environ.get("CLIENTS_PATIENCE", "300"))
    iam = Iam(
        os.environ["CLIENTS_IAM"], os.environ["CLIENTS_PROVISIONER_ID"], os.environ["CLIENTS_PROVISIONER_SECRET"], until
    )
    failed = 0
    try:
        iam.login()
        for name, client in wanted:
            try:
                print(f"client {name}: {register(iam, client)}", flush=True)
            except Wrong as wrong:
                failed += 1
                print(f"client {name}: {wrong}", file=sys.stderr, flush=True)
    except Wrong as wrong:
        failed += 1
        print(f"clients: {wrong}", file=sys.stderr, flush=True)
    if not failed:
        print(f"clients done: {len(wanted)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""The double of a gateway, the program itself: it routes, ends TLS, makes headers, and says what it refuses."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from urllib3.exceptions import SSLError

from harness import toolchain
from harness.e2e.hands import Answer, Door
from harness.engines.crds import strict_schema
from harness.engines.ports import is_free
from harness.secrets import certificates
from tests.commands.fake_api import Api, Object, Quiet

CONTROLLER = "indigo-paas.invalid/gateway-double"


class Backend:
    """A server that answers with what it was asked."""

    def __init__(self, name: str) -> None:
        class Handler(Quiet):
            def do_GET(self) -> None:
                if self.path == "/slow":
                    time.sleep(3)
                content = {"backend": name, "path": self.path, "headers": dict(self.headers)}
                self.reply(200, content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def route(name: str, host: str, rule: Object | None = None, **spec: Any) -> Object:
    """Return a route as the charts make it: for one host, all paths, one Service."""
    whole = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "backendRefs": [{"group": "", "kind": "Service", "name": "one", "port": 80, "weight": 1}],
        **(rule or {}),
    }
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "gateway"}
    return {
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "site", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"parentRefs": [{**parent, "sectionName": "https"}], "hostnames": [host], "rules": [whole], **spec},
    }


def to(service: str) -> Object:
    return {"backendRefs": [{"kind": "Service", "name": service, "port": 80}]}


PREFIX = {"set": [{"name": "X-Forwarded-Prefix", "value": "/api"}]}
CUT = {
    "matches": [{"path": {"type": "PathPrefix", "value": "/api"}}],
    "filters": [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": PREFIX},
        {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}},
    ],
}
BY_HEADER = {"matches": [{"path": {"value": "/"}, "headers": [{"name": "a", "value": "b"}]}]}
OTHER_LISTENER = {"name": "public", "namespace": "gateway", "sectionName": "http"}
ALL_LISTENERS = {"name": "public", "namespace": "gateway"}
NO_REWRITE = {"filters": [{"type": "URLRewrite"}]}
ROUTES = [
    route("plain", "plain.test"),
    route("cut", "shared.test", CUT),
    route("longer", "shared.test", {"matches": [{"path": {"type": "PathPrefix", "value": "/api/v2"}}], **to("two")}),
    route("exact", "shared.test", {"matches": [{"path": {"type": "Exact", "value": "/api/v2"}}]}),
    route("nobody", "nobody.test", to("empty")),
    route("nowhere", "nowhere.test", to("missing")),
    route("slow", "slow.test", {"timeouts": {"request": "1s"}}),
    route("weights", "weights.test", {"retry": {"attempts": 2}}),
    route("by-header", "header.test", BY_HEADER),
    route("elsewhere", "elsewhere.example"),
    route("wrong-listener", "x.test", parentRefs=[OTHER_LISTENER]),
    route("everywhere", "everywhere.test", parentRefs=[ALL_LISTENERS]),
    route("no-rewrite", "no-rewrite.test", NO_REWRITE),
]


def service(name: str, *ports: int) -> list[Object]:
    """Return a Service, and a slice of endpoints on ports of this machine."""
    head = {"name": name, "namespace": "site"}
    labels = {"labels": {"kubernetes.io/service-name": name}}
    ready = [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}]
    gone = {"addresses": ["127.0.0.2"], "conditions": {"ready": False}}
    return [
        {"kind": "Service", "metadata": head, "spec": {"ports": [{"name": "http", "port": 80}]}},
        {
            "kind": "EndpointSlice",
            "metadata": head | labels,
            "endpoints": [*(ready * bool(ports)), gone],
            "ports": [{"name": "http", "port": port} for port in ports],
        },
    ]


class World:
    """A gateway that runs, the API that it reads, and ways in."""

    def __init__(self, api: Api, ports: Sequence[int], authority: str, log: Path) -> None:
        self.api, (self.port, self.second), self.authority, self.log = api, ports, authority, log

    def ask(self, host: str, path: str = "/", headers: dict[str, str] | None = None, port: int = 0) -> Answer:
        """Ask the gateway for a host, over TLS that is verified."""
        door = Door(f"https://127.0.0.1:{port or self.port}", host=host, authority=self.authority)
        return door.ask(path, headers=headers)

    def until(self, kind: str, name: str, expected: dict[str, str]) -> None:
        """Wait until an object's status says what is expected, word by word from the beginning."""
        for _ in range(100):
            found = self.api.conditions(kind, name)
            if found.keys() == expected.keys() and all(found[key].startswith(text) for key, text in expected.items()):
                return
            time.sleep(0.05)
        raise AssertionError(f"{kind} {name}: {found}, expected {expected}\n{self.log.read_text()}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "token").write_text("of-the-account\n")
    (folder / "ca.crt").write_text("")
    ports = list(islice((number for number in range(21443, 21943) if is_free(number)), 2))
    keys = certificates.new_authority("test")
    authority = certificates.read_authority(keys)
    assert authority
    certificate, key = certificates.for_hosts(["*.test"], authority)
    api, one, two = Api(), Backend("one"), Backend("two")
    data = {name: base64.b64encode(v.reveal()).decode() for name, v in (("tls.crt", certificate), ("tls.key", key))}
    tls = {"mode": "Terminate", "certificateRefs": [{"name": "certificate"}]}
    everybody = {"allowedRoutes": {"namespaces": {"from": "All"}}}
    listener = {"hostname": "*.test", "protocol": "HTTPS", "tls": tls, **everybody}
    named = zip(("https", "second"), ports, strict=True)
    listeners = [{**copy.deepcopy(listener), "name": name, "port": port} for name, port in named]
    gateway = {"kind": "Gateway", "metadata": {"name": "public", "namespace": "gateway"}}
    for item in (
        {"kind": "Secret", "metadata": {"name": "certificate", "namespace": "gateway"}, "data": data},
        {"kind": "GatewayClass", "metadata": {"name": "ours"}, "spec": {"controllerName": CONTROLLER}},
        {"kind": "GatewayClass", "metadata": {"name": "others"}, "spec": {"controllerName": "example.org/other"}},
        {**gateway, "spec": {"gatewayClassName": "ours", "listeners": listeners}},
        {**gateway, "metadata": {"name": "foreign", "namespace": "x"}, "spec": {"gatewayClassName": "others"}},
        *service("one", one.port),
        *service("two", two.port),
        *service("empty"),
        *copy.deepcopy(ROUTES),
    ):
        api.put(item)
    log = folder / "log"
    program = str(toolchain.tool("double"))
    argv = [program, "gateway", f"--server={api.url}", f"--account={folder}", "--health=127.0.0.1:0"]
    with log.open("w") as written, subprocess.Popen([*argv, "--name=gateway.test"], stderr=written) as running:
        try:
            made = World(api, ports, keys["ca.crt"].reveal().decode(), log)
            made.until("Gateway", "public", {"Accepted": "True", "Programmed": "True"})
            yield made
        finally:
            running.terminate()
            assert running.wait(10) == 0
            api.close()
            for backend in (one, two):
                backend.server.shutdown()
                backend.server.server_close()


@pytest.mark.parametrize(
    ("host", "path", "backend", "asked"),
    [
        ("plain.test", "/a/b?c=d", "one", "/a/b?c=d"),
        ("shared.test", "/api/deployments", "one", "/deployments"),
        ("shared.test", "/api", "one", "/"),
        ("shared.test", "/api/v2/x", "two", "/api/v2/x"),
        ("shared.test", "/api/v2", "one", "/api/v2"),
        ("PLAIN.test", "/", "one", "/"),
    ],
)
def test_host_and_path_decide_who_is_asked_for_what(
    world: World, host: str, path: str, backend: str, asked: str
) -> None:
    answer = world.ask(host, path)
    assert answer.status == 200, answer.text
    found = json.loads(answer.text)
    assert (found["backend"], found["path"]) == (backend, asked)


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("unknown.test", "/", 404),
        ("shared.test", "/other", 404),
        ("shared.test", "/apiary", 404),  # a prefix ends where a part of the path ends
        ("nobody.test", "/", 503),
        ("nowhere.test", "/", 500),
        ("weights.test", "/", 404),  # a route that is refused serves nothing
        ("slow.test", "/slow", 504),
    ],
)
def test_what_cannot_be_served_is_told_by_its_status(world: World, host: str, path: str, status: int) -> None:
    assert world.ask(host, path).status == status


def test_the_headers_of_a_gateway_arrive_and_those_of_a_client_do_not(world: World) -> None:
    lies = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "ftp", "X-Forwarded-Prefix": "/lie", "X-Other": "stays"}
    sent = {**lies, "X-Forwarded-Host": "liar.test", "X-Request-Id": "request-1"}
    headers = json.loads(world.ask("plain.test", headers=sent).text)["headers"]
    assert headers["Host"] == headers["X-Forwarded-Host"] == "plain.test"
    assert headers["X-Forwarded-For"] == "127.0.0.1" and headers["X-Forwarded-Proto"] == "https"
    assert headers["X-Forwarded-Port"] == str(world.port) and headers["X-Request-Id"] == "request-1"
    assert "X-Forwarded-Prefix" not in headers and headers["X-Other"] == "stays"
    cut = json.loads(world.ask("shared.test", "/api/x", headers=lies).text)["headers"]
    assert cut["X-Forwarded-Prefix"] == "/api"


def test_a_request_leaves_its_trace_in_the_log_and_a_strange_name_of_it_does_not(world: World) -> None:
    world.ask("shared.test", "/api/seen", headers={"X-Request-Id": "traced-1"})
    world.ask("plain.test", "/strange", headers={"X-Request-Id": "no word of ours"})
    said = world.log.read_text()
    assert "double of gateway: " in said and "hop traced-1: GET https://shared.test/api/seen goes to site/one" in said
    assert "/strange goes to" in said and "no word of ours" not in said


def test_a_name_without_a_listener_and_an_unknown_authority_get_no_handshake(world: World) -> None:
    with pytest.raises(SSLError, match="alert"):
        world.ask("plain.elsewhere.example")
    stranger = certificates.new_authority("another")["ca.crt"].reveal().decode()
    door = Door(f"https://127.0.0.1:{world.port}", host="plain.test", authority=stranger)
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        door.ask("/")


GOOD = {"Accepted": "True", "ResolvedRefs": "True"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", GOOD),
        ("nobody", GOOD),
        ("nowhere", {"Accepted": "True", "ResolvedRefs": "BackendNotFound: no such port of a Service: site/missing"}),
        ("weights", {"Accepted": 'UnsupportedValue: rules: json: unknown field "retry"', "ResolvedRefs": "True"}),
        ("by-header", {"Accepted": 'UnsupportedValue: rules: json: unknown field "headers"', "ResolvedRefs": "True"}),
        ("elsewhere", {"Accepted": "NoMatchingListenerHostname", "ResolvedRefs": "True"}),
        ("wrong-listener", {"Accepted": "NoMatchingParent", "ResolvedRefs": "True"}),
        ("everywhere", GOOD),
        ("no-rewrite", {"Accepted": "UnsupportedValue: filters.type URLRewrite", "ResolvedRefs": "True"}),
    ],
)
def test_the_status_says_what_becomes_of_a_route(world: World, name: str, expected: dict[str, str]) -> None:
    world.until("HTTPRoute", name, expected)


def test_gateways_of_others_are_left_alone_and_ours_say_what_is_attached(world: World) -> None:
    assert "status" not in world.api.objects["Gateway", "foreign"]
    assert "status" not in world.api.objects["GatewayClass", "others"]
    world.until("GatewayClass", "ours", {"Accepted": "True"})
    status = world.api.objects["Gateway", "public"]["status"]
    assert status["addresses"] == [{"type": "Hostname", "value": "gateway.test"}]
    assert [listener["attachedRoutes"] for listener in status["listeners"]] == [8, 1]
    assert {listener["supportedKinds"][0]["kind"] for listener in status["listeners"]} == {"HTTPRoute"}


def test_a_parent_without_a_section_is_every_listener_that_fits(world: World) -> None:
    assert world.ask("everywhere.test").status == world.ask("everywhere.test", port=world.second).status == 200
    assert world.ask("plain.test").status == 200 and world.ask("plain.test", port=world.second).status == 404


def test_every_status_is_one_that_upstreams_definitions_take(world: World) -> None:
    written = {key: item for key, item in world.api.objects.items() if "status" in item}
    assert {kind for kind, _ in written} == {"GatewayClass", "Gateway", "HTTPRoute"} and len(written) > len(ROUTES)
    for (kind, name), item in written.items():
        schema = strict_schema("gateway.networking.k8s.io/v1", kind)
        assert schema
        problems = Draft202012Validator(schema["properties"]["status"]).iter_errors(item["status"])
        assert [f"{problem.json_path}: {problem.message}" for problem in problems] == [], f"{kind} {name}"


def test_a_change_is_seen_and_the_entries_of_other_controllers_stay(world: World) -> None:
    item = route("changing", "changing.test")
    foreign = {"controllerName": "example.org/other", "parentRef": {"name": "foreign"}, "conditions": []}
    world.api.put({**item, "status": {"parents": [foreign]}})
    world.until("HTTPRoute", "changing", GOOD)
    assert world.api.objects["HTTPRoute", "changing"]["status"]["parents"][0] == foreign
    assert json.loads(world.ask("changing.test").text)["backend"] == "one"
    changed = copy.deepcopy(world.api.objects["HTTPRoute", "changing"])
    changed["spec"]["rules"][0]["backendRefs"][0]["name"] = "two"
    world.api.put(changed)
    for _ in range(100):
        if json.loads(world.ask("changing.test").text)["backend"] == "two":
            break
        time.sleep(0.05)
    assert json.loads(world.ask("changing.test").text)["backend"] == "two"
    world.until("HTTPRoute", "changing", GOOD)
    (_, ours) = world.api.objects["HTTPRoute", "changing"]["status"]["parents"]
    assert {item["observedGeneration"] for item in ours["conditions"]} == {2}


def test_a_certificate_that_is_none_closes_the_listener_and_says_so(world: World) -> None:
    original = world.api.objects["Gateway", "public"]
    broken = copy.deepcopy(original)
    broken["spec"]["listeners"][0]["tls"]["certificateRefs"][0]["name"] = "none"
    try:
        world.api.put(broken)
        why = "ListenersNotValid: listener https: the Secret none holds no certificate with its key"
        world.until("Gateway", "public", {"Accepted": why, "Programmed": why})
        assert is_free(world.port)
    finally:
        mended = copy.deepcopy(world.api.objects["Gateway", "public"])
        mended["spec"] = original["spec"]
        world.api.put(mended)
        world.until("Gateway", "public", {"Accepted": "True", "Programmed": "True"})
    assert world.ask("plain.test").status == 200

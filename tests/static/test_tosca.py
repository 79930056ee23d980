"""The traps of the TOSCA server (charts/tosca/contract.yaml), a test each; its program runs here, with real Git."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("tosca")

PUBLIC = "https://raw.example.org/types/"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def settings(**values: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(chart.config(**values)["indigo-paas.tosca.settings.json"])
    return parsed


# --- the program, as the chart mounts it


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "core.hooksPath=/dev/null"]
    command = ["git", *who, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(repository: Path, **files: str) -> str:
    """Commit files (name without .yaml) and return the commit."""
    for name, text in files.items():
        (repository / f"{name}.yaml").write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "test")
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


@dataclass
class Server:
    """A running program: its address, its process, and where it writes its log."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Return status and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def wait(self, path: str, wanted: str) -> str:
        """Return the content of a page once it contains a text."""
        limit = time.monotonic() + 15
        content = ""
        while time.monotonic() < limit:
            with contextlib.suppress(OSError):
                content = self.ask(path)[1]
                if wanted in content:
                    return content
            time.sleep(0.05)
        raise AssertionError(f"{path}: no {wanted!r} in {content!r}; log: {self.log.read_text()}")

    def wait_log(self, wanted: str) -> str:
        """Return the log once it contains a text."""
        limit = time.monotonic() + 15
        while time.monotonic() < limit:
            text = self.log.read_text()
            if wanted in text:
                return text
            time.sleep(0.05)
        raise AssertionError(f"no {wanted!r} in the log: {self.log.read_text()}")

    def stop(self) -> float:
        """Send SIGTERM and return the seconds until the process has ended."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=10)
        return time.monotonic() - begun


@contextlib.contextmanager
def serving(folder: Path, **sources: Any) -> Iterator[Server]:
    """Run the program from the ConfigMap over a folder that stands for the volume."""
    program = folder / "tosca.py"
    program.write_text(chart.config()["indigo-paas.tosca.tosca.py"])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    root = folder / "volume"
    root.mkdir(exist_ok=True)
    content = {"root": str(root), "address": "127.0.0.1", "port": port, "retry": 0.2, "url": "http://tosca:8080"}
    (folder / "settings.json").write_text(json.dumps(content | {"sources": sources}))
    log = folder / "log"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with log.open("wb") as output:
        command = [sys.executable, str(program), str(folder / "settings.json")]
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            yield Server(port, process, log)
        finally:
            process.kill()
            process.wait()


def source(repository: Path, revision: str) -> dict[str, Any]:
    return {"repository": repository.as_uri(), "revision": revision, "replaces": [PUBLIC]}


def test_types_fetched_at_every_parse_come_from_the_volume(tmp_path: Path, repository: Path) -> None:
    types = source(repository, commit(repository, custom_types="node_types: {}\n"))
    with serving(tmp_path, types=types) as server:
        assert server.wait("/types/custom_types.yaml", "node_types") == "node_types: {}\n"
    shutil.rmtree(repository)
    with serving(tmp_path, types=types) as server:
        assert server.wait("/types/custom_types.yaml", "node_types") == "node_types: {}\n"
        assert json.loads(server.ask("/-/revision")[1])["fresh"] is True
    shutil.rmtree(tmp_path / "volume")
    with serving(tmp_path, types=types) as server:
        server.wait("/-/ready", "no release yet")
        assert server.ask("/types/custom_types.yaml")[0] == 503, "without volume and Git server"


def test_pinned_types_moving_artifacts_are_served_from_here(tmp_path: Path, repository: Path) -> None:
    text = (
        f"a: {PUBLIC}master/install.yaml\n"
        f'b: "{PUBLIC}some-branch/install.yaml"\n'
        f"c: [{PUBLIC}master/install.yaml, {PUBLIC}master/gone.yaml]\n"
        "d: https://elsewhere.example.org/types/master/install.yaml\n"
    )
    types = source(repository, commit(repository, custom_types=text, install="tasks: []\n"))
    templates = tmp_path / "templates"
    templates.mkdir()
    git(templates, "init", "-q")
    revision = commit(templates, node=f"imports: [{PUBLIC}master/custom_types.yaml]\n")
    other = source(templates, revision) | {"replaces": []}
    with serving(tmp_path, types=types, templates=other) as server:
        found = server.wait("/types/custom_types.yaml", "a: ")
        here = "http://tosca:8080/types/install.yaml"
        assert found.count(here) == 3
        assert f"{PUBLIC}master/gone.yaml]" in found, "an address that would be 404 here must stay"
        assert "d: https://elsewhere.example.org/types/master/install.yaml" in found
        assert "gone.yaml" in server.log.read_text()
        assert server.ask("/templates/node.yaml")[1] == "imports: [http://tosca:8080/types/custom_types.yaml]\n"
    shutil.rmtree(tmp_path / "volume")
    with serving(tmp_path, types=types | {"replaces": []}) as server:
        assert PUBLIC in server.wait("/types/custom_types.yaml", "a: ").split("\n")[0], "only `replaces` does it"


def test_branch_is_no_revision() -> None:
    assert settings()["sources"]["types"]["revision"] != COMMIT
    assert settings(sources={"types": {"revision": COMMIT}})["sources"]["types"]["revision"] == COMMIT
    for wrong in ("master", "v4.0.1", COMMIT[:12], COMMIT.upper(), ""):
        message = chart.refusal(sources={"types": {"revision": wrong}})
        assert "tosca.sources.types.revision" in message
        assert "all 40 digits" in message


def test_branch_is_no_revision_for_the_program_either(tmp_path: Path, repository: Path) -> None:
    commit(repository, custom_types="one: 1\n")
    git(repository, "tag", "-m", "v1", "v1")
    for wrong, word in (("v1", "is no commit"), (git(repository, "rev-parse", "v1"), "gave another commit")):
        with serving(tmp_path, types=source(repository, wrong)) as server:
            server.wait_log(word)
            assert server.ask("/-/ready")[0] == 503


def test_half_a_copy_is_never_served_and_the_last_good_one_is(tmp_path: Path, repository: Path) -> None:
    first = commit(repository, custom_types="one: 1\n")
    with serving(tmp_path, types=source(repository, first)) as server:
        server.wait("/types/custom_types.yaml", "one")
    broken = {"types": source(repository, first), "templates": source(repository, COMMIT)}
    with serving(tmp_path, **broken) as server:
        assert server.wait("/types/custom_types.yaml", "one") == "one: 1\n"
        time.sleep(0.5)
        assert server.ask("/types/custom_types.yaml") == (200, "one: 1\n")
        assert server.ask("/templates/custom_types.yaml")[0] == 404
        assert [item.name for item in (tmp_path / "volume" / "releases").iterdir()] != []
    second = commit(repository, custom_types="two: 2\n")
    with serving(tmp_path, types=source(repository, second)) as server:
        server.wait("/types/custom_types.yaml", "two")
        limit = time.monotonic() + 15
        while len(left := list((tmp_path / "volume" / "releases").iterdir())) != 1:  # it is served before they go
            assert time.monotonic() < limit, f"old copies would fill the volume: {left}"
            time.sleep(0.05)


def test_old_copy_unnoticed_no_more_and_mended_without_hands(tmp_path: Path, repository: Path) -> None:
    first = commit(repository, custom_types="one: 1\n")
    with serving(tmp_path, types=source(repository, first)) as server:
        server.wait("/-/revision", '"fresh": true')
    second = commit(repository, custom_types="two: 2\n")
    away = repository.rename(tmp_path / "away")
    with serving(tmp_path, types=source(repository, second)) as server:
        server.wait("/types/custom_types.yaml", "one")
        state = json.loads(server.ask("/-/revision")[1])
        assert state == {"fresh": False, "wanted": {"types": second}}
        server.wait_log("the copy of before stays")
        away.rename(repository)
        server.wait("/types/custom_types.yaml", "two")
        assert json.loads(server.ask("/-/revision")[1])["fresh"] is True


def test_links_out_of_the_folder_lead_nowhere(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    (repository / "link.yaml").symlink_to(tmp_path / "secret")
    revision = commit(repository, custom_types="one: 1\n")
    assert git(repository, "ls-files", "-s", "link.yaml").startswith("120000"), "no link: this test proves nothing"
    with serving(tmp_path, types=source(repository, revision)) as server:
        server.wait("/types/custom_types.yaml", "one")
        assert server.ask("/types/link.yaml") == (200, str(tmp_path / "secret"))
        outside = ("/../../../secret", "/types/../../../../secret", "/%2e%2e/%2e%2e/%2e%2e/secret")
        for path in (*outside, "/types/.git/config"):
            assert server.ask(path)[0] == 404, path
        for path in ("/", "/types/"):
            assert server.ask(path)[0] == 404, f"{path} is listed"


def test_sigterm_of_the_first_process_ends_it(tmp_path: Path, repository: Path) -> None:
    types = source(repository, commit(repository, custom_types="one: 1\n"))
    with serving(tmp_path, types=types) as server:
        server.wait("/types/custom_types.yaml", "one")
        assert server.stop() < 3
        assert server.process.returncode == 0, "a process that is only killed by the signal would stay as the first one"


def test_read_only_serving(tmp_path: Path, repository: Path) -> None:
    types = source(repository, commit(repository, custom_types="one: 1\n"))
    with serving(tmp_path, types=types) as server:
        server.wait("/types/custom_types.yaml", "one")
        for method in ("PUT", "POST", "DELETE", "PATCH"):
            assert server.ask("/types/custom_types.yaml", method)[0] == 501
        assert server.ask("/types/custom_types.yaml", "HEAD") == (200, "")
    container = chart.container()
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    mounts = {item["mountPath"]: item.get("readOnly", False) for item in container["volumeMounts"]}
    assert mounts["/srv/tosca"] is False
    assert mounts["/indigo-paas/tosca"] is True


# --- the chart


def test_defaults_serve_types_and_templates() -> None:
    found = settings()
    assert found["url"] == "http://tosca:8080"
    assert set(found["sources"]) == {"types", "templates"}
    assert set(settings(sources={"templates": {"repository": ""}})["sources"]) == {"types"}
    nothing = {"types": {"repository": ""}, "templates": {"repository": ""}}
    assert "tosca.sources" in chart.refusal(sources=nothing)
    assert "with a slash" in chart.refusal(sources={"types": {"replaces": ["https://raw.example.org/types"]}})
    assert "repository" in chart.refusal(sources={"types": {"repository": "http://git.example.org/types.git"}})
    assert "repository" in chart.refusal(
        sources={"types": {"repository": "https://user:token@git.example.org/types.git"}}
    )


def test_copy_is_kept_and_each_pod_has_its_own() -> None:
    spec = chart.find("StatefulSet", replicas=2)["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert chart.find("PodDisruptionBudget", replicas=2)


def test_public_addresses_are_used_where_it_runs_elsewhere_or_nowhere() -> None:
    for mode in ("external", "off"):
        assert chart.render(**{"global": {"components": {"tosca": {"mode": mode}}}}) == []


def test_it_is_reached_by_those_who_parse_templates_only() -> None:
    ingress = chart.find("NetworkPolicy")["spec"]["ingress"]
    peers = [peer for rule in ingress for peer in rule["from"]]
    assert {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "im"}}} in peers
    assert not [peer for peer in peers if "namespaceSelector" in peer], "the gateway has no business here"


def test_token_of_private_repositories_is_in_no_command_line() -> None:
    assert "GIT_TOKEN" not in chart.env()
    found = chart.env(private=True)
    assert found["GIT_TOKEN"] == {"secretKeyRef": {"name": "tosca-git", "key": "token"}}
    program = chart.config()["indigo-paas.tosca.tosca.py"]
    assert "password=$GIT_TOKEN" in program, "the helper reads it from the environment"
    assert chart.env(**support.SITE_CA)["GIT_SSL_CAINFO"]

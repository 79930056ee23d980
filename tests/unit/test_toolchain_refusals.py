"""Builds are refused with the reason: no space, no network; a wrong version on PATH is not used; progress is told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from harness import toolchain
from harness.errors import UserError
from harness.toolchain import catalog, diagnose, onpath, progress, store
from tests.unit.fake_go import FakeGo, installed_fake

go = pytest.fixture(installed_fake, name="go")


# --- refusals before and after the fact


def test_too_little_disk_space_is_refused_before_anything_starts(go: FakeGo, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(5 * 10**8))
    with pytest.raises(UserError, match=r"building argocd needs about [\d.]+ GB of disk space, 0\.5 GB are free") as no:
        toolchain.tool("argocd")
    assert no.value.fix and "INDIGO_CACHE" in no.value.fix
    assert go.calls == []


def test_a_disk_that_fills_up_while_publishing_is_named(go: FakeGo, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/x")

    monkeypatch.setattr(store, "publish", full)
    with pytest.raises(UserError, match="keeping the tools in the cache: the disk is full"):
        toolchain.tool("helm")
    assert go.leftovers() == []


@pytest.mark.parametrize(
    ("output", "cause", "fix"),
    [
        ("write /x: no space left on device", "the disk is full", "free some space"),
        ("Get https://x: dial tcp: lookup x: no such host", "no network", "GOPROXY"),
        ("proxyconnect tcp: dial tcp 10.0.0.1:3128: i/o timeout", "HTTP proxy does not answer", "HTTPS_PROXY"),
        ("verifying x@v1: checksum mismatch\nSECURITY ERROR", "checksum differs", "clean --build-cache"),
        ("tls: x509: certificate signed by unknown authority", "not trusted", "SSL_CERT_FILE"),
        ("x@v1: unexpected EOF", "cache is damaged", "clean --build-cache"),
        ("go: updates to go.mod needed", "do not fit together", "go mod tidy"),
        ("compile: signal: killed", "memory ran out", "4 GB"),
        ("reading x: 404 Not Found", "does not have what is pinned", "GOPROXY"),
        ("./main.go:1:1: syntax error", "failed with status 1", "read the output"),
    ],
)
def test_a_failed_build_says_why_and_what_to_do(go: FakeGo, output: str, cause: str, fix: str) -> None:
    go.behave(fail=output)
    with pytest.raises(UserError) as failed:
        toolchain.tool("helm")
    assert "building helm" in failed.value.message
    assert cause in failed.value.message
    assert fix in (failed.value.fix or "")
    assert output.splitlines()[-1] in failed.value.details
    assert go.published() == ["go"]
    assert go.leftovers() == []


def test_the_compilers_own_error_decides_not_a_word_in_a_packages_name() -> None:
    error = diagnose.failure("building helm", ["# example.org/x", "x.go:1: undefined: y"], 1)
    assert "failed with status 1" in error.message


# --- PATH


def put_on_path(folder: Path, name: str, prints: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho asked >> {folder}/asked\nprintf '%s\\n' '{prints}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv(onpath.SWITCH, "1")
    return program


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("helm", "v{0}"),
        ("kubectl", '{{"clientVersion": {{"gitVersion": "v{0}"}}}}'),
        ("kind", "kind v{0} go1.27.3 linux/amd64"),
        ("kubeconform", "v{0}"),
        ("ct", "Version:\t v{0}"),
    ],
)
def test_a_program_on_path_is_used_only_at_exactly_the_pinned_version(
    go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: str
) -> None:
    version = catalog.find(name).version
    wrong = put_on_path(tmp_path / "wrong", name, form.format(version + "1"), monkeypatch)
    assert onpath.find(name, catalog.find(name)) is None, wrong
    right = put_on_path(tmp_path / "right", name, form.format(version), monkeypatch)
    assert toolchain.tool(name) == right
    assert go.calls == []
    monkeypatch.setenv(onpath.SWITCH, "0")
    assert toolchain.tool(name) != right
    assert len(go.calls) == 1


def test_a_wrong_helm_on_path_is_not_used_but_built(
    go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path / "bin", "helm", "v3.99.0", monkeypatch)
    assert toolchain.tool("helm").is_relative_to(go.cache)


def test_a_program_on_path_is_asked_once_and_again_when_it_changed(
    go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = put_on_path(tmp_path / "bin", "helm", f"v{catalog.find('helm').version}", monkeypatch)
    assert [toolchain.tool("helm"), toolchain.tool("helm")] == [program, program]
    assert (tmp_path / "bin" / "asked").read_text().count("asked") == 1
    put_on_path(tmp_path / "bin", "helm", "v0.0.1", monkeypatch)
    assert toolchain.tool("helm") != program


def test_a_tool_that_has_no_version_to_compare_never_comes_from_path(
    go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path / "bin", "argocd", catalog.find("argocd").version, monkeypatch)
    assert toolchain.tool("argocd").is_relative_to(go.cache)


# --- progress


def test_progress_counts_packages_by_size_and_learns_its_pace() -> None:
    tracker = progress.Tracker(expected_seconds=100, programs=1)
    assert "loading packages" in tracker.describe()
    tracker.plan({f"p{n}": 1_000_000 for n in range(10)}, {f"p{n}" for n in range(10)})
    for n in range(5):
        tracker.feed(f"p{n}")
    tracker.feed("go: downloading example.org/x v1.0.0")
    tracker.feed("x.go:1: undefined: y")
    assert tracker.packages == (5, 10)
    assert tracker.other == ["x.go:1: undefined: y"]
    tracker.start -= 30
    assert 60 < tracker.remaining() < 200
    for n in range(5, 10):
        tracker.feed(f"p{n}")
    assert "10/10 packages, linking" in tracker.describe()
    assert tracker.complete


def test_a_resumed_build_does_not_count_as_a_whole_one(go: FakeGo) -> None:
    tracker = progress.Tracker(expected_seconds=100, programs=1)
    tracker.plan({f"p{n}": 1 for n in range(10)}, {"p1"})
    tracker.feed("p1")
    assert not tracker.complete
    assert tracker.packages == (1, 1)

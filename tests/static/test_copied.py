"""The checkout that tests break is whole again for the next one, whatever was done to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.static.copied import Copied


def folder_for_a_file(root: Path) -> None:
    (root / "charts/a/values.yaml").unlink()
    (root / "charts/a/values.yaml").mkdir()


def the_same_size(root: Path) -> None:
    path = root / "charts/a/values.yaml"
    path.write_text("a: 2\n")


BREAKS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "nothing": (lambda root: None, []),
    "written": (the_same_size, ["charts/a/values.yaml"]),
    "added": (lambda root: (root / "charts/new.yaml").write_text(""), ["charts/new.yaml"]),
    "removed": (lambda root: (root / "charts/a/link").unlink(), ["charts/a/link"]),
    "replaced": (folder_for_a_file, ["charts/a/values.yaml"]),
    "gone": (
        lambda root: shutil.rmtree(root / "charts/a"),
        ["charts/a", "charts/a/link", "charts/a/values.yaml"],
    ),
}


def content(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.parametrize("name", BREAKS)
def test_what_a_test_breaks_is_mended_and_the_original_untouched(tmp_path: Path, name: str) -> None:
    source = tmp_path / "source"
    (source / "charts/a").mkdir(parents=True)
    (source / "charts/a/values.yaml").write_text("a: 1\n")
    (source / "charts/a/link").symlink_to("values.yaml")
    copy = Copied(source, tmp_path / "copy", ["charts", "absent"])
    before = content(copy.root)
    assert before == content(source)
    action, wrong = BREAKS[name]
    action(copy.root)
    assert copy.mend() == wrong
    assert content(copy.root) == before == content(source)
    assert copy.mend() == []

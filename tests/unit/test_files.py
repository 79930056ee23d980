"""What was read is not read again, and what has changed always is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import files

LONG_AGO = 1_000_000_000


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of which the bytes are kept, however young it is."""
    monkeypatch.setattr(files, "SETTLED", -1.0)
    path = tmp_path / "file"
    path.write_text("one")
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    assert files.text(path) == "one"
    return path


def written(path: Path) -> None:
    path.write_text("two")


def written_with_its_old_time(path: Path) -> None:
    path.write_text("two")
    os.utime(path, ns=(LONG_AGO, LONG_AGO))


def replaced(path: Path) -> None:
    (path.parent / "new").write_text("two")
    (path.parent / "new").rename(path)


def linked(path: Path) -> None:
    (path.parent / "other").write_text("two")
    path.unlink()
    path.symlink_to("other")


@pytest.mark.parametrize("change", [written, written_with_its_old_time, replaced, linked])
def test_a_change_of_the_same_size_is_seen(file: Path, change: Callable[[Path], None]) -> None:
    before = file.stat().st_ctime_ns
    while True:  # a clock tick later
        change(file)
        if file.stat().st_ctime_ns != before:
            break
    assert files.text(file) == "two"


def test_what_has_not_changed_is_not_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("it is read again"))
    assert files.text(file) == "one"


def test_what_was_written_just_now_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    files.content(path)
    assert str(path) not in files._kept


def test_what_is_kept_is_bounded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ENTRIES", 2)
    for number in range(9):
        path = file.parent / str(number)
        path.write_text("x")
        files.content(path)
        assert len(files._kept) <= 2
    monkeypatch.setattr(files, "LARGEST", 3)
    (file.parent / "large").write_text("four")
    assert files.text(file.parent / "large") == "four"
    assert str(file.parent / "large") not in files._kept


def test_files_are_found_through_links_in_the_order_of_their_steps(tmp_path: Path) -> None:
    for name in ("a/z", "a-b", "a/b/c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "nowhere").symlink_to("absent")
    (tmp_path / "itself").symlink_to("itself")
    assert files.below(tmp_path) == ["a/b/c", "a/z", "a-b", "itself", "link/b/c", "link/z", "nowhere"]
    assert files.below(tmp_path / "absent") == []
    with pytest.raises(FileNotFoundError):
        files.content(tmp_path / "nowhere")


def test_ends_of_lines_are_those_of_read_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\r\nb\rc\n")
    assert files.text(path) == path.read_text(encoding="utf-8") == "a\nb\nc\n"

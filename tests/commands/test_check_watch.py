"""`indigo check --watch`: after a change it sees what a complete pass would see, at once, and ends without a trace."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.checks import Finding, check, subject
from harness.checks.watching.files import Files
from harness.checks.watching.session import Session
from harness.errors import UserError
from harness.paths import cache_dir, repository

VALUES = "argocd/environments/dev/values.yaml"
DEADLINE = 60.0  # seconds for what is measured below; a machine with other work to do is slow


def change(root: Path, file: str, old: str, new: str) -> str:
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} holds no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


@pytest.fixture
def session(checkout: Path) -> Iterator[Session]:
    made = Session(checkout)
    made.update(())
    yield made
    made.close()


def quick(session: Session, changed: set[str]) -> set[Finding]:
    return set(session.findings(session.update(changed)))


def complete(session: Session) -> set[Finding]:
    return set(check(subject(repository=session.root, profiles=True), [rule.id for rule in session.quick]).findings)


EDITS = {
    # in the chart of a component that every environment has
    "a port of mariadb": ("charts/mariadb/contract.yaml", "port: 3306", "port: 3307"),
    # of a component that only the profiles have
    "a job of kafka": ("charts/kafka/templates/_wiring.tpl", "requests: {cpu: 100m, memory: 320Mi}, ", ""),
    # in the values of one environment
    "an image of dev": (VALUES, "global:", "mariadb: {image: {tag: latest}}\nglobal:"),
    # in the library, which everything is made of
    "a label of all": ("charts/common/templates/_meta.tpl", "part-of: indigo-paas", "part-of: indigo"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_quick_pass_finds_what_a_complete_one_does(session: Session, edit: str) -> None:
    assert quick(session, set()) == set()
    file, old, new = EDITS[edit]
    found = quick(session, {change(session.root, file, old, new)})
    assert found, "the edit is a mistake"
    assert found == complete(session)
    (session.root / file).write_text((repository() / file).read_text(encoding="utf-8"), encoding="utf-8")
    assert quick(session, {file}) == set()


def test_a_refusal_names_a_file_of_the_checkout(session: Session) -> None:
    wrong = change(session.root, "charts/kafka/templates/_wiring.tpl", "  EXTRA_ARGS: ", "  TYPO: x\n  EXTRA_ARGS: ")
    with pytest.raises(UserError, match="kafka: the setting TYPO is not in the contract") as caught:
        session.update({wrong})
    assert caught.value.where == "charts/kafka/templates/component.yaml"
    assert (session.root / caught.value.where).is_file()


def test_what_cannot_be_rendered_is_looked_at_again(session: Session) -> None:
    broken = change(session.root, "charts/valkey/templates/_wiring.tpl", "{{-", "{{- if")
    with pytest.raises(UserError, match="template"):
        session.update({broken})
    # another file is saved meanwhile, and the broken one is not forgotten
    with pytest.raises(UserError, match="template"):
        session.update({"charts/iam/README.md"})
    change(session.root, "charts/valkey/templates/_wiring.tpl", "{{- if", "{{-")
    assert quick(session, {"charts/iam/README.md"}) == set()


def test_only_what_a_change_can_touch_is_rendered(session: Session) -> None:
    before = session.update(())
    change(session.root, "charts/kafka/templates/_wiring.tpl", "{{-", "{{- /* a comment */ -}}\n{{-")
    after = session.update({"charts/kafka/templates/_wiring.tpl"})
    assert all(after.platforms[name] is before.platforms[name] for name in before.platforms), "nothing came out of it"
    change(session.root, VALUES, "global:", "valkey: {podAnnotations: {a: b}}\nglobal:")
    again = session.update({VALUES})
    assert [name for name in before.platforms if again.platforms[name] is not after.platforms[name]] == ["dev"]


def test_where_everything_is_rendered_again_one_environment_comes_first(session: Session) -> None:
    file, old, new = EDITS["a label of all"]
    first, last = session.stages({change(session.root, file, old, new)})
    assert list(first.platforms) == ["dev"]
    assert len(last.platforms) > 3
    early, late = set(session.findings(first)), set(session.findings(last))
    assert {item.environment for item in early} == {"dev"}
    assert {item.identity for item in early} < {item.identity for item in late}


def test_of_a_component_too_one_environment_comes_first(session: Session) -> None:
    file, old, new = EDITS["a port of mariadb"]
    first, last = session.stages({change(session.root, file, old, new)})
    assert list(first.platforms) == ["dev"]
    assert list(last.platforms) == list(session.update(()).platforms)
    early, late = set(session.findings(first)), set(session.findings(last))
    assert early and {item.identity for item in early} <= {item.identity for item in late}


def test_files_that_change_are_seen_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "charts/iam").mkdir(parents=True)
    (tmp_path / "charts/iam/a.yaml").write_text("a", encoding="utf-8")
    (tmp_path / "other").mkdir()
    files = Files(tmp_path)
    assert files.changed(0) == set()
    (tmp_path / "charts/iam/.a.yaml.swp").write_text("b", encoding="utf-8")
    (tmp_path / "other/b").write_text("b", encoding="utf-8")
    assert files.changed(0) == set()
    new = tmp_path / "charts/iam/a.new"  # an editor that writes another file and renames it
    new.write_text("c", encoding="utf-8")
    new.replace(tmp_path / "charts/iam/a.yaml")
    assert files.changed(0) == {"charts/iam/a.yaml"}
    (tmp_path / "charts/iam/a.yaml").unlink()
    (tmp_path / "images.yaml").write_text("b", encoding="utf-8")
    assert files.changed(0) == {"charts/iam/a.yaml", "images.yaml"}
    assert files.changed(0) == set()


class Watch:
    """The command as a developer starts it, in a process of its own."""

    def __init__(self, root: Path, folder: Path, *arguments: str) -> None:
        environment = {
            **os.environ,
            "INDIGO_REPOSITORY": str(root),
            "INDIGO_CACHE": str(cache_dir()),
            "TMPDIR": str(folder),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness", "check", "--watch", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip())

    def until(self, pattern: str) -> list[str]:
        """Return the lines up to one that holds a pattern."""
        seen: list[str] = []
        end = time.monotonic() + DEADLINE
        while not (seen and re.search(pattern, seen[-1])):
            try:
                seen.append(self._lines.get(timeout=max(0.1, end - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"no {pattern!r} within {DEADLINE:g} s; seen: {seen}") from None
        return seen

    def end(self) -> int:
        """Interrupt it as Ctrl-C does and return its status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(DEADLINE)


@pytest.fixture
def started(checkout: Path, tmp_path: Path) -> Iterator[Callable[..., Watch]]:
    made: list[Watch] = []

    def start(*arguments: str) -> Watch:
        made.append(Watch(checkout, tmp_path, *arguments))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()


def test_a_day_with_the_watch(started: Callable[..., Watch], checkout: Path, tmp_path: Path) -> None:
    watch = started("--rule", "contract-image", "--rule", "names", "-e", "dev")
    watch.until("no finding, 2 of 2 rules")
    watch.until("complete: no finding, 2 rules")

    change(checkout, *EDITS["an image of dev"])
    seen = watch.until("after saving")
    assert VALUES in " ".join(seen)
    assert any("mariadb:latest is a tag that moves" in line for line in seen), seen
    assert any(f"where: {VALUES}:" in line for line in seen), seen

    change(checkout, VALUES, "mariadb: {image", "mariadb: [image")
    seen = watch.until("after saving")
    assert any("values.yaml is not YAML" in line for line in seen), seen
    assert "cannot be rendered" in seen[-1]

    change(checkout, VALUES, "mariadb: [image: {tag: latest}}\n", "")
    assert "no finding" in watch.until("after saving")[-1]

    change(checkout, VALUES, "global:", "# a comment\nglobal:")
    watch.until("after saving")
    assert watch.end() == 130
    assert [path.name for path in tmp_path.iterdir()] == [], "nothing is left behind"
    assert not processes_of(watch.process.pid)


def processes_of(session: int) -> list[int]:
    """Return the processes of a session (the complete pass has one of its own, whose parent was the watch)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if session in (int(fields[1]), int(fields[3])):  # parent, session: proc(5)
            found.append(int(stat.parent.name))
    return found


def test_the_watch_takes_no_format_and_refuses_an_unknown_rule(started: Callable[..., Watch]) -> None:
    watch = started("--format", "sarif")
    assert watch.process.wait(DEADLINE) == 2
    watch.until("--watch shows what it finds on the terminal")

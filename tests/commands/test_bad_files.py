"""Files that are broken, missing, too large or from another time end in one message, never in a traceback."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import paths
from harness.cli import main

VALUES = "argocd/environments/dev/values.yaml"
CONFIG = "argocd/environments/dev/config.yaml"
CONTRACT = "charts/iam/contract.yaml"
WIRING = "charts/valkey/templates/_wiring.tpl"
JUNK = bytes(range(256)) * 4
MEBIBYTE = 1024 * 1024
Break = Callable[[Path], object]


def command(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what `indigo check` writes, which has to end with status 2, in one message of a few lines."""
    monkeypatch.setattr(paths, "repository", lambda: root)
    monkeypatch.setattr(sys, "argv", ["indigo", "check", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    written = capsys.readouterr()
    assert ended.value.code == 2, written.out + written.err
    assert written.out == ""
    text = written.err
    assert text.startswith("error: ") and text.count("error: ") == 1, text
    assert "  where: " in text and "    fix: " in text, text
    assert "Traceback" not in text
    assert len(text) < 3000, f"{len(text)} characters"
    assert str(root) not in text, "a path of this machine"
    return text


def add(file: str, text: str | bytes) -> Break:
    data = text if isinstance(text, bytes) else text.encode()
    return lambda root: (root / file).write_bytes((root / file).read_bytes() + data)


def write(file: str, data: bytes) -> Break:
    return lambda root: (root / file).write_bytes(data)


def folder(root: Path) -> None:
    (root / VALUES).unlink()
    (root / VALUES).mkdir()


def loop(root: Path) -> None:
    (root / VALUES).unlink()
    (root / VALUES).symlink_to("values.yaml")


def circle(root: Path) -> None:
    cycle = '{{- define "x.a" }}{{ include "x.b" . }}{{ end }}{{ define "x.b" }}{{ include "x.a" . }}{{ end }}'
    add(WIRING, f"\n{cycle}\n")(root)
    (root / "charts/valkey/templates/x.yaml").write_text('{{ include "x.a" . }}\n', encoding="utf-8")


def grown(step: int) -> str:
    """Return a line of YAML that is nine times the one before it."""
    return f"a{step}: &a{step} [{', '.join([f'*a{step - 1}'] * 9)}]\n"


def future(root: Path) -> None:
    text = (root / CONTRACT).read_text(encoding="utf-8")
    newer = text.replace("apiVersion: indigo-paas/v1", "apiVersion: indigo-paas/v2\nshape: {of: tomorrow}", 1)
    assert newer != text
    (root / CONTRACT).write_text(newer, encoding="utf-8")


BROKEN: dict[str, tuple[Break, str, str]] = {
    # what is broken: how, what is said, where
    "values that are no YAML": (add(VALUES, "a: [\n"), "values.yaml is not YAML: ", f"{VALUES}:"),
    "a contract that is no YAML": (add(CONTRACT, "a: [\n"), "contract.yaml is not YAML: ", f"{CONTRACT}:"),
    "a config that is no YAML": (add(CONFIG, "a: [\n"), "config.yaml is not YAML: ", f"{CONFIG}:"),
    "a chart that is no YAML": (
        add("charts/iam/Chart.yaml", "a: [\n"), "Chart.yaml is not YAML: ", "charts/iam/Chart.yaml:",
    ),
    "an umbrella that is no YAML": (
        add("charts/indigo-paas/Chart.yaml", "a: [\n"), "Chart.yaml is not YAML: ", "charts/indigo-paas/Chart.yaml:",
    ),
    "values of the umbrella that are no YAML": (
        add("charts/indigo-paas/values.yaml", "a: [\n"), "values.yaml is not YAML: ", "charts/indigo-paas/values.yaml:",
    ),
    "a schema that is no JSON": (
        add("charts/iam/values.schema.json", "]"), "values.schema.json is not JSON: ", "charts/iam/values.schema.json:",
    ),
    "binary values": (write(VALUES, JUNK), "values.yaml is not a text file in UTF-8", VALUES),
    "values in UTF-16": (write(VALUES, "global: {}\n".encode("utf-16")), "is not a text file in UTF-8", VALUES),
    "values with a NUL": (add(VALUES, "a: b\0c\n"), "is not a text file in UTF-8", VALUES),
    "a binary contract": (write(CONTRACT, JUNK), "contract.yaml is not a text file in UTF-8", CONTRACT),
    "values of ten megabytes": (
        add(VALUES, f"valkey: {{podAnnotations: {{a: {'x' * 10 * MEBIBYTE}}}}}\n"),
        "values.yaml has 10.0 MiB, at most 2 MiB are read", VALUES,
    ),
    "values that are a folder": (folder, "is a folder, or a link that leads to no file", VALUES),
    "values that are a link to themselves": (loop, "is a folder, or a link that leads to no file", VALUES),
    "values that are nested without an end": (
        add(VALUES, f"a: {'[' * 5000}{']' * 5000}\n"), "values.yaml is nested too deeply", VALUES,
    ),
    "values whose key is a list": (add(VALUES, "? [a, b]\n: c\n"), "values.yaml", VALUES),
    "values that grow without an end": (
        add(VALUES, "a0: &a0 [x, x]\n" + "".join(map(grown, range(1, 9)))),
        "values.yaml cannot be read: document contains excessive aliasing", VALUES,
    ),
    "values that name a Python object": (
        add(VALUES, "a: !!python/object/apply:os.system ['true']\n"), "values.yaml is not YAML: ", f"{VALUES}:",
    ),
    "a contract of tomorrow": (
        future, "apiVersion: this contract is of indigo-paas/v2, and this harness knows indigo-paas/v1", CONTRACT,
    ),
    "an empty contract": (write(CONTRACT, b""), "expected a mapping, found nothing", CONTRACT),
    "a chart without its subchart": (
        lambda root: (root / "charts/indigo-paas/charts/valkey").unlink(),
        "charts/indigo-paas/charts has no valkey, which Chart.yaml depends on", "charts/indigo-paas/Chart.yaml",
    ),
    "a component that is gone": (
        lambda root: shutil.rmtree(root / "charts/valkey"), "no component valkey", "charts/",
    ),
    "templates that include each other": (
        circle, "templates include each other without an end: x.a -> x.b -> x.a", f"{WIRING}:",
    ),
    "a binary template": (write(WIRING, JUNK), "no template is named valkey.wiring", "charts/valkey/templates"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_bad_input_ends_in_one_message(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    break_, says, where = BROKEN[what]
    break_(checkout)
    text = command(checkout, monkeypatch, capsys, "-e", "dev")
    assert says in text, text
    place = re.search(r"^  where: (.*)$", text, re.M)
    assert place is not None and place[1].startswith(where), text


def test_a_process_of_its_own_says_the_same(checkout: Path) -> None:
    add(VALUES, "a: [\n")(checkout)
    done = subprocess.run(
        [sys.executable, "-m", "harness", "check", "-e", "dev"],
        env={**os.environ, "INDIGO_REPOSITORY": str(checkout)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: values.yaml is not YAML: ")
    assert len(done.stderr.splitlines()) == 3

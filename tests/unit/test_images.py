"""The list of images, the plan that mirrors them, and carrying it out with a tool that stands in for skopeo."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from harness.cli.images import images as command
from harness.errors import UserError
from harness.images import CRANE, SKOPEO, carry_out, plan, values
from harness.model.environment import Mode
from harness.model.images import Listed, Reference, SharedImage, catalogue, load_shared
from harness.paths import repository
from tests.unit.fixtures import Contracts

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
WAIT = SharedImage(repository="busybox", tag="1", licence="GPL-2.0", source="x", purpose="Waits for others.")


def listed(repository: str, tag: str = "1", digest: str = "", shared: bool = False) -> Listed:
    return Listed(Reference(repository, tag, digest), "MIT", "https://example.org", ("store",), "", shared)


@pytest.mark.parametrize(
    ("repository", "full", "moved"),
    [
        ("busybox", "docker.io/library/busybox", "mirror.example.org/x/busybox"),
        ("grycap/im", "docker.io/grycap/im", "mirror.example.org/x/grycap/im"),
        ("ghcr.io/mlflow/mlflow", "ghcr.io/mlflow/mlflow", "mirror.example.org/x/mlflow/mlflow"),
        ("host:5000/a/b", "host:5000/a/b", "mirror.example.org/x/a/b"),
    ],
)
def test_a_name_is_completed_and_moved_as_the_templates_do(repository: str, full: str, moved: str) -> None:
    reference = Reference(repository, "1", DIGEST)
    assert reference.full == full
    assert reference.at("mirror.example.org/x/").text == f"{moved}:1@{DIGEST}"
    assert reference.at("") == reference


def test_the_list_names_each_image_once_with_all_that_use_it() -> None:
    contracts = Contracts()
    image = {**contracts.data["store"]["image"]}
    contracts.data["portal"]["image"] = image
    found = catalogue(contracts.build(), {"wait": WAIT})
    users = {one.reference.text: one.used_by for one in found}
    assert users[f"{image['repository']}:{image['tag']}"] == ("portal", "store")
    assert users["busybox:1"] == ("issuer", "portal")
    assert [one.reference.full for one in found] == sorted(one.reference.full for one in found)


def test_an_environment_lists_what_it_runs_with_what_its_values_say() -> None:
    graph = Contracts().build()
    modes = {name: Mode.EMBEDDED if name == "store" else Mode.OFF for name in graph.contracts}
    own = {"store": {"image": {"tag": "99"}}}
    found = catalogue(graph, {"wait": WAIT}, own, modes)
    assert [(one.reference.tag, one.reference.digest, one.used_by) for one in found] == [("99", "", ("store",))]


def test_the_list_of_this_checkout_says_of_every_image_where_it_is_from() -> None:
    document = yaml.safe_load((repository() / "images.yaml").read_text(encoding="utf-8"))["images"]
    assert len(document) > 20
    for entry in document:
        assert entry["name"].count("/") >= 2, entry
        assert entry["licence"], entry
        assert entry["source"].startswith("https://"), entry
        assert entry["usedBy"], entry
        assert entry["digest"] == "unknown" or entry["digest"].startswith("sha256:"), entry


def test_a_shared_image_without_licence_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "charts" / "common" / "images.yaml"
    path.parent.mkdir(parents=True)
    path.write_text('wait: {repository: busybox, tag: "1", source: x, purpose: "Waits for others."}\n')
    with pytest.raises(UserError, match="licence: is required"):
        load_shared(tmp_path)


def test_the_plan_reads_by_digest_and_writes_what_nodes_will_pull() -> None:
    first, second = plan([listed("grycap/im"), listed("busybox", "1.36", DIGEST)], "mirror.example.org/x")
    assert second.command(SKOPEO) == [
        "skopeo", "copy", "--all", "--preserve-digests", "docker://docker.io/grycap/im:1",
        "docker://mirror.example.org/x/grycap/im:1",
    ]  # fmt: skip
    assert first.command(CRANE) == [
        "crane", "copy", f"docker.io/library/busybox@{DIGEST}", "mirror.example.org/x/busybox:1.36"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "registry", ["https://mirror.example.org", "mirror.example.org/", "", "mirror.example.org/x y", "a/../b", "-x"]
)
def test_what_is_no_registry_is_refused(registry: str) -> None:
    with pytest.raises(UserError, match="is not the name of a registry") as refused:
        plan([listed("busybox")], registry)
    assert "without a scheme" in (refused.value.fix or "")


def test_two_images_that_would_be_one_are_refused() -> None:
    with pytest.raises(UserError, match=r"would both be mirror\.example\.org/a/b:1"):
        plan([listed("ghcr.io/a/b"), listed("quay.io/a/b")], "mirror.example.org")


def fake_tool(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str = DIGEST, status: int = 0) -> Path:
    """Put a skopeo on PATH that writes down what it is asked and answers a digest; return what it wrote."""
    log = folder / "asked"
    program = folder / "skopeo"
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\n[ "$1" = copy ] || echo {answer}\nexit {status}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


def test_carrying_it_out_copies_and_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = fake_tool(tmp_path, monkeypatch)
    copies = plan([listed("mariadb", "10.11"), listed("busybox", shared=True)], "mirror.example.org")
    done = list(carry_out(copies, SKOPEO))
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["copy", "inspect"] * 2
    assert values("mirror.example.org", done) == {
        "global": {"images": {"registry": "mirror.example.org"}}, "store": {"image": {"digest": DIGEST}},
    }  # fmt: skip


def test_another_digest_than_the_listed_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, monkeypatch, answer=OTHER)
    with pytest.raises(UserError, match=f"has the digest {OTHER}, not {DIGEST}"):
        list(carry_out(plan([listed("mariadb", "1", DIGEST)], "mirror.example.org"), SKOPEO))


def test_a_tool_that_fails_or_is_absent_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = plan([listed("mariadb")], "mirror.example.org")
    fake_tool(tmp_path, monkeypatch, status=3)
    with pytest.raises(UserError, match=r"skopeo cannot bring docker\.io/library/mariadb:1") as refused:
        list(carry_out(copies, SKOPEO))
    assert "log in" in (refused.value.fix or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="crane is not on PATH") as refused:
        list(carry_out(copies, CRANE))
    assert refused.value.fix == "install it, or use what is there: --tool skopeo"


def test_the_command_prints_a_script_and_the_values_as_comments() -> None:
    done = CliRunner().invoke(command, ["mirror", "--registry", "mirror.example.org", "-e", "dev"])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    copies = [line for line in lines if line.startswith("skopeo copy ")]
    assert {"docker://mirror.example.org/mariadb:10.11", "docker://mirror.example.org/busybox:1.36"} <= {
        line.split()[-1] for line in copies
    }
    assert not any("kafka" in line for line in copies), "dev does not run it"
    rest = [line for line in lines if line not in copies]
    assert rest
    assert all(line.startswith("#") for line in rest), rest
    assert yaml.safe_load("\n".join(line[2:] for line in rest)) == values("mirror.example.org")


def test_the_command_lists_for_people_and_for_programs() -> None:
    text = CliRunner().invoke(command, ["list"]).stdout
    assert "docker.io/library/busybox:1.36" in text
    assert "pinned by digest" in text
    entries = json.loads(CliRunner().invoke(command, ["list", "--json"]).stdout)
    assert entries == yaml.safe_load((repository() / "images.yaml").read_text(encoding="utf-8"))["images"]

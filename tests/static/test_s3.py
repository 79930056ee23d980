"""The traps of the S3 gateway (charts/s3/contract.yaml), a test each: what is rendered, what its Job does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.support import Chart

pytestmark = pytest.mark.static

chart = Chart("s3")


def job() -> dict[str, Any]:
    (found,) = [item for item in chart.render() if item["kind"] == "Job"]
    container: dict[str, Any] = found["spec"]["template"]["spec"]["containers"][0]
    return container


def start() -> str:
    text: str = chart.container()["args"][0]
    return text


def test_no_health_unless_asked() -> None:
    def asked(variables: dict[str, Any]) -> None:
        container = chart.container()
        for probe in ("readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["path"] == variables["VGW_HEALTH"]

    asked(chart.env())
    with pytest.raises(AssertionError):
        asked(chart.env(settings={"VGW_HEALTH": "/other"}))


def test_extended_attributes_are_not_needed() -> None:
    assert chart.env()["VGW_META_SIDECAR"] == "/data/metadata"
    assert "/data/metadata" in start()
    assert "VGW_META_SIDECAR" in chart.refusal(settings={"VGW_META_SIDECAR": "/tmp/metadata"})
    assert "VGW_META_NONE" in chart.refusal(settings={"VGW_META_NONE": "true"})


def test_folders_are_buckets_so_that_they_are_apart() -> None:
    root = PurePosixPath(start().splitlines()[-1].split()[-1])
    for name in ("VGW_META_SIDECAR", "VGW_IAM_DIR"):
        folder = PurePosixPath(chart.env()[name])
        assert root not in (folder, *folder.parents)
        assert folder not in root.parents
        assert f"s3.settings.{name}" in chart.refusal(settings={name: f"{root}/{name.lower()}"})
        assert f"s3.settings.{name}" in chart.refusal(settings={name: "/data"})


# A gateway of ours: users and buckets are files below $STATE; it answers and refuses as the real one was seen to do.
GATEWAY = r"""
shift
command="$1"; shift
while [ $# -gt 0 ]; do case "$1" in
  --access) access="$2";; --secret) secret="$2";; --role) role="$2";; --bucket) bucket="$2";; --owner) owner="$2";;
esac; shift 2; done
case "$command" in
  list-users) echo "Account  Role"; ls "$STATE/users" | sed 's/$/    user/';;
  create-user) test ! -e "$STATE/users/$access" || exit 1; echo "$secret $role" > "$STATE/users/$access";;
  update-user) test -e "$STATE/users/$access" || exit 1; echo "$secret user" > "$STATE/users/$access";;
  list-buckets) echo "Bucket  Owner"; ls "$STATE/buckets" | sed 's/$/    somebody/';;
  create-bucket) test ! -e "$STATE/buckets/$bucket" || exit 1; echo "$owner" > "$STATE/buckets/$bucket";;
  change-bucket-owner) test -e "$STATE/buckets/$bucket" || exit 1; echo "$owner" > "$STATE/buckets/$bucket";;
esac
"""


def provide(folder: Path, calls: str) -> None:
    """Run the Job's script against our gateway, with these calls in place of those of the contracts."""
    for name in ("bin", "users", "buckets", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    program = folder / "bin" / "versitygw"
    program.write_text(f"#!/bin/sh\n{GATEWAY}")
    program.chmod(0o755)
    text = job()["args"][0]
    head, end = text[: text.index("\n}\n") + 3], 'echo "provide done"\n'
    assert text.endswith(end)
    found = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "STATE": str(folder)}
    script = (head + calls + end).replace("/tmp/", f"{folder}/tmp/")
    done = subprocess.run(["sh", "-c", script], env=found, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "provide done" in done.stdout


def content(folder: Path, kind: str) -> dict[str, str]:
    return {item.name: item.read_text().strip() for item in sorted((folder / kind).iterdir())}


def test_root_keys_for_everybody_are_not_given(tmp_path: Path) -> None:
    provide(tmp_path, "bucket models ranker first\nbucket backups keeper other\n")
    assert content(tmp_path, "users") == {"keeper": "other user", "ranker": "first user"}
    assert content(tmp_path, "buckets") == {"backups": "keeper", "models": "ranker"}
    provide(tmp_path, "bucket models ranker second\nbucket more ranker second\n")
    assert content(tmp_path, "users") == {"keeper": "other user", "ranker": "second user"}, "a changed Secret arrives"
    assert content(tmp_path, "buckets") == {"backups": "keeper", "models": "ranker", "more": "ranker"}
    readers = [name for name, value in chart.env().items() if isinstance(value, dict)]
    assert readers == ["ROOT_ACCESS_KEY_ID", "ROOT_SECRET_ACCESS_KEY"]


def test_keys_in_arguments_are_in_no_text_of_the_chart() -> None:
    secret = [item for item in job()["env"] if "KEY" in item["name"]]
    assert secret
    assert all("secretKeyRef" in item["valueFrom"] for item in secret)
    names = [item["name"] for item in job()["env"]]
    filled = [name for name in names if any(f"$({name})" in argument for argument in job()["args"])]
    assert filled == [], "Kubernetes would write the keys into the pod"


def test_not_minio() -> None:
    assert chart.contract.upstream.licence == "Apache-2.0"
    assert chart.container()["image"] == "versity/versitygw:v1.8.0"
    assert chart.render(**{"global": {"components": {"s3": {"mode": "external"}}}}) == []


def test_start_replaces_the_shell_and_makes_its_folders(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "versitygw"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    found = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    text = start().replace("/data/", f"{tmp_path}/data/")
    done = subprocess.run(["sh", "-c", text], env=found, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.strip() == f"posix {tmp_path}/data/buckets"
    assert sorted(item.name for item in (tmp_path / "data").iterdir()) == ["buckets", "metadata", "users"]
    assert start().splitlines()[-1].startswith("exec ")

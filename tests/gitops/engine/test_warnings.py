"""The API server takes every object that is rendered, and warns of none: nothing deprecated, nothing ambiguous."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from harness import toolchain
from harness.cluster import Cluster
from harness.engines.crds import FAMILIES
from harness.engines.embedded import EmbeddedEngine
from harness.model.trial import trial
from harness.paths import repository
from harness.process import run
from harness.render import render_all, to_yaml
from tests.gitops.engine.support import pod

pytestmark = pytest.mark.gitops
FOREIGN = {family.group for family in FAMILIES}  # kinds that this engine was not given


def asked(engine: EmbeddedEngine, objects: list[dict[str, Any]]) -> tuple[int, str]:
    """Return what kubectl says of objects that are applied without being kept: its status, and its complaints."""
    done = run(
        toolchain.tool("kubectl"), "apply", "--server-side", "--dry-run=server", "--warnings-as-errors", "-f", "-",
        stdin=to_yaml(objects), env={"KUBECONFIG": str(engine.kubeconfig)}, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_the_api_server_warns_of_nothing_that_is_rendered(
    engine: EmbeddedEngine, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    for name in ("argocd", "charts", "schemas"):
        shutil.copytree(repository() / name, tmp_path / name, symlinks=True)
    full = trial(tmp_path, "full")
    full.write(tmp_path)
    objects = [item for rendered in render_all(repository=tmp_path).values() for item in rendered.objects()]
    own = [item for item in objects if item["apiVersion"].rpartition("/")[0] not in FOREIGN]
    assert len(own) > 100
    for item in own:
        item["metadata"]["namespace"] = namespace
    assert asked(engine, own) == (0, "")


def test_a_warning_of_the_api_server_is_seen(engine: EmbeddedEngine, namespace: str) -> None:
    item = pod("old", namespace, nodeSelector={"beta.kubernetes.io/os": "linux"})
    status, said = asked(engine, [item])
    assert status != 0
    assert "beta.kubernetes.io/os" in said
    assert "deprecated" in said

"""`indigo deploy`: the working tree of a developer on the engine that is kept, once and again after an edit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import paths
from harness.e2e.deploy import deploy
from harness.engines.children import lock
from harness.engines.embedded import EmbeddedEngine
from harness.errors import UserError
from harness.process import run
from harness.report.recorder import Recorder

VALUES = Path("argocd/environments/dev/values.yaml")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A developer's checkout, without a commit yet."""
    root = tmp_path / "checkout"
    for name in ("argocd", "charts"):
        shutil.copytree(paths.repository() / name, root / name, symlinks=True)
    run("git", "init", "--quiet", cwd=root)
    monkeypatch.setattr("harness.e2e.deploy.repository", lambda: root)
    monkeypatch.setattr("harness.paths.repository", lambda: root)
    return root


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    """An engine that is empty at the beginning."""
    with EmbeddedEngine("deploy", runs=tmp_path / "runs") as engine:
        yield engine


def test_an_edit_is_deployed_and_what_is_wrong_changes_nothing(own_engine: EmbeddedEngine, checkout: Path) -> None:
    recorder = Recorder(None, command="indigo deploy")
    first = deploy(own_engine, "dev", recorder)
    assert first.changed
    assert set(first.components) == {"dashboard", "iam", "mariadb", "orchestrator", "valkey"}
    assert first.secrets > 0
    again = deploy(own_engine, "dev", recorder)
    assert (again.revision, again.changed, again.secrets) == (first.revision, False, 0)

    text = (checkout / VALUES).read_text(encoding="utf-8")
    (checkout / VALUES).write_text(f"{text}\nvalkey: {{podAnnotations: {{edited: by-hand}}}}\n", encoding="utf-8")
    edited = deploy(own_engine, "dev", recorder)
    assert edited.changed
    (pod,) = own_engine.cluster().list("Pod", "indigo-dev", labels="app.kubernetes.io/name=valkey")
    assert pod["metadata"]["annotations"]["edited"] == "by-hand"
    assert len(list(own_engine.source_dir.glob("tree-*"))) == 1, "the tree of an older commit is not kept"

    (checkout / VALUES).write_text(f"{text}\nvalkey2: {{}}\n", encoding="utf-8")
    with pytest.raises(UserError, match="valkey2: no such key"):
        deploy(own_engine, "dev", recorder)
    applications = own_engine.cluster().list("Application", "argocd", api_version="argoproj.io/v1alpha1")
    assert {item["status"]["sync"]["revision"] for item in applications} == {edited.revision}


def test_a_pinned_environment_is_refused(engine: EmbeddedEngine, checkout: Path) -> None:
    with (checkout / "argocd/environments/staging/config.yaml").open("a", encoding="utf-8") as file:
        file.write(f"revision: {'a' * 40}\n")
    with pytest.raises(UserError, match=r"staging is pinned to a{12}: the working tree would change nothing"):
        deploy(engine, "staging", Recorder(None, command="indigo deploy"))


def test_two_deployments_at_once_are_refused(engine: EmbeddedEngine, checkout: Path) -> None:
    held = lock(engine.run_dir / "deploy.lock")
    assert held is not None
    try:
        with pytest.raises(UserError, match="another deployment to the engine shared is under way"):
            deploy(engine, "dev", Recorder(None, command="indigo deploy"))
    finally:
        os.close(held)

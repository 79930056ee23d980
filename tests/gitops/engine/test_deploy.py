"""`indigo deploy` and `indigo drill`: the working tree on the engine that is kept, edited, and broken on purpose."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from harness import paths
from harness.argo.pacer import Pacer
from harness.argo.source import WorkingTreeSource
from harness.drills import Verdict, catalogue
from harness.drills import run as drills
from harness.drills.model import Recovered, Scene
from harness.e2e.deploy import deploy
from harness.e2e.platform import Platform
from harness.engines.children import lock
from harness.engines.embedded import EmbeddedEngine
from harness.errors import UserError
from harness.process import run
from harness.report.recorder import Recorder

ROOT = paths.repository()
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


def test_an_edit_is_deployed_an_error_is_not_and_drills_are_honest(
    peopled: EmbeddedEngine, checkout: Path, tmp_path: Path
) -> None:
    recorder = Recorder(None, command="indigo deploy")
    first = deploy(peopled, "dev", recorder)
    assert first.changed
    assert set(first.components) == {"dashboard", "iam", "mariadb", "orchestrator", "valkey"}
    assert first.secrets > 0
    again = deploy(peopled, "dev", recorder)
    assert (again.revision, again.changed, again.secrets) == (first.revision, False, 0)

    text = (checkout / VALUES).read_text(encoding="utf-8")
    (checkout / VALUES).write_text(f"{text}\nvalkey: {{podAnnotations: {{edited: by-hand}}}}\n", encoding="utf-8")
    edited = deploy(peopled, "dev", recorder)
    assert edited.changed
    (pod,) = peopled.cluster().list("Pod", "indigo-dev", labels="app.kubernetes.io/name=valkey")
    assert pod["metadata"]["annotations"]["edited"] == "by-hand"
    assert len(list(peopled.source_dir.glob("tree-*"))) == 1, "the tree of an older commit is not kept"

    (checkout / VALUES).write_text(f"{text}\nvalkey2: {{}}\n", encoding="utf-8")
    with pytest.raises(UserError, match="valkey2: no such key"):
        deploy(peopled, "dev", recorder)
    applications = peopled.cluster().list("Application", "argocd", api_version="argoproj.io/v1alpha1")
    assert {item["status"]["sync"]["revision"] for item in applications} == {edited.revision}

    (checkout / VALUES).write_text(text, encoding="utf-8")
    deploy(peopled, "dev", recorder)
    source = WorkingTreeSource(peopled.source_dir, checkout)
    _smoke(peopled, tmp_path / "reports")
    with Pacer(peopled.cluster()):
        _drills(Platform(peopled, source, recorder))


def _smoke(engine: EmbeddedEngine, reports: Path) -> None:
    """The tests of an existing cluster pass here, and one of them does not once a Secret and a Service are gone.

    What is to fail has its reports elsewhere: those of the checkout are added up at the end of CI.
    """
    smoke = partial(_run_smoke, reports, engine)
    good = smoke("dev")
    assert (reports / "smoke" / "report.json").is_file()
    assert good.returncode == 0, good.stdout
    assert "8 passed" in good.stdout
    cluster = engine.cluster()
    kept = cluster.get("Secret", "valkey-auth", "indigo-dev")
    cluster.delete("Secret", "valkey-auth", "indigo-dev")
    bad = smoke("dev", "-k", "secret")
    metadata = {key: kept["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    cluster.create({**{key: kept[key] for key in ("apiVersion", "kind", "type", "data")}, "metadata": metadata})
    assert bad.returncode == 1, bad.stdout
    assert "valkey-auth" in bad.stdout
    other = smoke("staging", "-k", "namespace or deployments")
    assert "2 failed" in other.stdout, "an environment that is not there"


def _run_smoke(
    reports: Path, engine: EmbeddedEngine, environment: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run the tests of an existing cluster as `indigo smoke` does."""
    command = [sys.executable, "-m", "harness", "smoke", "--functional", "--environment", environment]
    command += ["--kubeconfig", str(engine.kubeconfig), *arguments]
    temporary = reports.with_name("tmp")
    temporary.mkdir(exist_ok=True)
    env = {**os.environ, "INDIGO_REPORTS": str(reports), "TMPDIR": str(temporary)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert list(temporary.iterdir()) == [], "what is in a kubeconfig was written down, and left"
    return done


def _drills(platform: Platform) -> None:
    """A drill holds what is true, and refutes what is not."""
    for name, target in (("kill-store", "valkey"), ("drain-node", ""), ("delete-networkpolicies", "")):
        result = drills.run(platform, catalogue()[name], target)
        assert (result.verdict, result.reasons) == (Verdict.HELD, ())
        assert result.recovery is not None
        assert 0 < result.recovery < result.budget
        assert result.rate >= 5
    assert [node for node in platform.cluster.list("Node") if node["spec"].get("unschedulable")] == []

    kill = catalogue()["kill-store"]
    wrong = dataclasses.replace(kill, budget=lambda scene: 0.01, suffers=lambda scene: set())
    refuted = drills.run(platform, wrong, "valkey")
    assert refuted.verdict is Verdict.REFUTED
    slow, away = refuted.reasons
    assert "budget 0.01 s" in slow
    assert re.fullmatch(r"valkey was away for [0-9.]+ s and should not have been", away)

    def breaks(scene: Scene) -> Recovered:
        scene.undo.callback(scene.notes.append, "undone")
        raise UserError("it cannot be injected")

    with pytest.raises(UserError, match="cannot be injected"):
        drills.run(platform, dataclasses.replace(kill, inject=breaks), "valkey")
    assert {name for one in drills.chosen(platform, ["kill-pod"]) for name in one[1:]} == {
        "dashboard", "iam", "orchestrator",
    }  # fmt: skip
    with pytest.raises(UserError, match="the engine embedded cannot do stop-node: it has no nodes"):
        drills.chosen(platform, ["stop-node"])
    with pytest.raises(UserError, match="no drill flood"):
        drills.chosen(platform, ["flood"])
    with pytest.raises(UserError, match="neo4j does not run here"):
        drills.chosen(platform, [], ["neo4j"])


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

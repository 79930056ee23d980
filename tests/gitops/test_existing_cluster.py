"""The engine cluster, where an Argo CD and things of somebody are: it asks, stays at home, and leaves nothing.

The cluster is an embedded engine's; nothing of the engine under test knows that.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.bench.scale import names, write_checkout
from harness.cluster import Cluster, Object
from harness.e2e.deploy import deploy
from harness.engines import crds
from harness.engines.embedded.argocd import CONTROLLER, argocd_definitions
from harness.engines.embedded.engine import EmbeddedEngine
from harness.engines.embedded.objects import patiently
from harness.engines.existing import removal
from harness.engines.existing.engine import ExistingCluster
from harness.engines.existing.settings import ClusterSettings
from harness.engines.leftovers import leftovers
from harness.errors import UserError
from harness.paths import cache_dir
from harness.process import run
from harness.report.recorder import Recorder
from harness.toolchain import argocd_module_dir
from tests.existing.conftest import agreed
from tests.gitops.conftest import settings

pytestmark = pytest.mark.gitops
ROOT = Path(__file__).parents[2]
APPLICATION = "applications.argoproj.io"
(SITE,) = names(1)
PLACE = f"indigo-{SITE}"
COMPONENTS = ("mariadb", "valkey")  # a Job and a StatefulSet with its volume: what an end has to take away
# of these, nothing may be another object, or the same one changed, when the engine has gone
WATCHED = ("Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "ConfigMap",
           "Secret", "Application", "AppProject", "ApplicationSet", "Deployment", "PersistentVolume")  # fmt: skip


@pytest.fixture(scope="module")
def theirs(pytestconfig: pytest.Config) -> Iterator[EmbeddedEngine]:
    """Somebody's cluster, with an Argo CD of the pinned version, an Application that nobody syncs, and a namespace."""
    with EmbeddedEngine(f"theirs-{os.getpid()}", settings(pytestconfig, nodes=1)) as engine:
        cluster = engine.cluster()
        app = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": PLACE, "namespace": "argocd"},
            "spec": {
                "project": "nobody",
                "source": {"repoURL": "file:///nowhere", "path": "."},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": PLACE},
            },
        }
        for name in (PLACE, "somebody"):
            cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        head = {"name": "precious", "namespace": PLACE, "labels": {"indigo-paas/environment": SITE}}
        cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": head, "data": {"a": "b"}})
        cluster.apply(app)
        yield engine


def existing(theirs: EmbeddedEngine, name: str, agree: Callable[[Sequence[str]], None] = agreed) -> ExistingCluster:
    return ExistingCluster(f"{name}-{os.getpid()}", ClusterSettings(theirs.kubeconfig, agree=agree))


def picture(cluster: Cluster) -> dict[str, str]:
    """Return what there is, by kind and name: who it is, and what it says (not what controllers write about it)."""
    found = {}
    for kind in WATCHED:
        for item in patiently(functools.partial(cluster.list, kind)):  # a definition was changed a moment ago
            metadata = item["metadata"]
            said = {key: item.get(key) for key in ("spec", "data", "rules", "subjects")}
            marks = {key: metadata.get(key) for key in ("uid", "labels", "deletionTimestamp")}
            found[f"{kind} {metadata.get('namespace', '')}/{metadata['name']}"] = json.dumps(
                [marks, said], sort_keys=True
            )
    return found


def test_without_agreement_nothing_is_made(theirs: EmbeddedEngine) -> None:
    told: list[str] = []

    def disagree(changes: Sequence[str]) -> None:
        told.extend(changes)
        raise UserError("no")

    before = picture(theirs.cluster())
    engine = existing(theirs, "asked", disagree)
    with pytest.raises(UserError, match="no"):
        engine.up()
    said = "\n".join(told)
    assert f"indigo-argocd-{engine.run}" in said and f"indigo-paas/run={engine.run}" in said
    assert "as they are stay: the definitions" in said and APPLICATION in said
    assert picture(theirs.cluster()) == before and not engine.run_dir.exists()
    with pytest.raises(UserError, match="nobody has agreed"):
        ExistingCluster("nobody", ClusterSettings(theirs.kubeconfig)).up()


def test_the_command_refuses_where_nobody_can_be_asked(theirs: EmbeddedEngine) -> None:
    command = [sys.executable, "-m", "harness", "up", "--engine", "cluster", "--kubeconfig", str(theirs.kubeconfig)]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "nobody is here to agree" in done.stderr and "--yes" in done.stderr
    assert "indigo-argocd-" in done.stderr


@pytest.fixture
def patched(theirs: EmbeddedEngine) -> Iterator[Callable[..., None]]:
    """Change an object of the cluster's owner for one test."""
    cluster, undone = theirs.cluster(), list[tuple[str, str, Object, str | None]]()

    def patch(kind: str, name: str, change: Any, back: Any, namespace: str | None = None) -> None:
        undone.append((kind, name, back, namespace))
        cluster.patch(kind, name, change, namespace)

    yield patch
    for kind, name, back, namespace in undone:
        cluster.patch(kind, name, back, namespace)


def test_definitions_of_another_version_are_refused(theirs: EmbeddedEngine, patched: Callable[..., None]) -> None:
    definition = theirs.cluster().get("CustomResourceDefinition", APPLICATION)
    versions = json.loads(json.dumps(definition["spec"]["versions"]))
    versions[0]["schema"]["openAPIV3Schema"]["properties"]["later"] = {"type": "string"}
    spec = {"spec": {"versions": versions}}
    patched("CustomResourceDefinition", APPLICATION, spec, {"spec": {"versions": definition["spec"]["versions"]}})
    with pytest.raises(UserError, match=f"in another version than 3.*{APPLICATION}") as refused:
        existing(theirs, "other").up()
    assert refused.value.fix and "--engine kind" in refused.value.fix


def test_an_argo_cd_that_would_take_our_applications_is_refused(theirs: EmbeddedEngine) -> None:
    head = {"name": "argocd-cmd-params-cm", "namespace": "argocd"}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": head}
    theirs.cluster().apply({**manifest, "data": {"application.namespaces": "team-*, indigo-*"}})
    try:
        with pytest.raises(UserError, match=r"the Argo CD in argocd takes Applications .* and so ours"):
            existing(theirs, "both").up()
    finally:
        theirs.cluster().delete("ConfigMap", head["name"], "argocd")


def test_it_delivers_beside_another_argo_cd_and_leaves_everything_as_it_was(
    theirs: EmbeddedEngine, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = write_checkout(tmp_path, 1, "small", COMPONENTS)
    run("git", "init", "--quiet", cwd=small)
    monkeypatch.setattr("harness.e2e.deploy.repository", lambda: small)
    before = picture(theirs.cluster())
    engine = existing(theirs, "beside")
    engine.up()
    try:
        done = deploy(engine, SITE, recorder)
        assert set(done.components) == set(COMPONENTS)
        cluster = engine.cluster()
        ours = cluster.list("Namespace", labels=f"{removal.LABEL}={engine.run}")
        names = {item["metadata"]["name"] for item in ours}
        assert names == {f"{PLACE}-{engine.run}", engine.argocd_namespace}
        during = picture(theirs.cluster())
        assert {name: during.get(name) for name in before} == before
        with pytest.raises(UserError, match="the namespace somebody is there, and was not made by this engine"):
            engine.prepare("somebody")
    finally:
        engine.down()
    assert removal.left_of(theirs.cluster(), engine.run) == [] and leftovers(engine.run_dir) == []
    # a volume goes when its claim has gone, by whoever made it
    until(lambda: not set(picture(theirs.cluster())) - set(before), "nothing is there that was not", 20)
    assert picture(theirs.cluster()) == before


def test_an_environment_with_objects_of_the_whole_cluster_is_refused(theirs: EmbeddedEngine, tmp_path: Path) -> None:
    folder = tmp_path / "argocd" / "environments" / "all"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("name: all\nnamespace: indigo-all\npriorities: true\n")
    with pytest.raises(UserError, match="priority classes, which are the whole cluster's"):
        existing(theirs, "x").tree_files(tmp_path, "all")


UP = """
import sys
from pathlib import Path
from harness.engines.existing.engine import ExistingCluster
from harness.engines.existing.settings import ClusterSettings
engine = ExistingCluster(sys.argv[1], ClusterSettings(Path(sys.argv[2]), agree=lambda changes: None))
engine.up()
print(engine.argocd_namespace, flush=True)
input()
"""


def test_kill_9_leaves_nothing_and_definitions_of_ours_that_somebody_uses_stay(theirs: EmbeddedEngine) -> None:
    """Here Argo CD's definitions are not there: the owner's goes first, which is the last thing that it does."""
    for server in (CONTROLLER, "argocd-applicationset-controller"):
        theirs.kill(server)
    before = theirs.cluster()
    names = list(crds.prepared(argocd_definitions(argocd_module_dir()), cache_dir() / "crds"))
    for name in names:
        before.delete("CustomResourceDefinition", name)
    until(lambda: not any(before.find("CustomResourceDefinition", name) for name in names), "they are gone")
    engine = f"killed-{os.getpid()}"
    command = [sys.executable, "-c", UP, engine, str(theirs.kubeconfig)]
    harness = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert harness.stdout is not None
        namespace = harness.stdout.readline().strip()
        assert namespace.startswith("indigo-argocd-")
        cluster = theirs.cluster()  # a new one: it asks which kinds there are
        ours = cluster.get("CustomResourceDefinition", APPLICATION)["metadata"]["labels"]
        assert ours[removal.LABEL] == namespace.removeprefix("indigo-argocd-")
        begun = {"name": "begun", "namespace": "somebody"}
        cluster.apply({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": begun, "spec": {}})
    finally:
        harness.send_signal(signal.SIGKILL)
        harness.wait()
    run_dir = ExistingCluster(engine).run_dir
    until(lambda: not run_dir.exists(), "the run directory is gone")
    until(
        lambda: leftovers(run_dir) == [], "the keeper has ended too"
    )  # it removes the directory last, and itself then
    assert cluster.find("Namespace", namespace) is None
    left = {name for name in names if cluster.find("CustomResourceDefinition", name)}
    assert left == {"appprojects.argoproj.io"}
    kept = cluster.get("CustomResourceDefinition", "appprojects.argoproj.io")["metadata"]
    assert removal.LABEL not in kept.get("labels", {})
    assert cluster.get("AppProject", "begun", "somebody", "argoproj.io/v1alpha1")


def until(reached: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)

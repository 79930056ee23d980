"""Argo CD inside of the cluster, from upstream's manifests: it follows a repository of this machine, and heals."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from harness import toolchain
from harness.argo.applications import Applications, is_healthy
from harness.argo.source import WorkingTreeSource
from harness.doubles import image
from harness.engines.embedded.argocd import CLUSTER, CONTROLLER, NAMESPACE
from harness.engines.kind.docker import Docker
from harness.engines.kind.engine import KindEngine
from harness.engines.kind.settings import KindSettings
from harness.report.recorder import Recorder

CHART = {
    "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 0.1.0\n",
    "values.yaml": "text: first\n",
    "templates/all.yaml": f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: said}}
data: {{text: "{{{{ .Values.text }}}}"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, annotations: {{argocd.argoproj.io/sync-wave: "1"}}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: "{image.PROBE}", args: [probe, serve, "8080"]}}]}}
""",
}


@pytest.fixture(scope="module")
def inside(docker: Docker, recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KindEngine]:
    archive = tmp_path_factory.mktemp("images") / "probe.tar"
    image.write_archive(archive, toolchain.tool("double"), {})
    logs = recorder.directory / "logs-inside" if recorder.directory else None
    settings = KindSettings(argocd="inside", archives=(archive,), logs=logs)
    engine = KindEngine(f"inside-{os.getpid()}", settings)
    with recorder.phase("engine up, Argo CD inside", budget=120):
        engine.up()
    try:
        yield engine
    finally:
        engine.down()


@pytest.fixture(scope="module")
def source(inside: KindEngine, tmp_path_factory: pytest.TempPathFactory) -> WorkingTreeSource:
    tree = tmp_path_factory.mktemp("tree")
    for name, text in CHART.items():
        (tree / "chart" / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / "chart" / name).write_text(text)
    subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
    return WorkingTreeSource(inside.source_dir, tree)


@pytest.fixture(scope="module")
def apps(inside: KindEngine, source: WorkingTreeSource) -> Applications:
    """Applications, with one that was synced once; its namespace has the same name."""
    apps = Applications(inside.cluster(), check=inside.check)
    apps.apply(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "demo"},
            "spec": {
                "project": "default",
                "source": {"repoURL": source.url, "path": "chart", "targetRevision": "main"},
                "destination": {"server": CLUSTER, "namespace": "demo"},
                "syncPolicy": {"automated": {"selfHeal": True}, "syncOptions": ["CreateNamespace=true"]},
            },
        }
    )
    apps.wait_for("demo", is_healthy, 120)
    return apps


def test_an_application_becomes_healthy_with_a_real_pod(inside: KindEngine, apps: Applications) -> None:
    (pod,) = inside.cluster().list("Pod", "demo")
    assert pod["status"]["phase"] == "Running"
    assert apps.get("demo").sync == "Synced"


def test_every_server_of_argo_cd_is_a_pod(inside: KindEngine) -> None:
    running = {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in inside.cluster().list("Pod", NAMESPACE)}
    assert {CONTROLLER, "argocd-repo-server", "argocd-applicationset-controller", "argocd-redis"} <= running
    assert not [process for process in inside.status().processes if process.name.startswith("argocd")]


def test_a_killed_controller_comes_back_and_goes_on(
    inside: KindEngine, apps: Applications, source: WorkingTreeSource
) -> None:
    cluster = inside.cluster()
    (before,) = [pod["metadata"]["uid"] for pod in pods(inside)]
    inside.restart(CONTROLLER)
    (after,) = [pod["metadata"]["uid"] for pod in pods(inside)]
    assert before != after
    head = source.commit("second", {"chart/values.yaml": "text: second\n"})
    cluster.patch(
        "Application", "demo", {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}, NAMESPACE
    )
    apps.wait_for("demo", lambda app: is_healthy(app) and app.revision == head, 90)
    assert cluster.get("ConfigMap", "said", "demo")["data"]["text"] == "second"


def pods(engine: KindEngine) -> list[dict[str, dict[str, str]]]:
    return engine.cluster().list("Pod", NAMESPACE, labels=f"app.kubernetes.io/name={CONTROLLER}")

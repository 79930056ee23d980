"""What the tests of the engine share."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.argo.source import WorkingTreeSource
from harness.cluster import Object
from harness.engines.embedded.argocd import CLUSTER

ROOT = Path(__file__).parents[3]
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 0.1.0\n",
    "values.yaml": "replicas: 1\nfail: ''\n",
    "templates/all.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: first, annotations: {argocd.argoproj.io/sync-wave: "0"}}
data: {replicas: {{ .Values.replicas | quote }}}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations:
    argocd.argoproj.io/hook: Sync
    argocd.argoproj.io/sync-wave: "1"
    argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations: { {{- if .Values.fail }}simulation.indigo-paas/fail: {{ .Values.fail | quote }}{{ end -}} }
    spec: {restartPolicy: Never, containers: [{name: migrate, image: "example/migrate:1"}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {argocd.argoproj.io/sync-wave: "2"}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example/web:1"}]}
""",
}


def eventually(reached: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Return what `reached` returns as soon as that is true; fail after some seconds."""
    end = time.monotonic() + seconds
    while not (value := reached()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return value


def pod(name: str, namespace: str, **spec: Any) -> Object:
    annotations = spec.pop("annotations", {})
    containers = [{"name": "main", "image": spec.pop("image", "example/main:1")}]
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **spec}}


def chart_source(run_dir: Path, tree: Path) -> WorkingTreeSource:
    """Return a source whose folder `chart` is `CHART`: a ConfigMap, a hook and a Deployment in three waves."""
    for name, text in CHART.items():
        (tree / "chart" / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / "chart" / name).write_text(text)
    subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
    return WorkingTreeSource(run_dir, tree)


def application(name: str, source: WorkingTreeSource) -> Object:
    """Return an Application that keeps a namespace of its own name in sync with `CHART`."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name},
        "spec": {
            "project": "default",
            "source": {"repoURL": source.url, "path": "chart", "targetRevision": "main"},
            "destination": {"server": CLUSTER, "namespace": name},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "retry": {"limit": 0},
                "syncOptions": ["CreateNamespace=true"],
            },
        },
    }

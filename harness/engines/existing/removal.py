"""How everything goes again that an engine made in somebody's cluster: by the label of its run, and nothing else.

As the engine kind's (ADR 30): commands of a shell, registered before the first change, run by whoever removes the run
directory; they need kubectl and the kubeconfig in it. Where the cluster does not answer, the directory stays, and the
next `indigo down` tries again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.cluster import Cluster
from harness.engines.children import AT_END

LABEL = "indigo-paas/run"
# A definition of ours that somebody uses by now stays, and is not ours any more: with it would go what they made.
REMOVE = r"""
kubectl=$1 config=$2 label=$3
k() { "$kubectl" --kubeconfig="$config" --request-timeout=20s "$@"; }
spaces=$(k get namespaces --selector="$label" --output=name) || exit 1
definitions=$(k get customresourcedefinitions --selector="$label" --output=name) || exit 1
[ -z "$spaces" ] || "$kubectl" --kubeconfig="$config" delete --wait=true --timeout=90s $spaces || exit 1
for definition in $definitions; do
  used=$(k get "${definition#*/}" --all-namespaces --output=name) || exit 1
  if [ -n "$used" ]; then k label "$definition" "${label%%=*}-" || exit 1
  else k delete "$definition" --timeout=20s || exit 1; fi
done
"""


def register(run_dir: Path, kubectl: Path, kubeconfig: Path, run: str) -> None:
    """Let whoever removes the run directory remove first what bears the label of the run."""
    argv = ["/bin/sh", "-c", REMOVE, "remove", str(kubectl), str(kubeconfig), f"{LABEL}={run}"]
    kept = ("HOME", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")  # programs of a kubeconfig need them
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    environment |= {name: os.environ[name] for name in kept if name in os.environ}
    fresh = run_dir / f"{AT_END}.new"
    fresh.write_text(json.dumps([{"argv": argv, "env": environment}]))
    fresh.rename(run_dir / AT_END)


def left_of(cluster: Cluster, run: str) -> list[str]:
    """Return what bears the label of a run, in words; empty when nothing does."""
    return [
        f"{kind} {item['metadata']['name']}"
        for kind in ("Namespace", "CustomResourceDefinition")
        for item in cluster.list(kind, labels=f"{LABEL}={run}")
    ]

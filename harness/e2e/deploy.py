"""The working tree on an engine that is kept: the first time from nothing, then each time as one more commit."""

from __future__ import annotations

import os
from dataclasses import dataclass

from harness.argo.pacer import Pacer
from harness.argo.source import WorkingTreeSource
from harness.diagnose import environments
from harness.e2e.platform import Platform, converged
from harness.engines.children import lock, remove_tree
from harness.engines.kept import KeptEngine
from harness.errors import UserError
from harness.model.environment import load_environment
from harness.paths import repository
from harness.render import render_bootstrap, render_environment
from harness.report.recorder import Recorder


@dataclass(frozen=True)
class Deployed:
    """What `deploy` did; `components` are those that are ready, `secrets` the keys that were made."""

    revision: str
    components: tuple[str, ...]
    secrets: int
    changed: bool


def deploy(engine: KeptEngine, environment: str, recorder: Recorder, seconds: float = 180.0) -> Deployed:
    """Bring an environment of the working tree, uncommitted changes included, to an engine and wait for it.

    Args:
        engine: is up.
        environment: a folder of argocd/environments; those that were deployed before stay.
        recorder: is told of the sync.
        seconds: how long it may take.

    Raises:
        UserError: the environment cannot be rendered (nothing is changed then) or is pinned to a commit, or another
            deployment is under way.
        NotConverged: it was not Synced and Healthy in time; says what blocks.
    """
    root = repository()
    pinned = load_environment(root, environment).revision
    if pinned:
        raise UserError(
            f"{environment} is pinned to {pinned[:12]}: the working tree would change nothing of it",
            where=f"argocd/environments/{environment}/config.yaml:revision",
            fix="deploy an environment without a revision, such as dev",
        )
    render_environment(environment, root)
    held = lock(engine.run_dir / "deploy.lock")
    if held is None:
        raise UserError(f"another deployment to the engine {engine.name} is under way", fix="wait for its end")
    with os.fdopen(held, "rb"), Pacer(engine.cluster(), engine.argocd_namespace):
        source = WorkingTreeSource(engine.source_dir, root, engine.tree_files(root, environment))
        platform = Platform(engine, source, recorder, environment)
        before = set(environments(platform.cluster, engine.argocd_namespace))
        engine.prepare(platform.namespace)
        was = platform.application().revision if environment in before else ""
        with platform.watching(f"{environment} at {source.head[:8]}"):
            for item in render_bootstrap(
                source.url,
                "main",
                repository=platform.tree,
                environments=sorted({*before, environment}),
                argocd_namespace=engine.argocd_namespace,
            ):
                platform.cluster.apply(item, manager="operator")
            made = platform.create_secrets()
            platform.refresh()
            platform.wait(converged(source.head), f"{environment}: Synced and Healthy at {source.head[:8]}", seconds)
        for older in source.directory.parent.glob("tree-*"):
            if older != platform.tree:
                remove_tree(older)
        return Deployed(source.head, tuple(sorted(platform.pods())), made, was != source.head)

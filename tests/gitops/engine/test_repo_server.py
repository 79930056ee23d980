"""What the harness renders is what a real Argo CD answers, for every Application of every environment and profile.

Each step is compared: the Applications that the ApplicationSet controller makes, and the manifests that the repository
server answers for each of them, Helm's order and the types of values included. Nothing is synced: a window of the
projects keeps every Application from it, and an Application is made of the answer for the one that delivers it.
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.argo.applications import Application, Applications
from harness.argo.source import WorkingTreeSource
from harness.cluster import Cluster, Object
from harness.engines.embedded import EmbeddedEngine
from harness.errors import UserError
from harness.model.environment import load_environments
from harness.model.trial import profiles, trial
from harness.paths import repository
from harness.render import Rendered, render_all, render_bootstrap
from harness.render.helm import template
from tests.gitops.engine.repo_server import Answer, Cache, compare, flags, tracked

pytestmark = pytest.mark.gitops

NEVER = [{"kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": ["*"], "manualSync": False}]
PINNED = "prod"  # in the run pinned to a commit, whether it is in the checkout or not


@dataclass
class Asked:
    """What the harness renders of a commit, and what Argo CD says of the same one."""

    source: WorkingTreeSource
    tree: Path
    rendered: dict[str, Rendered]
    applications: dict[str, Application]
    answers: dict[str, Answer]


def files() -> dict[str, str | None]:
    """Return the environments that the profiles are tried with, beside those of the checkout."""
    found: dict[str, str | None] = {}
    for name in profiles(repository()):
        found |= {path: text for path, text in trial(repository(), name).files.items() if text is not None}
    return found


def pin(source: WorkingTreeSource) -> None:
    """Commit that environments are pinned: those that are in the checkout, to a commit that the run has."""
    edits: dict[str, str | None] = {}
    for name, environment in load_environments(repository()).items():
        if environment.revision or name == PINNED:
            path = f"argocd/environments/{name}/config.yaml"
            edits[path] = yaml.safe_dump({**yaml.safe_load(source.read(path)), "revision": source.working_tree})
    source.commit("pinned", edits)


def delivered(answer: Answer) -> Iterator[Object]:
    """Yield the projects and then the Applications among manifests, such that they are compared and never synced."""
    for kind in ("AppProject", "Application"):
        for item in answer.objects:
            if item["kind"] == kind:
                yield held(item) if kind == "AppProject" else item


def held(project: Object) -> Object:
    """Return a project of which no Application is synced."""
    return {**project, "spec": {**project["spec"], "syncWindows": NEVER}}


def compared(app: Application) -> bool:
    """Return whether Argo CD has compared an Application with its source, or cannot."""
    return bool(app.conditions) or (not app.refreshing and app.revision != "")


@pytest.fixture(scope="module")
def asked(engine: EmbeddedEngine, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    source = WorkingTreeSource(engine.run_dir / "every", repository(), files())
    pin(source)
    tree = tmp_path_factory.mktemp("every") / "tree"
    subprocess.run(["git", "clone", "--quiet", source.url, str(tree)], check=True)
    bootstrap = render_bootstrap(source.url, "main", tree)
    apps = Applications(cluster, check=engine.check)
    names: list[str] = []
    cache = Cache(engine.run_dir)
    made: list[Object] = []

    def create(item: Object) -> None:
        made.append(cluster.apply(item))

    try:
        for item in sorted(bootstrap, key=lambda item: item["kind"] != "AppProject"):
            if item["kind"] == "AppProject":
                create(held(item))
            elif item["kind"] in ("Application", "ApplicationSet"):
                create(item)
        names += [f"env-{name}" for name in load_environments(tree)] + ["indigo-root"]
        found: dict[str, Application] = {}
        answers: dict[str, Answer] = {}
        for name in names:  # grows: an environment's Applications are among its answer
            found[name] = apps.wait_for(name, compared, 60, what="compared with its source")
            wanted = found[name].manifest["spec"]["source"]["targetRevision"]
            answers[name] = cache.answer(name, source.head if wanted == "main" else wanted)
            if name.startswith("env-"):
                for item in delivered(answers[name]):
                    create(item)
                    names += [item["metadata"]["name"]] if item["kind"] == "Application" else []
        yield Asked(source, tree, render_all(repository=tree, repo=source.url), found, answers)
    finally:
        cache.close()
        for item in reversed(made):
            cluster.delete(item["kind"], item["metadata"]["name"], "argocd", api_version=item["apiVersion"])
        for name in names:
            apps.delete(name, cascade=False)


def test_nothing_was_synced_and_nothing_failed(asked: Asked) -> None:
    for name, app in asked.applications.items():
        assert (app.operation, [line for line in app.conditions if "Error" in line]) == (None, []), name
    assert {f"env-{name}" for name in asked.rendered} <= asked.answers.keys()
    assert {f"trial-{name}" for name in profiles(repository()) if name != "minimal"} <= asked.rendered.keys()


def test_the_application_set_controller_makes_the_applications_that_the_harness_derives(asked: Asked) -> None:
    for name, rendered in asked.rendered.items():
        made = asked.applications[f"env-{name}"].manifest
        assert compare([rendered.delivered_by], [picked(made, rendered.delivered_by)]) == []


def picked(made: Object, like: Object) -> Object:
    """Return an object of the API server without what it, or a controller, adds to the metadata."""
    metadata = {key: made["metadata"][key] for key in like["metadata"]}
    return {"apiVersion": made["apiVersion"], "kind": made["kind"], "metadata": metadata, "spec": made["spec"]}


def test_the_repository_server_answers_what_the_harness_renders(asked: Asked) -> None:
    wrong: list[str] = []
    for name, rendered in asked.rendered.items():
        wrong += against(asked, f"env-{name}", rendered.delivery[: parts(asked, name)], "argocd")
        before = [app for app in rendered.inputs if app not in rendered.applications]
        assert len(before) == 1, "the Application that makes the namespace"
        wrong += against(asked, before[0], rendered.delivery[parts(asked, name) :], rendered.environment.namespace)
        for app, objects in rendered.applications.items():
            wrong += against(asked, app, objects, rendered.environment.namespace)
    wrong += against(asked, "indigo-root", render_bootstrap(asked.source.url, "main", asked.tree), "argocd")
    assert wrong == []


def parts(asked: Asked, name: str) -> int:
    """Return how many objects the Application that delivers an environment has."""
    return len(asked.answers[f"env-{name}"].objects)


def against(asked: Asked, application: str, ours: list[Object], namespace: str) -> list[str]:
    """Return the differences of a render from Argo CD's answer."""
    found = compare(tracked(ours, application, namespace), asked.answers[application].objects)
    return [f"{application}: {line}" for line in found]


def test_helm_was_called_with_the_flags_that_the_harness_gives_it(asked: Asked) -> None:
    for rendered in asked.rendered.values():
        for name, given in rendered.inputs.items():
            assert flags(asked.answers[name].commands) == flags([" ".join(given.arguments())]), name


@pytest.mark.parametrize("lost", ["values", "inline", "parameters"])
def test_an_input_that_is_derived_wrongly_is_seen(asked: Asked, lost: str) -> None:
    name, given, namespace = next(
        (name, given, rendered.environment.namespace)
        for rendered in asked.rendered.values()
        for name, given in rendered.inputs.items()
        if name in rendered.applications and getattr(given, lost)
    )
    less: dict[str, Any] = {"values": given.values[:-1], "inline": "", "parameters": ()}
    try:
        objects = template(dataclasses.replace(given, **{lost: less[lost]})).objects
    except UserError:
        return  # what is lost is asked for by the charts: no answer at all is a difference, too
    assert against(asked, name, objects, namespace)

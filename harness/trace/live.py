"""Traces an object of a cluster: up its owners to what Argo CD tracks, to the Application, the commit and its files."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.argo.applications import API_VERSION, Application
from harness.cluster import Cluster, NotFound, Object
from harness.errors import UserError
from harness.history import History, first_with
from harness.model.environment import ENVIRONMENTS
from harness.render.objects import title
from harness.trace.model import Origin, Synced
from harness.trace.rendered import FOLDERS, Wanted, trace_rendered

TRACKING = "argocd.argoproj.io/tracking-id"
ENVIRONMENT = "indigo-paas/environment"
CONTRACT = "indigo-paas/contract"  # of Secrets that `indigo secrets` made: harness/secrets/apply.py
DEPTH = 5  # owners above an object: a Job's pod of a CronJob has two


def trace_live(
    wanted: Wanted,
    cluster: Cluster,
    repositories: Iterable[Path],
    argocd: Cluster | None = None,
    namespace: str = "argocd",
) -> Origin:
    """Return where an object of a cluster comes from.

    Args:
        wanted: the object.
        cluster: where it is.
        repositories: Git repositories in which the synced commit is looked for, besides one that is named as file://.
        argocd: where the Applications are; without it the same cluster.
        namespace: of the Applications.

    Raises:
        UserError: there is no such object or kind.
    """
    item = _get(cluster, wanted)
    chain = _owners(cluster, item)
    top = chain[-1]
    made_by = tuple(title(one) for one in chain)
    name = _tracked_by(top)
    if not name:
        return _untracked(top, chain[0], made_by)
    app = _application(argocd or cluster, name, namespace)
    if app is None:
        return dataclasses.replace(
            _untracked(top, chain[0], made_by),
            application=name,
            notes=(f"its annotation names the Application {name}, which is not in the namespace {namespace}",),
        )
    return _tracked(top, chain[0], made_by, app, repositories)


def _get(cluster: Cluster, wanted: Wanted) -> Object:
    resource = cluster.resource(wanted.kind)
    try:
        found: Object = cluster.get(resource.kind, wanted.name, wanted.namespace or None)
    except NotFound:
        near = [
            item["metadata"]["name"]
            for item in cluster.list(resource.kind, wanted.namespace or None)
            if resource.namespaced is False or wanted.namespace
        ]
        shown = ", ".join(near[:12]) + (", ..." if len(near) > 12 else "")
        raise UserError(
            f"no {wanted}", fix=f"there are: {shown}" if near else "name its namespace with --namespace"
        ) from None
    return {"apiVersion": f"{resource.group}/{resource.version}".strip("/"), "kind": resource.kind, **found}


def _owners(cluster: Cluster, item: Object) -> list[Object]:
    """Return an object and those that own it, the controller of each, up to one that nobody owns."""
    chain = [item]
    while len(chain) < DEPTH and not _tracked_by(chain[-1]):
        above = _owner(cluster, chain[-1])
        if above is None:
            break
        chain.append(above)
    return chain


def _owner(cluster: Cluster, item: Object) -> Object | None:
    metadata = item["metadata"]
    namespace = metadata.get("namespace")
    owners = metadata.get("ownerReferences") or []
    owner = next((one for one in owners if one.get("controller")), owners[0] if owners else None)
    if owner is not None:
        found = cluster.find(owner["kind"], owner["name"], namespace, owner["apiVersion"])
        return {"apiVersion": owner["apiVersion"], "kind": owner["kind"], **found} if found else None
    if item["kind"] == "PersistentVolumeClaim":  # those of a StatefulSet have no owner, so that they outlive it
        for one in cluster.list("StatefulSet", namespace):
            for claim in one["spec"].get("volumeClaimTemplates") or ():
                prefix = f"{claim['metadata']['name']}-{one['metadata']['name']}-"
                if metadata["name"].startswith(prefix) and metadata["name"][len(prefix) :].isdecimal():
                    return one
    return None


def _tracked_by(item: Object) -> str:
    """Return the Application that tracks an object; empty where none does, or another object's annotation was copied.

    The annotation is <application>:<group>/<kind>:<namespace>/<name> (Argo CD documentation, Resource Tracking).
    """
    metadata = item["metadata"]
    application, _, rest = (metadata.get("annotations") or {}).get(TRACKING, "").partition(":")
    place, _, name = rest.rpartition("/")
    kind = place.partition(":")[0].rpartition("/")[2]
    return application if (kind, name) == (item["kind"], metadata["name"]) else ""


def _application(cluster: Cluster, name: str, namespace: str) -> Application | None:
    found = cluster.find("Application", name, namespace, API_VERSION)
    return Application(found) if found else None


def _untracked(top: Object, item: Object, made_by: tuple[str, ...]) -> Origin:
    annotations = top["metadata"].get("annotations") or {}
    labels = top["metadata"].get("labels") or {}
    notes = ["no Application of Argo CD tracks it: it is not in Git"]
    contract = annotations.get(CONTRACT)
    if contract:
        notes = [f"made by `indigo secrets apply`, because of {contract}; its values are in no Git repository"]
    writers = [
        f"{one.get('manager')} ({one.get('operation')}, {one.get('time')})"
        for one in top["metadata"].get("managedFields") or ()
    ]
    notes += [f"written by {', '.join(writers)}"] if writers else []
    return Origin(
        object=title(item),
        namespace=item["metadata"].get("namespace", ""),
        made_by=made_by,
        environment=labels.get(ENVIRONMENT, ""),
        application="",
        component=labels.get("app.kubernetes.io/name", "") or annotations.get("indigo-paas/owner", ""),
        chart="",
        revision="",
        commit=None,
        sources=(),
        decided=(),
        notes=tuple(notes),
    )


def _tracked(
    top: Object, item: Object, made_by: tuple[str, ...], app: Application, repositories: Iterable[Path]
) -> Origin:
    source = app.manifest["spec"].get("source") or {}
    url, branch = str(source.get("repoURL", "")), str(source.get("targetRevision", ""))
    synced = _synced(top, app, url)
    found = dataclasses.replace(
        _untracked(top, item, made_by), application=app.name, revision=synced.revision, synced=synced, notes=()
    )
    local = [Path(url.removeprefix("file://"))] if url.startswith("file://") else []
    history = next(first_with(synced.revision, [*local, *repositories]), None)
    if history is None:
        note = f"the commit {synced.revision[:12]} is in no repository at hand; git fetch, or name one with --git"
        return dataclasses.replace(found, notes=(note,))
    environment = found.environment if _is_environment(found.environment, history, synced.revision) else ""
    metadata = top["metadata"]
    wanted = Wanted(top["kind"], metadata["name"], metadata.get("namespace", ""), environment)
    with tempfile.TemporaryDirectory(prefix="indigo-trace-") as folder:
        tree = history.extract(synced.revision, FOLDERS, Path(folder).resolve())
        try:
            places = trace_rendered(wanted, tree, history, synced.revision, url, branch)
        except UserError as error:
            return dataclasses.replace(found, notes=(f"{error.message}, at the commit {synced.revision[:12]}",))
    place = next((one for one in places if one.application == app.name), places[0])
    since = _since(app, history, place.commit.sha) if place.commit else ""
    return dataclasses.replace(
        place,
        object=found.object,
        namespace=found.namespace,
        made_by=made_by,
        synced=dataclasses.replace(synced, since=since),
        notes=(*place.notes, *_drift(synced)),
    )


def _is_environment(name: str, history: History, revision: str) -> bool:
    return bool(name) and bool(history.touched(revision, [str(ENVIRONMENTS / name / "config.yaml")]))


def _synced(top: Object, app: Application, url: str) -> Synced:
    status: dict[str, Any] = app.manifest.get("status") or {}
    entries: list[dict[str, Any]] = status.get("history") or []
    last = entries[-1] if entries else {}
    by = last.get("initiatedBy") or {}
    names = (top["kind"], top["metadata"]["name"], top["metadata"].get("namespace", ""))
    state = next((one.status for one in app.resources if (one.kind, one.name, one.namespace) == names), "")
    return Synced(
        revision=str(last.get("revision") or app.revision),
        at=str(last.get("deployedAt", "")),
        by=str(by.get("username") or ("Argo CD, automatically" if by.get("automated") else "")),
        since="",
        state=state,
        repository=url,
    )


def _since(app: Application, history: History, commit: str) -> str:
    """Return when a commit first reached the cluster, as far back as the Application remembers; empty beyond that."""
    entries: list[dict[str, Any]] = (app.manifest.get("status") or {}).get("history") or []
    held = [history.contains(commit, str(entry.get("revision", ""))) for entry in entries]
    if not any(held) or (held[0] and len(entries) > 1 and entries[0].get("id", 0) > 0):
        return ""
    return str(entries[held.index(True)].get("deployedAt", ""))


def _drift(synced: Synced) -> list[str]:
    return ["the cluster's object differs from Git at the moment (drift)"] if synced.state == "OutOfSync" else []

"""Projects allow exactly what is delivered through them: kinds, places, the repository."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import chain

from harness.checks.model import Example, Platform, Problem, Rule, Subject
from harness.checks.templates import templates
from harness.render.objects import Object

HERE = "https://kubernetes.default.svc"  # the cluster that Argo CD itself runs in
CLUSTER_WIDE = {
    "Namespace", "PersistentVolume", "StorageClass", "PriorityClass", "ClusterRole", "ClusterRoleBinding", "Node",
    "IngressClass", "GatewayClass", "RuntimeClass", "CustomResourceDefinition", "APIService",
    "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}  # fmt: skip
_WRITTEN = re.compile(r"^apiVersion: (\S+)\nkind: (\w+)$", re.M)
Kind = tuple[str, str]
Place = tuple[str, str]


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    for name, platform in subject.platforms.items():
        for problem in _environment(platform, subject):
            yield name, problem
    for problem in _delivery(subject):
        yield "", problem


def _environment(platform: Platform, subject: Subject) -> Iterator[Problem]:
    """The project of an environment: what its Applications render, in its namespace, and nothing else."""
    for application in _applications(platform.delivery):
        name = application["spec"]["project"]
        if name == platform.rendered.delivered_by["spec"]["project"]:
            continue  # what comes before the components: `_delivery`
        project = _named(platform.delivery, name)
        if project is None:
            yield Problem(
                application, "spec.project", f"is {name}, which the environment does not make", "use its own project"
            )
            continue
        place = (application["spec"]["destination"]["server"], application["spec"]["destination"]["namespace"])
        wanted = (platform.rendered.environment.cluster, platform.namespace)
        if place != wanted:
            yield Problem(application, "spec.destination", f"is {_said(place)}, the environment is {_said(wanted)}")
        rendered = platform.rendered.applications[application["metadata"]["name"]]
        yield from _kinds(project, _rendered(rendered, wide=False), _rendered(rendered, wide=True), writable(subject))
        yield from _exact(project, "destinations", {_said(place) for place in _places(project)}, {_said(wanted)})
        yield from _exact(project, "sourceRepos", set(project["spec"].get("sourceRepos") or ()), {subject.repo})


def _delivery(subject: Subject) -> Iterator[Problem]:
    """The project of the root: bootstrap, and what comes before the components in every environment."""
    for application in _applications(subject.bootstrap):
        project = _named(subject.bootstrap, application["spec"]["project"])
        if project is None:
            yield Problem(application, "spec.project", f"is {application['spec']['project']}, which nobody makes")
            continue
        delivered = [*subject.bootstrap, *chain.from_iterable(item.delivery for item in subject.platforms.values())]
        inside, wide = _rendered(delivered, wide=False), _rendered(delivered, wide=True)
        possible = inside | wide | _written(subject, "argocd")
        yield from _kinds(project, inside, wide, possible if subject.complete else None)
        yield from _exact(project, "sourceRepos", set(project["spec"].get("sourceRepos") or ()), {subject.repo})
        needed = {(HERE, str(item["metadata"].get("namespace", ""))) for item in subject.bootstrap}
        for platform in subject.platforms.values():
            cluster = platform.rendered.environment.cluster
            needed |= {
                (HERE if _argo(item) else cluster, _namespace(item))
                for item in platform.delivery
                if item["kind"] == "Namespace" or item["kind"] not in CLUSTER_WIDE  # the others have no place
            }
            yield from _wrong_cluster(platform)
        places = _places(project)
        for place in sorted(needed):
            if not any(_allows(allowed, place) for allowed in places):
                yield Problem(project, "spec.destinations", f"{_said(place)} is missing, and is delivered to")
        for allowed in places if subject.complete else ():
            if not any(_allows(allowed, place) for place in needed):
                yield Problem(project, "spec.destinations", f"{_said(allowed)} is more than what is delivered to")


def _wrong_cluster(platform: Platform) -> Iterator[Problem]:
    application = platform.rendered.delivered_by
    server = application["spec"]["destination"]["server"]
    if server != HERE:
        yield Problem(
            application,
            "spec.destination.server",
            f"Applications and projects are made on {server}, and Argo CD, which has to see them, runs on {HERE}",
            "deliver them by an Application whose destination is Argo CD's own cluster",
        )


def _kinds(project: Object, inside: set[Kind], wide: set[Kind], possible: set[Kind] | None) -> Iterator[Problem]:
    """A kind that is rendered is allowed; a kind that is allowed is one that can be rendered."""
    for key, wanted in (("namespaceResourceWhitelist", inside), ("clusterResourceWhitelist", wide)):
        entries = project["spec"].get(key) or ()
        allowed = {(entry.get("group", ""), entry.get("kind", "")) for entry in entries}
        if key.startswith("namespace") and not allowed:
            yield Problem(project, f"spec.{key}", "is empty, which allows every kind")
            continue
        for kind in sorted(wanted - allowed):
            yield Problem(
                project, f"spec.{key}", f"{_kind(kind)} is missing, and is rendered: the sync would be refused"
            )
        for kind in sorted(allowed - wanted - (allowed if possible is None else possible)):
            yield Problem(project, f"spec.{key}", f"{_kind(kind)} is allowed, and nothing renders it")


def writable(subject: Subject) -> set[Kind]:
    """Return the kinds that the charts' templates can write, whatever the values; workloads as the contracts say."""
    found: set[Kind] = {("apps", contract.workload.kind) for contract in subject.contracts.values()}
    return found | _written(subject, "charts")


def _written(subject: Subject, folder: str) -> set[Kind]:
    """Return the kinds that the templates of a folder's charts write out."""
    return {kind for _, text in templates(subject.repository, (folder,)) for kind in _kinds_in(text)}


@lru_cache(maxsize=2048)  # the watch and the tests ask for the same templates again and again
def _kinds_in(text: str) -> frozenset[Kind]:
    return frozenset((version.rpartition("/")[0], kind) for version, kind in _WRITTEN.findall(text))


def _rendered(objects: Iterable[Object], wide: bool) -> set[Kind]:
    return {
        (item["apiVersion"].rpartition("/")[0], item["kind"])
        for item in objects
        if (item["kind"] in CLUSTER_WIDE) is wide
    }


def _exact(project: Object, key: str, found: set[str], wanted: set[str]) -> Iterator[Problem]:
    for value in sorted(wanted - found):
        yield Problem(project, f"spec.{key}", f"{value} is missing")
    for value in sorted(found - wanted):
        yield Problem(project, f"spec.{key}", f"{value} is more than what is delivered")


def _applications(objects: Iterable[Object]) -> list[Object]:
    return [item for item in objects if item["kind"] == "Application"]


def _named(objects: Iterable[Object], name: str) -> Object | None:
    return next((item for item in objects if (item["kind"], item["metadata"]["name"]) == ("AppProject", name)), None)


def _places(project: Object) -> list[Place]:
    return [
        (entry.get("server", ""), entry.get("namespace", "")) for entry in project["spec"].get("destinations") or ()
    ]


def _allows(allowed: Place, place: Place) -> bool:
    return allowed[0] == place[0] and fnmatchcase(place[1], allowed[1])


def _argo(item: Object) -> bool:
    return bool(item["apiVersion"].startswith("argoproj.io/"))


def _namespace(item: Object) -> str:
    return str(item["metadata"]["name"] if item["kind"] == "Namespace" else item["metadata"].get("namespace", ""))


def _said(place: Place) -> str:
    return f"namespace {place[1]} of {place[0]}"


def _kind(kind: Kind) -> str:
    return f"{kind[1]} of {kind[0] or 'the core group'}"


RULE = Rule(
    id="argocd-projects",
    title="Projects allow exactly the kinds, places and repositories that are delivered through them",
    fix="mend argocd/environment/templates/project.yaml or argocd/bootstrap/templates/project.yaml",
    source="Argo CD documentation, projects; least privilege",
    why="A project that lacks a kind stops the sync in the middle; one that allows more than is rendered lets a "
    "mistake, or whoever gets hold of the repository, deliver what nobody reviewed.",
    example=Example(
        given="namespaceResourceWhitelist of AppProject/indigo-dev without {group: batch, kind: Job}",
        says="Job of batch is missing, and is rendered",
    ),
    checkout=_check,
)

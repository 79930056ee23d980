"""What Argo CD would apply: every environment, rendered by Helm with the inputs that Argo CD would give it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness import paths, revisions
from harness.errors import UserError
from harness.model.environment import ENVIRONMENTS, Environment, load_environment, load_environments
from harness.render import argocd
from harness.render.helm import KUBERNETES, Inputs, Rendering, helm_template, template_many
from harness.render.objects import Object, to_yaml

__all__ = [
    "KUBERNETES",
    "REPO",
    "REVISION",
    "Inputs",
    "Object",
    "Rendered",
    "helm_template",
    "render_all",
    "render_bootstrap",
    "render_environment",
    "to_yaml",
]

REPO = "https://git.example.org/indigo/paas.git"  # stands for the site's repository where nothing is deployed
REVISION = "main"


@dataclass(frozen=True)
class Rendered:
    """One environment as Argo CD would make it.

    Attributes:
        environment: its configuration.
        delivery: what comes before the components: project and Applications (made by the ApplicationSet's Application),
            and what those of them make that are in its project: namespace, quota, default deny.
        delivered_by: the ApplicationSet's Application.
        applications: by Application name, the objects of its chart, for those with the environment's own project.
        inputs: by Application name, what Helm was given.
        digests: by Application name, the hash of Helm's bytes.
        keys: by Application name, the hash of all that Helm was given.
        renderings: by Application name, all that Helm gave.
    """

    environment: Environment
    delivered_by: Object
    delivery: list[Object]
    applications: dict[str, list[Object]]
    inputs: Mapping[str, Inputs]
    digests: Mapping[str, str]
    keys: Mapping[str, str]
    renderings: Mapping[str, Rendering] = field(default_factory=dict)

    def objects(self) -> list[Object]:
        """Return the objects of all Applications, without `delivery`."""
        return [item for objects in self.applications.values() for item in objects]


def render_bootstrap(
    repo: str = REPO,
    revision: str = REVISION,
    repository: Path | None = None,
    kube_version: str = KUBERNETES,
    environments: Collection[str] = (),
    argocd_namespace: str = "argocd",
) -> list[Object]:
    """Return the objects that an operator applies once to a cluster with Argo CD.

    Args:
        repo: URL of the Git repository as Argo CD reaches it.
        revision: branch, tag or commit that Argo CD follows.
        repository: the checkout; default: the one at hand.
        kube_version: version of Kubernetes that the templates see.
        environments: folders of argocd/environments that this Argo CD delivers; default: all.
        argocd_namespace: where that Argo CD has its Applications.

    Raises:
        UserError: the chart cannot be rendered, or there is no environment of a name.
    """
    root = repository or paths.repository()
    for name in environments:
        load_environment(root, name)
    return helm_template(
        root / argocd.BOOTSTRAP,
        release="indigo-root",
        namespace=argocd_namespace,
        inline={
            "repoURL": repo,
            "revision": revision,
            "environments": list(environments),
            "namespace": argocd_namespace,
        },
        kube_version=kube_version,
    )


def render_environment(
    name: str,
    repository: Path | None = None,
    repo: str = REPO,
    revision: str = REVISION,
    kube_version: str = KUBERNETES,
    *,
    pinned: bool = True,
) -> Rendered:
    """Return one environment as Argo CD would make it.

    Args:
        name: a folder of argocd/environments.
        repository: the checkout; default: the one at hand.
        repo: URL of the Git repository as Argo CD reaches it.
        revision: branch, tag or commit that Argo CD follows.
        kube_version: version of the destination cluster.
        pinned: as `render_all`.

    Raises:
        UserError: no environment of that name, wrong configuration or values, a chart that cannot be rendered.
    """
    return render_all([name], repository, repo, revision, kube_version, pinned=pinned)[name]


def render_all(
    environments: Collection[str] | None = None,
    repository: Path | None = None,
    repo: str = REPO,
    revision: str = REVISION,
    kube_version: str = KUBERNETES,
    *,
    pinned: bool = True,
    commits: Path | None = None,
) -> dict[str, Rendered]:
    """Return environments as Argo CD would make them, by name; each input is rendered once, two at a time.

    Args:
        environments: folders of argocd/environments; default: all.
        repository: the checkout; default: the one at hand.
        repo: URL of the Git repository as Argo CD reaches it.
        revision: branch, tag or commit that Argo CD follows.
        kube_version: version of the destination clusters.
        pinned: whether an environment with a `revision` is rendered with the charts of that commit, as Argo CD does;
            else with those of the checkout, which is what it gets when they are promoted.
        commits: the Git repository that has them; default: the checkout's own, or the one at hand.

    Raises:
        UserError: as `render_environment`.
    """
    root = repository or paths.repository()
    known = load_environments(root)
    wanted = list(known) if environments is None else list(dict.fromkeys(environments))
    for name in wanted:
        if name not in known:
            raise UserError(
                f"no environment {name}",
                where="argocd/environments",
                fix=f"write one of those there are: {', '.join(known) or 'none'}",
            )
    parents = _parents(root, repo, revision, kube_version)
    for name in wanted:
        if name not in parents:
            raise UserError(
                f"the ApplicationSet makes no Application of the environment {name}",
                where=str(argocd.BOOTSTRAP / "templates"),
                fix="mend the generator's path",
            )
    given = {name: argocd.inputs(parents[name], root, repo, kube_version) for name in wanted}
    delivered = template_many(given.values())
    git = (commits or _git(root)) if pinned else None
    children = {
        name: _children(known[name], delivered[given[name]].objects, root, repo, kube_version, git) for name in wanted
    }
    charts = template_many(inputs for apps in children.values() for inputs in apps.values())
    return {
        name: _rendered(known[name], parents[name], delivered[given[name]], children[name], charts) for name in wanted
    }


def _parents(root: Path, repo: str, revision: str, kube_version: str) -> dict[str, Object]:
    """Return the Application that delivers each environment, by the name of its folder."""
    return {
        generated.file.parent.name: generated.application
        for item in render_bootstrap(repo, revision, root, kube_version)
        if item["kind"] == "ApplicationSet"
        for generated in argocd.generate(item, root, repo)
    }


def _children(
    environment: Environment, delivery: list[Object], root: Path, repo: str, kube_version: str, git: Path | None
) -> dict[str, Inputs]:
    """Return what Helm is given for the Applications of an environment, by name."""
    found: dict[str, Inputs] = {}
    for item in delivery:
        if item["kind"] == "Application":
            at = environment.revision
            old = git is not None and at is not None and item["spec"]["source"]["targetRevision"] == at
            files = revisions.tree(git, at) if old and git and at else root
            inputs = argocd.inputs(item, files, repo, kube_version)
            if item["spec"]["source"]["helm"].get("values"):
                inputs = replace(inputs, written=(root / ENVIRONMENTS / environment.name / "values.yaml",))
            found[item["metadata"]["name"]] = inputs
    return found


def _git(root: Path) -> Path:
    """Return the repository that has the commits: a copy of the files has none of its own."""
    return root if (root / ".git").exists() else paths.repository()


def _rendered(
    environment: Environment,
    parent: Object,
    delivery: Rendering,
    inputs: Mapping[str, Inputs],
    charts: Mapping[Inputs, Rendering],
) -> Rendered:
    before = [
        item["metadata"]["name"]
        for item in delivery.objects
        if item["kind"] == "Application" and item["spec"]["project"] == parent["spec"]["project"]
    ]
    return Rendered(
        environment,
        parent,
        [*delivery.objects, *(item for name in before for item in charts[inputs[name]].objects)],
        {name: charts[given].objects for name, given in inputs.items() if name not in before},
        inputs,
        {name: charts[given].digest for name, given in inputs.items()},
        {name: charts[given].key for name, given in inputs.items()},
        {name: charts[given] for name, given in inputs.items()},
    )

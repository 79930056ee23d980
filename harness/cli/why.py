"""`indigo why`: which object keeps an environment from converging, why, what waits for it, what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cluster import Cluster
from harness.console import err, out
from harness.diagnose import Verdict, collect, diagnose, environments
from harness.diagnose.kinds import KINDS
from harness.diagnose.render import show
from harness.errors import UserError
from harness.kubeconfig import chosen
from harness.model.environment import load_environments, read_values
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.model.placement import place
from harness.paths import repository
from harness.report.masking import Masker


@click.command()
@click.option("--environment", help="A folder of argocd/environments; else the only one on the cluster.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="Kubeconfig; else $KUBECONFIG, ~/.kube/config.")
@click.option(
    "--platform-kubeconfig",
    type=click.Path(path_type=Path),
    help="Kubeconfig of the platform's cluster, where that is not Argo CD's.",
)
@click.option(
    "--bundle", type=click.Path(path_type=Path, file_okay=False), help="Write files for CI to this directory."
)
@click.option("--argocd-namespace", default="argocd", show_default=True, help="Where the Applications are.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--kinds", is_flag=True, help="List the kinds of blockage that are known, and end.")
def why(
    environment: str | None,
    kubeconfig: Path | None,
    platform_kubeconfig: Path | None,
    bundle: Path | None,
    argocd_namespace: str,
    as_json: bool,
    kinds: bool,
) -> None:
    """Say which object keeps an environment from converging, why, what waits for it, and what to do.

    Looks at the cluster once and changes nothing. Secrets are masked everywhere; reading them, where that is allowed,
    only serves to recognise them. Exit status 1 where something blocks, 0 where all is well or only takes its time.

    \b
    Examples:
      indigo why --environment dev
      indigo why --environment dev --bundle reports/why     Markdown, JSON, objects, events, logs
      indigo why --json | jq -r .headline
    """
    if kinds:
        for name, title in dict.fromkeys((kind.name, kind.title) for kind in KINDS):
            out.print(f"{name:<22} [dim]{title}[/]")
        return
    cluster = Cluster(chosen(kubeconfig))
    application = _application(cluster, environment, argocd_namespace)
    graph = _graph(application)
    masker = Masker()
    snapshot = collect(
        cluster,
        application,
        platform=Cluster(chosen(platform_kubeconfig)) if platform_kubeconfig else None,
        argocd_namespace=argocd_namespace,
        masker=masker,
        logs="all" if bundle else "failing",
    )
    diagnosis = diagnose(snapshot, graph, masker)
    if bundle:
        diagnosis.write_bundle(bundle)
        err.print(f"written: {bundle}")
    if as_json:
        click.echo(diagnosis.to_json(), nl=False)
    else:
        show(diagnosis, out)
    if diagnosis.verdict is Verdict.BLOCKED:
        sys.exit(1)


def _graph(application: str) -> Graph:
    """Return the graph as the Application's environment has it, or with every instance shared where it is not known."""
    contracts = load_contracts(repository() / "charts")
    environment = load_environments(repository()).get(application.removeprefix("indigo-"))
    return place(contracts, read_values(repository(), environment) if environment else {}).graph


def _application(cluster: Cluster, environment: str | None, argocd_namespace: str) -> str:
    """Return the Application to begin with; the only environment where none is named."""
    found = environments(cluster, argocd_namespace)
    if environment is None and len(found) == 1:
        return next(iter(found.values()))
    if environment in found:
        return found[environment]
    names = ", ".join(found)
    if environment is None and found:
        raise UserError(f"{len(found)} environments are on this cluster: {names}", fix="name one with --environment")
    raise UserError(
        f"no Application of the environment {environment} in the namespace {argocd_namespace}"
        if environment
        else f"no Application of any environment in the namespace {argocd_namespace}",
        fix=f"write one of {names}" if names else "see that it was bootstrapped: indigo bootstrap --help",
    )

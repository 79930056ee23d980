"""`indigo e2e` and `indigo test`: pytest with the report, so that every run ends in the same summary."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from harness.paths import repository

TIERS = ("unit", "static", "gitops")
ENGINES = ("embedded", "kind", "cluster")


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--engine", type=click.Choice(ENGINES), default="embedded", show_default=True, help="What it runs on.")
@click.option("--keep", is_flag=True, help="Leave the engine running at the end; `indigo status` finds it.")
@click.option(
    "--profile",
    help="The profile that the story is told with.  [default: minimal; on kind full, where its images are to be had]",
)
@click.option(
    "--others",
    default="in-turn",
    show_default=True,
    metavar="NAMES",
    help="Profiles that come up too: in-turn (another one each day), all, none, or names with commas.",
)
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="On cluster: its kubeconfig [$KUBECONFIG].")
@click.option("--context", default="", help="On cluster: context of the kubeconfig [the current one].")
@click.option("--yes", is_flag=True, help="On cluster: make what is shown without asking.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def e2e(
    engine: str,
    keep: bool,
    profile: str | None,
    others: str,
    kubeconfig: Path | None,
    context: str,
    yes: bool,
    pytest_args: tuple[str, ...],
) -> None:
    """Deploy the working tree through a real Argo CD and assert that it behaves.

    The working tree, uncommitted files included, becomes a Git repository made for the run; Argo CD on a real
    Kubernetes control plane follows it. On the engine embedded, nodes and pods are simulated and the rest is real: no
    Docker, no root. On the engine kind, containers and network are real, too; it needs Docker.

    \b
    Examples:
      indigo e2e                       the whole story
      indigo e2e -k drift              only what heals
      indigo e2e --others full         everything comes up beside it, once, whatever the day
      indigo e2e --profile full        the story told with everything: right, and slow
      indigo e2e --keep -x             stop at the first failure and look around
      indigo e2e --engine kind         the tier kind: real containers in Docker, profile full
      indigo e2e --engine cluster      what is safe in a cluster that you have (it asks before the first change)

    Exit status 0 when every assertion holds, 1 otherwise. The report is reports/e2e/report.html (reports/e2e-kind/...).
    """
    from harness import suite
    from harness.report.plugin import command

    if engine == "kind":
        from harness.engines.kind.docker import Docker

        Docker.find().host()  # asked for, so its absence is an error; a test run without it only skips
    where = _existing(kubeconfig, context, yes) if engine == "cluster" else ()
    told = (f"--indigo-profile={profile}",) if profile else ()
    beside = (f"--indigo-others={others}",) if engine == "embedded" else ()
    extra = (*told, *beside, *where, *(("--indigo-keep",) if keep else ()))
    nodes = os.environ.get("NODES", "1")
    name = "e2e" if engine == "embedded" else f"e2e-{engine}" + (f"-{nodes}-nodes" if nodes != "1" else "")
    sys.exit(suite.run(suite.Selection((), (suite.STORIES[engine],), (*extra, *pytest_args)), name, command()))


def _existing(kubeconfig: Path | None, context: str, yes: bool) -> tuple[str, ...]:
    """Return what the tests are told of somebody's cluster, once its owner has agreed to what they make there."""
    from harness.cli.consent import asked
    from harness.cluster import Cluster
    from harness.engines.existing.engine import ExistingCluster, new_run
    from harness.engines.existing.settings import ClusterSettings
    from harness.kubeconfig import chosen

    config, run = chosen(kubeconfig).absolute(), new_run()
    engine = ExistingCluster("e2e", ClusterSettings(config, context or None, run=run))
    theirs = Cluster(config, context or None)
    asked(yes)(engine.changes(theirs, engine.look(theirs)))
    return (f"--indigo-kubeconfig={config}", f"--indigo-context={context}", f"--indigo-run={run}")


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--tier", "tiers", type=click.Choice(TIERS), multiple=True, help="Only this tier (repeatable). Default: all."
)
@click.option("--no-style", is_flag=True, help="Leave out style and types (ruff, mypy).")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def test(tiers: tuple[str, ...], no_style: bool, pytest_args: tuple[str, ...]) -> None:
    """Run all tests that need no container engine: style and types, unit, static, and the embedded tier.

    \b
    Examples:
      indigo test                      everything
      indigo test --tier static        seconds; needs Helm only
      indigo test --tier unit -k graph
      indigo test tests/static/test_iam.py -x

    Tests without an engine run in as many processes as there are cores (pytest's -n says otherwise), beside those of
    the embedded tier; ruff and mypy run beside them too, unless only some tests are asked for.
    Exit status 0 when all pass, 1 otherwise. The report is reports/test/report.html.
    """
    from harness import suite
    from harness.report.plugin import command

    selection = suite.select(tiers, pytest_args, repository())
    name = "-".join(("test", *tiers))
    sys.exit(suite.run(selection, name, command(), style=selection.whole and not no_style))


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--environment", default="dev", show_default=True, help="A folder of argocd/environments.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="Kubeconfig; else $KUBECONFIG, ~/.kube/config.")
@click.option("--functional", is_flag=True, help="Also what takes a closer look (marker functional).")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def smoke(environment: str, kubeconfig: Path | None, functional: bool, pytest_args: tuple[str, ...]) -> None:
    """Test a platform that runs somewhere against what this checkout renders for it. Reads only; changes nothing.

    The tests are those of tests/cluster, written for pytest-helm-charts; app-test-suite runs the same ones.

    \b
    Examples:
      indigo smoke                                        the cluster of your kubeconfig
      indigo smoke --environment prod --functional
      indigo smoke --kubeconfig $(indigo kubeconfig)      the engine that indigo up keeps

    Exit status 0 when all is as rendered, 1 otherwise. The report is reports/smoke/report.html.
    """
    from harness import suite
    from harness.kubeconfig import chosen
    from harness.model.environment import load_environment
    from harness.report.plugin import command

    load_environment(repository(), environment)
    config = chosen(kubeconfig)
    quiet = ("-W", "ignore:cannot discover fixture:pytest.PytestWarning")  # of the plugin itself
    options = ("-p", "pytest_helm_charts.plugin", f"--kubeconfig={config}", "--cluster-type=existing", *quiet)
    about = (f"--test_extra_info=environment={environment}", "-m", "smoke or functional" if functional else "smoke")
    selection = suite.Selection((), (suite.CLUSTER,), (*options, *about, *pytest_args))
    sys.exit(suite.run(selection, "smoke", command()))

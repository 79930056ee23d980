"""`indigo up`, `down`, `status`, `kubeconfig`: an engine for a developer's day."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Literal

import click
from rich.markup import escape
from rich.table import Table

from harness import paths
from harness.console import err, out, step
from harness.engines import choice, runs
from harness.engines.base import EngineStatus
from harness.engines.embedded import ArgoSettings, EmbeddedEngine, Settings
from harness.engines.kept import KeptEngine
from harness.engines.kind import removal
from harness.engines.supervision import AlreadyRunning
from harness.errors import UserError

NAME = click.option("--name", default="default", show_default=True, help="Name of the engine.")
NOT_STARTED = {
    "embedded": "Not started: Argo CD's API server and web UI, notifications, Dex; a kubelet, DNS, a network. Pods are "
    "simulated (kwok): they get scheduled and ready, nothing runs in them.",
    "cluster": "Not started: Argo CD's API server and web UI, notifications, Dex. Its controllers run on this machine.",
    "kind": "Not started: Argo CD's API server and web UI, notifications, Dex. Containers and network are real.",
}


@click.command()
@NAME
@click.option(
    "--engine",
    type=click.Choice(["embedded", "kind", "cluster"]),
    default="embedded",
    show_default=True,
    help="kind needs Docker; cluster is one that you have already.",
)
@click.option("--api-port", type=click.IntRange(1, 65535), help="Port of the API server on 127.0.0.1 [a free one].")
@click.option("--nodes", type=click.IntRange(1, 50), help="Nodes [3 simulated ones; on kind 1].")
@click.option("--argocd", type=click.Choice(["outside", "inside"]), help="On kind: where Argo CD runs [outside].")
@click.option("--logs", type=click.Path(path_type=Path), help="Directory for logs that outlive the engine.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="On cluster: its kubeconfig [$KUBECONFIG].")
@click.option("--context", help="On cluster: context of the kubeconfig [the current one].")
@click.option("--yes", is_flag=True, help="On cluster: make what is shown without asking.")
@click.option("--production-timing", is_flag=True, help="Argo CD's own delays: 2 s between sync waves, and so on.")
def up(
    name: str,
    engine: str,
    api_port: int | None,
    nodes: int | None,
    argocd: Literal["outside", "inside"] | None,
    logs: Path | None,
    kubeconfig: Path | None,
    context: str | None,
    yes: bool,
    production_timing: bool,
) -> None:
    """Keep an engine running: a real control plane with a headless Argo CD.

    The engine embedded is ready in about 5 seconds, needs less than 1 GiB, no Docker, no root; its pods are simulated.
    The engine kind is a cluster in Docker with real containers and NetworkPolicies; it takes a minute and 3 GiB. Both
    listen on 127.0.0.1 only and run until `indigo down`. A second `up` of the same name changes nothing.
    The engine cluster is a headless Argo CD on this machine for a cluster that you have: it asks before the first
    change, works in namespaces of its own, and `indigo down` removes exactly these.

    \b
    Examples:
      indigo up
      indigo up --name second --api-port 6443
      indigo up --engine kind --nodes 3 --argocd inside
      indigo up --engine cluster --kubeconfig ~/.kube/config --context test
      export KUBECONFIG=$(indigo kubeconfig)
    """
    check_name(name)
    timing = ArgoSettings.production() if production_timing else ArgoSettings()
    kept = logs.absolute() if logs else None
    chosen: KeptEngine
    if engine == "cluster":
        from harness.cli.consent import asked
        from harness.engines.existing.engine import ExistingCluster
        from harness.engines.existing.settings import ClusterSettings
        from harness.kubeconfig import chosen as named

        for option, given in (("--api-port", api_port), ("--nodes", nodes), ("--argocd", argocd)):
            if given is not None:
                raise UserError("the cluster is there already, as it is", where=option, fix="leave it out")
        agree = asked(yes)
        about = ClusterSettings(named(kubeconfig), context, agree, logs=kept, timing=timing)
        chosen = ExistingCluster(name, about)
    elif engine == "kind":
        from harness.engines.kind.engine import KindEngine
        from harness.engines.kind.settings import KindSettings

        if api_port is not None:
            raise UserError("kind chooses the API server's port itself", where="--api-port", fix="leave it out")
        where = argocd or "outside"
        chosen = KindEngine(name, KindSettings(nodes=nodes or 1, argocd=where, logs=kept, timing=timing))
    else:
        if argocd == "inside":
            raise UserError(
                "the engine embedded runs no containers, so Argo CD cannot be in it",
                where="--argocd",
                fix="leave it out, or choose --engine kind",
            )
        chosen = EmbeddedEngine(name, Settings(nodes=nodes or 3, api_port=api_port, logs=kept, argocd=timing))
    if runs.is_alive(chosen.run_dir):
        err.print(f"an engine named {escape(name)} runs already; nothing is changed")
        how_to_look(choice.attach(name))
        return
    try:
        with step(f"engine {name}"):
            chosen.up()
    except AlreadyRunning:
        err.print(f"an engine named {escape(name)} is being started by another process")
        return
    chosen.detach()
    how_to_look(chosen)


@click.command()
@NAME
@click.option("--all", "every", is_flag=True, help="Every engine of yours.")
def down(name: str, every: bool) -> None:
    """Stop an engine and remove everything it made: processes, ports, files, containers.

    \b
    Examples:
      indigo down
      indigo down --name second
      indigo down --all
    """
    directory = paths.runs_dir()
    running = runs.alive(directory)
    chosen = running if every else [name]
    for one in chosen:
        if one not in running:
            err.print(f"no engine named {escape(one)} runs")
            continue
        with step(f"stop {one}"):
            choice.attach(one).down()
    removed = sorted({*runs.sweep_all(directory), *removal.quietly_sweep(directory)})
    if removed:
        err.print(f"removed what a killed engine had left: {escape(', '.join(removed))}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: a list with one object per engine.")
def status(as_json: bool) -> None:
    """Show what runs now: processes, memory, ports, and where the logs are.

    \b
    Examples:
      indigo status
      indigo status --json | jq -r '.[].server'
    """
    found = []
    for name in runs.alive(paths.runs_dir()):
        try:
            found.append(choice.attach(name).status())
        except UserError:  # it ended between the two looks
            continue
    if as_json:
        click.echo(json.dumps([one.as_dict() for one in found], indent=2))
        return
    if not found:
        out.print("no engine runs; start one: indigo up")
    for one in found:
        show(one)


@click.command()
@NAME
@click.option("--argocd", is_flag=True, help="The one for Argo CD: context namespace argocd.")
def kubeconfig(name: str, argocd: bool) -> None:
    """Print the path of a running engine's kubeconfig.

    \b
    Examples:
      export KUBECONFIG=$(indigo kubeconfig)
      KUBECONFIG=$(indigo kubeconfig --argocd) argocd app list --core
    """
    engine = choice.attach(name)
    click.echo(str(engine.argocd_kubeconfig if argocd else engine.kubeconfig))


def check_name(name: str) -> None:
    """Refuse a name that is not one plain word; raises UserError."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise UserError(
            f"{name!r} cannot be the name of an engine",
            where="--name",
            fix="use small letters, digits and dashes, 40 at most",
        )


def how_to_look(engine: KeptEngine) -> None:
    """Print the commands that show what is in an engine."""
    name = engine.name
    option = "" if name == "default" else f" --name {name}"
    out.print(f"Bring the working tree to it, now and after each edit: indigo deploy{option}")
    out.print("Look at it:")
    out.print(f"  export KUBECONFIG=$(indigo kubeconfig{option})")
    out.print("  alias kubectl=$(indigo tools path kubectl)")
    out.print(f"  kubectl get applications -n {engine.argocd_namespace}")
    out.print(f"  KUBECONFIG=$(indigo kubeconfig{option} --argocd) argocd app list --core   # with your own argocd CLI")
    out.print(f"Stop it: indigo down{option}")
    out.print(NOT_STARTED[engine.kind], style="dim")


def show(one: EngineStatus) -> None:
    """Print one engine as a table."""
    since = time.strftime("%H:%M:%S", time.gmtime(time.time() - one.started)) if one.started else "starting"
    out.print(f"[bold]{escape(one.name)}[/] ({one.kind}), up {since}, {escape(one.server)}")
    out.print(f"  run directory  {escape(one.run_dir)}\n  logs           {escape(one.logs)}")
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for title in ("process", "state", "pid", "memory", "ports", "up"):
        table.add_column(title, justify="right" if title in ("pid", "memory", "up") else "left")
    for process in one.processes:
        table.add_row(
            process.name,
            "running" if process.running else "[red]ended[/]",
            str(process.pid),
            f"{process.pss / 2**20:.0f} MiB",
            " ".join(map(str, process.ports)),
            f"{time.time() - process.started:.0f} s",
        )
    out.print(table)
    total = sum(process.pss for process in one.processes) / 2**20
    out.print(f"  {total:.0f} MiB in all (a page that several share counts once)")

"""`indigo secrets`: plan, create, verify and watch the Secrets of the contracts. No command prints a value."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from harness.cli.rotate import rotate
from harness.cluster import Cluster, Object
from harness.console import out
from harness.kubeconfig import chosen
from harness.model.environment import load_environment, read_values, secret_names
from harness.model.load import load_contracts
from harness.model.placement import place
from harness.paths import repository
from harness.secrets import plan as planning
from harness.secrets.apply import apply as apply_secrets
from harness.secrets.certificates import SOON
from harness.secrets.plan import Planned, State, Wanted, wanted
from harness.secrets.references import demanded
from harness.secrets.store import ClusterStore
from harness.secrets.verify import validity
from harness.secrets.verify import verify as verify_secrets

STYLES = {
    State.EXISTS: "green",
    State.MAKE: "cyan",
    State.SIGN: "cyan",
    State.PERSON: "bold yellow",
    State.OPTIONAL: "dim",
    State.LOCKED: "bold red",
}


@click.group()
def secrets() -> None:
    """Plan, create, verify and watch the Secrets that the contracts ask for.

    What is asked for follows from charts/*/contract.yaml and from the environment's values (which components run here,
    and `global.secrets`). Values are never shown, and a key that is there is changed by `rotate` alone.

    \b
    Examples:
      indigo secrets plan --environment dev       what there is, what is missing, who supplies it
      indigo secrets apply --environment dev      make what can be made up
      indigo secrets verify --environment prod    exit 1 where something is missing or of the wrong shape
      indigo secrets status --within 60           certificates and the days that are left; exit 1 where fewer are
      indigo secrets rotate iam-db                a new value, and a commit that rolls exactly those who read it
    """


secrets.add_command(rotate)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--kubeconfig", type=click.Path(path_type=Path), help="Kubeconfig; else $KUBECONFIG, ~/.kube/config."
        ),
        click.option("--namespace", help="Namespace; else the environment's."),
        click.option("--environment", default="dev", show_default=True, help="A folder of argocd/environments."),
    ):
        command = option(command)
    return command


@secrets.command()
@_options
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def plan(environment: str, namespace: str | None, kubeconfig: Path | None, as_json: bool) -> None:
    """Show which Secrets and keys exist, which would be made, and which only a person can supply."""
    items, store, place = _open(environment, namespace, kubeconfig)
    planned = planning.plan(items, store)
    if as_json:
        click.echo(json.dumps({**place, "secrets": planning.to_json(planned)}, indent=2))
        return
    for line in table(planned):
        out.print(line)
    out.print(_summary(planned))


@secrets.command()
@_options
def apply(environment: str, namespace: str | None, kubeconfig: Path | None) -> None:
    """Create what is missing and can be made up; safe to run again, or twice at once.

    Exit status 0 also where a person still has to supply keys: they are listed, and `indigo secrets verify` insists.
    """
    items, store, place = _open(environment, namespace, kubeconfig)
    applied = apply_secrets(items, store, place["namespace"])
    for done in applied:
        if done.added:
            verb = "created" if done.created else "added to"
            out.print(f"{verb} Secret {escape(done.planned.wanted.name)}: {escape(', '.join(done.added))}")
    planned = [done.planned for done in applied]
    left = [one for one in planned if one.of(State.PERSON) or one.of(State.LOCKED)]
    for line in table(left):
        out.print(line)
    out.print(_summary(planned))


@secrets.command()
@_options
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def verify(environment: str, namespace: str | None, kubeconfig: Path | None, as_json: bool) -> None:
    """Check that every Secret and key is there and of its shape; exit 1 with the list where one is not."""
    items, store, place = _open(environment, namespace, kubeconfig)
    findings = verify_secrets(items, store)
    errors = [finding for finding in findings if not finding.note]
    if as_json:
        rows = [
            {"secret": f.secret, "key": f.key, "message": f.message, "fix": f.fix, "note": f.note} for f in findings
        ]
        click.echo(json.dumps({**place, "ok": not errors, "findings": rows}, indent=2))
    else:
        for finding in findings:
            out.print(f"{'[dim]note[/] ' if finding.note else '[bold red]error[/]'} {escape(str(finding))}")
        keys = sum(len(item.secret.keys) for item in items)
        out.print(f"{len(items)} Secrets with {keys} keys: {len(errors)} wrong" if errors else
                  f"{len(items)} Secrets with {keys} keys are as the contracts ask")  # fmt: skip
    if errors:
        sys.exit(1)


@secrets.command()
@_options
@click.option("--within", type=click.IntRange(min=0), default=SOON, show_default=True, help="Days; fewer is exit 1.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(environment: str, namespace: str | None, kubeconfig: Path | None, within: int, as_json: bool) -> None:
    """Show every certificate with the days until it expires, the first to expire first.

    Renewing is a step of a person: docs/how-to/certificates.md.
    """
    items, store, place = _open(environment, namespace, kubeconfig)
    found = validity(items, store)
    if as_json:
        rows = [
            {"secret": one.secret, "key": one.key, "subject": one.subject, "issuer": one.issuer,
             "until": one.until.isoformat(), "daysLeft": one.left}
            for one in found
        ]  # fmt: skip
        click.echo(json.dumps({**place, "certificates": rows}, indent=2))
    else:
        for one in found:
            style = "bold red" if one.left < 0 else "yellow" if one.left < within else "green"
            when = f"expired {-one.left} days ago" if one.left < 0 else f"{one.left} days left"
            out.print(
                f"[{style}]{when:<22}[/]  {one.until:%Y-%m-%d}  {escape(one.secret)}, {escape(one.key)}"
                f"  [dim]{escape(one.subject)} by {escape(one.issuer)}[/]"
            )
        if not found:
            out.print("no certificates")
    if any(one.left < within for one in found):
        sys.exit(1)


def rendered(environment: str, root: Path) -> list[Object]:
    """Return the environment's objects: they say which of the optional Secrets it cannot do without."""
    from harness.render import render_environment  # Helm is not needed for --help

    return render_environment(environment, root).objects()


def _open(
    environment: str, namespace: str | None, kubeconfig: Path | None
) -> tuple[list[Wanted], ClusterStore, dict[str, Any]]:
    """Return what the environment asks for, where it is kept, and the names of both."""
    root = repository()
    settings = load_environment(root, environment)
    values = read_values(root, settings)
    placed = place(load_contracts(root / "charts"), values)
    read = demanded(rendered(environment, root))
    items = wanted(placed.graph, placed.modes, secret_names(values), placed.provisioned, read)
    where = namespace or settings.namespace
    store = ClusterStore(Cluster(chosen(kubeconfig)), where)
    return items, store, {"environment": settings.name, "namespace": where}


def table(planned: Sequence[Planned]) -> list[str]:
    """Return a plan as lines with rich's markup: a Secret, and below it its keys with state, shape and purpose."""
    width = max((len(item.key) for one in planned for item in one.keys), default=0)
    lines: list[str] = []
    for one in planned:
        name = one.wanted.name
        alias = "" if name == one.wanted.identifier else f" (id {one.wanted.identifier})"
        there = "exists" if one.exists else "missing"
        lines.append(f"[bold]{escape(name)}[/]{escape(alias)}  of {one.wanted.owner}, {there}")
        for item in one.keys:
            shape = "fixed text" if item.spec.value is not None and not one.wanted.outside else item.spec.shape
            state = f"[{STYLES[item.state]}]{item.state.value:<22}[/]"
            lines.append(f"  {escape(item.key):<{width}}  {state}  {shape:<10}  [dim]{escape(item.spec.purpose)}[/]")
        notes = [*one.wanted.notes, *([f"it {one.locked}"] if one.of(State.LOCKED) else [])]
        lines += [f"  [dim]note: {escape(note)}[/]" for note in notes]
    return lines


def _summary(planned: Sequence[Planned]) -> str:
    counts = {state: sum(len(one.of(state)) for one in planned) for state in State}
    return ", ".join(f"{count} {state.value}" for state, count in counts.items() if count) or "no Secrets"

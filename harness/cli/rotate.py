"""`indigo secrets rotate`: new values for a Secret, and a line in Git that rolls exactly the pods that read it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from harness.cluster import Cluster
from harness.console import err, out
from harness.errors import UserError
from harness.kubeconfig import chosen
from harness.model.environment import ENVIRONMENTS, load_environment, modes, read_values, secret_names
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.paths import repository
from harness.render import render_environment
from harness.secrets.plan import wanted
from harness.secrets.rotate import carry_out, next_revision, of_identifier, prepare, readers
from harness.secrets.shapes import Hidden
from harness.secrets.store import ClusterStore
from harness.yamledit import set_text


@click.command()
@click.argument("secret", metavar="SECRET")
@click.option("--key", "keys", multiple=True, help="Only this key (repeatable); else all that need nobody else.")
@click.option(
    "--from-file", "files", multiple=True, metavar="KEY=FILE", help="Value that a person supplies; - reads from stdin."
)
@click.option("--prepared", is_flag=True, help="What the contract wants done before has been done.")
@click.option("--keep-values", is_flag=True, help="Write none: the values were changed already (cert-manager, vault).")
@click.option("--revision", help="Text that stands for the new value in Git; else today's date.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--environment", default="dev", show_default=True, help="A folder of argocd/environments.")
@click.option("--namespace", help="Namespace; else the environment's.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="Kubeconfig; else $KUBECONFIG, ~/.kube/config.")
def rotate(
    secret: str,
    keys: Sequence[str],
    files: Sequence[str],
    prepared: bool,
    keep_values: bool,
    revision: str | None,
    dry_run: bool,
    environment: str,
    namespace: str | None,
    kubeconfig: Path | None,
) -> None:
    """Give keys of SECRET (an id of docs/reference/rotation.md) new values, and roll exactly the pods that read it.

    Writes the values to the cluster, all or none, and `global.secretRevisions.SECRET` into the environment's
    values.yaml; commit and push that file, and Argo CD rolls the readers in the order of their waves. No value is
    shown, is in an argument or in a file.

    \b
    Examples:
      indigo secrets rotate iam-db --environment prod               a new password; the server gets it by the Job
      indigo secrets rotate dashboard-mail --from-file password=-   typed or piped in
      indigo secrets rotate mariadb-root --prepared --from-file password=new
      indigo secrets rotate kafka-client-tls --keep-values          cert-manager renewed it: only roll its readers
    """
    root = repository()
    settings = load_environment(root, environment)
    values = read_values(root, settings)
    graph = Graph.build(load_contracts(root / "charts"))
    items = wanted(graph, modes(values, graph.contracts), secret_names(values))
    item = of_identifier(items, secret)
    place = namespace or settings.namespace
    given = _given(files)
    if keep_values and (keys or given):
        raise UserError("--keep-values writes none, so --key and --from-file have no use", fix="leave one of them out")

    path = ENVIRONMENTS / environment / "values.yaml"
    text, revision = _values(root / path, secret, values, revision)
    rolled = readers(render_environment(environment).objects(), item.name)
    if not keep_values:
        store = ClusterStore(Cluster(chosen(kubeconfig)), place)
        rotation = prepare(item, store, place, keys, given, prepared)
        out.print(f"Secret {escape(item.name)} in {place}: {'would get ' if dry_run else ''}new values of "
                  f"{escape(', '.join(rotation.keys))}")  # fmt: skip
        if not dry_run:
            carry_out(rotation, store)
    out.print(f"{path}: {'would get ' if dry_run else ''}global.secretRevisions.{secret}: {escape(revision)}")
    if not dry_run:
        (root / path).write_text(text, encoding="utf-8")
    out.print(f"that rolls: {escape(', '.join(rolled) or 'nothing')}")
    if not dry_run:
        err.print(f"[dim]next:[/] git commit -m 'Rotate {secret}' {path} && git push")


def _given(files: Sequence[str]) -> Mapping[str, Hidden]:
    found: dict[str, Hidden] = {}
    for entry in files:
        key, equals, name = entry.partition("=")
        if not (key and equals and name):
            raise UserError(f"--from-file {entry}: is not KEY=FILE", fix="write for example password=new.txt")
        if name == "-":
            data = sys.stdin.buffer.read()
        else:
            try:
                data = Path(name).read_bytes()
            except OSError as error:
                raise UserError(f"cannot read {name}: {error.strerror}", where=f"--from-file {key}") from None
        # what an editor or echo adds; a value that shall end in a line feed would not pass the shapes anyway
        found[key] = Hidden(data.removesuffix(b"\n") if data.count(b"\n") == 1 else data)
    return found


def _values(path: Path, secret: str, values: Mapping[str, Any], revision: str | None) -> tuple[str, str]:
    """Return the environment's values with the new revision, and that revision."""
    known = (values.get("global") or {}).get("secretRevisions") or {}
    text = revision or next_revision(known.get(secret), datetime.now(UTC).date())
    if revision is not None and (revision == known.get(secret) or revision.split() != [revision]):
        raise UserError(
            f"--revision {revision!r} would roll nothing", fix="write another text than last time, without blanks"
        )
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    return set_text(old, ["global", "secretRevisions", secret], text, str(path.name)), text

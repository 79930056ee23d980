"""`indigo trace`: which file, which value and which commit put an object there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from rich.markup import escape

from harness.cluster import Cluster
from harness.console import out
from harness.errors import UserError
from harness.history import History
from harness.kubeconfig import chosen
from harness.model.environment import load_environments
from harness.paths import repository
from harness.trace import Origin, trace_live, trace_rendered
from harness.trace.rendered import FOLDERS, Wanted


@click.command()
@click.argument("object_", metavar="KIND/NAME")
@click.option("--namespace", "-n", help="Namespace of the object; else the environment's.")
@click.option("--environment", "-e", help="A folder of argocd/environments; else every one that has such an object.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="Kubeconfig; else $KUBECONFIG, ~/.kube/config.")
@click.option(
    "--argocd-kubeconfig", type=click.Path(path_type=Path), help="Kubeconfig of Argo CD's cluster, where it is another."
)
@click.option("--argocd-namespace", default="argocd", show_default=True, help="Where the Applications are.")
@click.option("--rendered", is_flag=True, help="Ask no cluster: trace what the working tree renders.")
@click.option("--revision", help="With --rendered: a commit, branch or tag instead of the working tree.")
@click.option("--git", type=click.Path(path_type=Path, file_okay=False), help="A Git repository that has the commits.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def trace(
    object_: str,
    namespace: str | None,
    environment: str | None,
    kubeconfig: Path | None,
    argocd_kubeconfig: Path | None,
    argocd_namespace: str,
    rendered: bool,
    revision: str | None,
    git: Path | None,
    as_json: bool,
) -> None:
    """Say which file, which value and which commit put KIND/NAME there, and when it was synced.

    Goes up from a Pod or a ReplicaSet to what is in Git. The commit is found by rendering: the last one after which the
    object is another one than before, not the last one that touched some file. A value counts where the object would be
    another one without it. Nothing is changed.

    \b
    Examples:
      indigo trace pod/iam-7c9f-x2x -n indigo-prod     on the cluster of your kubeconfig
      indigo trace --rendered deployment/iam -e dev    in the working tree, no cluster needed
      indigo trace --rendered --revision v1.2 configmap/mariadb-config --json
    """
    kind, slash, name = object_.partition("/")
    if not (kind and slash and name):
        raise UserError(f"{object_} does not name an object", fix="write KIND/NAME, for example deployment/iam")
    root = repository()
    if revision and not rendered:
        raise UserError("--revision needs --rendered: a cluster has the commit that it was synced to", fix="add it")
    if rendered:
        wanted = Wanted(kind, name, namespace or "", environment or "")
        origins = list(_from_tree(wanted, root, History(git or root), revision))
    else:
        wanted = Wanted(kind, name, namespace or _namespace(root, environment), environment or "")
        argocd = Cluster(chosen(argocd_kubeconfig)) if argocd_kubeconfig else None
        repositories = [path for path in (git, root) if path]
        origins = [trace_live(wanted, Cluster(chosen(kubeconfig)), repositories, argocd, argocd_namespace)]
    if as_json:
        click.echo(json.dumps([origin.to_json() for origin in origins], indent=2))
        return
    for origin in origins:
        for line in text(origin):
            out.print(line)


def _from_tree(wanted: Wanted, root: Path, history: History, revision: str | None) -> Iterator[Origin]:
    if revision is None:
        known = history if history.resolve("HEAD") else None
        yield from trace_rendered(wanted, root, known)
        return
    commit = history.resolve(revision)
    if commit is None:
        raise UserError(f"no commit {revision} in {history.directory}", fix="git fetch, or name another one")
    with tempfile.TemporaryDirectory(prefix="indigo-trace-") as folder:
        tree = history.extract(commit, FOLDERS, Path(folder).resolve())
        yield from trace_rendered(wanted, tree, history, commit)


def _namespace(root: Path, environment: str | None) -> str:
    known = load_environments(root)
    if environment is not None and environment not in known:
        raise UserError(f"no environment {environment}", fix=f"write one of: {', '.join(known) or 'none'}")
    names = [known[environment].namespace] if environment else sorted({one.namespace for one in known.values()})
    if len(names) != 1:
        raise UserError("several environments: which is meant?", fix="name one with -e, or a namespace with -n")
    return names[0]


def text(origin: Origin) -> Iterator[str]:
    """Yield an origin as lines with rich's markup."""
    where = f" in {origin.namespace}" if origin.namespace else ""
    yield f"[bold]{escape(origin.object)}[/]{escape(where)}"
    if len(origin.made_by) > 1:
        yield _fact("made by", " < ".join(origin.made_by[1:]))
    yield from (
        _fact(title, words)
        for title, words in (
            ("environment", origin.environment),
            ("Application", origin.application),
            ("component", origin.component),
            ("chart", origin.chart),
        )
        if words
    )
    if origin.commit:
        yield _fact("put there by", str(origin.commit))
    if origin.synced:
        synced = origin.synced
        by = f" by {synced.by}" if synced.by else ""
        yield _fact("synced", f"{synced.revision[:12]} {synced.at}{by}, {synced.state or 'not listed'}".strip())
        if synced.since:
            yield _fact("there since", synced.since)
        yield _fact("from", synced.repository)
    if origin.decided:
        yield "  [bold]values that decide it[/]"
        for one in origin.decided:
            value = json.dumps(one.value, ensure_ascii=False)
            yield f"    [cyan]{escape(one.key)}[/]: {escape(value if len(value) < 60 else value[:57] + '...')}"
            yield f"      [dim]{escape(f'{one.path}:{one.line}')}  {escape(str(one.commit or ''))}[/]"
    if origin.sources:
        yield "  [bold]files it is made of, and who touched them last[/]"
        for source in origin.sources:
            last = "changed, not committed" if source.changed else str(source.commit or "")
            yield f"    {escape(source.path)}  [dim]{escape(source.role)}[/]"
            if last:
                yield f"      [dim]{escape(last)}[/]"
    for note in origin.notes:
        yield f"  [yellow]note:[/] {escape(note)}"


def _fact(title: str, words: str) -> str:
    return f"  [dim]{title:<12}[/] {escape(words)}"

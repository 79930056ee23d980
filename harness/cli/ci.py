"""`indigo ci`: chart-testing, releases, the comment, and the rules of the workflows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from rich.markup import escape

from harness.ci import charts as testing
from harness.ci import release as releasing
from harness.ci import workflows as flows
from harness.ci.comment import Repository
from harness.cluster import Cluster
from harness.console import err, out, step
from harness.engines.base import Engine
from harness.errors import UserError
from harness.paths import repository

ENGINES = ("embedded", "kind")
FROM_GITHUB = ("GITHUB_REPOSITORY", "GITHUB_TOKEN", "HEAD_BRANCH", "HEAD_SHA")


@click.group()
def ci() -> None:
    """What CI does beside checks and tests; each can be run here, by the make target that the workflow calls.

    \b
    Examples:
      indigo ci ct-lint                   chart-testing: every chart
      indigo ci ct-install --since main   install the charts that differ from main, on an engine of its own
      indigo ci workflows                 the rules of .github/workflows, actionlint and zizmor
      indigo ci package                   pack the charts into build/charts
    """


def _selected(names: tuple[str, ...], since: str | None) -> list[str]:
    root = repository()
    if names and since:
        raise UserError("charts are named, or found by --since, not both")
    if since is not None:
        return testing.changed(root, since)
    return testing.known(root, names) if names else testing.charts(root)


@ci.command("ct-lint")
@click.option("--since", metavar="COMMIT", help="Only charts that differ from it.")
@click.argument("names", nargs=-1)
def ct_lint(since: str | None, names: tuple[str, ...]) -> None:
    """Lint charts as chart repositories do (ct lint: helm lint, yamllint, a schema of Chart.yaml).

    \b
    Examples:
      indigo ci ct-lint
      indigo ci ct-lint iam mariadb
    """
    selected = _selected(names, since)
    if not selected:
        out.print("no chart differs")
        return
    with step(f"ct lint of {len(selected)} charts"):
        result = testing.lint(repository(), selected)
    if not result.ok:
        out.print(escape(result.output))
    sys.exit(0 if result.ok else 1)


@ci.command("ct-install")
@click.option("--engine", type=click.Choice(ENGINES), default="embedded", show_default=True, help="What it runs on.")
@click.option("--since", metavar="COMMIT", help="Only charts that differ from it.")
@click.option("--timeout", "seconds", default=120, show_default=True, help="Seconds that one chart may take.")
@click.argument("names", nargs=-1)
def ct_install(engine: str, since: str | None, seconds: int, names: tuple[str, ...]) -> None:
    """Install charts one by one (ct install: helm install, wait, helm test, uninstall).

    On the engine embedded: the API server refuses what a real one refuses (fields, quotas, Pod Security), Helm's waits
    and hooks are real, and pods are simulated. On the engine kind (Docker) pods are real, and only those charts are
    installed that become ready by themselves; the others are installed together by `make e2e CLUSTER=kind`.

    \b
    Examples:
      indigo ci ct-install valkey
      indigo ci ct-install --since main
      indigo ci ct-install --engine kind mariadb valkey
    """
    selected = _selected(names, since)
    if engine == "kind":
        alone = testing.alone(repository())
        left = [name for name in selected if name not in alone]
        selected = [name for name in selected if name in alone]
        if left:
            err.print(f"left to make e2e CLUSTER=kind, for they need others: {', '.join(left)}")
        selected = _with_images(selected)
    if not selected:
        out.print("no chart to install")
        return
    with _engine(engine, selected) as running:
        status = _install(running.kubeconfig, running.cluster(), selected, seconds)
    sys.exit(status)


def _with_images(names: list[str]) -> list[str]:
    """Return the charts whose images can be had; say of the others that they are skipped, and why.

    Raises:
        UserError: a registry answers that it has no such image, or there is no image of any chart.
    """
    from harness.engines.kind import images
    from harness.engines.kind.docker import Docker

    wanted = {name: testing.images(repository(), [name]) for name in names}
    found = images.collect(Docker.find(), {image for listed in wanted.values() for image in listed})
    there = [name for name in names if not set(wanted[name]) & set(found.missing)]
    if not found.unreachable or not there:
        found.require()
    for name in [name for name in names if name not in there]:
        missing = ", ".join(image for image in wanted[name] if image in found.missing)
        out.print(f"skipped   {name}: {missing} is not here, and its registry does not answer")
    return there


def _engine(kind: str, names: list[str]) -> Engine:
    name = f"ct-{os.getpid()}"
    if kind == "kind":
        from harness.engines.kind.engine import KindEngine
        from harness.engines.kind.settings import KindSettings

        return KindEngine(name, KindSettings(images=tuple(testing.images(repository(), names))))
    from harness.engines import crds
    from harness.engines.embedded import EmbeddedEngine
    from harness.engines.embedded.settings import Settings

    return EmbeddedEngine(name, Settings(families=tuple(family.name for family in crds.FAMILIES)))


def _install(kubeconfig: Path, cluster: Cluster, names: list[str], seconds: int) -> int:
    failed = 0
    for name in names:
        with step(f"ct install {name}"):
            result = testing.install(repository(), cluster, kubeconfig, name, seconds)
        if not result.ok:
            failed += 1
            out.print(f"[red]{escape(name)}[/]: {escape(result.reason)}")
    out.print(f"{len(names) - failed} of {len(names)} charts installed")
    return 1 if failed else 0


@ci.command()
def workflows() -> None:
    """Check .github/workflows: actions pinned, least permissions, every step a make target; actionlint and zizmor.

    \b
    Example:
      indigo ci workflows
    """
    found = flows.findings(repository())
    for line in found:
        out.print(escape(line))
    said = [text for text in (flows.actionlint(repository()), flows.zizmor(repository())) if text]
    for text in said:
        out.print(escape(text.rstrip()))
    out.print("the workflows are not right" if found or said else "the workflows keep every rule")
    sys.exit(1 if found or said else 0)


@ci.command()
@click.option("--tag", default="", help="Of the release; it must be the charts' version.")
def package(tag: str) -> None:
    """Pack every chart into build/charts, with the checksums of the archives.

    \b
    Example:
      indigo ci package
    """
    with step("packing"):
        archives = releasing.package(repository(), tag)
    out.print(f"{len(archives)} charts in {releasing.FOLDER}")


@ci.command()
@click.option("--registry", required=True, help="Host and path, without a scheme: registry.example.org/owner/charts.")
@click.option("--tag", required=True, help="Of the release; it must be the charts' version.")
@click.option("--plain-http", is_flag=True, help="The registry speaks no TLS.")
def release(registry: str, tag: str, plain_http: bool) -> None:
    """Pack every chart and push it to an OCI registry; digests go to build/charts/pushed.sha256.

    REGISTRY_USER and REGISTRY_PASSWORD, where they are set, log in first.

    \b
    Example:
      indigo ci release --registry registry.example.org/indigo/charts --tag v0.1.0
    """
    digests = releasing.push(repository(), registry, tag, plain_http=plain_http)
    for reference, digest in digests.items():
        out.print(f"{reference}  {digest}")


@ci.command()
@click.option("--marker", required=True, help="What the comment is known by.")
@click.option("--file", "file", type=click.Path(path_type=Path), required=True, help="Its text, as Markdown.")
def comment(marker: str, file: Path) -> None:
    """Write one comment on the pull request that a run was for, or write it anew.

    Reads GITHUB_REPOSITORY, GITHUB_TOKEN, HEAD_BRANCH (owner:branch) and HEAD_SHA from the environment.

    \b
    Example:
      indigo ci comment --marker difference --file reports/difference.md
    """
    given = {
        name: os.environ.get(name, "") for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN", "HEAD_BRANCH", "HEAD_SHA")
    }
    for name, value in given.items():
        if not value:
            raise UserError(f"{name} is not set", where="the environment", fix="see indigo ci comment --help")
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(file)) from None
    api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    github = Repository(given["GITHUB_REPOSITORY"], given["GITHUB_TOKEN"], api)
    number = github.pull_request(given["HEAD_BRANCH"], given["HEAD_SHA"])
    if number is None:
        err.print("no open pull request has this commit as its head: it was pushed to again, or closed")
        return
    out.print(f"comment on #{number}: {github.comment(number, marker, text)}")

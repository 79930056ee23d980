"""`indigo bootstrap`: the objects that an operator applies once."""

from __future__ import annotations

import re

import click

from harness.errors import UserError
from harness.paths import repository
from harness.process import run
from harness.render import REVISION, render_bootstrap, to_yaml


@click.command()
@click.option(
    "--repo", metavar="URL", help="Git repository, as Argo CD reaches it. Default: this checkout's remote origin."
)
@click.option("--revision", default=REVISION, show_default=True, help="Branch, tag or commit that Argo CD follows.")
@click.option(
    "--environment", "-e", "environments", multiple=True, help="Only this environment (repeatable). Default: all."
)
def bootstrap(repo: str | None, revision: str, environments: tuple[str, ...]) -> None:
    """Print the objects that an operator applies once to a cluster with Argo CD.

    Settings that this project relies on, the project indigo-delivery, the ApplicationSet that makes one Application
    per folder of argocd/environments, and the root Application. Afterwards Argo CD keeps them from Git; the command is
    needed again only when the URL or the revision changes.

    \b
    Example, on a real cluster, with kubectl's context where Argo CD (3.6 or later) runs in the namespace argocd:
      indigo bootstrap | kubectl apply --server-side -f -

    \b
    Further examples:
      indigo bootstrap --environment prod                    on a cluster that is to run prod alone
      indigo bootstrap --repo https://git.example.org/paas.git --revision v1.2.0
      indigo bootstrap | kubectl diff --server-side -f -     what would change

    Argo CD must be able to read the repository: a private one needs its credentials there first (argocd repo add).
    Restart Argo CD's controller and repo-server after the first time: they read argocd-cmd-params-cm when they start.
    """
    url = without_credentials(repo or origin())
    click.echo(to_yaml(render_bootstrap(repo=url, revision=revision, environments=environments)), nl=False)


def origin() -> str:
    """Return the URL of the remote origin of the checkout.

    Raises:
        UserError: the checkout is no Git repository, or has no remote of that name.
    """
    root = repository()
    done = run("git", "-C", root, "config", "--get", "remote.origin.url", check=False)
    url = done.stdout.strip()
    if done.returncode != 0 or not url:
        raise UserError(
            "this checkout has no Git remote origin, so the repository that Argo CD is to follow is not known",
            where=".git/config",
            fix="indigo bootstrap --repo URL, or: git remote add origin URL",
        )
    if url.startswith(("/", ".", "~")):
        raise UserError(
            "the Git remote origin is a folder of this machine, which Argo CD cannot reach",
            where=".git/config",
            fix="indigo bootstrap --repo URL",
        )
    return url


def without_credentials(url: str) -> str:
    """Return the URL of a repository, if it holds no password or token: objects of Argo CD are no place for one.

    Raises:
        UserError: it holds one; the message does not repeat it.
    """
    if re.match(r"https?://[^/@]+@", url):
        raise UserError(
            "the URL of the repository holds a user name or token, which everybody would see who may read Applications",
            fix="write it without, and give Argo CD the credentials: argocd repo add URL --username NAME",
        )
    return url

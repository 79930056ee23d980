"""`indigo render`: what Argo CD would apply."""

from __future__ import annotations

import json

import click

from harness.checks.pods import NAME
from harness.errors import UserError
from harness.render import REPO, REVISION, Object, render_environment, to_yaml


@click.command()
@click.argument("environment")
@click.option(
    "--application", "-a", help="Only what this Argo CD Application makes (env-ENVIRONMENT: what comes before)."
)
@click.option("--component", "-c", help="Only the objects of this component.")
@click.option("--kind", "-k", help="Only objects of this kind.")
@click.option(
    "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, help="How to write it."
)
@click.option("--repo", default=REPO, show_default=True, metavar="URL", help="Git repository that Argo CD follows.")
@click.option("--revision", default=REVISION, show_default=True, help="Branch, tag or commit that Argo CD follows.")
def render(
    environment: str,
    application: str | None,
    component: str | None,
    kind: str | None,
    output: str,
    repo: str,
    revision: str,
) -> None:
    """Print what Argo CD would apply for ENVIRONMENT, with exactly the inputs that it would give Helm.

    \b
    Examples:
      indigo render dev                              namespace, project, Application and all components
      indigo render dev -c iam -k Deployment         one object
      indigo render dev -a indigo-dev | kubectl diff -f -
    """
    rendered = render_environment(environment, repo=repo, revision=revision)
    everything = {rendered.delivered_by["metadata"]["name"]: rendered.delivery, **rendered.applications}
    if application is not None and application not in everything:
        raise UserError(f"no Application {application}", fix=f"write one of: {', '.join(everything)}")
    found = [
        item
        for name, objects in everything.items()
        if application in (None, name)
        for item in objects
        if component in (None, _component(item)) and (kind is None or item["kind"].lower() == kind.lower())
    ]
    if not found:
        objects = [item for objects in everything.values() for item in objects]
        components, kinds = (sorted({what(item) for item in objects} - {""}) for what in (_component, _kind))
        raise UserError(
            f"{environment} has no such object", fix=f"components: {', '.join(components)}; kinds: {', '.join(kinds)}"
        )
    click.echo(json.dumps(found, indent=2) if output == "json" else to_yaml(found), nl=output == "json")


def _component(item: Object) -> str:
    return str((item["metadata"].get("labels") or {}).get(NAME, ""))


def _kind(item: Object) -> str:
    return str(item["kind"])

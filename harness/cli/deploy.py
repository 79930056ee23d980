"""`indigo deploy`: the working tree on the engine that a developer keeps."""

from __future__ import annotations

import sys

import click
from rich.markup import escape

from harness.console import err, out
from harness.paths import repository


@click.command()
@click.argument("environment", default="dev")
@click.option("--name", default="default", show_default=True, help="Name of the engine (indigo status).")
@click.option("--seconds", default=180.0, show_default=True, help="How long it may take to be Synced and Healthy.")
def deploy(environment: str, name: str, seconds: float) -> None:
    """Bring the working tree to the engine that `indigo up` keeps, through its Argo CD, and wait until it is healthy.

    Uncommitted and untracked files are part of it; your repository and index are not touched. The first time, the
    bootstrap is applied and the Secrets are made; then each call is one more commit that Argo CD syncs. Where it does
    not converge, what blocks is said (`indigo why` says it again).

    \b
    Examples:
      indigo up && indigo deploy
      indigo deploy                  again, after an edit: the change alone is synced
      indigo deploy staging          a second environment beside it

    Exit status 0 when it is Synced and Healthy, 1 when it is not within --seconds, 2 for what cannot be rendered.
    """
    from harness.e2e.deploy import deploy as bring
    from harness.e2e.platform import NotConverged
    from harness.engines import choice
    from harness.report.progress import Progress
    from harness.report.recorder import Recorder

    engine = choice.attach(name)
    recorder = Recorder(None, command="indigo deploy", root=repository())
    progress = Progress()
    recorder.listen(progress)
    try:
        done = bring(engine, environment, recorder, seconds)
    except NotConverged as error:
        progress.close()
        err.print(escape(str(error)))
        sys.exit(1)
    finally:
        progress.close()
    what = "Synced and Healthy" if done.changed else "Synced and Healthy already, nothing changed"
    out.print(f"{environment}: {what}; {len(done.components)} components run: {escape(', '.join(done.components))}")
    if done.secrets:
        out.print(f"{done.secrets} keys of Secrets were made", style="dim")

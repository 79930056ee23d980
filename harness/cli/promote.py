"""`indigo promote`: let an environment run the commit of the one before it."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from harness.console import err, out
from harness.paths import reports_dir, repository


@click.command()
@click.argument("source")
@click.argument("target")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="report.json of `make e2e` for that commit (CI's). Default: reports/e2e/report.json.",
)
@click.option("--untested", is_flag=True, help="Promote although no report says that the commit passed.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--commit", is_flag=True, help="Commit the one file; nothing is pushed.")
def promote(source: str, target: str, report: Path | None, untested: bool, dry_run: bool, commit: bool) -> None:
    """Let TARGET run the commit that SOURCE runs: writes `revision` in argocd/environments/TARGET/config.yaml.

    An environment without a revision follows the branch: what it runs is HEAD. Shown is what the change means for the
    target (as `indigo diff` says it), rendered from both commits with the target's own values. Argo CD acts when the
    change is pushed.

    \b
    Examples:
      indigo promote dev staging --dry-run         what would change
      indigo promote dev staging                   after make e2e, in this checkout
      indigo promote staging prod --report ci/report.json --commit

    Exit status 2 where it is refused: a commit that is not on the branch or not pushed, not tested, or that does not
    render with the target's values; an environment that is not promoted from SOURCE.
    """
    from harness import revisions
    from harness.diff.text import statements
    from harness.promote import plan, tested

    root = repository()
    planned = plan(root, source, target)
    name = f"{escape(planned.target)}: {(planned.old or 'the branch')[:12]} -> {planned.new[:12]}"
    if planned.idle:
        out.print(f"{name}: it runs that already")
        return
    out.print(f"[bold]{name}[/], {len(planned.commits)} commits that touch charts/")
    for line in planned.commits[:10]:
        out.print(f"  {escape(line)}", style="dim")
    if len(planned.commits) > 10:
        out.print(f"  and {len(planned.commits) - 10} more", style="dim")
    for line in statements(planned.changes):
        out.print(line)
    if not planned.changes:
        out.print("  no object changes")
    if dry_run:
        return
    if untested:
        err.print(f"[yellow]{planned.new[:12]} is promoted untested[/]")
    else:
        tested(root, report or reports_dir() / "e2e" / "report.json", planned.new)
    (root / planned.file).write_text(planned.text, encoding="utf-8")
    message = f"Promote {target} to {planned.new[:12]}"
    if commit:
        done = revisions.commit_file(root, str(planned.file), f"{message}\n\nThe commit that {source} runs.")
        out.print(f"committed {done[:12]}; push it, and Argo CD acts")
    else:
        out.print(f"written: {planned.file}; git commit -m '{message}' {planned.file}")

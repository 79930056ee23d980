"""`python -m harness.report DIR` makes the page and junit.xml of a report.json anew (of a killed run, for instance)."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import ValidationError

from harness.errors import UserError
from harness.report import sample
from harness.report.model import Report, schema_text
from harness.report.writer import JSON, write


def read(directory: Path) -> Report:
    """Return the report that a directory holds.

    Raises:
        UserError: there is none, or it breaks the schema.
    """
    path = directory / JSON
    try:
        return Report.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no {JSON} here", where=str(directory), fix="name the directory of a run") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{JSON} is not a report: {first['msg']}", where=str(path), fix="run the tests again") from None


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--sample", "samples", is_flag=True, help="Write made-up runs below DIRECTORY instead.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of report.json.")
def main(directory: Path | None, samples: bool, schema: bool) -> None:
    """Make report.html and junit.xml of DIRECTORY/report.json anew."""
    if schema:
        click.echo(schema_text(), nl=False)
        return
    if directory is None:
        raise click.UsageError("name the directory of a report")
    if not samples:
        write(read(directory), directory)
        return
    for name, made in {
        "passed": sample.report(),
        "failed": sample.report(failed=True),
        "incomplete": sample.report(complete=False),
        "large": sample.report(large=True),
        "large-failed": sample.report(large=True, failed=True),
    }.items():
        write(made, directory / name)


if __name__ == "__main__":
    try:
        main()
    except UserError as wrong:
        raise SystemExit(f"error: {wrong}") from None

"""`indigo generate` writes what changed, and says what is stale."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness import paths
from harness.cli import cli
from harness.errors import UserError
from harness.generate import generate
from tests.unit.fixtures import make_checkout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("INDIGO_REPOSITORY", str(tmp_path))
    paths.repository.cache_clear()
    yield make_checkout(tmp_path)
    paths.repository.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["generate", *arguments])


def test_what_is_fresh_is_not_written_again(checkout: Path) -> None:
    total = len(generate(checkout))
    assert run().output.endswith(f"{total} of {total} files written\n")
    page = checkout / "charts" / "portal" / "README.md"
    os.utime(page, (1, 1))
    assert run().output == f"0 of {total} files written\n"
    assert page.stat().st_mtime == 1


def test_check_names_stale_files_with_a_short_difference(checkout: Path) -> None:
    run()
    assert run("--check").exit_code == 0
    (checkout / "docs" / "reference" / "traps.md").unlink()
    file = checkout / "charts" / "portal" / "values.yaml"
    file.write_text(file.read_text().replace("replicas: 1", "replicas: 2"))
    result = run("--check")
    assert result.exit_code == 1
    assert result.output == (
        "charts/portal/values.yaml is stale\n"
        "  @@ -7 +7 @@\n"
        "  -replicas: 2\n"
        "  +replicas: 1\n"
        "docs/reference/traps.md is missing\n"
        f"2 of {len(generate(checkout))} files are stale; run: indigo generate\n"
    )
    assert "replicas: 2" in file.read_text()


def test_the_generated_files_of_this_checkout_are_fresh() -> None:
    stale = [str(output.path) for output in generate(Path(__file__).parents[2]) if output.stale]
    assert stale == [], "run: indigo generate"


def test_names_limit_it_to_the_folders_of_their_charts(checkout: Path) -> None:
    assert run("portal").output == (
        "wrote charts/portal/README.md\n"
        "wrote charts/portal/values.schema.json\n"
        "wrote charts/portal/values.yaml\n"
        "3 of 3 files written\n"
    )
    with pytest.raises(UserError) as caught:
        generate(checkout, ["shop"])
    assert str(caught.value) == (
        "no contract of shop\nwhere: charts/*/contract.yaml\nfix: write some of: issuer, portal, store"
    )

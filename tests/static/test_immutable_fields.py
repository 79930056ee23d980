"""The rule `immutable-fields`: held against the last release, and against what a pinned environment runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import releases
from harness.checks import Finding, check, subject
from harness.diff import immutable
from harness.history import History
from harness.model.environment import ENVIRONMENTS
from harness.process import run
from tests.static import repositories
from tests.static.repositories import save

SIZE = Path("charts/indigo-paas/profiles/minimal.yaml")


@pytest.fixture
def released(small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A repository whose one commit is the release v1.0.0."""
    repositories.settle(monkeypatch)
    monkeypatch.setattr("harness.revisions.cache_dir", lambda: tmp_path / "cache")
    run("git", "tag", "v1.0.0", cwd=small)
    yield small
    repositories.mend(small)


def found(root: Path, *environments: str) -> list[Finding]:
    return check(subject(environments, root), ["immutable-fields"]).findings


def larger(root: Path) -> None:
    """Give the database's claim another size, which its StatefulSet cannot take."""
    text = (root / SIZE).read_text(encoding="utf-8")
    (root / SIZE).write_text(f"{text}\nvalkey: {{volumes: {{data: {{size: 7Gi}}}}}}\n", encoding="utf-8")


def test_a_release_as_it_is_has_no_finding(released: Path) -> None:
    assert found(released, "dev") == []


def test_what_cannot_be_changed_in_place_is_found_with_the_procedure(released: Path) -> None:
    larger(released)
    (finding,) = found(released, "dev")
    assert (finding.environment, finding.component, finding.object) == ("dev", "valkey", "StatefulSet/valkey")
    assert finding.path.startswith("spec.volumeClaimTemplates[data]")
    assert "than in the release v1.0.0, and cannot be changed in place: the sync fails" in finding.message
    assert "--cascade=orphan" in finding.fix


def test_one_that_says_it_is_to_be_made_anew_is_accepted_for_that_release_alone(released: Path) -> None:
    larger(released)
    looked_at = subject(["dev"], released)
    item = next(one for one in looked_at.platforms["dev"].of_kind("StatefulSet") if one["metadata"]["name"] == "valkey")
    item["metadata"]["annotations"]["indigo-paas/recreate-from"] = "v1.0.0"
    assert check(looked_at, ["immutable-fields"]).findings == []
    item["metadata"]["annotations"]["indigo-paas/recreate-from"] = "v0.9.0"
    assert len(check(looked_at, ["immutable-fields"]).findings) == 1


def test_a_pinned_environment_is_held_against_what_it_runs(released: Path) -> None:
    commit = run("git", "rev-parse", "HEAD", cwd=released).stdout.strip()
    run("git", "tag", "--delete", "v1.0.0", cwd=released)
    config = released / ENVIRONMENTS / "staging/config.yaml"
    config.write_text(config.read_text(encoding="utf-8") + f"revision: {commit}\n", encoding="utf-8")
    larger(released)
    (finding,) = found(released, "dev", "staging")
    assert (finding.environment, finding.object) == ("staging", "StatefulSet/valkey")
    assert f"what staging runs ({commit[:12]})" in finding.message


def test_before_the_first_release_nothing_is_compared(released: Path) -> None:
    run("git", "tag", "--delete", "v1.0.0", cwd=released)
    larger(released)
    assert found(released, "dev") == []


def test_the_last_release_is_the_newest_version_of_the_history(released: Path) -> None:
    history = History(released)
    for tag in ("v1.10.0", "v1.9.0", "v2.0.0-rc1", "vnext", "2.0.0"):
        run("git", "tag", tag, cwd=released)
    assert releases.last(history) == "v1.10.0"
    run("git", "switch", "--quiet", "-c", "aside", cwd=released)
    save(released)
    run("git", "tag", "v3.0.0", cwd=released)
    run("git", "switch", "--quiet", "main", cwd=released)
    assert releases.last(history) == "v1.10.0", "a release of another branch"


def test_every_entry_of_the_table_names_its_source_and_a_procedure() -> None:
    for entry in immutable.TABLE:
        assert ".go" in entry.source or ".java" in entry.source or "webhook" in entry.source, entry.field
        assert entry.procedure.steps
        assert entry.procedure.costs
    assert len({(entry.kinds, entry.path, entry.effect) for entry in immutable.TABLE}) == len(immutable.TABLE)

"""Argo CD with the timing that it is shipped with; every other test makes it faster."""

from __future__ import annotations

import pytest

from tests.gitops.production import ARGO, WITHIN, Production

pytestmark = pytest.mark.gitops

LATE = 30.0  # seconds that a comparison and a busy machine may add
WAVES = 3


@pytest.mark.refutes("a poll that is switched off, or that finds an old answer in its cache")
def test_a_commit_that_nobody_announces_is_noticed_by_the_poll_and_synced_with_pauses(production: Production) -> None:
    """A commit that nobody tells Argo CD of is picked up by its poll, and synced with the pauses as shipped."""
    measured = production.result()
    assert 1 < measured.noticed <= WITHIN + LATE, "that was no poll, or it found an old answer"
    assert measured.synced >= (WAVES - 1) * ARGO.sync_wave_delay, "this was not production's pause between waves"
    assert measured.synced <= 60

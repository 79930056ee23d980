"""Argo CD with the timing that it is shipped with; every other test makes it faster."""

from __future__ import annotations

import pytest

from tests.gitops.production import ARGO, Production

pytestmark = pytest.mark.gitops

LATE = 20.0  # seconds that a comparison and a busy machine may add
WAVES = 3


@pytest.mark.refutes("a poll that is switched off, or that finds an old answer in its cache")
def test_a_commit_is_synced_within_the_polling_interval_and_nobody_says_a_word(production: Production) -> None:
    """A commit that nobody tells Argo CD of is picked up within production's polling interval, and synced in waves."""
    measured = production.result()
    assert measured.noticed <= ARGO.reconciliation + LATE, "production would look twice before it saw it"
    assert measured.synced >= (WAVES - 1) * ARGO.sync_wave_delay, "this was not production's pause between waves"
    assert measured.synced <= 60

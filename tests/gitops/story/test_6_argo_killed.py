"""Argo CD's own processes die in the middle of a sync, and the sync ends well."""

from __future__ import annotations

import pytest

from harness.argo.applications import is_idle
from harness.e2e.platform import Platform

pytestmark = pytest.mark.gitops


@pytest.mark.parametrize("server", ["argocd-application-controller", "argocd-repo-server", "valkey"])
@pytest.mark.refutes("a sync that hangs or is lost with the process that carried it out")
def test_a_sync_survives_the_death_of(running: Platform, server: str) -> None:
    before = running.pods()
    touched = {name: {"podAnnotations": {"test/killed": server}} for name in ("mariadb", "orchestrator")}
    revision = running.values(touched, f"a sync during which {server} dies")
    running.refresh()
    running.wait(lambda app: not is_idle(app) and app.revision == revision, "in the middle of the sync")
    running.engine.kill(server)
    assert not is_idle(running.application()), "the sync had ended before the process died: nothing was shown"
    running.engine.restart(server)
    running.deliver(revision, f"the sync after the death of {server}")
    after = running.pods()
    assert all(before[name].isdisjoint(after[name]) for name in touched)

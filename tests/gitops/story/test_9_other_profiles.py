"""The other profiles come up beside it on the same engine, each in an environment of its own."""

from __future__ import annotations

import pytest

from harness.e2e.order import violations
from harness.e2e.platform import Platform, converged
from harness.model.environment import environment_files
from harness.model.trial import trial
from harness.paths import repository

pytestmark = pytest.mark.gitops


@pytest.mark.refutes("a profile that renders and never becomes ready, or comes up in another order than the graph's")
def test_another_profile_comes_up_in_one_pass(running: Platform, others: list[str]) -> None:
    if not others:
        pytest.skip("no other profile is asked for (indigo e2e --others)")
    for name in others:
        tried = trial(repository(), name)
        own = {path: text for path, text in tried.files.items() if text is not None}
        files = own or environment_files(repository(), tried.environment)
        commit = running.source.commit(f"the environment {tried.environment}", files)
        other = Platform(running.engine, running.source, running.recorder, tried.environment, commit)
        phase = running.recorder.phase(f"profile {name}: from its bootstrap to Synced and Healthy", budget=90)
        with phase, other.watching(f"profile {name}") as observer:
            running.bootstrap(other)
            running.refresh()  # the commit with the new folder is seen at once, not when Argo CD next looks
            other.create_secrets()
            running.refresh()
            other.wait(converged(commit), f"profile {name}: Synced and Healthy")
            seen = observer.seen()
        assert {item.component for item in seen} == set(other.components)
        assert set(other.resources()) == {f"{item['kind']}/{item['metadata']['name']}" for item in other.rendered()}
        assert violations(seen, other.graph) == []
        running.retire(other)

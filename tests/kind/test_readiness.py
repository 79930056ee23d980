"""Readiness tells the truth: with a dependency that hangs, who cannot serve says so, and who can goes on."""

from __future__ import annotations

import pytest

from harness.e2e.hands import Hands
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform
from harness.engines.kind.docker import Docker

NOTICED, BACK = 120, 180
# what hangs; who cannot serve without it; who is needed by it or needs it and goes on
CASES = [
    ("mariadb", ("iam", "federation-manager"), ("orchestrator", "dashboard", "im", "kafka-proxy")),
    ("neo4j", ("federation-registry",), ("federation-manager", "orchestrator", "dashboard")),
    ("federation-manager-opa", (), ("federation-manager",)),
    ("kafka", (), ("log-shipper", "kafka-proxy", "orchestrator", "federation-manager")),
]


@pytest.mark.parametrize(("stopped", "unready", "ready"), CASES)
def test_who_needs_what_hangs_says_so_and_comes_back_without_hands(
    docker: Docker,
    hands: Hands,
    running: tuple[Platform, list[Seen]],
    stopped: str,
    unready: tuple[str, ...],
    ready: tuple[str, ...],
) -> None:
    platform, _ = running
    here = set(platform.components)
    if stopped not in here:
        pytest.skip(f"the profile has no {stopped}")
    restarts = count(hands, *ready)
    with hands.hanging(docker, stopped), platform.recorder.phase(f"{stopped} hangs, noticed", budget=NOTICED):
        for name in sorted(here.intersection(unready)):  # not itself: a command in a frozen container says nothing
            platform.until(lambda name=name: not hands.ready(name), f"{name} is not ready", NOTICED)  # type: ignore[misc]
            assert not hands.answers(docker, name)  # the question itself, of which others are only asked once
        # Kubernetes waits for several bad answers of who goes on, too: so they are asked as its probes ask them
        silent = [name for name in sorted(here.intersection(ready)) if not hands.answers(docker, name)]
        assert silent == [] and [name for name in sorted(here.intersection(ready)) if not hands.ready(name)] == []
    with platform.recorder.phase(f"{stopped} goes on, all ready", budget=BACK):
        everybody = (stopped, *unready, *ready)
        platform.until(lambda: all(hands.ready(name) for name in here.intersection(everybody)), "all are ready", BACK)
    assert count(hands, *here.intersection(ready)) == {name: restarts[name] for name in here.intersection(ready)}


def count(hands: Hands, *components: str) -> dict[str, int]:
    """Return how often the containers of some components were started again."""
    return {
        name: sum(status["restartCount"] for pod in hands.pods(name) for status in pod["status"]["containerStatuses"])
        for name in components
    }

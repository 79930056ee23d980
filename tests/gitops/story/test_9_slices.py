"""Whole or in slices: changing the way moves nothing, and in slices a component that is not well blocks no fix."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from harness.argo.applications import Application, is_idle
from harness.cluster import Object
from harness.e2e.observe import Seen
from harness.e2e.platform import TRACKING, Platform, Pods, converged, rolled
from harness.model.contract import TIERS

pytestmark = pytest.mark.gitops
OPTIONALS = (
    "federation-manager-opa",
    "im-connector",
)  # tier services, in the first wave: core's later waves come after
FIXED = "orchestrator"


def optional(platform: Platform) -> str:
    """Return a component that may be switched on and off here, because none of those that run requires it."""
    required = {edge.provider for edge in platform.graph.edges if edge.consumer in platform.components}
    return next(name for name in OPTIONALS if name not in required)


def sick(platform: Platform) -> Object:
    """Return values that switch the optional component on with a pod that never becomes ready."""
    return {
        "global": {"components": {optional(platform): {"mode": "embedded"}}},
        optional(platform): {"podAnnotations": {"simulation.indigo-paas/never-ready": "true"}},
    }


def fix() -> Object:
    """Return values that change another component: what has to reach the cluster."""
    return {FIXED: {"podAnnotations": {"test/fixed": "yes"}}}


def identities(platform: Platform) -> dict[str, tuple[str, str]]:
    """Return uid and specification of what is tracked, but for the optional component's: what is made anew has others.

    Not the generation: a Deployment's also counts annotations (Kubernetes, registry/apps/deployment/strategy.go), and
    which Application an object belongs to is one.
    """
    return {
        key: (item["metadata"]["uid"], json.dumps(item.get("spec", item.get("data")), sort_keys=True))
        for key, item in platform.resources().items()
        if optional(platform) not in key  # where it belongs to the profile, it was switched off and on again meanwhile
    }


def delivered(platform: Platform) -> bool:
    """Return whether the change of the other component is in the cluster."""
    template = platform.cluster.get("Deployment", FIXED, platform.namespace)["spec"]["template"]
    return "test/fixed" in (template["metadata"].get("annotations") or {})


def stuck(app: Application) -> bool:
    """Return whether a sync waits for the optional component."""
    waits = app.operation.message if app.operation is not None and not is_idle(app) else ""
    return any(name in waits for name in OPTIONALS)


def unwell(app: Application) -> bool:
    """Return whether an Application holds the optional component and is not well."""
    return app.health == "Progressing" and any(entry.name in OPTIONALS for entry in app.resources)


def applications(platform: Platform) -> set[str]:
    """Return the Applications of the environment's components."""
    names = {app.name for app in platform.apps.all()}
    return {name for name in names if name.startswith(platform.name)} - {f"{platform.name}-namespace"}


@dataclass(frozen=True)
class Sliced:
    """The platform in slices, and what was there before the change: identities, and the pods of each component."""

    platform: Platform
    objects: dict[str, tuple[str, str]]
    pods: Pods


@pytest.fixture(scope="module")
def sliced(platform: Platform, first_sync: list[Seen]) -> Iterator[Sliced]:
    """The platform, changed to slices and, whatever happens, back to the whole at the working tree."""
    back = platform.source.take(platform.source.working_tree, "back to the working tree")
    platform.deliver(back, "back to the working tree")
    before = Sliced(platform, identities(platform), platform.pods())
    change(platform, "slices")
    yield before
    if applications(platform) != {platform.name}:
        change(platform, "whole")


def change(platform: Platform, delivery: str) -> None:
    """Change the way of delivery by a commit, with the rest as in the working tree, and wait until all is well.

    What is switched off in the same commit would belong to nobody afterwards: that comes before, in its own commit.
    """
    platform.source.take(platform.source.working_tree, "back to the working tree")
    revision = platform.config({"delivery": delivery}, f"delivery: {delivery}")
    platform.deliver(revision, f"delivery: {delivery}")
    platform.until(lambda: applications(platform) == set(platform.environment.applications), "only these Applications")


@pytest.mark.refutes("an Application with a finalizer, or objects named after their release")
def test_changing_to_slices_moves_nothing(sliced: Sliced) -> None:
    platform = sliced.platform
    assert applications(platform) == {f"{platform.name}-{tier}" for tier in TIERS}
    assert identities(platform) == sliced.objects
    assert platform.pods() == sliced.pods
    # every object has another owner now: they were really taken over
    owners = {
        item["metadata"]["annotations"][TRACKING].partition(":")[0] for item in platform.resources().values()
    }  # fmt: skip
    assert {f"{platform.name}-data", f"{platform.name}-core"} <= owners <= applications(platform)


@pytest.mark.refutes("slices that wait for each other's health, or an environment that waits for that of its slices")
def test_in_slices_a_fix_is_delivered_while_an_optional_component_is_not_well(sliced: Sliced) -> None:
    platform = sliced.platform
    name = optional(platform)
    platform.values(sick(platform), f"{name}, which never becomes ready")
    platform.refresh()
    platform.apps.wait_for(f"{platform.name}-services", unwell, what=f"with {name} unwell")
    before = platform.pods()
    revision = platform.values({**sick(platform), **fix()}, f"a fix of {FIXED}")
    platform.refresh()
    start = time.monotonic()
    platform.apps.wait_for(f"{platform.name}-core", converged(revision), what="at the fix")
    platform.recorder.note(f"in slices, a fix beside an unhealthy component: {time.monotonic() - start:.1f} s")
    assert delivered(platform)
    assert rolled(before, platform.pods()) == {FIXED}
    assert unwell(platform.apps.get(f"{platform.name}-services")), "it was well again: nothing was shown"

    # what the environment itself says of its Applications (a promotion does) is not held up either
    revision = platform.config({"sync": {"automated": True, "retries": 3}}, "another number of retries")
    platform.refresh()
    for name in platform.environment.applications:
        platform.apps.wait_for(name, lambda app: app.manifest["spec"]["syncPolicy"]["retry"]["limit"] == 3)
    assert unwell(platform.apps.get(f"{platform.name}-services")), "it was well again: nothing was shown"
    # inside its slice the component does hold back what comes in later waves, where the profile has any
    platform.apps.terminate(f"{platform.name}-services")
    for name in platform.environment.applications:
        if name != f"{platform.name}-services":
            platform.apps.wait_for(name, lambda app: is_idle(app) and app.revision == revision, what="at that commit")


@pytest.mark.refutes("a slice that Argo CD refuses to prune empty")
def test_the_last_component_of_a_slice_can_be_switched_off(sliced: Sliced) -> None:
    platform = sliced.platform
    name = optional(platform)
    mode = {"global": {"components": {name: {"mode": "embedded"}}}}
    # two refreshes at once are one for Argo CD: each slice has to have seen this commit before the next
    platform.deliver(platform.values(mode, f"{name} on"), f"{name} on")
    assert platform.cluster.find("Deployment", name, platform.namespace) is not None
    off = {"global": {"components": {name: {"mode": "off"}}}}
    platform.deliver(platform.values(off, f"{name} off"), f"{name} off")
    left = [key for key in platform.resources() if key.endswith(f"/{name}")]
    assert left == []


@pytest.mark.refutes("slices that are deleted with what they made, or a whole that makes it anew")
def test_changing_back_to_the_whole_moves_nothing(sliced: Sliced) -> None:
    platform = sliced.platform
    change(platform, "whole")
    assert applications(platform) == {platform.name}
    assert identities(platform) == sliced.objects
    pods = platform.pods()
    assert {component for component in pods if pods[component] != sliced.pods[component]} <= {FIXED, optional(platform)}


@pytest.fixture
def ended(settled: Platform) -> Iterator[Platform]:
    """The settled platform; a sync that still waits after the test, whatever became of it, is ended."""
    yield settled
    settled.apps.terminate(settled.name)


@pytest.mark.refutes("a claim that one Application isolates its components")
def test_as_a_whole_the_same_fix_waits_for_the_optional_component(ended: Platform) -> None:
    """What ADR 20 says against the whole: the sync stays in its wave, and a newer commit waits for its end."""
    ended.values(sick(ended), f"{optional(ended)}, which never becomes ready")
    ended.refresh()
    ended.wait(stuck, f"waiting for {optional(ended)}")
    ended.values({**sick(ended), **fix()}, f"a fix of {FIXED}")
    ended.refresh()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert not delivered(ended), "the whole did deliver it: ADR 20 is wrong"
        assert stuck(ended.application())
        time.sleep(0.2)
    # the way out: a commit that mends it or switches it off, and the end of the sync that waits
    off = ended.source.take(ended.source.working_tree, "without the optional component")
    ended.end_for(off)
    ended.deliver(off, "after the end of the sync that waited")
    assert not delivered(ended)

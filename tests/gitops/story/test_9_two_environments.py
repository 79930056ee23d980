"""Two environments side by side: the second is pinned and in slices, and neither notices the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from harness.e2e.order import violations
from harness.e2e.platform import Platform, converged
from harness.model.contract import TIERS
from harness.model.environment import environment_files
from harness.paths import repository
from harness.promote import written

pytestmark = pytest.mark.gitops


@pytest.fixture(scope="module")
def staging(platform: Platform, first_sync: object) -> Iterator[Platform]:
    """The environment staging beside dev, from nothing, pinned to a commit of the working tree with its folder."""
    platform.source.take(platform.source.working_tree, "back to the working tree")
    files = environment_files(repository(), "staging")
    # with another profile than the repository's: what everything costs is test_9_other_profiles' to find out
    smaller = {"profiles": ["minimal"], "podSecurity": "restricted", "promotedFrom": platform.environment.name}
    config = "argocd/environments/staging/config.yaml"
    files[config] = yaml.safe_dump({**yaml.safe_load(files[config] or ""), **smaller}, sort_keys=False)
    both = platform.source.commit("the environment staging", files)
    platform.deliver(both, "back to the working tree, with staging")
    other = Platform(platform.engine, platform.source, platform.recorder, "staging", both)
    pin(other, both)
    yield other
    platform.retire(other)


def pin(platform: Platform, revision: str) -> str:
    """Commit the promotion of an environment, as `indigo promote` writes it, and return that commit."""
    text = written(platform.source.read(platform.config_path), revision)
    done = platform.source.commit(f"promote {platform.environment.name}", {platform.config_path: text})
    platform.environment = platform.environment.model_validate(yaml.safe_load(text))
    return done


@pytest.mark.refutes("two environments that share a name, a project or a place")
def test_a_second_environment_comes_up_in_slices_and_leaves_the_first_alone(
    platform: Platform, staging: Platform
) -> None:
    before, pods = platform.resource_versions(), platform.pods()
    pinned = staging.environment.revision
    assert pinned is not None
    with platform.recorder.phase("second environment", budget=60), staging.watching("staging: first sync") as observer:
        platform.bootstrap(staging)
        staging.create_secrets()
        platform.refresh()
        staging.wait(converged(pinned), "staging: Synced and Healthy")
        seen = observer.seen()
    assert {app.name for app in staging.apps.all()} >= {f"indigo-staging-{tier}" for tier in TIERS}
    # the order of the whole graph, across slices too: a first installation waits for the slice before
    assert violations(seen, staging.graph) == []
    assert platform.resource_versions() == before
    assert platform.pods() == pods


@pytest.mark.refutes("an environment that follows the branch although it is pinned, or a promotion that changes more")
def test_a_commit_reaches_the_pinned_environment_only_when_it_is_promoted(
    platform: Platform, staging: Platform
) -> None:
    names = {platform.environment.profiles[-1], staging.environment.profiles[-1]}
    files = [f"charts/indigo-paas/profiles/{name}.yaml" for name in names]
    label = "\nvalkey: {podAnnotations: {test/new: a}}\n"
    newer = platform.source.commit("another label", {file: platform.source.read(file) + label for file in files})
    before = staging.resource_versions()
    staging.refresh()
    platform.deliver(newer, "dev follows the branch")
    staging.wait(lambda app: not app.refreshing and app.sync == "Synced", "staging has looked")
    assert annotation(platform) == "a"
    assert annotation(staging) is None
    assert staging.resource_versions() == before

    pin(staging, newer)
    others = platform.resource_versions()
    staging.deliver(newer, "staging: promoted")
    assert annotation(staging) == "a"
    assert platform.resource_versions() == others

    # its values are the branch's, without a promotion
    staging.values({"valkey": {"podAnnotations": {"test/new": "b"}}}, "a value of staging")
    staging.refresh()
    staging.until(lambda: annotation(staging) == "b", "the value is there")
    assert annotation(platform) == "a"


def annotation(platform: Platform) -> str | None:
    """Return what the test writes on the pods of one component."""
    template = platform.cluster.get("StatefulSet", "valkey", platform.namespace)["spec"]["template"]
    found: str | None = (template["metadata"].get("annotations") or {}).get("test/new")
    return found

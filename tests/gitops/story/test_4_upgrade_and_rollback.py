"""Upgrades and rollbacks are commits, and roll exactly the pods whose input changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.e2e.platform import Platform, pod_templates, rolled
from harness.errors import UserError

pytestmark = pytest.mark.gitops


@pytest.mark.refutes("a checksum over more than a pod reads, or over less")
def test_one_changed_setting_rolls_one_component_and_a_revert_rolls_it_back(settled: Platform) -> None:
    cluster, namespace = settled.cluster, settled.namespace
    before = settled.pods()
    old = {item["metadata"]["name"] for item in cluster.list("ReplicaSet", namespace)}
    change = settled.values({"orchestrator": {"settings": {"VAULT_ROLE": "another"}}}, "one setting")
    settled.deliver(change, "upgrade: one setting")
    changed = settled.pods()
    assert rolled(before, changed) == {"orchestrator"}

    settled.deliver(settled.source.revert(change), "rollback by git revert")
    reverted = settled.pods()
    assert rolled(changed, reverted) == {"orchestrator"}
    active = {
        item["metadata"]["name"] for item in cluster.list("ReplicaSet", namespace) if item["spec"]["replicas"] > 0
    }
    assert active <= old, "the rollback did not find the pod template that ran before"


@pytest.mark.refutes("a ConfigMap that changes without its readers")
def test_a_changed_file_rolls_exactly_its_readers(settled: Platform) -> None:
    before = settled.pods()
    change = settled.values({"mariadb": {"settings": {"max_connections": 300}}}, "one line of a file")
    settled.deliver(change, "upgrade: one line of a file")
    assert rolled(before, settled.pods()) == {"mariadb"}


@pytest.mark.refutes("an immutable field that changed since the previous commit")
def test_upgrade_from_the_previous_commit(settled: Platform, tmp_path: Path) -> None:
    base = settled.source.base_commit()
    if base is None:
        pytest.skip("there is no previous commit to upgrade from (the first commit, or a shallow clone)")
    try:
        old = pod_templates(settled.rendered(settled.source.checkout(base.sha, tmp_path / "base")))
    except UserError as error:
        pytest.skip(f"the previous commit has no chart that renders for this environment: {error.message}")
    new = pod_templates(settled.rendered())
    settled.deliver(settled.source.take(base.sha, "the previous commit"), "the previous commit")
    before = settled.pods()
    tree = settled.source.take(settled.source.working_tree, "upgrade to the working tree")
    settled.deliver(tree, "upgrade to the working tree")
    after = settled.pods()
    assert rolled(before, after) == {name for name in old.keys() & new.keys() if old[name] != new[name]}
    assert after.keys() == new.keys()

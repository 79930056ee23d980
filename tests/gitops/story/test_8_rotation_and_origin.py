"""A rotated Secret rolls exactly its readers; any object is traced to the commit and the value that put it there."""

from __future__ import annotations

import pytest

from harness.e2e.platform import Platform, rolled
from harness.model.environment import modes, read_values, secret_names
from harness.secrets.plan import wanted
from harness.secrets.rotate import carry_out, of_identifier, prepare
from harness.secrets.store import ClusterStore
from harness.trace import trace_live
from harness.trace.rendered import Wanted

pytestmark = pytest.mark.gitops
SECRET = "iam-db"  # read by IAM, and by the Job that tells MariaDB the password


@pytest.mark.refutes("readers that do not notice, others that roll, or a trace that names another commit")
def test_a_rotation_rolls_its_readers_and_is_found_by_a_trace(settled: Platform) -> None:
    cluster, namespace = settled.cluster, settled.namespace
    store = ClusterStore(cluster, namespace)
    values = read_values(settled.tree, settled.environment)
    item = of_identifier(wanted(settled.graph, modes(values, settled.graph.contracts), secret_names(values)), SECRET)
    before, jobs = settled.pods(), {job["metadata"]["name"] for job in cluster.list("Job", namespace)}
    old = store.get(item.name)

    carry_out(prepare(item, store, namespace), store)
    commit = settled.values({"global": {"secretRevisions": {SECRET: "r1"}}}, f"rotate {SECRET}")
    settled.deliver(commit, f"rotate {SECRET}")

    assert rolled(before, settled.pods()) == {"iam"}
    added = {job["metadata"]["name"] for job in cluster.list("Job", namespace)} - jobs
    assert [name.rsplit("-", 1)[0] for name in added] == ["mariadb-provision"]
    new = store.get(item.name)
    assert old is not None
    assert new is not None
    assert old.keys["password"].reveal() != new.keys["password"].reveal()

    pod = next(
        found["metadata"]["name"]
        for found in cluster.list("Pod", namespace, labels="app.kubernetes.io/name=iam,indigo-paas/role=server")
        if "deletionTimestamp" not in found["metadata"]
    )
    origin = trace_live(Wanted("pod", pod, namespace), cluster, [])
    assert [name.partition("/")[0] for name in origin.made_by] == ["Pod", "ReplicaSet", "Deployment"]
    assert (origin.application, origin.environment, origin.component) == (settled.name, settled.environment.name, "iam")
    assert origin.revision == commit
    assert origin.commit is not None
    assert origin.commit.sha == commit
    assert origin.synced is not None
    assert origin.synced.state == "Synced"
    assert origin.synced.since
    decided = {one.key: one for one in origin.decided}
    assert decided[f"global.secretRevisions.{SECRET}"].path == settled.values_path
    assert {"charts/iam/contract.yaml", settled.values_path} <= {source.path for source in origin.sources}

    service = trace_live(Wanted("service", "iam", namespace), cluster, [])
    if service.commit is None:  # the story has made a commit with invalid values, behind which nobody can look
        assert any("cannot be rendered" in note and commit[:12] not in note for note in service.notes), service.notes
    else:
        assert service.commit.sha != commit, "the rotation did not change the Service"
    secret = trace_live(Wanted("secret", item.name, namespace), cluster, [])
    assert "charts/iam/contract.yaml secrets.iam-db" in secret.notes[0]

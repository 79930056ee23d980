"""A real Argo CD is made to fail in many ways at once, and each time the diagnosis names what we broke."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from harness.cluster import Cluster
from harness.diagnose import Diagnosis, Verdict, collect, diagnose
from harness.process import run
from tests.gitops.diagnose_scenarios import NARROW, SCENARIOS, Object, Scenario
from tests.unit.fixtures import Contracts

pytestmark = pytest.mark.gitops

GRAPH = Contracts().build()
SECONDS = 90.0


@pytest.fixture(scope="module")
def broken(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A control plane with Argo CD, and every scenario applied to it at once."""
    repository = tmp_path_factory.mktemp("diagnose") / "repository"
    commit(repository)
    name = {"name": "narrow", "namespace": "argocd"}
    cluster.apply({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": name, "spec": NARROW})
    for title, scenario in SCENARIOS.items():
        prepare(cluster, title, scenario)
        cluster.apply(application(title, scenario, repository))
    return cluster


def commit(repository: Path) -> None:
    for name, scenario in SCENARIOS.items():
        files = scenario.files or {"all.yaml": yaml.safe_dump_all(scenario.objects)}
        for file, text in files.items():
            path = repository / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-qm", "scenarios")):
        run("git", *arguments, cwd=repository)


def prepare(cluster: Cluster, name: str, scenario: Scenario) -> None:
    space = f"indigo-{name}"
    if scenario.namespace:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space, "labels": labels}})
    if scenario.quota:
        quota = {"name": "environment", "namespace": space}
        cluster.apply(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": quota, "spec": {"hard": scenario.quota}}
        )


def application(name: str, scenario: Scenario, repository: Path) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": f"indigo-{name}", "namespace": "argocd", "labels": {"indigo-paas/environment": name}
        },
        "spec": {
            "project": scenario.project,
            "source": {"repoURL": repository.as_uri(), "targetRevision": scenario.revision, "path": name},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": f"indigo-{name}"},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}, "retry": {"limit": 0}},
        },
    }  # fmt: skip


def wait_for(cluster: Cluster, name: str) -> Diagnosis:
    """Look until the diagnosis is of the expected kind and return it; fail with what it was last."""
    wanted = SCENARIOS[name]
    end = time.monotonic() + SECONDS
    while True:
        found = diagnose(collect(cluster, f"indigo-{name}"), GRAPH)
        if found.kind == wanted.kind and wanted.words in found.headline:
            return found
        if time.monotonic() > end:
            pytest.fail(f"expected {wanted.kind}: {wanted.words}\n{found.to_text(100)}")
        time.sleep(0.5)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_diagnosis_names_what_was_broken(broken: Cluster, name: str) -> None:
    found = wait_for(broken, name)
    expected = {"well": Verdict.CONVERGED, "starting": Verdict.RUNNING}.get(name, Verdict.BLOCKED)
    assert found.verdict is expected
    if expected is Verdict.BLOCKED:
        assert found.reasons and found.fixes


def test_what_waits_for_a_failed_job_is_what_argo_cd_has_not_created(broken: Cluster) -> None:
    found = wait_for(broken, "job")
    assert [(one.component, one.wave, one.state) for one in found.waiting] == [("issuer", 12, "not created")]
    assert broken.find("Deployment", "issuer", "indigo-job", "apps/v1") is None


def test_the_advised_commands_let_a_sync_that_gave_up_go_on(broken: Cluster) -> None:
    wait_for(broken, "invalid")
    patch = next(fix.command for fix in wait_for(broken, "invalid").fixes if "patch application" in fix.command)
    assert patch.endswith('-p \'{"operation":{"sync":{}}}\'')
    before = broken.get("Application", "indigo-invalid", "argocd")["status"]["operationState"]["startedAt"]
    time.sleep(1.1)  # the time of a sync is given in seconds
    broken.patch("Application", "indigo-invalid", {"operation": {"sync": {}}}, "argocd")
    end = time.monotonic() + SECONDS
    while broken.get("Application", "indigo-invalid", "argocd")["status"]["operationState"]["startedAt"] == before:
        assert time.monotonic() < end, "no new sync began"
        time.sleep(0.2)


def test_a_bundle_of_a_real_cluster_holds_no_secret_of_it(broken: Cluster, tmp_path: Path) -> None:
    value = "marker-of-a-real-secret"
    name = {"name": "store-root", "namespace": "indigo-job"}
    broken.apply({"apiVersion": "v1", "kind": "Secret", "metadata": name, "stringData": {"password": value}})
    broken.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**name, "name": "store-config"},
                   "data": {"told": f"it is {value}"}})  # fmt: skip
    snapshot = collect(broken, "indigo-job", logs="all")
    assert snapshot["secrets"] == {"store-root": ["password"]}
    for path in diagnose(snapshot, GRAPH).write_bundle(tmp_path):
        assert value not in path.read_text(), path.name

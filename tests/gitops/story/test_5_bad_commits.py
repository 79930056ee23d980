"""A bad commit is refused or stopped, says why, leaves what runs alone, and the next good commit needs no hands."""

from __future__ import annotations

import pytest

from harness.argo.applications import Application
from harness.e2e.platform import Platform

pytestmark = pytest.mark.gitops


@pytest.mark.refutes("a schema or a validation that lets the value through")
def test_an_invalid_value_is_refused_while_the_platform_runs(running: Platform) -> None:
    pods, versions = running.pods(), running.resource_versions()
    message = running.refused(running.values({"orchestrator": {"settings": {"IM_URL": "no url"}}}, "a wrong value"))
    assert "IM_URL" in message
    assert running.pods() == pods
    assert running.resource_versions() == versions


@pytest.mark.refutes("a migration that runs beside the new version instead of before it")
def test_a_failed_migration_stops_what_comes_after_it_and_the_next_commit_recovers(running: Platform) -> None:
    pods, images = running.pods(), running.images()
    contract = running.source.read("charts/dashboard/contract.yaml")
    assert "retries: 2" in contract
    broken = running.source.commit(
        "a migration that fails, with a new image after it",
        {
            # no retries: the pauses between them would only make the test longer
            "charts/dashboard/contract.yaml": contract.replace("retries: 2", "retries: 0", 1),
            **running.values_edit(
                {
                    "dashboard": {
                        "image": {"tag": "v9.9.9"},
                        "jobs": {
                            "migrate": {
                                "podAnnotations": {
                                    "simulation.indigo-paas/fail": "1",
                                    "simulation.indigo-paas/message": "column exists already",
                                }
                            }
                        },
                    }
                }
            ),
        },
    )
    running.refresh()

    def failed(app: Application) -> bool:
        operation = app.operation
        if operation is None or operation.revision != broken:
            return False
        return operation.phase == "Failed" or "Retrying attempt" in operation.message

    app = running.wait(failed, "the sync of the bad commit has failed")
    assert "dashboard-migrate-" in app.summary()
    assert running.images() == images, "the new version started in spite of its migration"
    assert running.pods() == pods

    good = running.values({"dashboard": {"image": {"tag": "v9.9.9"}}}, "a migration that works")
    running.deliver(good, "the next good commit")
    assert running.images()["dashboard"].endswith(":v9.9.9")

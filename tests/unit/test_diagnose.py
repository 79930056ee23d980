"""What blocks is named, in one sentence, with its cause, what waits for it and what to do."""

from __future__ import annotations

import io
import re

from rich.console import Console

from harness.diagnose import Verdict, Waiting
from harness.diagnose.render import show
from tests.unit.fixtures.snapshots import RUNNING, Object, World, ago, waits


def failed_job(world: World, name: str = "store-provision-1a2b3c4d") -> Object:
    """Add a Job that failed for good, with its last pod."""
    message = "Job has reached the specified backoff limit"
    condition = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": message}
    job = world.add(
        "Job", name, 3, group="batch", spec={"backoffLimit": 1}, status={"conditions": [condition], "failed": 2}
    )
    end = {"exitCode": 1, "reason": "Error", "finishedAt": ago(300)}
    pod = world.pod(job, {"terminated": end}, phase="Failed")
    world.log(pod, "store", "provision waits for store", "ERROR 1045 (28000): Access denied for user 'root'", "")
    world.event(job, "BackoffLimitExceeded", message)
    return job


def test_a_failed_job_is_named_with_exit_code_log_and_what_waits_for_it() -> None:
    message = "one or more synchronization tasks completed unsuccessfully (retried 5 times)."
    world = World().operation("Failed", message, retries=5)
    world.workload("StatefulSet", "store", 0, ready=True)
    failed_job(world)
    world.result("Job", "store-provision-1a2b3c4d", "Job has reached the specified backoff limit", "Synced", "Failed")
    for name, wave in (("issuer", 12), ("portal", 20)):
        world.track("Deployment", name, wave)
    found = world.diagnose()
    assert found.verdict is Verdict.BLOCKED
    assert found.headline == (
        "store-provision-1a2b3c4d (Job, wave 3) failed: exit code 1: ERROR 1045 (28000): Access denied for user 'root'"
    )
    assert found.kind == "job-failed"
    assert [(one.component, one.wave, one.through, one.state) for one in found.waiting] == [
        ("issuer", 12, "store", "not created"),
        ("portal", 20, "issuer", "not created"),
    ]
    assert found.reasons[1].lines[-1] == "ERROR 1045 (28000): Access denied for user 'root'"
    commands = [fix.command for fix in found.fixes]
    assert "kubectl -n indigo-dev delete job store-provision-1a2b3c4d" in commands
    assert any('{"operation":{"sync":{}}}' in command for command in commands), "Argo CD has given up: how to go on?"
    assert str(found.syncs[-1]) == "OutOfSync, Healthy, sync Failed, attempt 6 of 6, at 39e4495d"


def waiting_issuer(world: World, *, age: float = 900) -> Object:
    """Add an issuer that waits for the store in its init container."""
    pod = world.pod(
        world.workload("Deployment", "issuer", 12, ready=False, age=age), RUNNING, init="wait-for-store", age=age
    )
    world.log(pod, "wait-for-store", "issuer waits for store at store:3306", "issuer waits for store at store:3306")
    return pod


def test_an_init_container_that_waits_leads_to_what_it_waits_for() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/Deployment/issuer", seconds=1000)
    store = world.workload("StatefulSet", "store", 0, ready=False)
    end = {"exitCode": 1, "reason": "Error", "message": "No space left on device"}
    world.pod(store, waits("CrashLoopBackOff", "back-off 5m0s"), last=end, restarts=8)
    waiting_issuer(world)
    found = world.diagnose()
    assert found.headline == "store (StatefulSet, wave 0) crashed 8 times: exit code 1: No space left on device"
    assert ("issuer", "not healthy") in [(one.component, one.state) for one in found.waiting]
    assert not any("issuer (Deployment" in other for other in found.others), "it only suffers"


def test_an_init_container_that_waits_for_something_healthy_points_at_the_network() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/Deployment/issuer", seconds=1000)
    world.workload("StatefulSet", "store", 0, ready=True)
    waiting_issuer(world)
    found = world.diagnose()
    assert found.kind == "init-waiting"
    assert found.headline == (
        "issuer (Deployment, wave 12) waits for store at store:3306, which is up but does not answer it"
    )
    assert any("NetworkPolicy" in fix.text for fix in found.fixes)


def test_an_init_container_that_waits_for_something_outside_says_so() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/Deployment/issuer", seconds=1000)
    waiting_issuer(world)
    assert "which runs outside the platform but does not answer it" in world.diagnose().headline


def test_an_image_that_is_missing_is_told_although_an_init_container_has_not_begun() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/Deployment/issuer", seconds=1000)
    pod = world.pod(
        world.workload("Deployment", "issuer", 12, ready=False), waits("PodInitializing", ""), init="wait-for-store"
    )
    pod["status"]["containerStatuses"][0]["state"] = waits("ImagePullBackOff", "not found")
    assert world.diagnose().kind == "image-pull"


def test_of_two_failures_the_one_that_the_other_needs_is_named() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/StatefulSet/store", seconds=100)
    starting = world.workload("StatefulSet", "store", 0, ready=False, age=60)
    world.pod(starting, RUNNING, phase="Running", age=50)
    portal = world.workload("Deployment", "portal", 20, ready=False)
    world.pod(portal, waits("CrashLoopBackOff", "back-off"), last={"exitCode": 1, "reason": "Error"}, restarts=4)
    found = world.diagnose()
    assert found.object is not None and found.object.name == "store", found.headline
    assert found.verdict is Verdict.BLOCKED, "the portal crashes"
    assert found.reasons[-1].source == "portal (Deployment, wave 20)"


def test_of_several_failures_the_lowest_wave_is_named_and_the_others_are_listed() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/Deployment/portal")
    for kind, name, wave in (("Deployment", "portal", 20), ("StatefulSet", "store", 0)):
        world.pod(world.workload(kind, name, wave, ready=False), waits("ErrImagePull", "not found"))
    found = world.diagnose()
    assert found.object is not None and found.object.wave == 0
    assert found.others == ("portal (Deployment, wave 20) cannot pull the image example/portal:1: ErrImagePull",)


def test_a_sync_within_its_time_is_no_failure_and_says_what_it_waits_for() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/StatefulSet/store", seconds=50)
    world.pod(world.workload("StatefulSet", "store", 0, ready=False, age=45), RUNNING, phase="Running", age=40)
    world.track("Deployment", "portal", 20)
    found = world.diagnose()
    assert found.verdict is Verdict.RUNNING
    assert found.headline == (
        "store (StatefulSet, wave 0) is not ready yet, for 40 s of at most 5 min: "
        "pod store-0: store runs and is not ready"
    )
    assert [one.component for one in found.waiting] == ["store", "portal"], "its own Job waits too"


def test_a_platform_that_is_well_is_said_to_be_well() -> None:
    world = World()
    world.workload("StatefulSet", "store", 0, ready=True)
    found = world.diagnose()
    assert (found.verdict, found.reasons, found.fixes) == (Verdict.CONVERGED, (), ())
    assert found.headline == "indigo-dev is Synced and Healthy at 39e4495d: 3 objects, nothing blocks"


def test_an_error_of_the_delivery_comes_before_what_it_delivers() -> None:
    world = World()
    world.condition(
        "ComparisonError", "Failed to load target state: rpc error: code = Unknown desc = no chart", world.parent
    )
    world.operation("Running")
    world.pod(world.workload("StatefulSet", "store", 0, ready=False), waits("ErrImagePull", "not found"))
    assert world.diagnose().headline == "env-dev (Application) is not compared: no chart"


def test_an_event_of_an_earlier_pod_of_the_same_name_is_not_told() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/StatefulSet/store", seconds=1000)
    pod = world.pod(world.workload("StatefulSet", "store", 0, ready=False), RUNNING, phase="Running", age=990)
    world.event({**pod, "metadata": {**pod["metadata"], "uid": "uid-of-before"}}, "Unhealthy", "from another life")
    world.event(
        pod, "Unhealthy", "Readiness probe failed: dial tcp 10.0.0.1:3306: connect: connection refused", count=9
    )
    text = world.diagnose().to_text()
    assert "from another life" not in text
    assert "9 times, last 20 s ago" in text


def test_an_object_of_an_older_commit_that_waits_for_its_removal_blocks_nothing() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/Deployment/portal")
    failed_job(world, "store-provision-0ld0ld00")
    world.app["status"]["resources"][-1]["requiresPruning"] = True
    world.pod(world.workload("Deployment", "portal", 20, ready=False), waits("ErrImagePull", "not found"))
    assert world.diagnose().headline.startswith("portal (Deployment, wave 20) cannot pull")


def test_a_hook_that_failed_is_told_although_argo_cd_marks_it_as_left_over() -> None:
    world = World().operation("Failed", "one or more synchronization tasks completed unsuccessfully")
    failed_job(world, "store-migrate")
    world.app["status"]["resources"][-1] |= {"hook": True, "requiresPruning": True}
    world.result(
        "Job", "store-migrate", "Job has reached the specified backoff limit", "Synced", "Failed", hookType="Sync"
    )
    assert world.diagnose().headline.startswith("store-migrate (Job, wave 3) failed: exit code 1")


def test_a_sync_of_an_older_commit_is_told_with_the_command_that_ends_it() -> None:
    world = World().operation("Running", "waiting for healthy state of batch/Job/store-provision-1a2b3c4d")
    failed_job(world)
    world.app["status"]["sync"]["revision"] = "a5fdfef8cfc7b8dcae662165d8aaff7c67b08655"
    found = world.diagnose()
    assert str(found.syncs[-1]) == "OutOfSync, Healthy, sync Running of 39e4495d, at a5fdfef8"
    assert any('"phase":"Terminating"' in fix.command for fix in found.fixes)


def test_what_argo_cd_waits_for_although_it_is_there_is_no_failure() -> None:
    world = World().operation("Running", "waiting for healthy state of /ConfigMap/store-config and 2 more resources")
    world.add("ConfigMap", "store-config", group="")
    found = world.diagnose()
    assert (found.verdict, found.kind) == (Verdict.RUNNING, "syncing")


def test_a_custom_resource_that_argo_cd_waits_for_is_named_after_a_while() -> None:
    world = World().operation("Running", "waiting for healthy state of k8s.mariadb.com/MariaDB/store", seconds=600)
    world.add("MariaDB", "store", group="k8s.mariadb.com")
    found = world.diagnose()
    assert (found.kind, found.headline) == (
        "unhealthy", "store (MariaDB, wave 0) is Progressing after 10 min: Argo CD waits for it",
    )  # fmt: skip


def test_drift_and_a_manual_sync_are_told_apart_from_a_sync_that_gave_up() -> None:
    assert World().operation("Succeeded").diagnose().kind == "drift"
    manual = World()
    manual.app["status"]["sync"]["status"] = "OutOfSync"
    manual.app["spec"]["syncPolicy"] = {}
    assert manual.diagnose().kind == "sync-not-started"
    assert World().operation("Failed", "Operation terminated").diagnose().kind == "sync-failed"


def test_what_waits_is_told_in_waves_with_what_merely_comes_later() -> None:
    world = World().operation("Running", "waiting for healthy state of apps/Deployment/issuer")
    for name, wave in (("store", 0), ("portal", 20)):
        world.track("Deployment", name, wave)
    world.pod(world.workload("Deployment", "issuer", 12, ready=False), waits("ErrImagePull", "not found"))
    found = world.diagnose()
    assert found.waiting == (Waiting(component="portal", wave=20, through="issuer", state="not created"),)


def test_a_terminal_gets_no_spaces_at_the_end_of_lines() -> None:
    stream = io.StringIO()
    world = World().operation("Failed", "x")
    failed_job(world)
    show(world.diagnose(), Console(file=stream, width=80, soft_wrap=True, force_terminal=True))
    plain = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in stream.getvalue().splitlines()]
    assert [line for line in plain if line != line.rstrip()] == []
    assert any(line.endswith(" \\") for line in plain), "a command is broken so that it can be copied"


def test_markdown_quotes_what_markdown_would_swallow() -> None:
    world = World().operation("Failed", "x")
    failed_job(world)
    world.data["logs"] = dict.fromkeys(world.data["logs"], "```\n# <b>*not bold*</b>")
    text = world.diagnose().to_markdown()
    assert text.startswith("# Blocked: store-provision-1a2b3c4d (Job, wave 3) failed: exit code 1")
    assert "\n   ````text\n   ```\n   # <b>*not bold*</b>\n   ````\n" in text

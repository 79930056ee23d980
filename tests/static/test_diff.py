"""What a change means, told of the committed tree's own objects: one edit, and the statements that follow from it."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from harness.checks import Subject
from harness.diff import Kind, Level
from tests.static.edit import Edit
from tests.static.telling import kinds, only, told

# ---------------------------------------------------------------------- noise


def shuffled(edit: Edit) -> None:
    edit.objects.reverse()
    for item in edit.objects:
        for key in sorted(item, reverse=True):
            item[key] = item.pop(key)
    for policy in [item for item in edit.objects if item["kind"] == "NetworkPolicy"]:
        policy["spec"]["ingress"].reverse()
        policy["spec"]["policyTypes"].reverse()
    edit.get("Service", "iam")["spec"]["ports"].reverse()


def defaults(edit: Edit) -> None:
    edit.workload("iam")["spec"]["template"]["spec"] |= {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always"}
    edit.get("Service", "iam")["spec"] |= {"sessionAffinity": "None", "internalTrafficPolicy": "Cluster"}
    del edit.container("iam")["imagePullPolicy"]


def amounts(edit: Edit) -> None:
    requests = edit.container("iam")["resources"]["requests"]
    requests |= {"cpu": "0.5", "memory": "1024Mi"}
    edit.get("ResourceQuota", "environment")["spec"]["hard"]["requests.cpu"] = 6


def version_labels(edit: Edit) -> None:
    for item in edit.objects:
        if item["kind"] != "Deployment":
            item["metadata"]["labels"]["app.kubernetes.io/version"] = "9.9"


@pytest.mark.parametrize("noise", [shuffled, defaults, amounts, version_labels])
def test_noise_is_no_difference(committed: Subject, noise: Callable[[Edit], None]) -> None:
    edit = Edit(committed)
    noise(edit)
    found = told(committed, edit)
    assert found.changes == ()
    assert (found.verdict, found.level) == ("Nothing changes in dev.", None)
    assert [one.state for one in found.environments] == ["same"]


# ----------------------------------------------------------------------- pods


def test_a_new_image_is_told_once_and_is_why_pods_are_replaced(committed: Subject) -> None:
    edit = Edit(committed)
    edit.container("iam")["image"] = edit.container("iam")["image"].rpartition(":")[0] + ":9.9.9"
    edit.pod("iam")["metadata"]["labels"]["app.kubernetes.io/version"] = "9.9.9"
    found = told(committed, edit)
    roll = only(found, Kind.ROLL)
    assert roll.object == "Deployment/iam"
    assert roll.details[0].startswith("image of iam:")
    assert roll.details[-1].startswith("label of the version:")
    assert only(found, Kind.IMAGE).text.endswith("-> 9.9.9 (iam)")
    assert "pods of iam are replaced" in found.verdict.lower()


def test_a_file_that_changes_is_the_reason_and_its_checksum_is_not(committed: Subject) -> None:
    edit = Edit(committed)
    config = edit.get("ConfigMap", "mariadb-config")
    name = next(iter(config["data"]))
    config["data"][name] += "\nmax_connections = 7\n"
    edit.pod("mariadb")["metadata"]["annotations"]["checksum/config"] = "0" * 64
    found = told(committed, edit)
    assert only(found, Kind.ROLL).details == (f"files: ConfigMap/mariadb-config ({name})",)
    setting = only(found, Kind.SETTING)
    assert "+max_connections = 7" in setting.details
    assert any(line.startswith("max_connections: ") for line in setting.details), "what the contract says of it"


def test_a_checksum_alone_is_odd_and_said(committed: Subject) -> None:
    edit = Edit(committed)
    edit.pod("mariadb")["metadata"]["annotations"]["checksum/config"] = "0" * 64
    assert only(told(committed, edit), Kind.ROLL).details == ("files: the checksum alone, no ConfigMap of it differs",)


def test_a_file_that_its_pods_do_not_notice_is_told(committed: Subject) -> None:
    edit = Edit(committed)
    config = edit.get("ConfigMap", "mariadb-config")
    config["data"][next(iter(config["data"]))] += "\n# more\n"
    stale = only(told(committed, edit), Kind.STALE)
    assert (stale.object, stale.level) == ("StatefulSet/mariadb", Level.ATTENTION)
    assert stale.steps == ("kubectl -n indigo-dev rollout restart statefulset/mariadb, after the sync",)


def test_a_rotated_secret_is_named_as_the_reason(committed: Subject) -> None:
    edit = Edit(committed)
    edit.pod("iam")["metadata"]["annotations"]["secret-revision/iam-db"] = "2026-11-23"
    assert only(told(committed, edit), Kind.ROLL).details == ("Secret iam-db: revision (none) -> 2026-11-23",)


def test_a_setting_is_told_with_the_contracts_meaning(committed: Subject) -> None:
    edit = Edit(committed)
    edit.env("iam", "IAM_ORGANISATION_NAME")["value"] = "other"
    found = told(committed, edit)
    setting = only(found, Kind.SETTING)
    assert setting.text == "IAM_ORGANISATION_NAME: indigo-dc -> other"
    assert setting.details[0] == committed.contracts["iam"].settings["IAM_ORGANISATION_NAME"].meaning
    assert only(found, Kind.ROLL).details == ("setting IAM_ORGANISATION_NAME: indigo-dc -> other",)


def test_another_order_of_variables_replaces_pods_and_says_why(committed: Subject) -> None:
    edit = Edit(committed)
    edit.container("iam")["env"].reverse()
    (reason,) = only(told(committed, edit), Kind.ROLL).details
    assert reason == "containers[iam].env: another order (to Kubernetes that is another pod)"


@pytest.mark.parametrize("component", ["mariadb", "orchestrator"])
def test_what_runs_once_is_away_and_the_contract_says_what_that_means(committed: Subject, component: str) -> None:
    edit = Edit(committed)
    edit.container(component)["resources"]["limits"]["memory"] = "17Gi"
    away = only(told(committed, edit), Kind.DOWNTIME)
    contract = committed.contracts[component]
    assert f"within {contract.availability.budget} s" in away.text
    assert contract.availability.pod.happens in away.details[0]


def test_what_is_replaced_by_a_ready_successor_is_not_away(committed: Subject) -> None:
    edit = Edit(committed)
    edit.container("iam")["resources"]["limits"]["memory"] = "17Gi"
    assert told(committed, edit).of(Kind.DOWNTIME) == []
    edit.workload("iam")["spec"]["strategy"]["rollingUpdate"] = {"maxSurge": 0, "maxUnavailable": 1}
    assert only(told(committed, edit), Kind.DOWNTIME).component == "iam"


def test_a_job_with_another_hash_runs_again_and_nothing_is_pruned(committed: Subject) -> None:
    edit = Edit(committed)
    job = edit.job("mariadb")
    job["metadata"]["name"] = job["metadata"]["name"][:-8] + "0" * 8
    job["spec"]["template"]["metadata"].setdefault("annotations", {})["secret-revision/iam-db"] = "2"
    found = told(committed, edit)
    again = only(found, Kind.JOB)
    assert again.object == "Job/mariadb-provision"
    assert again.text.startswith("runs again: ")
    assert again.details == ("Secret iam-db: revision (none) -> 2",)
    assert kinds(found) == ["job"]


# -------------------------------------------------------------------- objects


def test_a_field_that_cannot_be_changed_in_place_comes_with_the_procedure(committed: Subject) -> None:
    edit = Edit(committed)
    edit.workload("mariadb")["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "99Gi"
    found = told(committed, edit)
    change = only(found, Kind.IMMUTABLE)
    assert (change.level, change.object) == (Level.DANGER, "StatefulSet/mariadb")
    assert change.text.startswith("spec.volumeClaimTemplates: the API server refuses it")
    assert any("--cascade=orphan" in step and "indigo-dev" in step for step in change.steps)
    assert kinds(found) == ["immutable"], "said once"
    assert found.verdict.startswith("1 change cannot be made in place, and the sync fails")


def test_an_object_that_goes_is_pruned_and_one_that_is_kept_stays(committed: Subject) -> None:
    edit = Edit(committed)
    claim = edit.add(
        "orchestrator", "PersistentVolumeClaim", "orchestrator-more", spec={"accessModes": ["ReadWriteOnce"]}
    )
    kept = copy.deepcopy(claim)
    kept["metadata"]["name"] = "orchestrator-kept"
    kept["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] = "Prune=false,Delete=false"
    edit.objects.append(kept)
    after = Edit(committed)
    after.objects.remove(after.get("Service", "dashboard"))
    found = told(committed, after, before=edit)
    assert {change.object for change in found.of(Kind.REMOVED)} == {
        "PersistentVolumeClaim/orchestrator-more",
        "Service/dashboard",
    }
    assert only(found, Kind.KEPT).object == "PersistentVolumeClaim/orchestrator-kept"
    lost = only(found, Kind.DATA)
    assert (lost.object, lost.level) == ("PersistentVolumeClaim/orchestrator-more", Level.DANGER)


def test_a_protection_that_is_taken_away_is_a_danger(committed: Subject) -> None:
    edit = Edit(committed)
    edit.get("Namespace", "indigo-dev")["metadata"]["annotations"].pop("argocd.argoproj.io/sync-options")
    change = only(told(committed, edit), Kind.DATA)
    assert change.text == "is no longer protected by Delete=false, Prune=false"
    edit = Edit(committed)
    edit.workload("mariadb")["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] = "Delete"
    assert only(told(committed, edit), Kind.DATA).level is Level.DANGER


def test_a_workload_of_another_kind_takes_the_others_place(committed: Subject) -> None:
    edit = Edit(committed)
    edit.workload("valkey")["kind"] = "Deployment"
    change = only(told(committed, edit), Kind.REPLACED)
    assert (change.object, change.level) == ("Deployment/valkey", Level.ATTENTION)
    assert change.text.startswith("takes the place of StatefulSet/valkey")


def test_a_component_that_goes_is_told_in_one_piece_with_what_stays(committed: Subject) -> None:
    edit = Edit(committed)
    edit.values["global"]["components"]["valkey"] = {"mode": "off"}
    edit.applications["indigo-dev"] = edit.objects = [
        item for item in edit.objects if item["metadata"]["labels"]["app.kubernetes.io/name"] != "valkey"
    ]
    found = told(committed, edit)
    change = only(found, Kind.COMPONENT)
    assert (change.component, change.level) == ("valkey", Level.ATTENTION)
    assert "embedded -> off" in change.text
    assert any("StatefulSet/valkey" in line and line.startswith("pruned") for line in change.details)
    assert "claims of StatefulSet/valkey stay, with the data in them" in change.details
    assert found.of(Kind.REMOVED) == []
    assert all(
        change.text.startswith("closed with valkey")
        for change in found.of(Kind.NETWORK)
        if change.component == "valkey"
    )
    assert "valkey goes" in found.verdict.lower()


def test_a_component_that_comes_brings_its_secrets_and_connections(committed: Subject) -> None:
    before = Edit(committed)
    before.values["global"]["components"]["valkey"] = {"mode": "off"}
    before.applications["indigo-dev"] = before.objects = [
        item for item in before.objects if item["metadata"]["labels"]["app.kubernetes.io/name"] != "valkey"
    ]
    found = told(committed, Edit(committed), before=before)
    assert only(found, Kind.COMPONENT).level is Level.INFO
    assert any(change.text.startswith("opened with valkey: ") for change in found.of(Kind.NETWORK))


def test_a_secret_that_is_newly_read_is_needed_first(committed: Subject) -> None:
    edit = Edit(committed)
    source = {"secretKeyRef": {"name": "iam-mail", "key": "password"}}
    edit.container("iam")["env"].append({"name": "SPRING_MAIL_PASSWORD", "valueFrom": source})
    change = only(told(committed, edit), Kind.SECRET)
    assert (change.object, change.component, change.level) == ("Secret/iam-mail", "iam", Level.ATTENTION)
    assert change.text.startswith("key password is newly read by iam")
    assert change.details[0].startswith("password: ")
    assert "indigo secrets apply --environment dev" in change.steps[0]


def test_a_connection_is_told_once_although_two_policies_hold_it(committed: Subject) -> None:
    edit = Edit(committed)
    ports = [{"port": 6379, "protocol": "TCP"}]
    iam, valkey = ({"podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}} for name in ("iam", "valkey"))
    edit.policy("valkey")["egress"].append({"to": [iam], "ports": ports})
    half = only(told(committed, edit), Kind.NETWORK)
    assert half.text == "opened on one side only: valkey -> iam on 6379/TCP"
    edit.policy("iam")["ingress"].append({"from": [valkey], "ports": ports})
    assert only(told(committed, edit), Kind.NETWORK).text == "opened: valkey -> iam on 6379/TCP"


def test_a_way_to_the_outside_asks_for_a_look(committed: Subject) -> None:
    edit = Edit(committed)
    edit.policy("iam")["egress"].append({"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 25}]})
    found = told(committed, edit)
    change = only(found, Kind.NETWORK)
    assert (change.level, change.text) == (Level.ATTENTION, "opened: iam -> network 192.0.2.0/24 on 25/TCP")
    assert "the network is opened to the outside" in found.verdict.lower()


def test_a_policy_that_no_longer_denies_a_direction_is_told(committed: Subject) -> None:
    edit = Edit(committed)
    edit.policy("iam")["policyTypes"] = ["Ingress"]
    assert "policyTypes" in only(told(committed, edit), Kind.OBJECT).details[0]


def test_numbers_of_pods_and_what_belongs_to_them(committed: Subject) -> None:
    edit = Edit(committed)
    edit.scale("iam", 3)
    found = told(committed, edit)
    assert only(found, Kind.SCALE).text == "replicas 1 -> 3"
    assert {change.object for change in found.of(Kind.OBJECT)} == {"PodDisruptionBudget/iam"}


def test_a_label_that_becomes_the_same_on_many_objects_is_told_once(committed: Subject) -> None:
    edit = Edit(committed)
    for item in edit.objects:
        item["metadata"]["labels"]["indigo-paas/environment"] = "other"
    change = only(told(committed, edit), Kind.OBJECT)
    assert change.text.startswith("metadata.labels.indigo-paas/environment: dev -> other, on ")
    assert "Service/iam" in change.details[0]


def test_quota_and_project_are_told_as_delivery(committed: Subject) -> None:
    edit = Edit(committed)
    edit.get("ResourceQuota", "environment")["spec"]["hard"]["requests.cpu"] = "8"
    edit.allow("batch", "Whatever")
    found = told(committed, edit)
    assert {change.object: change.level for change in found.of(Kind.DELIVERY)} == {
        "ResourceQuota/environment": Level.INFO,
        "AppProject/indigo-dev": Level.ATTENTION,
    }


def test_objects_that_another_application_delivers_are_handed_over(committed: Subject) -> None:
    edit = Edit(committed)
    edit.applications = {"indigo-dev-core": edit.applications["indigo-dev"]}
    change = only(told(committed, edit), Kind.DELIVERY)
    assert "are delivered by indigo-dev-core instead of indigo-dev" in change.text

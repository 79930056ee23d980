"""Mistakes in single objects; the same table as `tests.static.mistakes`."""

from __future__ import annotations

import base64
import random

from tests.static.edit import Edit
from tests.static.mistakes import OPTIONS, mistake


@mistake("references", "selects no pod")
def a_service_without_pods(edit: Edit) -> None:
    edit.get("Service", "iam")["spec"]["selector"]["indigo-paas/role"] = "serve"


@mistake("references", "no ServiceAccount nobody")
def an_account_that_is_not_there(edit: Edit) -> None:
    edit.pod("iam")["spec"]["serviceAccountName"] = "nobody"


@mistake("references", "has no key etc.mysql.conf.d.indigo.cnf")
def a_file_that_is_not_in_the_config_map(edit: Edit) -> None:
    data = edit.get("ConfigMap", "mariadb-config")["data"]
    data["other.cnf"] = data.pop("etc.mysql.conf.d.indigo.cnf")


@mistake("references", "no ConfigMap orchestrator-files")
def a_config_map_that_is_not_there(edit: Edit) -> None:
    for volume in edit.pod("orchestrator")["spec"]["volumes"]:
        if "configMap" in volume:
            volume["configMap"]["name"] = "orchestrator-files"


@mistake("references", "no PersistentVolumeClaim gone")
def a_claim_that_is_not_there(edit: Edit) -> None:
    for volume in edit.pod("orchestrator")["spec"]["volumes"]:
        if "persistentVolumeClaim" in volume:
            volume["persistentVolumeClaim"]["claimName"] = "gone"


@mistake("references", "no volume lost")
def a_mount_without_volume(edit: Edit) -> None:
    edit.container("iam")["volumeMounts"].append({"name": "lost", "mountPath": "/lost", "readOnly": True})


@mistake("references", "/etc/mysql/conf.d/indigo.cnf is mounted twice")
def a_path_mounted_twice(edit: Edit) -> None:
    mounts = edit.container("mariadb")["volumeMounts"]
    mounts.append(next(mount for mount in mounts if mount["name"] == "config"))


@mistake("pod-hygiene", "is not false")
def service_links(edit: Edit) -> None:
    del edit.pod("iam")["spec"]["enableServiceLinks"]


@mistake("pod-hygiene", "is not false")
def an_account_with_a_token(edit: Edit) -> None:
    edit.get("ServiceAccount", "iam")["automountServiceAccountToken"] = True


@mistake("pod-hygiene", "container wait-for-mariadb has none")
def an_init_container_without_requests(edit: Edit) -> None:
    del edit.pod("iam")["spec"]["initContainers"][0]["resources"]["requests"]["memory"]


@mistake("pod-hygiene", "is 30, the contract says 120")
def too_little_time_to_stop(edit: Edit) -> None:
    edit.pod("mariadb")["spec"]["terminationGracePeriodSeconds"] = 30


@mistake("pod-hygiene", "the software is killed and not ended")
def a_pause_that_takes_all_the_time_to_stop(edit: Edit) -> None:
    grace = edit.contracts["iam"].workload.gracePeriod
    edit.contract("iam", workload=edit.contracts["iam"].workload.model_copy(update={"preStop": grace}))
    edit.container("iam")["lifecycle"]["preStop"]["sleep"]["seconds"] = grace


@mistake("pod-hygiene", "guards 1 replica")
def a_budget_on_one_replica(edit: Edit) -> None:
    edit.budget("valkey")


@mistake("pod-hygiene", "2 replicas without a PodDisruptionBudget")
def replicas_without_a_budget(edit: Edit) -> None:
    edit.workload("iam")["spec"]["replicas"] = 2
    edit.spread("iam")


@mistake("pod-hygiene", "2 replicas may all land on one node")
def replicas_that_are_not_spread(edit: Edit) -> None:
    edit.workload("iam")["spec"]["replicas"] = 2
    edit.budget("iam")


@mistake("pod-hygiene", "a Job that never ends")
def a_job_without_a_deadline(edit: Edit) -> None:
    del edit.job("mariadb")["spec"]["activeDeadlineSeconds"]


@mistake("data-protection", "lacks Delete=false")
def a_claim_that_is_deleted(edit: Edit) -> None:
    edit.get("PersistentVolumeClaim", "orchestrator-transaction-logs")["metadata"]["annotations"][OPTIONS] = (
        "Prune=false"
    )


@mistake("data-protection", "lacks Delete=false, Prune=false")
def a_claim_template_without_guard(edit: Edit) -> None:
    del edit.workload("mariadb")["spec"]["volumeClaimTemplates"][0]["metadata"]["annotations"][OPTIONS]


@mistake("data-protection", "is Delete, wanted is Retain")
def claims_that_go_with_the_set(edit: Edit) -> None:
    edit.workload("mariadb")["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] = "Delete"


@mistake("data-protection", "lacks Delete=false, Prune=false")
def a_namespace_that_is_pruned(edit: Edit) -> None:
    del edit.get("Namespace", "indigo-dev")["metadata"]["annotations"][OPTIONS]


@mistake("selectors-minimal", "selects by app.kubernetes.io/version")
def a_version_in_a_selector(edit: Edit) -> None:
    version = edit.pod("iam")["metadata"]["labels"]["app.kubernetes.io/version"]
    edit.workload("iam")["spec"]["selector"]["matchLabels"]["app.kubernetes.io/version"] = version


@mistake("selectors-minimal", "does not select by indigo-paas/role")
def a_service_that_selects_jobs_too(edit: Edit) -> None:
    del edit.get("Service", "valkey")["spec"]["selector"]["indigo-paas/role"]


@mistake("names", "the environment is indigo-dev")
def an_object_in_another_namespace(edit: Edit) -> None:
    edit.get("ConfigMap", "mariadb-config")["metadata"]["namespace"] = "default"


@mistake("names", "lacks app.kubernetes.io/version")
def an_object_without_a_label(edit: Edit) -> None:
    del edit.get("Service", "iam")["metadata"]["labels"]["app.kubernetes.io/version"]


@mistake("names", "characters, a Job takes 57")
def a_job_with_a_long_name(edit: Edit) -> None:
    edit.job("mariadb")["metadata"]["name"] = f"mariadb-{60 * 'x'}-0123abcd"


@mistake("names", "is rendered 2 times")
def an_object_twice(edit: Edit) -> None:
    edit.objects.append(edit.get("ServiceAccount", "iam"))


@mistake("names", "is no value of a label")
def a_label_with_a_space(edit: Edit) -> None:
    edit.get("Service", "iam")["metadata"]["labels"]["site/cost"] = "one two"


@mistake("names", "is prod, this is dev")
def the_label_of_another_environment(edit: Edit) -> None:
    edit.get("Service", "iam")["metadata"]["labels"]["indigo-paas/environment"] = "prod"


@mistake("traceable", "is 0.9, should be")
def a_version_of_another_time(edit: Edit) -> None:
    edit.get("Service", "iam")["metadata"]["labels"]["app.kubernetes.io/version"] = "0.9"


@mistake("traceable", "lacks indigo-paas/environment")
def a_pod_of_no_environment(edit: Edit) -> None:
    del edit.pod("iam")["metadata"]["labels"]["indigo-paas/environment"]


@mistake("traceable", "has no indigo-paas/source")
def an_object_of_no_chart(edit: Edit) -> None:
    del edit.get("Service", "iam")["metadata"]["annotations"]["indigo-paas/source"]


@mistake("traceable", "is charts/mariadb, it is rendered by charts/iam")
def an_object_that_names_another_chart(edit: Edit) -> None:
    edit.get("Service", "iam")["metadata"]["annotations"]["indigo-paas/source"] = "charts/mariadb"


@mistake("traceable", "lacks app.kubernetes.io/part-of")
def a_namespace_of_nothing(edit: Edit) -> None:
    del edit.get("Namespace", "indigo-dev")["metadata"]["labels"]["app.kubernetes.io/part-of"]


@mistake("sizes", "a ConfigMap holds less than 1048576")
def a_large_config_map(edit: Edit) -> None:
    edit.get("ConfigMap", "mariadb-config")["data"]["more"] = "x" * 1024 * 1024


@mistake("sizes", "allowed are less than 262144")
def a_large_annotation(edit: Edit) -> None:
    edit.get("Service", "iam")["metadata"]["annotations"]["note"] = "x" * 256 * 1024


@mistake("sizes", "as a Helm release indigo-dev takes")
def a_large_release(edit: Edit) -> None:
    noise = base64.b85encode(random.Random(0).randbytes(700_000)).decode()
    edit.get("ConfigMap", "mariadb-config")["data"]["noise"] = noise


@mistake("kubernetes-schema", "unknown field imagePulPolicy")
def an_unknown_field(edit: Edit) -> None:
    edit.container("mariadb")["imagePulPolicy"] = "Always"


@mistake("kubernetes-schema", "'3' is not of type 'integer'")
def a_number_as_text(edit: Edit) -> None:
    edit.workload("mariadb")["spec"]["revisionHistoryLimit"] = "3"


@mistake("kubernetes-schema", "unknown field limitt")
def an_unknown_field_of_an_application(edit: Edit) -> None:
    edit.get("Application", "indigo-dev")["spec"]["syncPolicy"]["retry"]["limitt"] = 3


@mistake("kubernetes-schema", "5 is not of type 'string'")
def a_setting_of_argo_cd_that_is_no_text(edit: Edit) -> None:
    edit.get("ConfigMap", "argocd-cmd-params-cm")["data"]["reposerver.parallelism.limit"] = 5


@mistake("kept-as-written", "is an empty list, which the API server drops")
def an_empty_list(edit: Edit) -> None:
    edit.pod("iam")["spec"]["tolerations"] = []


@mistake("kept-as-written", "is null, which the API server drops")
def a_null_in_metadata(edit: Edit) -> None:
    edit.get("Service", "iam")["spec"]["loadBalancerClass"] = None

"""Mistakes in the graph, the network and Argo CD's objects; the same table as `tests.static.mistakes`."""

from __future__ import annotations

from tests.static.edit import Edit
from tests.static.mistakes import OPTIONS, WAVE, mistake


@mistake("graph-waves", "is 0, by the graph it is 10")
def a_workload_before_its_database(edit: Edit) -> None:
    edit.workload("orchestrator")["metadata"]["annotations"][WAVE] = "0"


@mistake("graph-waves", "is 99, by the graph it is 0")
def an_object_outside_of_its_waves(edit: Edit) -> None:
    edit.get("ConfigMap", "mariadb-config")["metadata"]["annotations"][WAVE] = "99"


@mistake("graph-waves", "is 0, by the graph it is 3")
def a_providing_job_beside_its_server(edit: Edit) -> None:
    del edit.job("mariadb")["metadata"]["annotations"][WAVE]


@mistake("graph-waves", "does not wait for mariadb")
def a_pod_that_does_not_wait(edit: Edit) -> None:
    containers = edit.pod("dashboard")["spec"]["initContainers"]
    containers.remove(next(item for item in containers if item["name"] == "wait-for-mariadb"))


@mistake("graph-policies", "traffic from component orchestrator on 3306/TCP, and the policy does not let it pass")
def a_consumer_that_is_shut_out(edit: Edit) -> None:
    for rule in edit.policy("mariadb")["ingress"]:
        rule["from"] = [
            peer
            for peer in rule["from"]
            if peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] != "orchestrator"
        ]


@mistake("graph-policies", "traffic to component mariadb on 3306/TCP, and the policy does not let it pass")
def a_way_out_that_is_shut(edit: Edit) -> None:
    rules = edit.policy("iam")["egress"]
    rules.remove(next(rule for rule in rules if rule["ports"][0]["port"] == 3306))


@mistake("graph-policies", "traffic from everywhere on every port/TCP is open")
def a_door_for_everybody(edit: Edit) -> None:
    edit.policy("mariadb")["ingress"].append({})


@mistake("graph-policies", "traffic from component orchestrator on 5001/TCP is open")
def an_edge_that_no_contract_has(edit: Edit) -> None:
    requires = tuple(need for need in edit.contracts["orchestrator"].requires if need.component != "dashboard")
    edit.contract("orchestrator", requires=requires)


@mistake("graph-policies", "no policy selects it in both directions")
def a_policy_for_one_direction(edit: Edit) -> None:
    edit.policy("iam")["policyTypes"] = ["Ingress"]


@mistake("graph-policies", "has no default deny")
def a_default_that_lets_in(edit: Edit) -> None:
    edit.get("NetworkPolicy", "default-deny")["spec"]["ingress"] = [{}]


@mistake("argocd-projects", "Job of batch is missing, and is rendered")
def a_kind_less(edit: Edit) -> None:
    kinds = edit.get("AppProject", "indigo-dev")["spec"]["namespaceResourceWhitelist"]
    kinds.remove({"group": "batch", "kind": "Job"})


@mistake("argocd-projects", "Secret of the core group is allowed, and nothing renders it")
def a_kind_more(edit: Edit) -> None:
    edit.allow("", "Secret")


@mistake("argocd-projects", "is empty, which allows every kind")
def no_kinds_at_all(edit: Edit) -> None:
    edit.get("AppProject", "indigo-dev")["spec"]["namespaceResourceWhitelist"] = []


@mistake("argocd-projects", "Namespace of the core group is allowed, and nothing renders it")
def a_kind_for_the_whole_cluster(edit: Edit) -> None:
    spec = edit.get("AppProject", "indigo-dev")["spec"]
    spec["clusterResourceWhitelist"] = [{"group": "", "kind": "Namespace"}]


@mistake("argocd-projects", "namespace * of https://kubernetes.default.svc is more than")
def a_project_for_every_namespace(edit: Edit) -> None:
    edit.get("AppProject", "indigo-dev")["spec"]["destinations"].append(
        {"server": "https://kubernetes.default.svc", "namespace": "*"}
    )


@mistake("argocd-projects", "* is more than what is delivered")
def a_project_for_every_repository(edit: Edit) -> None:
    edit.get("AppProject", "indigo-dev")["spec"]["sourceRepos"].append("*")


@mistake("argocd-projects", "is default, which the environment does not make")
def the_default_project(edit: Edit) -> None:
    edit.get("Application", "indigo-dev")["spec"]["project"] = "default"


@mistake("argocd-projects", "ApplicationSet of argoproj.io is missing")
def a_delivery_that_may_not_deliver(edit: Edit) -> None:
    kinds = edit.get("AppProject", "indigo-delivery")["spec"]["namespaceResourceWhitelist"]
    kinds.remove({"group": "argoproj.io", "kind": "ApplicationSet"})


@mistake("argocd-projects", "Secret of the core group is allowed, and nothing renders it")
def a_delivery_of_secrets(edit: Edit) -> None:
    kinds = edit.get("AppProject", "indigo-delivery")["spec"]["namespaceResourceWhitelist"]
    kinds.append({"group": "", "kind": "Secret"})


@mistake("argocd-projects", "namespace indigo-dev of https://kubernetes.default.svc is missing")
def a_delivery_to_argo_cd_alone(edit: Edit) -> None:
    spec = edit.get("AppProject", "indigo-delivery")["spec"]
    spec["destinations"] = [place for place in spec["destinations"] if place["namespace"] == "argocd"]


@mistake("argocd-sync", "deletes the Job when it is done")
def a_job_that_deletes_itself(edit: Edit) -> None:
    edit.job("mariadb")["spec"]["ttlSecondsAfterFinished"] = 600


@mistake("argocd-sync", "makes it a hook")
def a_hook(edit: Edit) -> None:
    edit.job("mariadb")["metadata"]["annotations"]["argocd.argoproj.io/hook"] = "PreSync"


@mistake("argocd-sync", "'first' is no whole number")
def a_wave_in_words(edit: Edit) -> None:
    edit.get("Service", "iam")["metadata"]["annotations"][WAVE] = "first"


@mistake("argocd-sync", "the sync option Replace=true is unknown or dangerous")
def an_object_that_is_replaced(edit: Edit) -> None:
    edit.workload("mariadb")["metadata"]["annotations"][OPTIONS] = "Replace=true"


@mistake("argocd-sync", "deleting it would delete what it made")
def a_finalizer(edit: Edit) -> None:
    edit.get("Application", "indigo-dev")["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]


@mistake("argocd-sync", "an empty render would prune everything")
def an_empty_render_is_allowed(edit: Edit) -> None:
    edit.get("Application", "indigo-dev")["spec"]["syncPolicy"]["automated"]["allowEmpty"] = True


@mistake("argocd-sync", "has Prune=confirm")
def a_change_of_delivery_that_waits_for_a_person(edit: Edit) -> None:
    edit.get("Application", "indigo-dev")["metadata"]["annotations"][OPTIONS] += ",Prune=confirm"


@mistake("argocd-sync", "lacks Delete=confirm")
def an_application_that_goes_with_the_one_above(edit: Edit) -> None:
    del edit.get("Application", "indigo-dev")["metadata"]["annotations"][OPTIONS]


@mistake("argocd-sync", "is None, wanted is never")
def an_environment_that_waits_for_the_health_of_its_components(edit: Edit) -> None:
    del edit.get("Application", "indigo-dev")["metadata"]["annotations"]["indigo-paas/waited-for"]


@mistake("slices", "iam (tier core) needs mariadb hard, which is of the later batch")
def a_need_of_a_later_slice(edit: Edit) -> None:
    edit.contract("mariadb", tier="batch")


@mistake("argocd-sync", "a failed revision is retried, its fix is not")
def retries_of_the_same_revision(edit: Edit) -> None:
    edit.delivered_by["spec"]["syncPolicy"]["retry"]["refresh"] = False


@mistake("argocd-sync", "CreateNamespace=true is unknown or dangerous here")
def a_namespace_outside_of_git(edit: Edit) -> None:
    edit.get("Application", "indigo-dev")["spec"]["syncPolicy"]["syncOptions"] = ["CreateNamespace=true"]


@mistake("argocd-sync", "does not begin with profiles/minimal.yaml")
def an_application_without_its_profile(edit: Edit) -> None:
    edit.get("Application", "indigo-dev")["spec"]["source"]["helm"]["valueFiles"].pop(0)


@mistake("argocd-sync", "does not begin with profiles/minimal.yaml")
def an_application_whose_profile_comes_after_the_environment(edit: Edit) -> None:
    edit.get("Application", "indigo-dev")["spec"]["source"]["helm"]["valueFiles"].reverse()


@mistake("argocd-sync", "is False, config.yaml says True")
def an_application_that_waits_for_a_hand(edit: Edit) -> None:
    del edit.get("Application", "indigo-dev")["spec"]["syncPolicy"]["automated"]


@mistake("argocd-sync", "lets a removed folder delete the Application")
def an_application_set_that_deletes(edit: Edit) -> None:
    edit.get("ApplicationSet", "indigo-environments")["spec"]["syncPolicy"]["applicationsSync"] = "sync"


@mistake("argocd-sync", "lacks Delete=false")
def a_root_that_can_be_deleted(edit: Edit) -> None:
    edit.get("Application", "indigo-root")["metadata"]["annotations"][OPTIONS] = "Prune=false"


@mistake("argocd-sync", "waves between Applications wait for nothing without it")
def applications_without_health(edit: Edit) -> None:
    del edit.get("ConfigMap", "argocd-cm")["data"]["resource.customizations.health.argoproj.io_Application"]


@mistake("argocd-sync", "Argo CD would take over every field that others keep")
def an_environment_that_is_applied_by_the_server(edit: Edit) -> None:
    edit.get("Application", "indigo-dev")["spec"]["syncPolicy"]["syncOptions"].append("ServerSideApply=true")


@mistake("contract-replicas", "and every sync takes the change back")
def an_autoscaler_beside_replicas(edit: Edit) -> None:
    edit.allow("autoscaling", "HorizontalPodAutoscaler")
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "iam"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3}
    edit.add("iam", "HorizontalPodAutoscaler", "iam", "autoscaling/v2", spec=spec)

"""Mistakes against the contracts, each with the one rule that has to find it.

An entry is: the rule, part of what it says, the edit, the name of the test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.model.contract import Probe
from tests.static.edit import Edit

Mistake = tuple[str, str, Callable[[Edit], Any], str]
WAVE = "argocd.argoproj.io/sync-wave"
OPTIONS = "argocd.argoproj.io/sync-options"
MISTAKES: list[Mistake] = []


def mistake(rule: str, says: str) -> Callable[[Callable[[Edit], None]], Callable[[Edit], None]]:
    """Enter an edit into the table under its function's name."""

    def enter(edit: Callable[[Edit], None]) -> Callable[[Edit], None]:
        MISTAKES.append((rule, says, edit, f"{rule}: {edit.__name__.replace('_', ' ')}"))
        return edit

    return enter


@mistake("contract-settings", "MARIADB_WSREP is not in the contract")
def an_unknown_variable(edit: Edit) -> None:
    edit.container("mariadb")["env"].append({"name": "MARIADB_WSREP", "value": "1"})


@mistake("contract-settings", "TYPO is not in the contract")
def an_unknown_variable_of_a_job(edit: Edit) -> None:
    edit.job("mariadb")["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "TYPO", "value": "1"})


@mistake("contract-settings", "VALKEY_PASSWORD is required and nothing sets it")
def a_required_variable_is_missing(edit: Edit) -> None:
    edit.container("valkey")["env"].remove(edit.env("valkey", "VALKEY_PASSWORD"))


@mistake("contract-settings", "is not of type host-port")
def a_value_of_the_wrong_type(edit: Edit) -> None:
    edit.env("orchestrator", "ORCHESTRATOR_DB_ENDPOINT")["value"] = "mariadb"


@mistake("contract-settings", "'kerberos' is none of iam, wlcg, aarc, kc")
def a_value_that_is_not_allowed(edit: Edit) -> None:
    edit.env("iam", "IAM_JWT_DEFAULT_PROFILE")["value"] = "kerberos"


@mistake("contract-settings", "REDISCLI_AUTH is secret and stands in the clear")
def a_secret_in_the_clear(edit: Edit) -> None:
    entry = edit.env("valkey", "REDISCLI_AUTH")
    del entry["valueFrom"]
    entry["value"] = "letmein"


@mistake("contract-settings", "$(LATER), which no variable before it has")
def a_reference_to_a_later_variable(edit: Edit) -> None:
    edit.env("mariadb", "MARIADB_ROOT_HOST")["value"] = "$(LATER)"


@mistake("contract-settings", "set twice")
def a_variable_twice(edit: Edit) -> None:
    edit.container("mariadb")["env"].append({"name": "MARIADB_ROOT_HOST", "value": "%"})


@mistake("contract-settings", "takes all of a ConfigMap or Secret")
def all_of_a_config_map_as_variables(edit: Edit) -> None:
    edit.container("mariadb")["envFrom"] = [{"configMapRef": {"name": "mariadb-config"}}]


@mistake("contract-settings", "oidc.iam-properties.*.admingroup of this file is required")
def a_required_key_of_a_file_is_missing(edit: Edit) -> None:
    data = edit.get("ConfigMap", "orchestrator-config")["data"]
    data["orchestrator.config.application.yml"] = data["orchestrator.config.application.yml"].replace("admingroup", "x")


@mistake("contract-ports", "port mysql is 3307, TCP, the contract says 3306, TCP")
def a_container_on_another_port(edit: Edit) -> None:
    edit.container("mariadb")["ports"][0]["containerPort"] = 3307


@mistake("contract-ports", "port debug is not in the contract")
def a_port_more(edit: Edit) -> None:
    edit.container("orchestrator")["ports"].append({"name": "debug", "containerPort": 8787})


@mistake("contract-ports", "port http is 80, http, TCP, http, the contract says 8080")
def a_service_on_another_port(edit: Edit) -> None:
    edit.get("Service", "orchestrator")["spec"]["ports"][0]["port"] = 80


@mistake("contract-ports", "is missing")
def no_service(edit: Edit) -> None:
    edit.objects.remove(edit.get("Service", "iam"))


@mistake("contract-probes", "liveness probe of the contract is missing")
def no_liveness(edit: Edit) -> None:
    del edit.container("valkey")["livenessProbe"]


@mistake("contract-probes", "failureThreshold 1, the contract says 60")
def an_impatient_probe(edit: Edit) -> None:
    edit.container("orchestrator")["startupProbe"]["failureThreshold"] = 1


@mistake("contract-probes", "initialDelaySeconds 30")
def a_delay_that_the_contract_does_not_know(edit: Edit) -> None:
    edit.container("orchestrator")["livenessProbe"]["initialDelaySeconds"] = 30


@mistake("contract-probes", "asks mariadb, which is outside the pod")
def liveness_that_asks_the_database(edit: Edit) -> None:
    ask = Probe(command=("nc", "-z", "mariadb", "3306"), period=20, timeout=5, failures=6, source="a test")
    edit.contract("iam", probes=edit.contracts["iam"].probes.model_copy(update={"liveness": ask}))
    edit.container("iam")["livenessProbe"] = {
        "exec": {"command": list(ask.command or ())}, "periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 6,
    }  # fmt: skip


@mistake("contract-replicas", "2 replicas are more than the 1 that the software survives")
def more_replicas_than_it_survives(edit: Edit) -> None:
    edit.scale("orchestrator", 2)


@mistake("contract-replicas", "is RollingUpdate, the contract says Recreate")
def another_strategy(edit: Edit) -> None:
    edit.workload("orchestrator")["spec"]["strategy"] = {"type": "RollingUpdate"}


@mistake("contract-replicas", "Deployment is not what the contract says: StatefulSet")
def another_kind_of_workload(edit: Edit) -> None:
    workload = edit.contracts["iam"].workload.model_copy(update={"kind": "StatefulSet"})
    edit.contract("iam", workload=workload)


@mistake("contract-user", "is 1000, the contract says 999")
def another_user(edit: Edit) -> None:
    edit.pod("mariadb")["spec"]["securityContext"]["runAsUser"] = 1000


@mistake("contract-user", "12 overrides the pod's user")
def a_container_with_a_user_of_its_own(edit: Edit) -> None:
    edit.container("mariadb")["securityContext"]["runAsUser"] = 12


@mistake("contract-user", "is true (profile restricted)")
def a_privileged_init_container(edit: Edit) -> None:
    edit.pod("orchestrator")["spec"]["initContainers"][0]["securityContext"]["privileged"] = True


@mistake("contract-user", "shares a namespace of the host")
def a_job_in_the_network_of_the_host(edit: Edit) -> None:
    edit.job("mariadb")["spec"]["template"]["spec"]["hostNetwork"] = True


@mistake("contract-user", "enforces privileged, which stops nothing")
def a_namespace_that_enforces_nothing(edit: Edit) -> None:
    edit.get("Namespace", "indigo-dev")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "privileged"


@mistake("contract-writable", "/tmp is not mounted, and it is written to")
def a_path_that_is_not_mounted(edit: Edit) -> None:
    mounts = edit.container("valkey")["volumeMounts"]
    mounts.remove(next(mount for mount in mounts if mount["mountPath"] == "/tmp"))


@mistake("contract-writable", "is False, wanted is True")
def a_writable_root(edit: Edit) -> None:
    edit.container("valkey")["securityContext"]["readOnlyRootFilesystem"] = False


@mistake("contract-writable", "/data is to be kept, but is a volume of type emptyDir")
def data_that_goes_with_the_pod(edit: Edit) -> None:
    del edit.workload("valkey")["spec"]["volumeClaimTemplates"]
    edit.pod("valkey")["spec"]["volumes"].append({"name": "data", "emptyDir": {}})


@mistake("contract-writable", "/var/cache is writable in iam, and the contract does not say so")
def a_path_more(edit: Edit) -> None:
    edit.pod("iam")["spec"]["volumes"].append({"name": "cache", "emptyDir": {}})
    edit.container("iam")["volumeMounts"].append({"name": "cache", "mountPath": "/var/cache"})


@mistake("contract-writable", "is limited to None")
def scratch_space_without_limit(edit: Edit) -> None:
    volumes = edit.pod("iam")["spec"]["volumes"]
    next(volume for volume in volumes if volume["name"] == "tmp")["emptyDir"] = {}


@mistake("contract-writable", "a Job mounts /var/lib/mysql")
def a_job_on_the_data(edit: Edit) -> None:
    pod = edit.job("mariadb")["spec"]["template"]["spec"]
    pod["volumes"].append({"name": "data", "emptyDir": {"sizeLimit": "1Gi"}})
    pod["containers"][0]["volumeMounts"].append({"name": "data", "mountPath": "/var/lib/mysql"})


@mistake("contract-image", "mariadb:latest is a tag that moves")
def a_tag_that_moves(edit: Edit) -> None:
    edit.container("mariadb")["image"] = "mariadb:latest"


@mistake("contract-image", "valkey/valkey is a tag that moves")
def no_tag(edit: Edit) -> None:
    edit.container("valkey")["image"] = "valkey/valkey"


@mistake("contract-image", "is no reference of an image")
def two_tags(edit: Edit) -> None:
    edit.container("valkey")["image"] = "valkey/valkey:9.1:9.1"


@mistake("contract-image", "is mariadb:11.4, contract and values say mariadb:10.11")
def another_version(edit: Edit) -> None:
    edit.container("mariadb")["image"] = "mariadb:11.4"


@mistake("contract-image", "contract and values say mirror.example.org/mariadb:10.11")
def an_image_past_the_mirror(edit: Edit) -> None:
    edit.values["global"]["images"]["registry"] = "mirror.example.org"


@mistake("contract-image", "contract and values say busybox:1.36")
def an_image_of_its_own_that_waits(edit: Edit) -> None:
    edit.pod("iam")["spec"]["initContainers"][0]["image"] = "curlimages/curl:8.1.0"


@mistake("images-listed", "runs quay.io/example/db:1, which is not in the list of images")
def an_image_that_an_operator_would_run(edit: Edit) -> None:
    # a field of that name anywhere in an object that makes no pod itself, as operators read it
    edit.get("ConfigMap", "mariadb-config")["metadata"]["annotations"]["image"] = "quay.io/example/db:1"


@mistake("secrets-two-way", "reads Secret nobody, which no contract declares")
def a_secret_that_nobody_declares(edit: Edit) -> None:
    edit.env("mariadb", "MARIADB_ROOT_PASSWORD")["valueFrom"]["secretKeyRef"]["name"] = "nobody"


@mistake("secrets-two-way", "no object reads key token of Secret valkey-auth")
def a_key_that_nobody_reads(edit: Edit) -> None:
    secret = edit.contracts["valkey"].secrets["valkey-auth"]
    keys = {**secret.keys, "token": secret.keys["password"]}
    edit.contract("valkey", secrets={"valkey-auth": secret.model_copy(update={"keys": keys})})

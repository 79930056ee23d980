"""Mistakes in what objects name, and in what names them; the same table as `tests.static.mistakes`."""

from __future__ import annotations

from typing import Any

from tests.static.edit import Edit
from tests.static.mistakes import mistake

RBAC = "rbac.authorization.k8s.io"


@mistake("endpoints", "names mariadb:3307, and the Service mariadb offers 3306")
def an_address_with_another_port(edit: Edit) -> None:
    for name in ("ORCHESTRATOR_DB_ENDPOINT", "WORKFLOW_DB_ENDPOINT"):
        edit.env("orchestrator", name)["value"] = "mariadb:3307"


@mistake("endpoints", "names valkey:6379, which the contract of orchestrator does not require")
def an_address_of_what_is_not_required(edit: Edit) -> None:
    edit.env("orchestrator", "IM_URL")["value"] = "http://valkey:6379"


@mistake("endpoints", "names mariadb-galera, and no Service of that name is here")
def an_address_of_nobody(edit: Edit) -> None:
    edit.env("orchestrator", "ORCHESTRATOR_DB_ENDPOINT")["value"] = "mariadb-galera:3306"


@mistake("endpoints", "names im-connector:5000, but im-connector does not run here")
def an_address_of_what_is_off(edit: Edit) -> None:
    data = edit.get("ConfigMap", "orchestrator-config")["data"]
    data["orchestrator.config.application.yml"] += "clues: http://im-connector:5000/clues\n"


@mistake("data-names", "names the database iam2, the contract has iam")
def a_database_of_another_name(edit: Edit) -> None:
    edit.env("iam", "IAM_DB_NAME")["value"] = "iam2"


@mistake("data-names", "names the user root, the contract has dashboard")
def a_user_of_another_name(edit: Edit) -> None:
    entry = edit.env("dashboard", "FLASK_SQLALCHEMY_DATABASE_URI")
    entry["value"] = entry["value"].replace("dashboard:", "root:")


@mistake("data-names", "nothing makes the database workflow of orchestrator")
def a_database_that_nobody_makes(edit: Edit) -> None:
    container = edit.job("mariadb")["spec"]["template"]["spec"]["containers"][0]
    container["args"] = [text.replace("workflow", "orchestrator") for text in container["args"]]


@mistake("config-rolls", "lack a checksum of mariadb-config")
def files_without_a_checksum(edit: Edit) -> None:
    del edit.pod("mariadb")["metadata"]["annotations"]["checksum/config"]


@mistake("config-rolls", "is the same as that of")
def a_checksum_of_something_else(edit: Edit) -> None:
    annotations = edit.pod("mariadb")["metadata"]["annotations"]
    annotations["checksum/config"] = edit.pod("orchestrator")["metadata"]["annotations"]["checksum/config"]


@mistake("config-rolls", "is '1', which is no hash")
def a_checksum_by_hand(edit: Edit) -> None:
    edit.pod("mariadb")["metadata"]["annotations"]["checksum/config"] = "1"


@mistake("job-names", "does not end in a hash")
def a_job_with_a_plain_name(edit: Edit) -> None:
    edit.job("mariadb")["metadata"]["name"] = "mariadb-provision"


@mistake("argocd-annotations", "is no annotation that Argo CD or Helm reads")
def a_misspelt_annotation(edit: Edit) -> None:
    edit.get("Service", "iam")["metadata"]["annotations"]["argocd.argoproj.io/sync-option"] = "Prune=false"


@mistake("argocd-annotations", "is 'false', which is not understood")
def a_value_that_helm_does_not_know(edit: Edit) -> None:
    edit.get("Service", "iam")["metadata"]["annotations"]["helm.sh/resource-policy"] = "false"


def role(edit: Edit, kind: str = "Role", **rule: list[str]) -> Any:
    """Add a Role of the Dashboard with one rule, and return the rule."""
    edit.allow(RBAC, kind)
    written = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]} | rule
    edit.add("dashboard", kind, "dashboard", f"{RBAC}/v1", rules=[written])
    return written


def binding(edit: Edit, kind: str = "Role", **subject: str) -> None:
    """Bind that Role to an account."""
    edit.allow(RBAC, "RoleBinding")
    subjects = [{"kind": "ServiceAccount", "name": "dashboard"} | subject]
    role_ref = {"apiGroup": RBAC, "kind": kind, "name": "dashboard"}
    edit.add("dashboard", "RoleBinding", "dashboard", f"{RBAC}/v1", roleRef=role_ref, subjects=subjects)


@mistake("rbac-minimal", "is a wildcard")
def every_right(edit: Edit) -> None:
    role(edit, verbs=["*"])
    binding(edit)


@mistake("rbac-minimal", "reads every Secret of the namespace")
def every_secret(edit: Edit) -> None:
    role(edit, resources=["secrets"], verbs=["get", "list"])
    binding(edit)


@mistake("rbac-minimal", "holds escalate, which is every right there is")
def rights_by_a_detour(edit: Edit) -> None:
    role(edit, apiGroups=[RBAC], resources=["roles"], verbs=["get", "escalate"])


@mistake("rbac-minimal", "gives rights to ServiceAccount default")
def rights_for_the_default_account(edit: Edit) -> None:
    role(edit)
    binding(edit, name="default")


@mistake("rbac-minimal", "which is not written here and may grow")
def a_role_of_the_cluster(edit: Edit) -> None:
    binding(edit, kind="ClusterRole")


def ignored(edit: Edit, **entry: Any) -> None:
    """Let the environment's Application ignore a difference."""
    spec = edit.get("Application", "indigo-dev")["spec"]
    spec["ignoreDifferences"] = [{"group": "apps", "kind": "StatefulSet", "name": "mariadb"} | entry]


@mistake("ignored-differences", "matches no object")
def a_difference_of_no_object(edit: Edit) -> None:
    ignored(edit, name="mysql", jsonPointers=["/spec/replicas"])


@mistake("ignored-differences", "/spec/replica is in no object that is rendered")
def a_difference_of_no_field(edit: Edit) -> None:
    ignored(edit, jsonPointers=["/spec/replica"])


@mistake("ignored-differences", "/spec hides all that could go wrong in the object")
def a_difference_of_everything(edit: Edit) -> None:
    ignored(edit, jsonPointers=["/spec"])


@mistake("ignored-differences", "names no field")
def a_difference_of_nothing(edit: Edit) -> None:
    ignored(edit)


@mistake("ignored-differences", "of every Application of this Argo CD")
def a_difference_of_every_application(edit: Edit) -> None:
    data = edit.get("ConfigMap", "argocd-cm")["data"]
    data["resource.customizations.ignoreDifferences.all"] = "jsonPointers: [/spec/replicas]"


@mistake("kept-as-written", "is left out, and the API server adds it")
def a_claim_template_that_is_not_whole(edit: Edit) -> None:
    del edit.workload("mariadb")["spec"]["volumeClaimTemplates"][0]["kind"]


@mistake("resources", "2Gi is more than the limit of 1Gi")
def a_request_above_its_limit(edit: Edit) -> None:
    edit.container("mariadb")["resources"]["requests"]["memory"] = "2Gi"


@mistake("resources", "1500m are allowed, and what is rendered asks for 1.82")
def a_quota_below_what_is_asked_for(edit: Edit) -> None:
    edit.get("ResourceQuota", "environment")["spec"]["hard"]["requests.cpu"] = "1500m"


@mistake("resources", "10Gi are allowed, and what is rendered asks for 12.1Gi")
def a_quota_below_the_claims(edit: Edit) -> None:
    edit.get("ResourceQuota", "environment")["spec"]["hard"]["requests.storage"] = "10Gi"


@mistake("secret-arguments", "gives VALKEY_PASSWORD, which comes from a Secret, to a program")
def a_password_in_a_command_line(edit: Edit) -> None:
    edit.container("valkey")["args"] = ["exec valkey-server --requirepass $VALKEY_PASSWORD"]


@mistake("secret-arguments", "gives REDISCLI_AUTH, which comes from a Secret, to a program")
def a_password_that_kubernetes_puts_in(edit: Edit) -> None:
    edit.container("valkey")["command"] = ["valkey-server", "--requirepass", "$(REDISCLI_AUTH)"]

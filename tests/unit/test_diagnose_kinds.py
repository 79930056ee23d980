"""Each kind of blockage is recognised by what Argo CD, Helm and the API server really say, and a kubelet's reasons."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.diagnose import Verdict
from harness.diagnose.kinds import KINDS
from harness.paths import repository
from tests.unit.fixtures.blockages import (
    broken,
    claim,
    condition,
    late_claim,
    mounting,
    refused,
    route,
    stuck,
    without_pods,
)  # fmt: skip
from tests.unit.fixtures.snapshots import RUNNING, World, ago, waits

RENDER = (
    "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = "
    "failed to execute helm template command: failed running helm: `helm template . --name-template indigo-dev "
    "--namespace indigo-dev --values /tmp/4fe5f746 <api versions removed> --include-crds` failed exit status 1: "
)
LINK = 'level=INFO msg="found symbolic link in path. Contents of linked file included and used" path=charts/common\n'
DEBUG = "\n\nUse --debug flag to render out invalid YAML"
RENDERS = {
    "several problems": (
        f"{LINK}Error: execution error at (indigo-paas/charts/store/templates/component.yaml:1:4): \n\nstore cannot be "
        f"rendered:\n  - store.replicas: 3 is more than the 1\n  - store: no URL{DEBUG}",
        "store.replicas: 3 is more than the 1 (and 1 more)",
    ),
    "one problem": (
        f"{LINK}Error: execution error at (store/templates/component.yaml:1:4): global.secrets.store-root: names no "
        f"Secret{DEBUG}",
        "global.secrets.store-root: names no Secret",
    ),
    "schema": (
        "Error: values don't meet the specifications of the schema(s) in the following chart(s):\nstore:\n"
        "- at '/settings': additional properties 'NOPE' not allowed\n- at '/replicas': maximum: got 3, want 1",
        "store.settings.NOPE: no such key (and 1 more)",
    ),
    "template": (
        'Error: template: store/templates/component.yaml:1:4: executing "store/templates/component.yaml" at <include '
        '"common.component" .>: error calling include: template: common/templates/_pod.tpl:9:3: executing '
        f'"common.pod" at <.Values.image.tag>: nil pointer evaluating interface {{}}.tag{DEBUG}',
        ".Values.image.tag: nil pointer evaluating interface {}.tag",
    ),
}


@pytest.mark.parametrize("name", RENDERS)
def test_a_refused_render_shows_our_message_and_nothing_of_helm(name: str) -> None:
    output, said = RENDERS[name]
    found = World().condition("ComparisonError", RENDER + output).diagnose()
    assert found.kind == "render-refused"
    assert found.headline == f"indigo-dev (Application) cannot be rendered: {said}"
    text = found.to_text()
    for noise in ("level=INFO", "--debug", "rpc error", "helm template", "/tmp/", "execution error"):
        assert noise not in text
    assert {one.component for one in found.waiting} == {"store", "issuer", "portal"}, "everything waits for a render"


OOM = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(30)}
MEMORY = {"resources": {"limits": {"memory": "256Mi"}}}
PROBE = {"readinessProbe": {"httpGet": {"path": "/login", "port": "http"}}}
VOLUME_CLAIMS = (
    'error when patching "/dev/shm/117": StatefulSet.apps "store" is invalid: spec.volumeClaimTemplates: '
    'Invalid value: [{"name":"data","Spec":{"AccessModes":["ReadWriteOnce"],"Resources":{"Requests":{"storage":'
    '"2Gi"}}},"Status":null}]: field is immutable'
)
FAILED_STS = "Create Pod store-0 in StatefulSet store failed error: "
SOURCE = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = "
CASES: dict[str, tuple[str, Callable[[], World], str]] = {
    "repository": (
        "source-unreachable",
        condition("ComparisonError", f"{SOURCE}unable to resolve 'nope' to a commit SHA: revision not found"),
        "is not compared: Argo CD cannot read its source: unable to resolve 'nope' to a commit SHA: revision not found",
    ),
    "cluster": (
        "comparison-error",
        condition("ComparisonError", "Failed to load live state: dial tcp 10.0.0.1:443: connect: connection refused"),
        "is not compared: Failed to load live state: dial tcp",
    ),
    "project": (
        "project-refusal",
        condition("InvalidSpecError", "application repo https://x is not permitted in project 'indigo-dev'"),
        "indigo-dev (Application) is refused by its project: application repo https://x is not permitted",
    ),
    "project, kind": (
        "project-refusal",
        refused("resource :Secret is not permitted in project indigo-dev", "Secret", "issuer-db"),
        "issuer-db (Secret, wave 12) could not be applied: resource :Secret is not permitted in project indigo-dev",
    ),
    "namespace": (
        "namespace-missing",
        refused('namespaces "indigo-dev" not found'),
        'namespaces "indigo-dev" not found',
    ),
    "immutable": (
        "immutable-field",
        refused(VOLUME_CLAIMS, "StatefulSet", "store"),
        'could not be applied: StatefulSet.apps "store" is invalid: spec.volumeClaimTemplates: field is immutable',
    ),
    "validation": (
        "invalid-object",
        refused('Service "issuer" is invalid: spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535'),
        'could not be applied: Service "issuer" is invalid: spec.ports[0].port: Invalid value: 99999',
    ),
    "webhook": (
        "admission",
        refused('Internal error occurred: failed calling webhook "validate.example.org": service "policy" not found'),
        'could not be applied: failed calling webhook "validate.example.org": service "policy" not found',
    ),
    "policy": (
        "admission",
        refused(
            "configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'no-x' with binding 'no-x' denied request: no"
        ),
        "ValidatingAdmissionPolicy 'no-x'",
    ),
    "conflict": (
        "conflict",
        refused('Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas'),
        "conflict",
    ),
    "right": (
        "forbidden",
        refused(
            'deployments.apps is forbidden: User "argocd" cannot create resource "deployments" in API group "apps"'
        ),
        'User "argocd" cannot create resource',
    ),
    "new message": ("apply-refused", refused("the sky has fallen"), "could not be applied: the sky has fallen"),
    "crd": (
        "kind-unknown",
        refused("The Kubernetes API could not find k8s.mariadb.com/MariaDB for requested resource x/store.", "MariaDB"),
        "could not be applied: The Kubernetes API could not find k8s.mariadb.com/MariaDB",
    ),
    "quota": (
        "quota",
        without_pods(
            "StatefulSet",
            f'{FAILED_STS}pods "store-0" is forbidden: exceeded quota: environment, requested: requests.memory=1Gi, '
            "used: requests.memory=12Gi, limited: requests.memory=12Gi",
        ),
        'store (StatefulSet, wave 0) gets no pods: pods "store-0" is forbidden: exceeded quota: environment',
    ),
    "PodSecurity": (
        "pod-security",
        without_pods(
            "Deployment",
            'Error creating: pods "store-7bbdb578bf-cx6qx" is forbidden: violates PodSecurity "restricted:latest": '
            "host namespaces (hostNetwork=true)",
        ),
        'gets no pods: pods "store-7bbdb578bf-…" is forbidden: violates PodSecurity "restricted:latest"',
    ),
    "service account": (
        "service-account",
        without_pods(
            "Deployment",
            'Error creating: pods "store-5469c587d7-" is forbidden: error looking up service account indigo-dev/store: '
            'serviceaccount "store" not found',
        ),
        "error looking up service account indigo-dev/store",
    ),
    "claim": (
        "pod-unschedulable",
        claim,
        "has no pod on a node: claim data-store-0 is not bound: storageclass.storage.k8s.io",
    ),
    "late claim": ("claim-deadlock", late_claim, "waits for its first pod, which is in a later wave"),
    "Secret": (
        "container-config",
        broken(waits("CreateContainerConfigError", 'secret "portal-app" not found')),
        "portal (Deployment, wave 20) cannot start: Secret portal-app does not exist",
    ),
    "key": (
        "container-config",
        broken(waits("CreateContainerConfigError", "couldn't find key session in Secret indigo-dev/portal-app")),
        "cannot start: Secret portal-app has no key session",
    ),
    "mounted Secret": (
        "volume",
        mounting('MountVolume.SetUp failed for volume "keys" : secret "portal-app" not found'),
        "cannot start: Secret portal-app does not exist",
    ),
    "attached volume": (
        "volume",
        mounting('Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) portal-1'),
        "cannot mount a volume: Multi-Attach error",
    ),
    "route, no gateway": (
        "route-not-accepted",
        route(),
        "portal (HTTPRoute, wave 20) is not accepted by its Gateway (gateway/public): no gateway has answered",
    ),
    "route, refused": (
        "route-not-accepted",
        route("Accepted", "NotAllowedByListeners"),
        "is not accepted by its Gateway (gateway/public): Parent public: NotAllowedByListeners",
    ),
    "image": (
        "image-pull",
        broken(waits("ImagePullBackOff", 'Back-off pulling image "example/portal:1"')),
        "cannot pull the image example/portal:1: ImagePullBackOff",
    ),
    "start": (
        "container-start",
        broken(waits("RunContainerError", 'exec: "run-portal": executable file not found in $PATH')),
        'cannot start portal: RunContainerError: exec: "run-portal": executable file not found',
    ),
    "init": (
        "init-failed",
        broken(waits("CrashLoopBackOff", "back-off"), last={"exitCode": 127}, init="copy", restarts=2),
        "its init container copy fails: exit code 127, the command is not in the image",
    ),
    "crash": (
        "crash-loop",
        broken(waits("CrashLoopBackOff", "back-off 40s"), last=OOM, restarts=3, spec=MEMORY),
        "crashed 3 times: killed for memory (OOMKilled, limit 256Mi)",
    ),
    "not ready": (
        "not-ready",
        broken(RUNNING, age=1000, phase="Running", spec=PROBE),
        "is not ready after 17 min: its probe asks GET /login on port http",
    ),
    "confirmation": (
        "confirmation",
        lambda: World().operation("Running", "waiting for pruning confirmation of /PersistentVolumeClaim/store-data"),
        "waits until somebody confirms that PersistentVolumeClaim store-data is removed",
    ),
    "deletion": ("deletion", stuck, "is being deleted for 5 min, held by example.org/guard"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_blockage_is_recognised_and_has_something_to_do(name: str) -> None:
    kind, make, words = CASES[name]
    found = make().diagnose()
    assert (found.verdict, found.kind) == (Verdict.BLOCKED, kind), found.headline
    assert words in found.headline
    assert found.fixes and all(fix.text.endswith(".") for fix in found.fixes)
    assert found.reasons


def test_a_missing_secret_is_explained_by_its_contract_and_fixed_by_indigo_secrets() -> None:
    found = CASES["Secret"][1]().diagnose()
    assert found.reasons[0].source == "contract of portal"
    assert "session: Key of cookies." in found.reasons[0].text
    assert [fix.command for fix in found.fixes] == [
        "indigo secrets plan --environment dev",
        "indigo secrets apply --environment dev",
    ]


def test_further_missing_secrets_are_named_at_once() -> None:
    world = CASES["Secret"][1]()
    store = world.workload("StatefulSet", "store", 0, ready=True)
    reference = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "store-root", "key": "password"}}}
    store["spec"]["template"]["spec"]["containers"] = [{"name": "store", "env": [reference]}]
    assert "missing too: store-root" in [reason.text for reason in world.diagnose().reasons]


def test_text_fits_in_80_columns_and_commands_can_be_copied() -> None:
    for _, make, _ in CASES.values():
        lines = make().diagnose().to_text(80).splitlines()
        assert max(len(line) for line in lines) <= 80, max(lines, key=len)
    text = CASES["immutable"][1]().diagnose().to_text(80)
    assert 'patch application indigo-dev --type merge -p \\\n      \'{"operation":{"sync":{}}}\'' in text


def test_every_kind_is_described_for_the_operator_on_call() -> None:
    page = (repository() / "docs" / "how-to" / "when-a-sync-does-not-converge.md").read_text()
    missing = [kind.name for kind in KINDS if f"`{kind.name}`" not in page]
    assert not missing, f"docs/how-to/when-a-sync-does-not-converge.md does not describe: {', '.join(missing)}"

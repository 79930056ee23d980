"""The site's gateway on an engine with real pods: a double (`harness/doubles/go/gateway`), and names that lead to it.

What a site has around the platform, and the platform expects: the Gateway API's definitions, a Gateway with a
certificate, an authority that pods are told of, and public host names. Simulated are the program, the authority, and
that the cluster's DNS knows the names; the routes, their status, TLS, NetworkPolicies and the components' trust in the
authority are real.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from harness.cluster import Cluster, Object
from harness.e2e.restricted import LOW_PORTS, POD, READ_ONLY
from harness.engines.crds import family
from harness.engines.embedded.objects import install_families
from harness.engines.kind.nodes import CONTROL_PLANE
from harness.secrets import certificates

NAMESPACE = "gateway"  # global.network.gatewayNamespace, as it stands in charts/indigo-paas/values.yaml
NAME, CLASS, SECRET, PORT, HEALTH = "public", "double", "gateway-tls", 443, 8081
CONTROLLER = "indigo-paas.invalid/gateway-double"  # harness/doubles/go/gateway/plan.go
AUTHORITY = "site-ca"
SECONDS = 120.0
ROUTES = {"kind": "HTTPRoute", "gateway": {"name": NAME, "namespace": NAMESPACE, "sectionName": "https"}}
SIMULATED = (
    "The gateway is a double: it routes by host and path and ends TLS; it knows no weights, retries or limits of size. "
    "The cluster's DNS is told the platform's public names, whose certificates are signed by an authority of the run."
)
GROUP = "gateway.networking.k8s.io"
READ = ["get", "list", "watch"]
RULES = [
    {"apiGroups": [GROUP], "resources": ["gatewayclasses", "gateways", "httproutes"], "verbs": READ},
    {
        "apiGroups": [GROUP],
        "resources": ["gatewayclasses/status", "gateways/status", "httproutes/status"],
        "verbs": ["patch"],
    },
    {"apiGroups": [""], "resources": ["services"], "verbs": READ},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
]


def hosts(urls: Iterable[str]) -> list[str]:
    """Return the host names of public URLs, each once."""
    return sorted({name for url in urls if (name := urlsplit(url).hostname)})


def install(
    cluster: Cluster, image: str, names: list[str], wait: Callable[[Callable[[], bool], str, float], None]
) -> str:
    """Bring the gateway to a cluster, let its DNS lead the names to it; return the authority's certificate (PEM).

    Args:
        cluster: runs containers, and is the harness's own: the definitions and the DNS of all of it are changed.
        image: of the double, in the nodes.
        names: public host names; the certificate is for these.
        wait: asks until the answer is yes; what is waited for, and for how many seconds at most.
    """
    with ThreadPoolExecutor(4) as pool:
        install_families(cluster, [family("gateway-api")], pool, wait, SECONDS)
    keys = certificates.new_authority(NAMESPACE)
    authority = certificates.read_authority(keys)
    assert authority is not None
    certificate, key = certificates.for_hosts(names, authority)
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for item in objects(image, certificate.reveal(), key.reveal()):
        cluster.apply(item)
    address = cluster.get("Service", NAME, NAMESPACE)["spec"]["clusterIP"]
    lead(cluster, address, names)
    wait(lambda: ready(cluster), "the gateway serves", SECONDS)
    return keys[certificates.CERTIFICATE].reveal().decode()


def ready(cluster: Cluster) -> bool:
    """Return whether the gateway serves: its class and its listeners are accepted, and a pod of it is ready."""
    deployment = cluster.get("Deployment", NAME, NAMESPACE)
    conditions = cluster.get("Gateway", NAME, NAMESPACE).get("status", {}).get("conditions", ())
    programmed = any(item["type"] == "Programmed" and item["status"] == "True" for item in conditions)
    return bool(programmed and deployment.get("status", {}).get("readyReplicas"))


def trusted(cluster: Cluster, namespace: str, authority: str) -> None:
    """Create the ConfigMap that `global.trustedCa` names; of the usual authorities there is none in this tier."""
    data = {"ca-bundle.crt": authority, "own.crt": authority}
    head = {"name": AUTHORITY, "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": head, "data": data})


def lead(cluster: Cluster, address: str, names: list[str]) -> None:
    """Let the cluster's DNS (CoreDNS) answer some names with an address, now."""
    config = cluster.get("ConfigMap", "coredns", "kube-system")
    lines = f"    hosts {{\n        {address} {' '.join(names)}\n        fallthrough\n    }}\n"
    marker = "    ready\n"  # kubeadm's Corefile (phases/addons/dns/manifests.go)
    assert config["data"]["Corefile"].count(marker) == 1, config["data"]["Corefile"]
    text = config["data"]["Corefile"].replace(marker, marker + lines)
    cluster.patch("ConfigMap", "coredns", {"data": {"Corefile": text}}, "kube-system")
    again = {"metadata": {"annotations": {"indigo-paas/names": address}}}  # its own reload comes after 30 s or more
    cluster.patch("Deployment", "coredns", {"spec": {"template": again}}, "kube-system")


def objects(image: str, certificate: bytes, key: bytes) -> list[Object]:
    """Return what the gateway is made of, beside its namespace."""
    here = {"name": NAME, "namespace": NAMESPACE}
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    rbac, api = "rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1"
    one = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [SECRET], "verbs": ["get"]}
    data = {"tls.crt": base64.b64encode(certificate).decode(), "tls.key": base64.b64encode(key).decode()}
    port = {"name": "https", "port": PORT, "targetPort": "https", "protocol": "TCP"}
    listener = {
        "name": "https",
        "port": PORT,
        "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": [{"name": SECRET}]},
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": here},
        {"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": "gateway-double"}, "rules": RULES},
        {
            "apiVersion": api,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "gateway-double"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "gateway-double"},
            "subjects": [account],
        },
        {"apiVersion": api, "kind": "Role", "metadata": here, "rules": [one]},
        {
            "apiVersion": api,
            "kind": "RoleBinding",
            "metadata": here,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": NAME},
            "subjects": [account],
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {**here, "name": SECRET},
            "type": "kubernetes.io/tls",
            "data": data,
        },
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "GatewayClass",
            "metadata": {"name": CLASS},
            "spec": {"controllerName": CONTROLLER},
        },
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "Gateway",
            "metadata": here,
            "spec": {"gatewayClassName": CLASS, "listeners": [listener]},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": here,
            "spec": {"selector": {"app": NAME}, "ports": [port]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": here,
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": NAME}},
                "template": {"metadata": {"labels": {"app": NAME}}, "spec": _pod(image)},
            },
        },
    ]


def _pod(image: str) -> Object:
    return {
        "serviceAccountName": NAME,
        "terminationGracePeriodSeconds": 10,
        # beside the platform, not of it: where no drill stops a node
        "nodeSelector": {CONTROL_PLANE: ""},
        "tolerations": [{"operator": "Exists"}],
        # policies let components reach port 443 of the gateway's pods, so they have to listen on it themselves
        "securityContext": {**POD, **LOW_PORTS},
        "containers": [
            {
                "name": "gateway",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "args": [f"--name={NAME}.{NAMESPACE}.svc.cluster.local"],
                "ports": [{"name": "https", "containerPort": PORT}, {"name": "health", "containerPort": HEALTH}],
                "readinessProbe": {"httpGet": {"path": "/", "port": "health"}, "periodSeconds": 1},
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}},
                "securityContext": READ_ONLY,
            }
        ],
    }

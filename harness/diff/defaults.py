"""What the API server fills in where nothing is written: written out or left out, it is the same object.

Source: k8s.io/kubernetes 1.37.2, pkg/apis/{core,apps,batch,networking,rbac,scheduling,storage}/v1/defaults.go, and the
defaults of the definitions of Gateway API 1.4 (HTTPRoute). tests/gitops/engine/test_immutable.py asks a real one.
"""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]
"""Field -> its default, or a tree of what is below it; `*` stands for every entry of a list."""

_PROBE: Tree = {
    "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
    "httpGet": {"scheme": "HTTP", "path": "/"},
}  # fmt: skip
_CONTAINER: Tree = {
    "imagePullPolicy": "IfNotPresent",  # of an image with a tag other than latest, which no chart of ours uses
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
    "ports": {"*": {"protocol": "TCP"}},
    "env": {"*": {"value": "", "valueFrom": {"fieldRef": {"apiVersion": "v1"}, "resourceFieldRef": {"divisor": "0"}}}},
    "startupProbe": _PROBE,
    "readinessProbe": _PROBE,
    "livenessProbe": _PROBE,
    "volumeMounts": {"*": {"readOnly": False}},
}
_FIELDS: Tree = {"*": {"fieldRef": {"apiVersion": "v1"}, "resourceFieldRef": {"divisor": "0"}}}
_POD: Tree = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "terminationGracePeriodSeconds": 30,
    "securityContext": {},
    "affinity": {},
    "hostNetwork": False,
    "hostPID": False,
    "hostIPC": False,
    "containers": {"*": _CONTAINER},
    "initContainers": {"*": _CONTAINER},
    "volumes": {
        "*": {
            "configMap": {"defaultMode": 420, "optional": False},
            "secret": {"defaultMode": 420, "optional": False},
            "downwardAPI": {"defaultMode": 420, "items": _FIELDS},
            "projected": {
                "defaultMode": 420,
                "sources": {
                    "*": {"downwardAPI": {"items": _FIELDS}, "serviceAccountToken": {"expirationSeconds": 3600}}
                },
            },
            "emptyDir": {"medium": ""},
            "hostPath": {"type": ""},
            "persistentVolumeClaim": {"readOnly": False},
        }
    },
}  # fmt: skip
_TEMPLATE: Tree = {"metadata": {"annotations": {}, "labels": {}}, "spec": _POD}
_JOB: Tree = {
    "backoffLimit": 6,
    "completionMode": "NonIndexed",
    "suspend": False,
    "podReplacementPolicy": "TerminatingOrFailed",
    "manualSelector": False,
    "template": _TEMPLATE,
}
_CLAIM: Tree = {"volumeMode": "Filesystem"}
_ROUTE: Tree = {
    "parentRefs": {"*": {"group": "gateway.networking.k8s.io", "kind": "Gateway"}},
    "rules": {"*": {"backendRefs": {"*": {"group": "", "kind": "Service", "weight": 1}}}},
}
_SUBJECTS: Tree = {"*": {"apiGroup": ""}}

OBJECT: Tree = {"metadata": {"annotations": {}, "labels": {}}}
"""What holds for every kind."""

DEFAULTS: dict[str, Tree] = {
    "Deployment": {
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
            "minReadySeconds": 0,
            "paused": False,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "template": _TEMPLATE,
        }
    },
    "StatefulSet": {
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 10,
            "minReadySeconds": 0,
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "volumeClaimTemplates": {
                "*": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "spec": _CLAIM,
                    "status": {"phase": "Pending"},
                }
            },
            "template": _TEMPLATE,
        }
    },
    "DaemonSet": {
        "spec": {
            "revisionHistoryLimit": 10,
            "minReadySeconds": 0,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": _TEMPLATE,
        }
    },
    "Job": {"spec": _JOB},
    "CronJob": {
        "spec": {
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"spec": _JOB},
        }
    },
    "Pod": {"spec": _POD},
    "Service": {
        "spec": {
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster",
            "publishNotReadyAddresses": False,
            "ports": {"*": {"protocol": "TCP"}},
        }
    },
    "PersistentVolumeClaim": {"spec": _CLAIM},
    "NetworkPolicy": {
        "spec": {
            "ingress": {"*": {"ports": {"*": {"protocol": "TCP"}}}},
            "egress": {"*": {"ports": {"*": {"protocol": "TCP"}}}},
        }
    },
    "Secret": {"type": "Opaque"},
    "RoleBinding": {"roleRef": {"apiGroup": "rbac.authorization.k8s.io"}, "subjects": _SUBJECTS},
    "ClusterRoleBinding": {"roleRef": {"apiGroup": "rbac.authorization.k8s.io"}, "subjects": _SUBJECTS},
    "PriorityClass": {"preemptionPolicy": "PreemptLowerPriority", "globalDefault": False},
    "StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": False},
    "HTTPRoute": {"spec": _ROUTE},
}

OPTIONAL_MAPS = {
    "annotations", "labels", "resources", "requests", "limits", "securityContext", "affinity", "strategy",
    "rollingUpdate", "updateStrategy", "status", "persistentVolumeClaimRetentionPolicy",
}  # fmt: skip
"""Maps that mean nothing when they are empty; of others (`emptyDir: {}`, `podSelector: {}`) that is the whole point."""

"""Closed JSON Schemas of the Argo CD objects that this project writes: what it uses of them, and nothing else.

Argo CD's own definitions (argo-cd v3.6.1, pkg/apis/application/v1alpha1/types.go) are held against the same objects
by the API server of the tier `gitops`. Here a misspelt key is refused in milliseconds; a new key is added at its
first use.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h))+$"}
LABELS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
ANY: Schema = {"type": "object"}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _closed(required: str = "", **properties: Schema) -> Schema:
    return {
        "type": "object", "additionalProperties": False, "required": required.split(), "properties": properties
    }  # fmt: skip


METADATA = _closed(
    "name", name=TEXT, namespace=TEXT, labels=LABELS, annotations=LABELS, finalizers=_list(TEXT)
)  # fmt: skip

CHART = _closed(
    "repoURL targetRevision chart", repoURL=TEXT, targetRevision=TEXT, chart=TEXT, helm=_closed(valuesObject=ANY)
)
PARAMETER = _closed("name value", name=TEXT, value=TEXT)
HELM = _closed(valueFiles=_list(TEXT), values=TEXT, valuesObject=ANY, parameters=_list(PARAMETER))
SOURCE = _closed("repoURL targetRevision path", repoURL=TEXT, targetRevision=TEXT, path=TEXT, helm=HELM)
RETRY = _closed(
    "limit backoff",
    limit={"type": "integer"},
    refresh=FLAG,
    backoff=_closed("duration", duration=DURATION, factor=NUMBER, maxDuration=DURATION),
)
SYNC_POLICY = _closed(
    "retry",
    automated=_closed(prune=FLAG, selfHeal=FLAG, allowEmpty=FLAG),
    managedNamespaceMetadata=_closed(labels=LABELS),
    retry=RETRY,
    syncOptions=_list({"type": "string", "pattern": "^[A-Za-z]+=[a-z]+$"}),
)
IGNORED = _closed(
    "kind",
    group={"type": "string"},
    kind=TEXT,
    name=TEXT,
    namespace=TEXT,
    jsonPointers=_list({"type": "string", "pattern": "^/"}),
    jqPathExpressions=_list(TEXT),
    managedFieldsManagers=_list(TEXT),
)
APPLICATION_SPEC = _closed(
    "project source destination syncPolicy",
    project=TEXT,
    source={"oneOf": [SOURCE, CHART]},
    destination=_closed("server namespace", server=TEXT, namespace=TEXT),
    revisionHistoryLimit=NUMBER,
    syncPolicy=SYNC_POLICY,
    ignoreDifferences=_list(IGNORED),
)
KINDS = _list(_closed("group kind", group={"type": "string"}, kind=TEXT))
PROJECT_SPEC = _closed(
    "sourceRepos destinations clusterResourceWhitelist namespaceResourceWhitelist",
    description=TEXT,
    sourceRepos=_list(TEXT),
    destinations=_list(_closed("server namespace", server=TEXT, namespace=TEXT)),
    clusterResourceWhitelist=KINDS,
    namespaceResourceWhitelist=KINDS,
)
GIT = _closed(
    "repoURL revision files",
    repoURL=TEXT,
    revision=TEXT,
    requeueAfterSeconds=NUMBER,
    files=_list(_closed("path", path=TEXT)),
)
APPLICATION_SET_SPEC = _closed(
    "goTemplate goTemplateOptions syncPolicy generators template",
    goTemplate=FLAG,
    goTemplateOptions=_list(TEXT),
    syncPolicy=_closed(
        applicationsSync={"enum": ["create-only", "create-update", "create-delete", "sync"]},
        preserveResourcesOnDeletion=FLAG,
    ),
    generators=_list(_closed("git", git=GIT)),
    template=_closed("metadata spec", metadata=METADATA, spec=APPLICATION_SPEC),
)


def _object(kind: str, spec: Schema) -> Schema:
    return _closed(
        "apiVersion kind metadata spec",
        apiVersion={"const": "argoproj.io/v1alpha1"},
        kind={"const": kind},
        metadata=METADATA,
        spec=spec,
    )


SCHEMAS: dict[str, Schema] = {
    "Application": _object("Application", APPLICATION_SPEC),
    "ApplicationSet": _object("ApplicationSet", APPLICATION_SET_SPEC),
    "AppProject": _object("AppProject", PROJECT_SPEC),
}

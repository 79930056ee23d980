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


def list_of(items: Schema) -> Schema:
    """Return the schema of a list of such items."""
    return {"type": "array", "items": items}


def closed_object(required: str = "", **properties: Schema) -> Schema:
    """Return the schema of an object with these fields and no others; `required` are names, by spaces."""
    return {
        "type": "object", "additionalProperties": False, "required": required.split(), "properties": properties
    }  # fmt: skip


METADATA = closed_object(
    "name", name=TEXT, namespace=TEXT, labels=LABELS, annotations=LABELS, finalizers=list_of(TEXT)
)  # fmt: skip

HELM = closed_object(valueFiles=list_of(TEXT), valuesObject=ANY)
SOURCE = closed_object("repoURL targetRevision path", repoURL=TEXT, targetRevision=TEXT, path=TEXT, helm=HELM)
RETRY = closed_object(
    "limit backoff",
    limit={"type": "integer"},
    refresh=FLAG,
    backoff=closed_object("duration", duration=DURATION, factor=NUMBER, maxDuration=DURATION),
)
SYNC_POLICY = closed_object(
    "retry",
    automated=closed_object(prune=FLAG, selfHeal=FLAG, allowEmpty=FLAG),
    retry=RETRY,
    syncOptions=list_of({"type": "string", "pattern": "^[A-Za-z]+=[a-z]+$"}),
)
APPLICATION_SPEC = closed_object(
    "project source destination syncPolicy",
    project=TEXT,
    source=SOURCE,
    destination=closed_object("server namespace", server=TEXT, namespace=TEXT),
    revisionHistoryLimit=NUMBER,
    syncPolicy=SYNC_POLICY,
)
KINDS = list_of(closed_object("group kind", group={"type": "string"}, kind=TEXT))
PROJECT_SPEC = closed_object(
    "sourceRepos destinations clusterResourceWhitelist namespaceResourceWhitelist",
    description=TEXT,
    sourceRepos=list_of(TEXT),
    destinations=list_of(closed_object("server namespace", server=TEXT, namespace=TEXT)),
    clusterResourceWhitelist=KINDS,
    namespaceResourceWhitelist=KINDS,
)
GIT = closed_object(
    "repoURL revision files",
    repoURL=TEXT,
    revision=TEXT,
    requeueAfterSeconds=NUMBER,
    files=list_of(closed_object("path", path=TEXT)),
)
APPLICATION_SET_SPEC = closed_object(
    "goTemplate goTemplateOptions syncPolicy generators template",
    goTemplate=FLAG,
    goTemplateOptions=list_of(TEXT),
    syncPolicy=closed_object(
        applicationsSync={"enum": ["create-only", "create-update", "create-delete", "sync"]},
        preserveResourcesOnDeletion=FLAG,
    ),
    generators=list_of(closed_object("git", git=GIT)),
    template=closed_object("metadata spec", metadata=METADATA, spec=APPLICATION_SPEC),
)


def _object(kind: str, spec: Schema) -> Schema:
    return closed_object(
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

"""Closed JSON Schemas of routes, monitors and rules: what this project uses of the definitions, and nothing else.

The definitions themselves (Gateway API v1, config/crd/standard; prometheus-operator, pkg/apis/monitoring/v1) are held
against the same objects by the API server of the tier `gitops`. Here a misspelt key is refused in milliseconds.
"""

from __future__ import annotations

from harness.checks.argocd_schema import LABELS, METADATA, NUMBER, TEXT, Schema, closed_object, list_of

DURATION: Schema = {"type": "string", "pattern": r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"}  # gateway-api: GEP-2257
HOST: Schema = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
HEADERS = list_of(closed_object("name value", name=TEXT, value=TEXT))
REWRITE = closed_object(
    "type replacePrefixMatch", type={"const": "ReplacePrefixMatch"}, replacePrefixMatch={"type": "string"}
)

HTTP_ROUTE = closed_object(
    "parentRefs hostnames rules",
    parentRefs=list_of(
        closed_object(
            "group kind name namespace",
            group={"const": "gateway.networking.k8s.io"},
            kind={"const": "Gateway"},
            name=TEXT,
            namespace=TEXT,
            sectionName=TEXT,
        )
    ),
    hostnames=list_of(HOST),
    rules=list_of(
        closed_object(
            "matches backendRefs",
            matches=list_of(
                closed_object("path", path=closed_object("type value", type={"const": "PathPrefix"}, value=TEXT))
            ),
            filters=list_of(
                closed_object(
                    "type",
                    type={"enum": ["RequestHeaderModifier", "URLRewrite"]},
                    requestHeaderModifier=closed_object("set", set=HEADERS),
                    urlRewrite=closed_object("path", path=REWRITE),
                )
            ),
            backendRefs=list_of(
                closed_object(
                    "group kind name port weight",
                    group={"const": ""},
                    kind={"const": "Service"},
                    name=TEXT,
                    port=NUMBER,
                    weight=NUMBER,
                )
            ),
            timeouts=closed_object("request", request=DURATION),
        )
    ),
)
POD_MONITOR = closed_object(
    "selector podMetricsEndpoints",
    selector=closed_object("matchLabels", matchLabels=LABELS),
    podMetricsEndpoints=list_of(
        closed_object(
            "port path interval",
            port=TEXT,
            path={"type": "string", "pattern": "^/"},
            interval=DURATION,
            params={"type": "object", "additionalProperties": list_of(TEXT)},
        )
    ),
)
RULES = closed_object(
    "groups",
    groups=list_of(
        closed_object(
            "name rules",
            name=TEXT,
            rules=list_of(
                closed_object(
                    "alert expr for labels annotations",
                    **{"alert": TEXT, "expr": TEXT, "for": DURATION, "labels": LABELS, "annotations": LABELS},
                )
            ),
        )
    ),
)


def _object(api_version: str, kind: str, spec: Schema) -> Schema:
    return closed_object(
        "apiVersion kind metadata spec",
        apiVersion={"const": api_version},
        kind={"const": kind},
        metadata=METADATA,
        spec=spec,
    )


SCHEMAS: dict[tuple[str, str], Schema] = {
    (version, kind): _object(version, kind, spec)
    for version, kind, spec in (
        ("gateway.networking.k8s.io/v1", "HTTPRoute", HTTP_ROUTE),
        ("monitoring.coreos.com/v1", "PodMonitor", POD_MONITOR),
        ("monitoring.coreos.com/v1", "PrometheusRule", RULES),
    )
}

"""Schemas of the values that routes and monitoring are set by."""

from __future__ import annotations

from harness.generate.shapes import Schema, closed, string, texts
from harness.model import alerts
from harness.model.graph import Graph

LIMITS = ("timeout", "body", "headers")  # the limits of a contract's `route`
NAME = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"
FORMAT = r"^[^%]*%d[^%]*$"
URL = r"^(https?://[^ ]*[^/ ])?$"
LABEL = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"


def routes() -> Schema:
    """Return the schema of `global.routes`, and of a component's own `route`."""
    return closed(
        {
            "kind": {
                "enum": ["none", "HTTPRoute", "Ingress"],
                "description": "What is rendered: a route of the Gateway API, an Ingress, or nothing.",
            },
            "annotations": texts(),
            "gateway": closed(
                {
                    "name": string("Gateway that routes attach to.", NAME),
                    "namespace": string("Its namespace; empty for network.gatewayNamespace.", NAME),
                    "sectionName": string("Its listener; empty for all that fit.", NAME),
                }
            ),
            "ingress": closed(
                {
                    "className": string("IngressClass; empty for the cluster's default.", NAME),
                    "tls": closed(
                        {
                            "secretName": string("Secret with a certificate.", NAME),
                            "issuer": string("Issuer of cert-manager.", NAME),
                            "clusterIssuer": string("ClusterIssuer of cert-manager.", NAME),
                        }
                    ),
                    "limitAnnotations": closed({limit: texts(FORMAT) for limit in LIMITS}),
                }
            ),
        }
    )


def monitoring(graph: Graph) -> Schema:
    """Return the schema of `global.monitoring`."""
    return closed(
        {
            "enabled": {"type": "boolean"},
            "namespace": {"type": "string", "minLength": 1},
            "labels": texts(LABEL),
            "interval": string("A duration, as Prometheus writes it.", r"^[1-9][0-9]*(s|m)$"),
            "runbooks": string("URL of docs/runbooks, without a trailing slash.", URL),
            "disabledAlerts": {"type": "array", "items": {"enum": alerts.names(graph)}},
            "dashboards": closed({"enabled": {"type": "boolean"}, "labels": texts(LABEL), "annotations": texts()}),
        }
    )

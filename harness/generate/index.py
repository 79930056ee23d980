"""`charts/common/templates/_index.tpl`: what a component's templates must know of other components' contracts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.doubles import describe as doubles
from harness.model.clients import clients
from harness.model.graph import Graph
from harness.model.images import SharedImage

HEADER = """\
{{- /*
What templates must know of other components, as JSON. Written by `indigo generate` from all contracts: do not edit.
common.index.<component> {component, tier, wave, ports, consumers by port; databases, topics, buckets, clients here;
                         secrets; instances of it; url: whether one elsewhere is found by a URL, else by a host;
                         service: the name of its Service in mode operator}
common.index.instances   name of an instance -> the component that it is one of
common.index.images      images that belong to no component, by name: {repository, tag, digest}
common.index.secrets     Secret id -> {owner, keys}
common.index.components  sorted list of all names
common.index.doubles     sorted list of those that there is a contract double of (global.images.source)
*/ -}}
"""


def render(graph: Graph, images: Mapping[str, SharedImage]) -> str:
    """Return the template file; every definition gives one line of JSON without `{{`."""
    secrets = {
        identifier: {"owner": owner, "keys": sorted(secret.keys)}
        for identifier, (owner, secret) in graph.secrets().items()
    }
    definitions = [
        *((f"common.index.{name}", entry(graph, name)) for name in graph.contracts),
        ("common.index.components", sorted(graph.contracts)),
        ("common.index.doubles", [name for name in doubles.names() if name in graph.contracts]),
        ("common.index.instances", {name: item.like for name, item in graph.contracts.items() if item.like}),
        (
            "common.index.images",
            {
                name: {"repository": image.repository, "tag": image.tag, "digest": image.digest or ""}
                for name, image in sorted(images.items())
            },
        ),
        ("common.index.secrets", secrets),
    ]
    return HEADER + "".join(
        f'{{{{- define "{name}" -}}}}\n{_json(content)}\n{{{{- end -}}}}\n' for name, content in definitions
    )


def entry(graph: Graph, component: str) -> dict[str, Any]:
    """Return what `common.index.<component>` holds."""
    contract = graph.contracts[component]
    return {
        "component": component,
        "tier": contract.tier,
        "wave": graph.wave(component),
        "ports": {name: port.port for name, port in sorted(contract.ports.items())},
        "consumers": {name: graph.consumers(component, name) for name in sorted(contract.ports)},
        "databases": [
            {
                "name": owned.name,
                "user": owned.database.user,
                "secret": owned.database.secret,
                "owner": owned.owner,
                "charset": owned.database.charset,
                "collation": owned.database.collation,
                "xa": owned.database.xa,
                "tls": _encrypts(graph, owned.owner, component),
            }
            for owned in graph.databases(component)
        ],
        "topics": [
            {
                "name": name,
                "owner": owner,
                "partitions": topic.partitions,
                "retentionHours": topic.retentionHours,
                "maxMessageBytes": topic.maxMessageBytes,
            }
            for name, (owner, topic) in graph.topics().items()
            if topic.server == component
        ],
        "buckets": [
            {"name": name, "owner": owner, "secret": bucket.secret}
            for owner, other in graph.contracts.items()
            for name, bucket in sorted(other.buckets.items())
            if bucket.server == component
        ],
        "clients": [
            {
                "name": name,
                "owner": owner,
                "secret": client.secret,
                "id": client.id,
                "key": client.key,
                "title": client.title,
                "redirects": list(client.redirects),
                "grants": list(client.grants),
                "scopes": list(client.scopes),
                "idTokenSeconds": client.idTokenSeconds,
            }
            for name, (owner, client) in clients(graph, component).items()
        ],
        "instances": sorted(name for name, other in graph.contracts.items() if other.like == component),
        "url": bool(contract.exposed or (contract.external and contract.external.url)),
        "service": contract.operator.service.format(name=component) if contract.operator else "",
        "secrets": {identifier: sorted(secret.keys) for identifier, secret in sorted(contract.secrets.items())},
    }


def _encrypts(graph: Graph, owner: str, server: str) -> bool:
    """Whether the owner of a database can encrypt the way to its server."""
    return any(edge.component == server and edge.tls and edge.tls.setting for edge in graph.contracts[owner].requires)


def _json(content: Any) -> str:
    # Go templates look for {{ everywhere; JSON can hold it inside of strings only, where it may be escaped
    return json.dumps(content, separators=(",", ":"), ensure_ascii=True).replace("{{", "{\\u007b")

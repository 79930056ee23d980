"""`docs/reference/external.md`: what a site gives for a component that runs elsewhere, and who makes what in it."""

from __future__ import annotations

from collections.abc import Sequence

from harness.generate.reference import NOTE
from harness.generate.text import cell, code, page, section, table
from harness.model.contract import Contract
from harness.model.graph import Graph


def render(graph: Graph) -> str:
    """Return the page."""
    intro = [
        "# Components that run elsewhere",
        "",
        NOTE,
        "",
        "`global.components.<name>: {mode: external}` means that a component runs outside of this platform. Nothing",
        "of it is rendered; all that need it point to the address below, and their NetworkPolicies open exactly that",
        "port, to `cidrs` of the entry or, without them, to `global.network.internetCidrs`.",
        "",
    ]
    described = {name: item for name, item in graph.contracts.items() if item.external}
    return page(intro, *(section(cell(item.title), _component(graph, name, item)) for name, item in described.items()))


def _component(graph: Graph, name: str, contract: Contract) -> list[str]:
    outside = contract.external
    assert outside is not None
    entry = f"global.components.{name}"
    example = [f"  components:\n    {name}: {{mode: external}}", f"  urls: {{{name}: https://{name}.example.org}}"]
    if not outside.url:
        number = next(iter(contract.ports.values())).port
        example = [f"  components:\n    {name}: {{mode: external, host: {name}.example.org, port: {number}}}"]
    read = sorted({identifier for edge in graph.dependants(name) for identifier in edge.secrets})
    rows = [
        ("what must be there", cell(outside.gives)),
        ("encryption", cell(outside.tls)),
        ("Secrets with its values", ", ".join(code(identifier) for identifier in read) or "none"),
        ("made by us", _provision(entry, contract)),
        ("source", cell(outside.source)),
    ]
    owned = [
        (code(item.name), code(item.database.user), code(item.database.secret), item.database.charset,
         "yes" if item.database.xa else "no")
        for item in graph.databases(name)
    ]  # fmt: skip
    topics = [
        (code(title), str(topic.partitions), str(topic.retentionHours), str(topic.maxMessageBytes))
        for title, (_, topic) in graph.topics().items()
        if topic.server == name
    ]
    buckets = [
        (code(title), code(bucket.secret))
        for other in graph.contracts.values()
        for title, bucket in sorted(other.buckets.items())
        if bucket.server == name
    ]
    lists: list[tuple[tuple[str, ...], Sequence[Sequence[str]]]] = [
        (("database", "user", "Secret with its password", "character set", "XA"), owned),
        (("topic", "partitions", "retention, hours", "largest message, bytes"), topics),
        (("bucket", "Secret with its keys"), buckets),
    ]
    return [
        *["```yaml", "global:", *example, "```", ""],
        *table(("", ""), rows),
        *_clients(graph, name, contract),
        *(line for header, found in lists if found for line in ("", *table(header, found))),
    ]


def _clients(graph: Graph, name: str, contract: Contract) -> list[str]:
    """Return the table of the clients, where a value switches TLS."""
    outside = contract.external
    if outside is None or outside.encryption != "value":
        return []
    rows = [
        (
            code(consumer),
            f"by {code(edge.tls.setting)}" if edge.tls.setting else "**in the clear**",
            cell(edge.tls.checks or edge.tls.cannot),
            cell(edge.tls.source),
        )
        for consumer, other in graph.contracts.items()
        for edge in other.requires
        if edge.component == name and edge.tls
    ]
    return ["", *table(("client", "encrypts", "what it checks, or why it cannot", "source"), rows)] if rows else []


def _provision(entry: str, contract: Contract) -> str:
    outside = contract.external
    if outside is None or outside.provision is None:
        return "nothing: a person makes what is listed here"
    job = contract.jobs[outside.provision]
    key = code(f"{entry}.provision: true")
    return f"with {key}, the Job {code(outside.provision)} runs against it: {cell(job.purpose)}"

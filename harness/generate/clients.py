"""`docs/reference/clients.md`: the clients of IAM that the platform needs, for a person where no Job registers them."""

from __future__ import annotations

from harness.generate.reference import NOTE, link
from harness.generate.text import cell, code, page, table
from harness.model.clients import clients
from harness.model.graph import Graph

SERVER = "iam"
HEADER = ("client", "of", "id and secret", "redirects", "grants", "scopes", "what for", "source")


def render(graph: Graph) -> str:
    """Return the page."""
    rows = [
        (
            code(name),
            link(graph, owner),
            f"Secret {code(client.secret)}, keys {code(client.id)} and {code(client.key)}",
            "<br>".join(code(f"global.urls.{owner}{path}") for path in client.redirects) or "-",
            "<br>".join(code(grant) for grant in client.grants),
            code(" ".join(client.scopes)) if client.scopes else "-",
            cell(client.purpose),
            cell(client.source),
        )
        for name, (owner, client) in clients(graph, SERVER).items()
    ]
    about = [
        "# Clients of IAM",
        "",
        NOTE,
        "",
        "Where IAM runs here, its Job `clients` registers them with the ids and secrets of their Secrets "
        "([how-to](../how-to/clients.md)). Where it runs elsewhere (`global.components.iam.mode: external`), its "
        "administrator registers them from this table: token endpoint authentication `client_secret_basic`, "
        "introspection allowed.",
        "",
    ]
    return page(about, table(HEADER, rows))

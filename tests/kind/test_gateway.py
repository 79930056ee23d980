"""The platform through its routes: over TLS with the site's authority, by public names, and nothing else."""

from __future__ import annotations

import json

import pytest
from urllib3.exceptions import SSLError

from harness.cluster import Cluster
from harness.diagnose.health import health
from harness.e2e import gateway
from harness.e2e.hands import Gate, Hands
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform
from harness.secrets import certificates
from tests.kind.conftest import BELOW, urls


@pytest.fixture(scope="module")
def public(running: tuple[Platform, list[Seen]]) -> dict[str, str]:
    """The public URLs of the components that run."""
    platform, _ = running
    found = urls(platform)
    return {name: url for name, url in found.items() if name in platform.components}


def test_every_exposed_component_has_a_route_that_the_gateway_has_accepted(
    running: tuple[Platform, list[Seen]], cluster: Cluster, public: dict[str, str]
) -> None:
    platform, _ = running
    routes = {item["metadata"]["name"]: item for item in cluster.list("HTTPRoute", platform.namespace)}
    assert routes.keys() == public.keys()
    for name, item in routes.items():
        (parent,) = item["status"]["parents"]
        assert parent["controllerName"] == gateway.CONTROLLER, name
        assert {entry["status"] for entry in parent["conditions"]} == {"True"}, parent
        assert health(item).well, name
    listeners = cluster.get("Gateway", gateway.NAME, gateway.NAMESPACE)["status"]["listeners"]
    assert listeners[0]["attachedRoutes"] == len(public)


def test_pages_are_there_by_their_public_names(gate: Gate, public: dict[str, str]) -> None:
    assert gate.door(public["dashboard"]).ask("/login").status == 200
    assert gate.door(public["orchestrator"] + BELOW).ask("/info").status == 200
    discovery = gate.door(public["iam"]).ask("/.well-known/openid-configuration")
    assert json.loads(discovery.text)["issuer"] == public["iam"] + "/"


def test_what_no_route_has_is_not_there(gate: Gate, public: dict[str, str]) -> None:
    iam = gate.door(public["iam"])
    assert iam.ask("/", headers={"Host": "nobody.site.indigo.example"}).status == 404
    assert gate.door(public["orchestrator"]).ask("/info").status == 404  # its route is below a path
    assert gate.door(public["orchestrator"]).ask(f"{BELOW}x/info").status == 404


def test_a_certificate_of_another_authority_or_for_another_name_is_refused(gate: Gate, public: dict[str, str]) -> None:
    stranger = certificates.new_authority("another")[certificates.CERTIFICATE].reveal().decode()
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        Gate(gate.address, stranger).door(public["iam"]).ask("/")
    with pytest.raises(SSLError, match=r"doesn't match|CERTIFICATE_VERIFY_FAILED"):
        gate.door("https://not-in-the-certificate.example").ask("/")


def test_inside_of_the_cluster_the_public_names_lead_to_the_gateway(
    hands: Hands, cluster: Cluster, public: dict[str, str]
) -> None:
    """What the software itself does at each start; here with a program that MariaDB's image has."""
    said = hands.execute("mariadb-0", "mariadb", "getent", "hosts", public["iam"].removeprefix("https://"))
    assert said.split()[0] == cluster.get("Service", gateway.NAME, gateway.NAMESPACE)["spec"]["clusterIP"]

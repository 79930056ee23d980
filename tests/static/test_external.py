"""Mode external of each data store: consumers point outside, the network opens exactly there, what lacks is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from harness.checks import check, rules, subject
from harness.errors import UserError
from harness.model.contract import External
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.model.placement import place
from harness.secrets.plan import wanted
from tests import support
from tests.static.copied import Copied

CONTRACTS = load_contracts(support.charts())
GRAPH = Graph.build(CONTRACTS)
STORES = ("kafka", "mariadb", "mlflow", "neo4j", "openbao", "s3", "valkey")
ADDRESS = "192.0.2.77/32"
OF_FILES = {"determinism", "generated-fresh", "no-nondeterminism"}
# what a consumer needs so that it uses the store at all, or renders by itself
URLS = {name: f"https://{name}.example.org" for name, item in CONTRACTS.items() if item.exposed}
NEEDS: dict[str, dict[str, Any]] = {
    "iam": {"sessions": "valkey"},
    "dashboard": {"features": {"vault": True}},
    "federation-manager": {"kafkaEnabled": True},
    "orchestrator-python": {"kafkaEnabled": True},
}


def outside(store: str) -> External:
    described = CONTRACTS[store].external
    assert described is not None, f"{store} does not say what a site gives for one that runs elsewhere"
    return described


def consumers() -> list[tuple[str, str, str, int]]:
    """Return store, instance, consumer and port number of every edge to a data store."""
    return [
        (CONTRACTS[edge.provider].chart, edge.provider, edge.consumer, edge.number)
        for edge in GRAPH.edges
        if CONTRACTS[edge.provider].chart in STORES
    ]


def elsewhere(store: str, provider: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"mode": "external", "cidrs": [ADDRESS]}
    if outside(store).url:
        return {"components": {provider: entry}, "urls": URLS | {provider: f"https://{store}.old.example:8443"}}
    return {"components": {provider: entry | {"host": f"{store}.old.example", "port": 40123}}}


def test_every_data_store_says_what_a_site_gives() -> None:
    for store in STORES:
        assert outside(store).gives
        assert outside(store).tls


@pytest.mark.parametrize(("store", "provider", "consumer", "number"), consumers())
def test_a_consumer_points_outside_and_reaches_exactly_that(
    store: str, provider: str, consumer: str, number: int
) -> None:
    values = {"global": {"urls": URLS, **elsewhere(store, provider)}, **NEEDS.get(consumer, {})}
    objects = support.render_chart(consumer, values)
    text = json.dumps([item for item in objects if item["kind"] != "NetworkPolicy"])
    assert f"{store}.old.example" in text, f"{consumer} does not ask for {store} where it runs"
    egress = support.find(objects, "NetworkPolicy", consumer)["spec"]["egress"]
    port = 8443 if outside(store).url else 40123
    there = [rule for rule in egress if {"ipBlock": {"cidr": ADDRESS}} in rule["to"]]
    assert there == [{"to": [{"ipBlock": {"cidr": ADDRESS}}], "ports": [{"protocol": "TCP", "port": port}]}]
    inside = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": provider}}}
    assert not [rule for rule in egress if inside in rule["to"]], f"{consumer} may reach a {provider} inside"


@pytest.mark.parametrize(("store", "provider", "consumer", "number"), consumers())
def test_a_store_without_an_address_is_refused_with_its_key(
    store: str, provider: str, consumer: str, number: int
) -> None:
    key = f"global.urls.{provider}" if outside(store).url else f"global.components.{provider}.host"
    urls = {name: url for name, url in URLS.items() if name != provider}
    values = {"global": {"urls": urls, "components": {provider: {"mode": "external"}}}, **NEEDS.get(consumer, {})}
    with pytest.raises(support.Refused) as refused:
        support.render_chart(consumer, values)
    assert f"{key}: is required" in str(refused.value)


@pytest.mark.parametrize("store", STORES)
def test_secrets_of_a_store_elsewhere_are_asked_of_a_person(store: str) -> None:
    modes = {name: {"mode": "embedded"} for name, item in CONTRACTS.items() if not item.like}
    placed = place(CONTRACTS, {"global": {"components": modes | {store: {"mode": "external"}}}})
    found = {item.name: item for item in wanted(placed.graph, placed.modes, {}, placed.provisioned)}
    read = {identifier for edge in placed.graph.dependants(store) for identifier in edge.secrets}
    own = set(CONTRACTS[store].secrets)
    assert own & set(found) == own & read, "no Secret of a server that is not here but those that consumers read"
    assert all(found[name].outside for name in own & read)


# --- a Job of ours makes what others need, where the site says so


def provisioned(component: str, **entry: Any) -> list[support.Object]:
    entry = {"mode": "external", "host": "store.old.example", "cidrs": [ADDRESS], "provision": True, **entry}
    return support.render_umbrella({"global": {"components": {component: entry}}})


def own(objects: list[support.Object], component: str) -> dict[str, support.Object]:
    label = "app.kubernetes.io/name"
    return {item["kind"]: item for item in objects if item["metadata"]["labels"].get(label) == component}


def test_nothing_is_made_on_a_store_elsewhere_unless_the_site_says_so() -> None:
    assert own(provisioned("mariadb", provision=False), "mariadb") == {}


def test_databases_are_made_on_a_server_elsewhere() -> None:
    objects = own(provisioned("mariadb", port=3307, admin="dba"), "mariadb")
    assert set(objects) == {"Job", "NetworkPolicy", "ServiceAccount"}
    script = objects["Job"]["spec"]["template"]["spec"]["containers"][0]["args"][0]
    assert "--host=store.old.example --port=3307 --user=dba" in script
    assert "\ndatabase iam iam" in script
    assert "replicates by Galera" in script, "XA would fail on it, much later"
    spec = objects["NetworkPolicy"]["spec"]
    assert spec.get("ingress", []) == []
    assert spec["egress"][1:] == [
        {"to": [{"ipBlock": {"cidr": ADDRESS}}], "ports": [{"protocol": "TCP", "port": 3307}]}
    ]


def test_topics_are_made_on_a_kafka_elsewhere_with_the_clients_certificate_alone() -> None:
    objects = own(provisioned("kafka"), "kafka")
    assert set(objects) == {"ConfigMap", "Job", "NetworkPolicy", "ServiceAccount"}
    pod = objects["Job"]["spec"]["template"]["spec"]
    assert "server=store.old.example:9095" in pod["containers"][0]["args"][0]
    assert [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume] == ["kafka-client-tls"]
    assert list(objects["ConfigMap"]["data"]) == ["etc.indigo-paas.kafka.client.properties"]


def test_the_administrators_secret_is_asked_for_where_the_job_runs() -> None:
    for provision, expected in ((True, {"mariadb-root"}), (False, set())):
        entry = {"mode": "external", "host": "db", "provision": provision}
        off: dict[str, Any] = {name: {"mode": "off"} for name, item in CONTRACTS.items() if not item.like}
        placed = place(CONTRACTS, {"global": {"components": off | {"mariadb": entry, "iam": {"mode": "embedded"}}}})
        items = wanted(placed.graph, placed.modes, {}, placed.provisioned)
        assert {item.name for item in items if item.name.endswith("-root")} == expected


def test_what_is_rendered_then_keeps_every_rule(copied: Copied) -> None:
    path = copied.root / "argocd/environments/dev/values.yaml"
    site = yaml.safe_load(path.read_text(encoding="utf-8"))
    site["global"]["components"] = {
        "mariadb": {"mode": "external", "host": "db.example.org", "cidrs": [ADDRESS], "provision": True},
        "mariadb-iam": {"mode": "external", "host": "iam-db.example.org", "provision": True},
        "kafka": {"mode": "external", "host": "kafka.example.org", "provision": True},
        "kafka-proxy": {"mode": "embedded"},
    }
    path.write_text(yaml.safe_dump(site), encoding="utf-8")
    try:
        found = check(subject(["dev"], copied.root), sorted(set(rules()) - OF_FILES)).findings
    finally:
        copied.mend()
    assert not found, "\n".join(f"{item.object} {item.path}: {item.message}" for item in found)


def test_only_what_can_be_provisioned_may_be() -> None:
    with pytest.raises(UserError) as caught:
        provisioned("valkey")
    assert "global.components.valkey.provision: no such key" in str(caught.value)

"""Mode operator: custom resources of MariaDB and Kafka that fit upstream's definitions, and that every rule judges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.checks import Subject, check, rules, subject
from harness.checks.schemas import violations
from harness.engines.crds import strict_schema, upstream
from harness.errors import UserError
from harness.model.load import load_contracts
from harness.paths import repository
from harness.process import run
from harness.render import KUBERNETES
from tests import support
from tests.static.copied import Copied
from tests.static.edit import Edit

OF_FILES = {"determinism", "generated-fresh", "no-nondeterminism"}
SERVERS = ("mariadb", "mariadb-iam", "mariadb-orchestrator")
MODES: dict[str, Any] = {name: {"mode": "operator"} for name in (*SERVERS, "kafka")}
SHIPPER: dict[str, Any] = {"log-shipper": {"mode": "embedded"}}
NETWORK = {"apiServer": {"cidrs": ["192.0.2.1/32"]}}
AUTHOR = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
EXAMPLE = repository() / "argocd/examples/site/config.yaml"
OPTIONS = "argocd.argoproj.io/sync-options"


def render(components: dict[str, Any] | None = None, **values: Any) -> list[support.Object]:
    platform = {"components": MODES | {"kafka-proxy": {"mode": "embedded"}} | (components or {}), "network": NETWORK}
    return support.render_umbrella({**values, "global": platform | values.get("global", {})})


def refusal(components: dict[str, Any] | None = None, **values: Any) -> str:
    with pytest.raises(UserError) as caught:
        render(components, **values)
    return f"{caught.value}\n{caught.value.details or ''}"


@pytest.fixture(scope="module")
def operated(copied: Copied) -> Subject:
    """The environment dev with Kafka and its consumers, and operators instead of our own servers."""
    path = copied.root / "argocd/environments/dev/values.yaml"
    site = yaml.safe_load(path.read_text(encoding="utf-8"))
    site["global"] |= {"components": MODES | SHIPPER | {"kafka-proxy": {"mode": "embedded"}}, "network": NETWORK}
    path.write_text(yaml.safe_dump(site), encoding="utf-8")
    config = path.with_name("config.yaml")
    room = {"quota": yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["quota"]}
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text(encoding="utf-8")) | room), encoding="utf-8")
    try:
        return subject(["dev"], copied.root)
    finally:
        copied.mend()


@pytest.mark.parametrize("rule", sorted(set(rules()) - OF_FILES))
def test_every_rule_is_kept(operated: Subject, rule: str) -> None:
    found = check(operated, [rule]).findings
    assert not found, "\n".join(f"{item.object} {item.path}: {item.message}; {item.fix}" for item in found)


def resource(edit: Edit, kind: str, name: str) -> support.Object:
    found: support.Object = edit.get(kind, name)
    return found


def _unknown_field(edit: Edit) -> None:
    resource(edit, "MariaDB", "mariadb-iam")["spec"]["galaxy"] = {"enabled": True}


def _wrong_type(edit: Edit) -> None:
    resource(edit, "KafkaTopic", "orchestrator-logs")["spec"]["partitions"] = "one"


def _wrong_key(edit: Edit) -> None:
    resource(edit, "User", "mariadb-iam.iam")["spec"]["passwordSecretKeyRef"]["key"] = "passphrase"


def _wrong_certificate(edit: Edit) -> None:
    listener = resource(edit, "Kafka", "kafka")["spec"]["kafka"]["listeners"][0]
    listener["configuration"]["brokerCertChainAndKey"]["secretName"] = "nobody"


def _schema_dropped(edit: Edit) -> None:
    resource(edit, "Database", "mariadb-iam.iam")["spec"]["cleanupPolicy"] = "Delete"


def _pruned(edit: Edit) -> None:
    resource(edit, "Kafka", "kafka")["metadata"]["annotations"][OPTIONS] = "SkipDryRunOnMissingResource=true"


def _too_early(edit: Edit) -> None:
    resource(edit, "Grant", "mariadb-iam.iam")["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] = "0"


def _opened(edit: Edit) -> None:
    rule = resource(edit, "NetworkPolicy", "mariadb-iam")["spec"]["ingress"][0]
    rule["from"].append({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "dashboard"}}})


def _closed_to_the_operator(edit: Edit) -> None:
    spec = resource(edit, "NetworkPolicy", "kafka")["spec"]
    spec["ingress"] = [rule for rule in spec["ingress"] if "namespaceSelector" not in rule["from"][0]]


def _selects_nothing(edit: Edit) -> None:
    spec = resource(edit, "NetworkPolicy", "kafka")["spec"]
    spec["podSelector"]["matchLabels"] = {"indigo-paas/component": "valkey"}


def _not_allowed(edit: Edit) -> None:
    kinds = resource(edit, "AppProject", "indigo-dev")["spec"]["namespaceResourceWhitelist"]
    kinds.remove({"group": "k8s.mariadb.com", "kind": "Grant"})


@pytest.mark.parametrize(
    ("rule", "says", "edit"),
    [
        ("kubernetes-schema", "unknown field galaxy", _unknown_field),
        ("kubernetes-schema", "'one' is not of type 'integer'", _wrong_type),
        ("secrets-two-way", "reads key passphrase of Secret iam-db", _wrong_key),
        ("secrets-two-way", "reads Secret nobody", _wrong_certificate),
        ("data-protection", "is not Skip", _schema_dropped),
        ("data-protection", "lacks Delete=false, Prune=false", _pruned),
        ("graph-waves", "is 0, by the graph it is 3", _too_early),
        ("graph-policies", "traffic from component dashboard on 3306/TCP is open", _opened),
        ("graph-policies", "traffic from namespace indigo-operators on 9091/TCP", _closed_to_the_operator),
        ("references", "selects no pod", _selects_nothing),
        ("argocd-projects", "Grant of k8s.mariadb.com is missing", _not_allowed),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else None,
)
def test_a_mistake_in_a_resource_is_found(
    operated: Subject, rule: str, says: str, edit: Callable[[Edit], None]
) -> None:
    copy = Edit(operated)
    edit(copy)
    found = [item.message for item in check(copy.subject(), [rule]).findings]
    assert any(says in message for message in found), found


# --- consumers never know


def test_consumers_are_told_the_operators_service() -> None:
    objects = render()
    assert support.environment(objects, "iam")["IAM_DB_HOST"] == "mariadb-iam-primary"
    assert support.environment(objects, "orchestrator")["WORKFLOW_DB_ENDPOINT"] == "mariadb-orchestrator-primary:3306"
    proxy = support.environment(objects, "kafka-proxy")
    assert proxy["FLASK_KAFKA_BOOTSTRAP_SERVERS"] == "kafka-kafka-bootstrap:9095"
    peer = {"podSelector": {"matchLabels": {"indigo-paas/component": "mariadb-iam"}}}
    rules_out = support.find(objects, "NetworkPolicy", "iam")["spec"]["egress"]
    assert {"to": [peer], "ports": [{"protocol": "TCP", "port": 3306}]} in rules_out
    (wait,) = support.pod(objects, "iam")["spec"]["initContainers"]
    assert wait["name"] == "wait-for-mariadb-iam"
    assert "-l indigo-paas/component=mariadb-iam" in wait["args"][0]


def test_no_server_of_ours_is_left() -> None:
    objects = render()
    for kind in ("StatefulSet", "Service", "Job", "ConfigMap", "PodDisruptionBudget"):
        names = {item["metadata"]["name"] for item in objects if item["kind"] == kind}
        assert not [name for name in names if name.startswith(("mariadb", "kafka")) and "proxy" not in name], kind


def test_a_replicated_server_is_never_galera_and_bears_the_orchestrators_connections() -> None:
    objects = render(**{"mariadb-orchestrator": {"settings": {"max_connections": 250}}})
    server = support.find(objects, "MariaDB", "mariadb-orchestrator")["spec"]
    assert server["replicas"] == 3
    assert server["replication"]["enabled"] is True
    assert "galera" not in server
    assert "wsrep" not in server["myCnf"]
    user = support.find(objects, "User", "mariadb-orchestrator.workflow")["spec"]
    assert user["maxUserConnections"] == 250, "the operator's default of 10 would starve the Orchestrator"
    grant = support.find(objects, "Grant", "mariadb-orchestrator.workflow")["spec"]
    assert (grant["username"], grant["database"], grant["privileges"]) == ("workflow", "workflow", ["ALL PRIVILEGES"])


def test_one_pod_of_an_operator_is_not_replicated() -> None:
    server = support.find(render(mariadb={"operator": {"replicas": 1}}), "MariaDB", "mariadb")["spec"]
    assert server["replicas"] == 1
    assert "replication" not in server
    assert "podDisruptionBudget" not in server


def test_what_operators_start_comes_from_the_sites_own_registry_at_the_versions_of_the_contracts() -> None:
    """Strimzi would take its images from upstream's registry, whatever `global.images.registry` says."""
    objects = render({}, **{"global": {"images": {"registry": "registry.example.org/mirror"}}})
    kafka = support.find(objects, "Kafka", "kafka")["spec"]
    contract = support.contract("kafka")
    assert contract.operator
    strimzi = "registry.example.org/mirror/strimzi"
    version = contract.operator.version
    assert kafka["kafka"]["image"] == f"{strimzi}/kafka:{version}-kafka-{kafka['kafka']['version']}"
    assert kafka["entityOperator"]["topicOperator"]["image"] == f"{strimzi}/operator:{version}"
    server = support.find(objects, "MariaDB", "mariadb")["spec"]
    images = [server["image"], server["replication"]["agent"]["image"], server["replication"]["initContainer"]["image"]]
    assert all(image.startswith("registry.example.org/mirror/") for image in images), images


def test_kafka_asks_for_our_client_certificate_and_lets_in_consumers_only() -> None:
    kafka = support.find(render(), "Kafka", "kafka")["spec"]["kafka"]
    (listener,) = kafka["listeners"]
    assert (listener["port"], listener["tls"]) == (9095, True)
    assert listener["authentication"]["listenerConfig"]["ssl.client.auth"] == "required"
    (volume,) = kafka["template"]["pod"]["volumes"]
    (mount,) = kafka["template"]["kafkaContainer"]["volumeMounts"]
    assert volume["secret"]["secretName"] == listener["configuration"]["brokerCertChainAndKey"]["secretName"]
    assert listener["authentication"]["listenerConfig"]["ssl.truststore.location"] == f"{mount['mountPath']}/ca.crt"
    assert listener["networkPolicyPeers"] == [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "kafka-proxy"}}}
    ]
    nobody = support.find(render({"kafka-proxy": {"mode": "off"}}), "Kafka", "kafka")["spec"]["kafka"]
    assert nobody["listeners"][0]["networkPolicyPeers"], "an empty list lets everybody in"


def test_a_kafka_of_one_node_can_be_written_to() -> None:
    objects = render(SHIPPER, kafka={"operator": {"replicas": 1}})
    config = support.find(objects, "Kafka", "kafka")["spec"]["kafka"]["config"]
    assert (config["offsets.topic.replication.factor"], config["min.insync.replicas"]) == (1, 1)
    assert support.find(objects, "KafkaTopic", "orchestrator-logs")["spec"]["replicas"] == 1


@pytest.mark.parametrize(("brokers", "copies", "least"), [(2, 2, 1), (3, 3, 2), (5, 3, 2)])
def test_what_follows_from_the_number_of_brokers_is_derived(brokers: int, copies: int, least: int) -> None:
    """docs/adr/0042: a topic with more copies than brokers is never made, one with fewer is lost with its broker."""
    objects = render(SHIPPER, kafka={"operator": {"replicas": brokers}})
    kafka = support.find(objects, "Kafka", "kafka")["spec"]["kafka"]
    factors = {name: value for name, value in kafka["config"].items() if name.endswith("replication.factor")}
    assert len(factors) == 4
    assert set(factors.values()) == {copies}
    minima = {name: kafka["config"][name] for name in kafka["config"] if "min.i" in name}
    assert len(minima) == 3
    assert set(minima.values()) == {least}
    assert {item["spec"]["replicas"] for item in objects if item["kind"] == "KafkaTopic"} == {copies}
    assert support.find(objects, "KafkaNodePool", "node")["spec"]["replicas"] == brokers
    assert kafka["template"]["podDisruptionBudget"] == {"maxUnavailable": 1}
    assert {item["topologyKey"] for item in kafka["template"]["pod"]["topologySpreadConstraints"]} == {
        "kubernetes.io/hostname", "topology.kubernetes.io/zone",
    }  # fmt: skip


def test_every_topic_of_the_contracts_is_a_resource() -> None:
    wanted = {
        name: (topic.partitions, topic.retentionHours * 3600000, topic.maxMessageBytes)
        for name, topic in support.contract("log-shipper").topics.items()
    }
    objects = render(SHIPPER)
    topics = {
        item["metadata"]["name"]: item["spec"]
        for item in objects
        if item["kind"] == "KafkaTopic" and item["metadata"]["labels"]["strimzi.io/cluster"] == "kafka"
    }
    for name, (partitions, retention, size) in wanted.items():
        spec = topics[name]
        config = (spec["config"]["retention.ms"], spec["config"]["max.message.bytes"])
        assert (spec["partitions"], *config) == (partitions, retention, size)


# --- refusals


@pytest.mark.parametrize(
    ("components", "values", "says"),
    [
        ({"valkey": {"mode": "operator"}}, {}, "global.components.valkey.mode"),
        ({}, {"global": {"network": {}}}, "global.network.apiServer.cidrs: is empty"),
        (
            {"mariadb": {"mode": "embedded"}, "mariadb-orchestrator": {"mode": "shared"}},
            {},
            "global.components.mariadb-iam.mode: is operator while mariadb is embedded",
        ),
        (
            {},
            {"kafka": {"settings": {"node.id": "2"}}},
            "kafka.settings.node.id: is written by Strimzi",
        ),
        ({}, {"mariadb": {"operator": {"replicas": 0}}}, "mariadb.operator.replicas"),
    ],
    ids=["no operator", "no API server", "mixed", "setting", "replicas"],
)
def test_what_an_operator_cannot_do_is_refused(components: dict[str, Any], values: dict[str, Any], says: str) -> None:
    assert says in refusal(components, **values)


# --- facts of upstream


def test_the_definitions_that_are_kept_are_those_of_the_operators_in_the_contracts() -> None:
    operators = {
        item.operator.name: item.operator for item in load_contracts(support.charts()).values() if item.operator
    }
    assert sorted(operators) == sorted(upstream.ORIGINS)
    for name, operator in operators.items():
        kept = upstream.kept(name)
        source = kept["source"]
        assert (source["version"], source["repository"], source["licence"]) == (
            operator.version, operator.repository, operator.licence,
        )  # fmt: skip
        assert set(source["files"]) == set(upstream.ORIGINS[name].files)
        kinds = {item["spec"]["names"]["kind"]: item["spec"] for item in kept["definitions"].values()}
        assert set(kinds) == set(operator.kinds)
        for kind, version in operator.kinds.items():
            assert version == f"{kinds[kind]['group']}/{kinds[kind]['versions'][0]['name']}"
            assert strict_schema(version, kind)


def test_upstreams_definitions_refuse_what_they_do_not_know() -> None:
    good = support.find(render(), "KafkaNodePool", "node")
    assert not list(violations(good, KUBERNETES))
    bad = good | {"spec": good["spec"] | {"roles": ["observer"]}}
    assert [path for path, _ in violations(bad, KUBERNETES)] == ["spec.roles[0]"]


def test_definitions_are_taken_from_a_clone_with_their_hashes(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    for index, name in enumerate(upstream.ORIGINS["mariadb-operator"].files):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        schema = {"type": "object", "description": "words", "properties": {"spec": {"type": "object"}}}
        spec = {"names": {"kind": f"K{index}"}, "versions": [{"schema": {"openAPIV3Schema": schema}}]}
        (clone / name).write_text(yaml.safe_dump({"metadata": {"name": f"k{index}"}, "spec": spec}))
    for command in (["init", "-q"], ["add", "-A"], [*AUTHOR, "commit", "-q", "-m", "definitions"]):
        run("git", "-C", clone, *command)
    taken = upstream.take("mariadb-operator", clone, "HEAD", "1.0")
    assert len(taken["definitions"]) == 4
    assert len(taken["source"]["commit"]) == 40
    assert "words" not in str(taken)

"""What was written before a store died is there after it: rows, keys, nodes, secrets, objects, messages."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from harness.cluster import Cluster
from harness.e2e.hands import Hands
from harness.e2e.objects import Objects
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform

WORD = "written-before"


def row(hands: Hands, write: bool) -> str:
    if write:
        hands.sql("CREATE OR REPLACE TABLE iam.indigo_kept (word VARCHAR(40))")
        hands.sql(f"INSERT INTO iam.indigo_kept VALUES ('{WORD}')")
    return " ".join(hands.sql("SELECT word FROM iam.indigo_kept"))


def key(hands: Hands, write: bool) -> str:
    words = ("set", "indigo:kept", WORD) if write else ("get", "indigo:kept")
    said = hands.execute("valkey-0", "valkey", "valkey-cli", *words)
    if write:
        time.sleep(1.5)  # appendfsync everysec: what is younger may be lost, and that is what the contract says
    return said


def node(hands: Hands, write: bool) -> str:
    if write:
        hands.cypher(f"MERGE (:IndigoKept {{word: '{WORD}'}})")
    return " ".join(hands.cypher("MATCH (n:IndigoKept) RETURN n.word"))


def secret(hands: Hands, write: bool) -> str:
    with hands.door("openbao", 8200) as door:
        login = {"password": hands.secret("openbao-admin", "password")}
        token = json.loads(door.ask("/v1/auth/userpass/login/admin", body=login).text)["auth"]["client_token"]
        path, headers = "/v1/secrets/data/indigo-kept", {"X-Vault-Token": token}
        return door.ask(path, headers=headers, body={"data": {"word": WORD}} if write else None).text


def experiment(hands: Hands, write: bool) -> str:
    with hands.door("mlflow", 5000) as door:
        if write:
            door.ask("/api/2.0/mlflow/experiments/create", body={"name": WORD})
        return door.ask(f"/api/2.0/mlflow/experiments/get-by-name?experiment_name={WORD}").text


def thing(hands: Hands, write: bool) -> str:
    with hands.door("s3", 7070) as door:
        s3 = Objects(door.url, hands.secret("s3-root", "access-key"), hands.secret("s3-root", "secret-key"))
        if write:
            s3.ask("PUT", "/indigo-kept")
            put = s3.ask("PUT", "/indigo-kept/thing", WORD.encode())
            assert put.status == 200, put.text
        return s3.ask("GET", "/indigo-kept/thing").text


def message(hands: Hands, write: bool) -> str:
    """A topic that everything is read of again at each start; told with the programs that Kafka's image has."""
    tool, login = "/opt/kafka/bin/kafka-console-{}.sh", "/etc/indigo-paas/kafka/client.properties"
    kafka = "--bootstrap-server kafka:9095 --topic logs-proc-template-parser"
    if write:
        line = f'echo \'{{"msg":"{WORD}"}}\' | {tool.format("producer")} {kafka} --command-config {login}'
        hands.execute("kafka-0", "kafka", "bash", "-c", line, seconds=90)
    read = f"{tool.format('consumer')} {kafka} --command-config {login} --from-beginning --timeout-ms 15000"
    return hands.execute("kafka-0", "kafka", "bash", "-c", f"{read} --max-messages 1 2>/dev/null", seconds=90)


KEPT: list[tuple[str, Callable[[Hands, bool], str]]] = [
    ("mariadb", row),
    ("valkey", key),
    ("neo4j", node),
    ("openbao", secret),
    ("mlflow", experiment),
    ("s3", thing),
    ("kafka", message),
]


@pytest.mark.parametrize(("store", "kept"), KEPT, ids=[store for store, _ in KEPT])
def test_what_was_written_is_there_after_the_store_was_killed(
    hands: Hands,
    running: tuple[Platform, list[Seen]],
    cluster: Cluster,
    store: str,
    kept: Callable[[Hands, bool], str],
) -> None:
    platform, _ = running
    if store not in platform.components:
        pytest.skip(f"the profile has no {store}")
    kept(hands, True)
    assert WORD in kept(hands, False)
    budget = platform.graph.contracts[store].availability.budget
    with platform.recorder.phase(f"{store} killed, ready again", budget=budget):
        kill(platform, hands, cluster, f"{store}-0", 2 * budget)
    assert WORD in kept(hands, False)


def kill(platform: Platform, hands: Hands, cluster: Cluster, pod: str, seconds: float) -> None:
    """Delete a pod of a StatefulSet without a word of warning, and wait until it is ready again."""
    old = cluster.get("Pod", pod, platform.namespace)["metadata"]["uid"]
    cluster.delete("Pod", pod, platform.namespace, grace_seconds=0)

    def again() -> bool:
        found = cluster.find("Pod", pod, platform.namespace)
        return found is not None and found["metadata"]["uid"] != old and hands.ready(pod.rpartition("-")[0])

    platform.until(again, f"{pod} is ready again", seconds)


def test_everything_serves_again_after_the_deaths_without_hands(
    hands: Hands, running: tuple[Platform, list[Seen]]
) -> None:
    platform, _ = running
    serving = [name for name in platform.components if platform.contracts[name].workload.kind != "CronJob"]
    platform.until(lambda: all(hands.ready(name) for name in serving), "every pod is ready", 240)
    assert hands.sql("SELECT 1") == ["1"]

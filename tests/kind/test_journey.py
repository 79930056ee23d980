"""The way of one request, from a user's token to the Dashboard, over every hop; and who is not let in."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from harness.cluster import Cluster
from harness.doubles.describe import names
from harness.e2e import gateway, journey
from harness.e2e.hands import Door, Gate, Hands
from harness.e2e.matrix import open_edge
from harness.e2e.objects import Objects
from harness.e2e.observe import Seen
from harness.e2e.platform import Platform
from tests.kind.conftest import BELOW, urls

TEMPLATE = "tosca_definitions_version: tosca_simple_yaml_1_0\ntopology_template:\n  inputs: {}\n"
WAY = [
    ("gateway", "POST https://"),
    ("orchestrator", "taken at https://"),
    ("template-parser", "found in the log"),
    ("provider-selector", "1 providers are able"),
    ("ai-ranker-inference", "ranked"),
    ("kafka-proxy", "its ranks are asked for"),
    ("orchestrator", "ranks received"),
    ("orchestrator", "the vault has let it in"),
    ("orchestrator", "the Infrastructure Manager has made"),
    ("orchestrator", "CREATE_COMPLETE"),
    ("dashboard", "called back: CREATE_COMPLETE"),
]
SECONDS = 30


@dataclass(frozen=True)
class Ways:
    """Ways in to what users ask, through the gateway, and a user's token."""

    iam: Door
    orchestrator: Door
    dashboard: Door
    token: str


@pytest.fixture(scope="module")
def ways(hands: Hands, gate: Gate, running: tuple[Platform, list[Seen]]) -> Ways:
    """By the public URLs, over TLS with the certificate of the site's authority."""
    platform, _ = running
    if not {component for component, _ in WAY} <= {*platform.components, "gateway"}:
        pytest.skip("the profile has not every component of the way")
    hands.run_now("federation-registry-feeder")  # there has to be a provider that can be selected
    public = urls(platform)
    iam = gate.door(public["iam"])
    form = [("grant_type", "password"), ("username", "admin"), ("password", hands.secret("iam-admin", "password"))]
    answer = iam.ask("/token", form=form)
    assert answer.status == 200, answer.text
    token = json.loads(answer.text)["access_token"]
    return Ways(iam, gate.door(public["orchestrator"] + BELOW), gate.door(public["dashboard"]), token)


def test_a_request_goes_its_way_and_the_dashboard_shows_the_end(
    ways: Ways, hands: Hands, running: tuple[Platform, list[Seen]]
) -> None:
    platform, _ = running
    public = urls(platform)
    wanted = {"template": TEMPLATE, "callback": public["dashboard"] + "/callback"}
    asked = {"X-Request-Id": str(uuid.uuid4())}
    with platform.recorder.phase("one request, to its end", budget=SECONDS):
        answer = ways.orchestrator.ask("/deployments", token=ways.token, body=wanted, headers=asked)
        assert answer.status == 201, answer.text
        request = json.loads(answer.text)["uuid"]
        shown = end_of(ways.dashboard, ways.token, request)
    assert shown["status"] == "CREATE_COMPLETE", shown["statusReason"]
    assert [item["provider_name"] for item in json.loads(shown["ranked"])] == ["cloud-a"]
    assert "/infrastructures/" in shown["infrastructure"]

    way: list[journey.Hop] = []

    def arrived() -> bool:
        logs = [hands.logs(name) for name in platform.components if serves(platform, name)]
        logs.append(hands.log_of(f"deployment/{gateway.NAME}", f"--namespace={gateway.NAMESPACE}"))
        way[:] = journey.hops({request, *asked.values()}, logs)
        return any(hop.component == "dataset-collector" for hop in way)

    platform.until(arrived, "the dataset collector has learnt from it", 60)
    report(platform, way)
    position = 0
    for component, what in WAY:  # in this order, with others between
        found = [i for i, hop in enumerate(way) if hop.component == component and hop.what.startswith(what)]
        assert found and found[0] >= position, f"{component}: {what}\n{journey.table(way)}"
        position = found[0]
    assert way[0].component == "gateway", "nothing is before the gateway"
    taken = next(hop.what for hop in way if hop.what.startswith("taken at "))
    assert taken.startswith(f"taken at {public['orchestrator']}{BELOW}/deployments for "), "the headers of the gateway"


def serves(platform: Platform, name: str) -> bool:
    return name in names() and platform.contracts[name].workload.kind != "CronJob"


def end_of(dashboard: Door, token: str, request: str) -> dict[str, str]:
    end = time.monotonic() + 120
    while True:
        answer = dashboard.ask(f"/deployments/{request}", token=token)
        assert answer.status == 200, answer.text
        shown: dict[str, str] = json.loads(answer.text)
        if shown["status"] != "CREATE_IN_PROGRESS" or time.monotonic() > end:
            return shown
        time.sleep(0.2)


def report(platform: Platform, way: list[journey.Hop]) -> None:
    """Put the way into the report: as lines, and as a picture beside it."""
    recorder = platform.recorder
    recorder.note(f"One request, {len(way)} hops in {journey.seconds(way):.1f} s:\n{journey.table(way)}")
    if recorder.directory:
        path = recorder.directory / "journey.svg"
        path.write_text(journey.picture(way))
        recorder.artefact("The way of one request", path)


BUCKET = """
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    store:
      type: tosca.nodes.indigo.S3Bucket
      properties: {bucket_name: kept, s3_url: "http://s3:7070", enable_versioning: "false"}
"""


@pytest.fixture
def at_the_object_store(cluster: Cluster, running: tuple[Platform, list[Seen]]) -> Iterator[None]:
    """For one test, the Orchestrator may reach the object store: on a site that is outside, and users name it."""
    platform, _ = running
    if "s3" not in platform.components:
        pytest.skip("the profile has no object store")
    policies = open_edge("orchestrator", "s3")
    for item in policies:
        cluster.apply({**item, "metadata": {**item["metadata"], "namespace": platform.namespace}})
    yield
    for item in policies:
        cluster.delete("NetworkPolicy", item["metadata"]["name"], platform.namespace)


@pytest.mark.usefixtures("at_the_object_store")
def test_a_bucket_is_made_with_the_users_keys_of_the_vault_and_not_with_wrong_ones(ways: Ways, hands: Hands) -> None:
    access, secret = hands.secret("s3-root", "access-key"), hands.secret("s3-root", "secret-key")
    ended = {}
    for key in (secret, "wrong"):
        with hands.door("openbao", 8200) as vault:
            login = vault.ask(
                "/v1/auth/userpass/login/admin", body={"password": hands.secret("openbao-admin", "password")}
            )
            head = {"X-Vault-Token": json.loads(login.text)["auth"]["client_token"]}
            keys = {"data": {"aws_access_key": access, "aws_secret_key": key}}
            path = "/v1/secrets/data/admin/services_credential/s3:7070/users"
            assert vault.ask(path, headers=head, body=keys).status == 200
        answer = ways.orchestrator.ask("/deployments", token=ways.token, body={"template": BUCKET})
        request = json.loads(answer.text)["uuid"]
        ended[key] = end_of(ways.dashboard, ways.token, request)
    assert ended[secret]["status"] == "CREATE_COMPLETE", ended[secret]["statusReason"]
    assert ended["wrong"]["status"] == "CREATE_FAILED" and "403" in ended["wrong"]["statusReason"]
    with hands.door("s3", 7070) as door:
        s3 = Objects(door.url, access, secret)
        assert s3.ask("GET", f"/{ended[secret]['uuid']}-kept").status == 200
        assert s3.ask("GET", f"/{ended['wrong']['uuid']}-kept").status == 404


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "no token was given"),
        ("abc", "the token is no JWT"),
        ("eyJraWQiOiJyc2ExIn0.eyJpc3MiOiJodHRwczovL2Vsc2V3aGVyZS5leGFtcGxlLyJ9.AAAA", "is not trusted"),
    ],
)
def test_without_a_token_of_the_issuer_nobody_is_let_in(ways: Ways, token: str, said: str) -> None:
    answer = ways.orchestrator.ask("/deployments", token=token, body={"template": TEMPLATE})
    assert answer.status == 401 and said in answer.text


def test_a_token_that_was_changed_is_refused(ways: Ways) -> None:
    head, claims, signature = ways.token.split(".")
    forged = f"{head}.{claims}.{signature[:-8]}AAAAAAAA"
    answer = ways.orchestrator.ask("/deployments", token=forged, body={"template": TEMPLATE})
    assert answer.status == 401 and "signature is wrong" in answer.text


def test_the_policy_decides_who_reads_providers(ways: Ways, hands: Hands) -> None:
    """OPA is real: a user without a role is refused, the Rally runs' key needs no policy."""
    with hands.door("federation-manager", 8000) as door:
        key = hands.secret("federation-manager-keys", "api-key")
        assert door.ask("/api/v1/providers/").status == 401
        assert door.ask("/api/v1/providers/", token=ways.token).status == 403
        assert door.ask("/api/v1/providers/", headers={"X-API-Key": key}).status == 200
        assert door.ask("/api/v1/providers/", headers={"X-API-Key": "wrong"}).status == 401

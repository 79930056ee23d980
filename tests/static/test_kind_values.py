"""What the tier kind deploys can be rendered: every component that has a double runs as one."""

from __future__ import annotations

import pytest

from harness.doubles import describe, image
from harness.e2e import gateway
from harness.model.load import read_yaml
from harness.paths import repository
from harness.render import helm_template
from tests.kind.conftest import BELOW, OWN_TAG, values
from tests.support import Object, charts, container, contract, environment

UMBRELLA = charts() / "indigo-paas"
SITE = repository() / "argocd" / "examples" / "site" / "values.yaml"


@pytest.fixture(scope="module")
def rendered() -> list[Object]:
    """Profile full with the example of a site, as the tier runs it."""
    modes: dict[str, dict[str, str]] = {}
    for path in (UMBRELLA / "profiles" / "full.yaml", SITE):
        modes |= read_yaml(path, path.name)["global"]["components"]
    urls = read_yaml(SITE, SITE.name)["global"]["urls"]
    inline = values((name for name, mode in modes.items() if mode["mode"] != "off"), urls)
    return helm_template(UMBRELLA, UMBRELLA / "profiles" / "full.yaml", SITE, release="test", inline=inline)


def workloads(rendered: list[Object]) -> set[str]:
    kinds = ("Deployment", "StatefulSet", "CronJob")
    return {item["metadata"]["name"] for item in rendered if item["kind"] in kinds}


def test_doubles_run_wherever_there_is_one_and_upstreams_image_elsewhere(rendered: list[Object]) -> None:
    for name in workloads(rendered):
        declared = contract(name).image
        expected = f"{declared.repository}:{declared.tag}"
        if name in describe.names():
            own = OWN_TAG.get(name, declared.tag)
            expected = f"{image.REGISTRY}/doubles/{name}:{own}"
        assert container(rendered, name)["image"].startswith(expected), name


def test_all_of_it_fits_a_node_of_two_cores(rendered: list[Object]) -> None:
    """The pods of the system take about 0.95 of them (kubeadm's requests)."""
    requests = [container(rendered, name)["resources"]["requests"]["cpu"] for name in workloads(rendered)]
    assert all(text.endswith("m") for text in requests)
    assert sum(int(text.removesuffix("m")) for text in requests) <= 1000


def test_every_public_url_has_a_route_and_everybody_trusts_the_authority_of_the_gateway(rendered: list[Object]) -> None:
    """The issuer is IAM's public URL, the same on every hop, as in production."""
    urls = read_yaml(SITE, SITE.name)["global"]["urls"]
    routes = {item["metadata"]["name"]: item["spec"] for item in rendered if item["kind"] == "HTTPRoute"}
    assert {name: [f"https://{host}" for host in spec["hostnames"]] for name, spec in routes.items()} == {
        name: [url] for name, url in urls.items()
    }
    (rule,) = routes["orchestrator"]["rules"]
    assert rule["matches"][0]["path"]["value"] == BELOW
    assert {spec["parentRefs"][0]["name"] for spec in routes.values()} == {gateway.NAME}
    assert environment(rendered, "iam")["IAM_ISSUER"] == f"{urls['iam']}/"
    assert environment(rendered, "dashboard")["FLASK_IAM_BASE_URL"] == urls["iam"]
    assert environment(rendered, "dashboard")["REQUESTS_CA_BUNDLE"] == "/etc/indigo-paas/ca/ca-bundle.crt"
    mounted = [item for item in rendered if gateway.AUTHORITY in str(item.get("spec", {}))]
    assert {"iam", "orchestrator", "openbao", "im"} <= {item["metadata"]["name"] for item in mounted}

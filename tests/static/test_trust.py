"""A site's own certificate authorities reach every component that calls outside, in the way its software takes them."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.contract import Contract
from tests import support

pytestmark = pytest.mark.static

TRUSTING = [
    contract
    for path in sorted(support.charts().glob("*/contract.yaml"))
    if (contract := support.contract(path.parent.name)).trust
]
PUBLIC = {**support.URLS, **{contract.component: f"https://{contract.component}.example.org" for contract in TRUSTING}}
# what some charts demand before they render at all
NEEDED: dict[str, dict[str, Any]] = {
    "federation-manager-dashboard": {"image": {"digest": "sha256:" + "0" * 64}},
    "rucio-connector": {"rucio": {"url": "https://r.x", "authUrl": "https://a.x", "account": "a"}},
}


def rendered(contract: Contract, site: dict[str, Any]) -> list[support.Object]:
    values = {"global": {"urls": PUBLIC, **site}, **NEEDED.get(contract.component, {})}
    if not contract.image.digest and "image" not in values:
        values["image"] = {"digest": "sha256:" + "0" * 64}
    return support.render_chart(contract.component, values)


@pytest.mark.parametrize("contract", TRUSTING, ids=lambda contract: str(contract.component))
def test_the_site_s_authorities_are_where_the_software_looks(contract: Contract) -> None:
    assert contract.trust is not None
    name = contract.component
    plain = support.pod(rendered(contract, {}), name)["spec"]
    assert "trusted-ca" not in {volume["name"] for volume in plain.get("volumes", ())}
    spec = support.pod(rendered(contract, {"trustedCa": {"configMap": "site-ca", "own": "ours.pem"}}), name)["spec"]
    (source,) = [volume["configMap"] for volume in spec["volumes"] if volume["name"] == "trusted-ca"]
    mounted = {item["name"]: item["mountPath"] for item in spec["containers"][0]["volumeMounts"]}
    assert mounted["trusted-ca"] == "/etc/indigo-paas/ca"
    paths = {item["path"]: item["key"] for item in source["items"]}
    assert source["name"] == "site-ca"
    assert set(paths.items()) <= {("ca-bundle.crt", "ca-bundle.crt"), ("own.crt", "ours.pem")}
    variables = support.env_of(spec)
    for names, path in ((contract.trust.bundle, "ca-bundle.crt"), (contract.trust.own, "own.crt")):
        for variable in names:
            assert variables[variable] == f"/etc/indigo-paas/ca/{path}"
            assert path in paths, "the variable names a file that is not mounted"
    if contract.trust.java:
        assert "own.crt" in paths
        assert "/etc/indigo-paas/ca/own.crt" in str(spec["containers"][0])


def test_those_who_ask_the_outside_are_among_them() -> None:
    asking = {
        contract.component
        for path in support.charts().glob("*/contract.yaml")
        for contract in [support.contract(path.parent.name)]
        if any(443 in out.ports for out in contract.egress)
    }
    assert asking <= {contract.component for contract in TRUSTING}

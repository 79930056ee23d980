"""What the values of two components have to say together is refused by the umbrella, which sees both."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import UserError
from tests import support
from tests.static.test_federation_registry_feeder import PROVIDERS

pytestmark = pytest.mark.static

FEEDER = ("neo4j", "federation-registry", "federation-registry-feeder")
MANAGER = ("federation-manager", "federation-manager-opa")
OTHER = ["https://iam.partner.example.org/"]


def render(components: tuple[str, ...], modes: dict[str, Any] | None = None, **values: Any) -> list[support.Object]:
    places = {name: {"mode": "embedded"} for name in components} | (modes or {})
    urls = {name: f"https://{name}.example.org" for name in ("federation-manager", "federation-registry", "iam")}
    return support.render_umbrella({"global": {"components": places, "urls": urls}, **values})


def refusal(components: tuple[str, ...], **values: Any) -> str:
    with pytest.raises(UserError) as refused:
        render(components, **values)
    return f"{refused.value}\n{refused.value.details or ''}"


@pytest.mark.parametrize(
    "feeder",
    [{"providers": PROVIDERS}, {"providersFrom": {"secret": "mine"}}, {"providersFrom": {"configMap": "mine"}}],
)
def test_a_feeder_that_may_not_write_is_refused(feeder: dict[str, Any]) -> None:
    values = {"federation-registry-feeder": feeder}
    assert "federation-registry.administrators: is empty" in refusal(FEEDER, **values)
    assert render(FEEDER, **values, **{"federation-registry": {"administrators": ["feeder@example.org"]}})


def test_a_feeder_without_providers_or_of_a_registry_elsewhere_needs_nobody() -> None:
    assert render(FEEDER)
    outside = {"federation-registry": {"mode": "external"}, "neo4j": {"mode": "off"}}
    assert render(FEEDER, outside, **{"federation-registry-feeder": {"providers": PROVIDERS}})


def test_the_manager_and_its_policies_believe_the_same_issuers() -> None:
    alone: list[dict[str, Any]] = [{MANAGER[0]: {"furtherIssuers": OTHER}}, {MANAGER[1]: {"furtherIssuers": []}}]
    for values in alone:
        assert "is not that of federation-manager-opa" in refusal(MANAGER, **values)
    assert render(MANAGER)
    both: dict[str, Any] = {name: {"furtherIssuers": OTHER} for name in MANAGER}
    assert render(MANAGER, **both)
    own: dict[str, Any] = {"policy": "package fed_mgr\n\ndefault allow := false\n"}
    assert render(MANAGER, **(both | {MANAGER[1]: own}))

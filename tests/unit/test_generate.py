"""Generated files are valid, closed, deterministic, and written only where they change."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from harness.errors import UserError
from harness.generate import exposure, index, inventory, models, of_components, schema, shared, values
from harness.generate.inventory import covered
from harness.generate.text import cell, code, comment, to_yaml
from harness.model.graph import Graph
from tests.unit.fixtures import Contracts

COMPONENTS = ("issuer", "portal", "store")


@pytest.fixture
def contracts() -> Contracts:
    return Contracts()


@pytest.fixture
def graph(contracts: Contracts) -> Graph:
    return contracts.build()


def problems(graph: Graph, component: str, **changes: Any) -> list[str]:
    """Return what the component's schema says to its default values with some of them changed."""
    document = {**values.defaults(graph.contracts[component]), **changes}
    return [
        error.message for error in Draft7Validator(schema.component(graph.contracts[component])).iter_errors(document)
    ]


@pytest.mark.parametrize("component", COMPONENTS)
def test_values_are_valid_against_their_own_schema(graph: Graph, component: str) -> None:
    texts = of_components(graph, [component])
    written = yaml.safe_load(texts[Path("charts") / component / "values.yaml"])
    checker = json.loads(texts[Path("charts") / component / "values.schema.json"])
    Draft7Validator.check_schema(checker)
    Draft7Validator(checker).validate(written)
    assert written == values.defaults(graph.contracts[component])


def test_values_of_this_checkout_are_valid_against_their_schemas() -> None:
    charts = Path(__file__).parents[2] / "charts"
    document = yaml.safe_load((charts / "indigo-paas" / "values.yaml").read_text())
    for path in charts.glob("*/contract.yaml"):
        document[path.parent.name] = yaml.safe_load((path.parent / "values.yaml").read_text())
    Draft7Validator(json.loads((charts / "indigo-paas" / "values.schema.json").read_text())).validate(document)


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_value_has_a_comment(graph: Graph, component: str) -> None:
    lines = values.render(graph.contracts[component]).splitlines()
    for before, line in itertools.pairwise(lines):
        assert not re.match(r"\w+:", line) or before.startswith("# "), line


def test_values_without_a_use_are_left_out(graph: Graph) -> None:
    assert "volumes" not in values.defaults(graph.contracts["issuer"])
    assert "jobs" not in values.defaults(graph.contracts["portal"])
    assert problems(graph, "issuer", volumes={}) != []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"replica": 1}, "Additional properties are not allowed ('replica' was unexpected)"),
        ({"replicas": 4}, "4 is greater than the maximum of 3"),
        ({"replicas": "1"}, "'1' is not of type 'integer'"),
        ({"image": {"pullPolicy": "Always"}}, "Additional properties are not allowed ('pullPolicy' was unexpected)"),
        ({"resources": {"limits": {"memory": "1gb"}}}, f"'1gb' does not match {schema.MEMORY!r}"),
        ({"volumes": {"uploads": {"size": 5}}}, "5 is not of type 'string'"),
        ({"volumes": {"data": {}}}, "Additional properties are not allowed ('data' was unexpected)"),
        ({"podAnnotations": {"a": 1}}, "1 is not of type 'string'"),
        ({"scheduling": {"tolerations": ["x"]}}, "'x' is not of type 'object'"),
        ({"settings": {"UNKNOWN": "x"}}, "Additional properties are not allowed ('UNKNOWN' was unexpected)"),
        ({"settings": {"SESSION_KEY": "x"}}, "Additional properties are not allowed ('SESSION_KEY' was unexpected)"),
        ({"settings": {"OWN": "x"}}, "Additional properties are not allowed ('OWN' was unexpected)"),
        ({"settings": {"TOKEN_*": "x"}}, "Additional properties are not allowed ('TOKEN_*' was unexpected)"),
        ({"settings": {"PLAIN": 1}}, "1 is not of type 'string'"),
        ({"settings": {"COUNT": "many"}}, "'many' does not match '^-?[0-9]+$'"),
        ({"settings": {"COUNT": 1.5}}, "1.5 is not of type 'integer', 'string'"),
        ({"settings": {"LEVEL": "debug"}}, "'debug' is not one of ['DEBUG', 'INFO']"),
        ({"settings": {"FLAG": "on"}}, "'on' is not one of ['true', 'false', 'True', 'False', True, False]"),
        ({"settings": {"PYTHON_FLAG": True}}, "True is not one of ['True', 'False']"),
        ({"settings": {"FEATURE": True}}, "True is not of type 'string'"),
        ({"settings": {"BASE": "https://example.org"}}, "'https://example.org' does not match '^$|^https?://\\\\S+/$'"),
        ({"links": [{"title": "Help", "href": "x"}]}, "Additional properties are not allowed ('href' was unexpected)"),
    ],
)
def test_the_schema_refuses(graph: Graph, changes: dict[str, Any], problem: str) -> None:
    assert problem in problems(graph, "portal", **changes)


@pytest.mark.parametrize(
    "settings",
    [
        {"COUNT": 5}, {"COUNT": "5"}, {"RATIO": 0.5}, {"RATIO": "0.5"}, {"FLAG": True}, {"FLAG": "false"},
        {"PYTHON_FLAG": "True"}, {"FEATURE": "yes"}, {"LEVEL": "INFO"}, {"BASE": "https://example.org/"}, {"BASE": ""},
        {"ROOT": "https://example.org"}, {"ENDPOINT": "db.example.org:3306"}, {"PATIENCE": 30}, {"PATIENCE": "30s"},
        {"SPARE": "x"}, {"NAMES": "a,b"}, {"DOCUMENT": "{}"}, {"URL": "file:/data"}, {"FOLDER": "/data"},
    ],
)  # fmt: skip
def test_the_schema_accepts_a_setting_with_or_without_quotes(graph: Graph, settings: dict[str, Any]) -> None:
    assert problems(graph, "portal", settings=settings) == []


def test_a_choice_of_numbers_may_be_written_without_quotes(graph: Graph) -> None:
    assert problems(graph, "store", settings={"durability": 0}) == []
    assert problems(graph, "store", settings={"durability": "0"}) == []
    assert problems(graph, "store", settings={"durability": 2}) == ["2 is not one of ['0', '1', 0, 1]"]


def test_resources_are_written_as_kubernetes_reads_them(graph: Graph) -> None:
    assert (
        problems(graph, "portal", resources={"requests": {"cpu": 1, "memory": "512Mi"}, "limits": {"cpu": "1500m"}})
        == []
    )


def test_global_and_the_library_are_let_through_as_helm_adds_them(graph: Graph) -> None:
    assert problems(graph, "portal", **{"global": {"anything": 1}, "common": {"global": {}}}) == []
    assert problems(graph, "portal", common={"x": 1}) != []


def open_objects(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "object" and node.get("additionalProperties") is not False:
            yield path
        for key, item in node.items():
            yield from open_objects(item, f"{path}/{key}")


def test_every_object_is_closed_but_those_that_kubernetes_or_the_site_fills(graph: Graph) -> None:
    free = {"podAnnotations", "nodeSelector", "affinity", "global", "items", "annotations", "labels", *exposure.LIMITS}
    for path in open_objects(json.loads(schema.render_umbrella(graph))):
        assert path.rsplit("/", 1)[1] in free, path


def umbrella(graph: Graph, document: dict[str, Any]) -> list[str]:
    checker = json.loads(schema.render_umbrella(graph))
    Draft7Validator.check_schema(checker)
    return [error.message for error in Draft7Validator(checker).iter_errors(document)]


def test_the_umbrella_accepts_what_the_architecture_shows(graph: Graph) -> None:
    platform = {
        "environment": "dev",
        "components": {"store": {"mode": "external", "host": "db.example.org", "port": 1}, "portal": {"mode": "off"}},
        "urls": {"issuer": "https://iam.example.org", "portal": ""},
        "secrets": {"store-root": "db-admin", "store-auth": ""},
        "images": {"registry": "registry.example.org/mirror", "pullPolicy": "IfNotPresent", "pullSecrets": ["pull"]},
        "storage": {"className": ""},
        "network": {"gatewayNamespace": "gateway", "dnsNamespace": "kube-system",
                    "gatewayCidrs": [], "internetCidrs": ["0.0.0.0/0", "::/0"]},
    }  # fmt: skip
    assert umbrella(graph, {"global": platform, "portal": values.defaults(graph.contracts["portal"])}) == []


@pytest.mark.parametrize(
    ("platform", "problem"),
    [
        ({"components": {"shop": {}}}, "Additional properties are not allowed ('shop' was unexpected)"),
        ({"components": {"store": {"mode": "of"}}}, "'of' is not one of ['embedded', 'external', 'off']"),
        ({"components": {"store": {"mode": False}}}, "False is not one of ['embedded', 'external', 'off']"),
        ({"components": {"store": {"host": "db:3306"}}}, f"'db:3306' does not match {schema.HOST!r}"),
        ({"urls": {"issuer": "https://iam.example.org/"}}, "'https://iam.example.org/' does not match"),
        ({"urls": {"store": "https://x"}}, "Additional properties are not allowed ('store' was unexpected)"),
        ({"secrets": {"store-rot": "x"}}, "Additional properties are not allowed ('store-rot' was unexpected)"),
        ({"network": {"gatewayCidrs": ["gateway"]}}, "'gateway' does not match"),
        ({"image": {}}, "Additional properties are not allowed ('image' was unexpected)"),
    ],
)
def test_the_umbrella_refuses(graph: Graph, platform: dict[str, Any], problem: str) -> None:
    found = umbrella(graph, {"global": platform})
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_the_umbrella_refuses_what_the_component_refuses(graph: Graph) -> None:
    assert umbrella(graph, {"portal": {"replicas": 4}}) == ["4 is greater than the maximum of 3"]
    assert umbrella(graph, {"shop": {}}) == ["Additional properties are not allowed ('shop' was unexpected)"]


def option_refusal(contracts: Contracts, name: str, **changes: Any) -> str:
    option = contracts.data["portal"]["options"].pop("links")
    contracts.data["portal"]["options"][name] = {**option, **changes}
    with pytest.raises(UserError) as caught:
        of_components(contracts.build(), ["portal"])
    return str(caught.value)


def test_an_option_does_not_take_the_name_of_another_value(contracts: Contracts) -> None:
    assert option_refusal(contracts, "image") == (
        "image is a value of every chart\n"
        "where: charts/portal/contract.yaml options.image\n"
        "fix: give the option another name"
    )


def test_the_default_of_an_option_fits_its_schema(contracts: Contracts) -> None:
    assert option_refusal(contracts, "links", default=None) == (
        "the default breaks the option's own schema: None is not of type 'array'\n"
        "where: charts/portal/contract.yaml options.links.default\n"
        "fix: write a default that the schema allows"
    )


def test_the_schema_of_an_option_is_one(contracts: Contracts) -> None:
    assert option_refusal(contracts, "links", schema={"type": "list"}) == (
        "not a JSON Schema: 'list' is not valid under any of the given schemas\n"
        "where: charts/portal/contract.yaml options.links.schema\n"
        "fix: write one of draft 7"
    )


def definitions(text: str) -> dict[str, Any]:
    found = re.findall(r'{{- define "([^"]+)" -}}\n(.*)\n{{- end -}}\n', text)
    return {name: json.loads(body) for name, body in found}


def test_the_index_is_json_for_every_component(graph: Graph) -> None:
    found = definitions(index.render(graph, {}))
    assert found["common.index.components"] == ["issuer", "portal", "store"]
    assert found["common.index.secrets"]["store-auth"] == {"owner": "store", "keys": ["password", "user"]}
    assert found["common.index.store"] == {
        "topics": [],
        "clients": [],
        "buckets": [],
        "instances": [],
        "service": "",
        "url": False,
        "component": "store",
        "tier": "data",
        "wave": 0,
        "ports": {"metrics": 9100, "sql": 3306},
        "consumers": {"metrics": [], "sql": ["issuer", "portal"]},
        "databases": [
            {
                "name": "issuer",
                "user": "issuer",
                "secret": "issuer-db",
                "owner": "issuer",
                "charset": "utf8mb4",
                "collation": "utf8mb4_general_ci",
                "xa": False,
                "tls": False,
            }
        ],
        "secrets": {"store-auth": ["password", "user"], "store-root": ["password"]},
    }


def test_the_index_holds_nothing_that_a_template_would_run(contracts: Contracts) -> None:
    contracts.data["issuer"]["databases"]["issuer"]["collation"] = "{{ fail }}{{{"
    text = index.render(contracts.build(), {})
    body = next(line for line in text.splitlines() if line.startswith('{"component":"store"'))
    assert "{{" not in body
    assert json.loads(body)["databases"][0]["collation"] == "{{ fail }}{{{"


def test_the_models_schemas_are_schemas_and_accept_the_fixtures(contracts: Contracts) -> None:
    for text in (models.contract_schema(), models.environment_schema()):
        Draft202012Validator.check_schema(json.loads(text))
    for data in contracts.data.values():
        Draft202012Validator(json.loads(models.contract_schema())).validate(data)
    assert json.loads(models.contract_schema())["$defs"]["Option"]["properties"]["schema"]["description"]


def test_the_page_of_a_component_says_what_the_contract_says(graph: Graph) -> None:
    texts = of_components(graph, COMPONENTS)
    store, portal = (texts[Path("charts") / name / "README.md"] for name in ("store", "portal"))
    assert "| `sql` | 3306 | tcp | Protocol of all clients | yes | [issuer](../issuer/README.md), [portal]" in store
    assert "| `one-server` | Two servers \\| would split the data. |" in store
    assert "- How it behaves with &lt;placeholders> in its \\* configuration." in store
    assert "**Trap:** A change reaches no running server." in store
    assert "| `SPARE` | variable | string |  | Nobody needs this one | Upstream's default is right. |" in portal
    assert "| `mail` | password | a person | Password at the mail server. |" in portal
    assert not re.search(r"^## .*\n+(## |\Z)", store + portal, re.MULTILINE), "a heading without a body"


def test_the_pages_over_all_components_have_a_row_for_each(graph: Graph) -> None:
    texts = {path.name: text for path, text in shared(graph, {}).items()}
    for name in COMPONENTS:
        assert f"[{name}](../../charts/{name}/README.md)" in texts["components.md"]
    assert (
        "read by [issuer](../../charts/issuer/README.md), [store](../../charts/store/README.md)." in texts["secrets.md"]
    )
    assert "- components: 3\n" in texts["components.md"]
    assert "```mermaid\nflowchart LR\n" in texts["graph.md"]
    assert "`one-server`" in texts["traps.md"]


def test_generation_does_not_depend_on_the_order_of_contracts(contracts: Contracts) -> None:
    other = copy.deepcopy(contracts)
    other.data = dict(reversed(other.data.items()))
    first, second = contracts.build(), other.build()
    assert of_components(first, first.contracts) | shared(first, {}) == of_components(second, COMPONENTS) | shared(
        second, {}
    )


def test_text_cannot_break_out_of_markdown_or_a_comment() -> None:
    assert cell("a|b <c> `<d>` *e*") == "a\\|b &lt;c> `<d>` \\*e\\*"
    assert code("a`b|c\nd") == "`a'b\\|c d`"
    odd = {"a": "", "b": "yes", "c": "1", "d": "x: y", "e": "plain", "f": "two\nlines", "g": ["x", {}]}
    assert to_yaml(odd, 2)[:5] == ['  a: ""', '  b: "yes"', '  c: "1"', '  d: "x: y"', "  e: plain"]
    assert yaml.safe_load("\n".join(to_yaml(odd))) == odd
    assert comment("first", "second?\nstill") == ["# first. second? still."]


def test_the_table_counts_what_becomes_of_every_setting(contracts: Contracts) -> None:
    contracts.data["portal"]["ignored"] = {"OLD_NAME": "Of another version."}
    graph = contracts.build()
    for name in COMPONENTS:
        one, contract = covered(graph.contracts[name]), graph.contracts[name]
        assert one.all == len(contract.settings)
        assert one.left == sum(1 for setting in contract.settings.values() if setting.unset)
        assert one.kept >= sum(1 for setting in contract.settings.values() if setting.secret and not setting.unset)
    assert covered(graph.contracts["portal"]).ignored == 1
    page = inventory.render(graph)
    row = next(line for line in page.splitlines() if "[portal]" in line)
    assert f"| {covered(graph.contracts['portal']).left}, 1 not read |" in row

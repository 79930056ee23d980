"""TLS to stores that run elsewhere: one value per store, each client told in its own way, and what cannot is said."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import UserError
from harness.model.contract import Contract, Encryption
from harness.model.contradictions import refuse
from harness.model.load import load_contracts
from harness.paths import repository
from tests import support
from tests.support import Chart, Object

pytestmark = pytest.mark.static

CONTRACTS = load_contracts(support.charts())
URLS = {name: f"https://{name}.example.org" for name, item in CONTRACTS.items() if item.exposed}
BUNDLE = "/etc/indigo-paas/ca/ca-bundle.crt"
EDGES = [(name, edge.component, edge.tls) for name, item in CONTRACTS.items() for edge in item.requires if edge.tls]
SWITCHED = [name for name, item in CONTRACTS.items() if item.external and item.external.encryption == "value"]
CLIENTS = [(name, server, tls.setting) for name, server, tls in EDGES if tls.setting]


def site(server: str, tls: str = "required", **entry: Any) -> dict[str, Any]:
    """Values with one store elsewhere that speaks TLS with a certificate of the site's own authority."""
    place = {"mode": "external", "host": "store.old.example", "tls": tls, **entry}
    return {"trustedCa": {"configMap": "site-ca"}, "components": {server: place}}


def rendered(component: str, platform: dict[str, Any], **values: Any) -> list[Object]:
    return Chart(component, urls=URLS).render(**{"global": platform}, **values)


@pytest.mark.parametrize(("component", "server", "setting"), CLIENTS)
def test_a_client_encrypts_by_the_setting_that_its_contract_names(component: str, server: str, setting: str) -> None:
    clear = support.environment(rendered(component, site(server, "none")), component)
    for tls in ("preferred", "required"):
        found = rendered(component, site(server, tls))
        changed = {name for name, text in support.environment(found, component).items() if text != clear.get(name)}
        assert changed == {setting}
        volumes = support.pod(found, component)["spec"]["volumes"]
        assert "site-ca" in {volume.get("configMap", {}).get("name") for volume in volumes}


def test_each_client_is_told_in_its_own_way() -> None:
    def told(component: str, server: str, setting: str) -> str:
        return str(support.environment(rendered(component, site(server)), component)[setting])

    query = f"?ssl_ca={BUNDLE}"
    assert told("dashboard", "mariadb", "FLASK_SQLALCHEMY_DATABASE_URI").endswith(
        f":3306/orchestrator_dashboard{query}"
    )
    assert told("federation-manager", "mariadb", "DB_NAME") == f"fed_mgr{query}"
    assert told("orchestrator-python", "mariadb", "DB_NAME") == f"orchestrator_python{query}"
    url = "jdbc:mysql://store.old.example:3306/iam?sslMode=VERIFY_IDENTITY"
    assert told("iam", "mariadb-iam", "SPRING_DATASOURCE_URL") == url
    jdbc = told("orchestrator", "mariadb-orchestrator", "SPRING_APPLICATION_JSON")
    assert jdbc.count("useSSL=true&requireSSL=true&verifyServerCertificate=true&enabledTLSProtocols=TLSv1.2&") == 2
    assert "useSSL=false" not in jdbc
    assert told("federation-registry", "neo4j", "NEO4J_URI_SCHEME") == "bolt+s"
    assert told("federation-registry", "neo4j", "SSL_CERT_FILE") == BUNDLE


def test_an_instance_that_another_server_serves_is_encrypted_as_that_one() -> None:
    found = rendered("iam", site("mariadb"))
    assert "VERIFY_IDENTITY" in support.environment(found, "iam")["SPRING_DATASOURCE_URL"]


def test_what_cannot_encrypt_is_refused_where_tls_is_required_and_passes_where_it_is_preferred() -> None:
    chart = Chart("im", urls=URLS)
    message = chart.refusal(**{"global": site("mariadb")})
    assert "global.components.mariadb.tls: is required, but im cannot encrypt" in message
    assert "Write preferred" in message
    before, after = (support.environment(rendered("im", site("mariadb", tls)), "im") for tls in ("none", "preferred"))
    assert before == after


def test_without_the_authorities_nothing_could_be_checked() -> None:
    for component, server in (("dashboard", "mariadb"), ("federation-registry", "neo4j")):
        platform = site(server)
        del platform["trustedCa"]
        message = Chart(component, urls=URLS).refusal(**{"global": platform})
        assert f"global.trustedCa.configMap: is required where global.components.{server}.tls" in message


def test_a_server_of_ours_has_no_certificate() -> None:
    platform = site("mariadb", mode="embedded")
    assert "which is for mode external alone" in Chart("dashboard", urls=URLS).refusal(**{"global": platform})


def test_the_sites_own_jdbc_options_may_not_leave_tls_out() -> None:
    chart, platform = Chart("orchestrator", urls=URLS), {"global": site("mariadb")}
    assert "orchestrator.jdbcOptions: has no useSSL=true" in chart.refusal(jdbcOptions="useSSL=false", **platform)
    assert "orchestrator.jdbcOptions: has no useSSL=true" in chart.refusal(jdbcOptions="", **platform)
    own = "useSSL=true&trustCertificateKeyStoreUrl=file:/own.jks"
    assert own in chart.env(jdbcOptions=own, **platform)["SPRING_APPLICATION_JSON"]


@pytest.mark.parametrize("store", ["valkey", "kafka", "s3", "mlflow", "openbao"])
def test_a_store_whose_tls_no_value_switches_has_none(store: str) -> None:
    entry = {"mode": "external", "host": "store.old.example", "tls": "required"}
    with pytest.raises(UserError) as refused:
        support.render_umbrella({"global": {"components": {store: entry}}})
    assert f"global.components.{store}" in f"{refused.value}\n{refused.value.details}"


# --- the Job that makes databases on it


def script(tls: str) -> str:
    platform = site("mariadb", tls, provision=True)
    platform["components"] |= {"im": {"mode": "embedded"}, "federation-manager": {"mode": "embedded"}}
    (job,) = [item for item in rendered("mariadb", platform) if item["kind"] == "Job"]
    pod = job["spec"]["template"]["spec"]
    mounted = {item["mountPath"] for item in pod["containers"][0].get("volumeMounts", ())}
    assert ("/etc/indigo-paas/ca" in mounted) == (tls != "none")
    return str(pod["containers"][0]["args"][0])


def test_the_job_logs_in_by_tls_and_so_must_the_users_of_clients_that_can() -> None:
    text = script("preferred")
    assert f"--ssl-ca={BUNDLE} --ssl-verify-server-cert" in text
    required = {line.split()[1]: line.split()[-1] for line in text.splitlines() if line.startswith("database ")}
    assert required["fed_mgr"] == required["iam"] == required["orchestrator"] == "SSL"
    assert required["im"] == "NONE", "it would be locked out"
    assert "${6:+ REQUIRE $6}" in text


def test_switching_tls_off_lets_the_users_in_again() -> None:
    text = script("none")
    assert "--ssl" not in text
    lines = [line for line in text.splitlines() if line.startswith("database ")]
    assert lines
    assert all(line.endswith(" NONE") for line in lines)


# --- the contracts say all of it


def test_every_client_of_such_a_store_says_whether_it_can() -> None:
    assert SWITCHED == ["mariadb", "mariadb-iam", "mariadb-orchestrator", "neo4j"]
    assert {server for _, server, _ in EDGES} == set(SWITCHED)
    page = (repository() / "docs/reference/external.md").read_text(encoding="utf-8")
    assert page.count("**in the clear**") == sum(1 for *_, tls in EDGES if tls.cannot) == 1
    assert all(f"by `{setting}`" in page for *_, setting in CLIENTS)


def changed(component: str, server: str, tls: Encryption | None) -> dict[str, Contract]:
    contract = CONTRACTS[component]
    requires = tuple(
        edge.model_copy(update={"tls": tls}) if edge.component == server else edge for edge in contract.requires
    )
    return CONTRACTS | {component: contract.model_copy(update={"requires": requires})}


def test_a_client_that_does_not_say_it_is_refused() -> None:
    with pytest.raises(UserError, match="nothing says whether this one can"):
        refuse(changed("im", "mariadb", None))
    said = Encryption(cannot="It is for this test only.", source="none")
    with pytest.raises(UserError, match="no value switches TLS to valkey"):
        refuse(changed("dashboard", "valkey", said))
    with pytest.raises(ValidationError, match="either `setting` and `checks`"):
        Encryption(setting="DB_NAME", source="none")

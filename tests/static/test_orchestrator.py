"""The Orchestrator's traps (charts/orchestrator/contract.yaml), a test each: what is rendered, what is refused."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests import support
from tests.support import Chart, secret

pytestmark = pytest.mark.static

chart = Chart("orchestrator")

FILE = "orchestrator.config.application.yml"
REGISTRY = "https://registry.example.org/api/v1"
ELSEWHERE = {"mode": "external", "host": "db.example.org", "port": 3307}


def application(**values: Any) -> dict[str, Any]:
    """Return what Spring reads from config/application.yml."""
    parsed: dict[str, Any] = support.parse(chart.config(**values)[FILE])
    return parsed


def client(**values: Any) -> dict[str, Any]:
    """Return the entry of the one issuer in application.yml."""
    issuers: dict[str, Any] = application(**values)["oidc"]["iam-properties"]
    (entry,) = issuers.values()
    found: dict[str, Any] = entry
    return found


def deployment(**values: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.find("Deployment", **values)["spec"]
    return spec


def components(**entries: Any) -> dict[str, Any]:
    return {"components": entries}


def jdbc(**values: Any) -> dict[str, str]:
    """Return the JDBC URL of each database, as Spring takes it."""
    sources = json.loads(chart.env(**values)["SPRING_APPLICATION_JSON"])["datasource"]
    return {name: source["url"] for name, source in sources.items()}


# --- databases


def test_xa_refuses_galera_so_the_server_is_one_mariadb_without_wsrep() -> None:
    server = support.render_chart("mariadb")
    assert "wsrep" not in json.dumps(server), "mariadb renders a Galera setting; XA START would fail with ERROR 1235"
    assert support.find(server, "StatefulSet", "mariadb")["spec"]["replicas"] == 1
    edges = {edge.component: edge.need.value for edge in chart.contract.requires}
    assert edges["mariadb-orchestrator"] == "hard"
    for wrong in ({"replicas": 3}, {"settings": {"wsrep_on": "ON"}}):
        with pytest.raises(support.Refused):
            support.render_chart("mariadb", wrong)


@pytest.mark.parametrize("name", ["ORCHESTRATOR_DB_ENDPOINT", "WORKFLOW_DB_ENDPOINT"])
def test_endpoint_needs_port_in_every_mode(name: str) -> None:
    assert chart.env()[name] == "mariadb:3306"
    assert chart.env(**{"global": components(mariadb=ELSEWHERE)})[name] == "db.example.org:3307"
    assert chart.env(**{"global": components(mariadb={"mode": "external", "host": "db"})})[name] == "db:3306"
    assert name in chart.refusal(settings={name: "db.example.org"})


def test_launch_script_waits_for_ever_so_an_init_container_waits_first_and_gives_up() -> None:
    def script(**values: Any) -> str:
        waits = chart.pod(**values)["initContainers"]
        (wait,) = [item for item in waits if item["name"] == "wait-for-mariadb"]
        return str(wait["args"][0])

    assert "mariadb 3306" in script()
    assert "exit 1" in script(), "the wait has no end"
    assert "db.example.org 3307" in script(**{"global": components(mariadb=ELSEWHERE)})
    assert "global.components.mariadb.mode" in chart.refusal(**{"global": components(mariadb={"mode": "off"})})


def test_image_defaults_to_root_and_none_of_them_is_left() -> None:
    found = chart.env()
    for prefix in ("ORCHESTRATOR", "WORKFLOW"):
        name = prefix.lower()
        assert found[f"{prefix}_DB_NAME"] == found[f"{prefix}_DB_USER"] == name
        assert chart.contract.databases[name].user == name
        assert found[f"{prefix}_DB_PWD"] == secret(f"{name}-db", "password")
        assert found[f"{prefix}_DB_ENDPOINT"] != chart.contract.settings[f"{prefix}_DB_ENDPOINT"].default
    assert "ORCHESTRATOR_DB_PWD" in chart.refusal(settings={"ORCHESTRATOR_DB_PWD": "letmein"})


def test_launch_script_wins_over_datasource_variables_so_they_are_refused() -> None:
    assert not [name for name in chart.env() if name.startswith("DATASOURCE_")]
    assert "datasource" not in chart.config()[FILE]
    message = chart.refusal(settings={"DATASOURCE_ORCHESTRATOR_URL": "jdbc:mysql://db:3306/orchestrator"})
    assert "launch.sh overwrites it" in message
    assert "jdbcOptions" in message

    assert jdbc(jdbcOptions="useSSL=true") == {
        "orchestrator": "jdbc:mysql://mariadb:3306/orchestrator?useSSL=true",
        "workflow": "jdbc:mysql://mariadb:3306/workflow?useSSL=true",
    }
    renamed = jdbc(settings={"WORKFLOW_DB_ENDPOINT": "old.example.org:3308", "WORKFLOW_DB_NAME": "flowable"})[
        "workflow"
    ]
    assert renamed.startswith("jdbc:mysql://old.example.org:3308/flowable?"), "the same database for both ways to a URL"
    assert "SPRING_APPLICATION_JSON" not in chart.env(jdbcOptions=""), "empty leaves the URLs of launch.sh"
    assert "jdbcOptions" in chart.refusal(settings={"SPRING_APPLICATION_JSON": "{}"})


def test_connection_in_latin1_is_prevented_for_any_server() -> None:
    for values in ({}, {"global": components(mariadb=ELSEWHERE)}):
        for url in jdbc(**values).values():
            assert "characterEncoding=UTF-8" in url, "Connector/J would take the server's character set"
    assert not [url for url in jdbc(jdbcOptions="useSSL=false").values() if "UTF-8" in url]


def test_tls_1_2_by_name_for_a_server_that_asks_for_tls() -> None:
    platform = {"trustedCa": {"configMap": "site-ca"}, "components": {"mariadb": ELSEWHERE | {"tls": "required"}}}
    for url in jdbc(**{"global": platform}).values():
        options = dict(part.split("=") for part in url.partition("?")[2].split("&"))
        assert options["enabledTLSProtocols"] == "TLSv1.2"
        assert (options["useSSL"], options["requireSSL"], options["verifyServerCertificate"]) == ("true",) * 3


def test_mysql_8_login_options_reach_both_urls_of_an_external_server() -> None:
    wanted = "useSSL=false&allowPublicKeyRetrieval=true"
    assert jdbc(jdbcOptions=wanted, **{"global": components(mariadb=ELSEWHERE)}) == {
        name: f"jdbc:mysql://db.example.org:3307/{name}?{wanted}" for name in ("orchestrator", "workflow")
    }
    assert "allowPublicKeyRetrieval" not in json.dumps(jdbc()), "MariaDB does not need it"


def test_liquibase_lock_is_not_left_behind_by_an_impatient_kubelet() -> None:
    spec = deployment()
    probe = chart.container()["startupProbe"]
    budget = probe["periodSeconds"] * probe["failureThreshold"]
    assert budget >= 300, f"startup gets {budget} s; a kill in the middle of a migration leaves its lock"
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] >= 60
    assert spec["progressDeadlineSeconds"] >= budget + 300, "Argo CD would call it Degraded before the probe gives up"
    assert spec["strategy"] == {"type": "Recreate"}


def test_transaction_manager_id_is_the_same_after_a_restart_and_the_journal_is_kept() -> None:
    key = "spring.jta.transaction-manager-id"
    name = application()[key]
    assert name == "indigo-test.orchestrator"
    assert len(name) <= 51
    assert application(settings={key: "site-a"})[key] == "site-a"

    claim = support.find(chart.render(), "PersistentVolumeClaim", "orchestrator-transaction-logs")
    assert claim["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
    mounts = {item["name"]: item["mountPath"] for item in chart.container()["volumeMounts"]}
    assert mounts["transaction-logs"] == "/orchestrator/target/runtime/transaction-logs"


# --- tokens


def test_issuer_key_trailing_slash_is_that_of_the_tokens() -> None:
    assert list(application()["oidc"]["iam-properties"]) == ["[https://iam.example.org/]"]
    other = application(oidc={"issuer": "https://login.example.org/realm/"})
    assert list(other["oidc"]["iam-properties"]) == ["[https://login.example.org/realm/]"]
    message = chart.refusal(oidc={"issuer": "https://login.example.org"})
    assert "https://login.example.org/" in message, "the message must show the right spelling"


def test_scopes_always_listed_and_complete() -> None:
    scopes = client()["orchestrator"]["scopes"]
    assert {"openid", "profile", "offline_access"} <= set(scopes)
    assert "fts:submit-transfer" not in scopes
    assert "lacks openid, profile, offline_access" in chart.refusal(oidc={"scopes": []})
    assert "lacks offline_access" in chart.refusal(oidc={"scopes": ["openid", "profile"]})


def test_oidc_off_breaks_im_and_is_refused() -> None:
    assert application()["oidc"]["enabled"] is True
    assert client()["audience"]
    assert client()["admingroup"] == "orchestrator-admins"
    assert "oidc.enabled" in chart.refusal(settings={"oidc.enabled": False})
    assert "global.components.iam.mode" in chart.refusal(**{"global": components(iam={"mode": "off"})})
    outside = client(**{"global": components(iam={"mode": "external"})})
    assert outside == client(), "an IAM elsewhere is asked by the same public URL"


def test_secrets_of_clients_are_placeholders_in_the_file_and_references_in_the_pod() -> None:
    for values, owner in (({}, "orchestrator"), ({"oidc": {"clues": True}}, "clues")):
        prefix = "ORCHESTRATOR_OIDC" if owner == "orchestrator" else "ORCHESTRATOR_CLUES"
        name = "orchestrator-oidc" if owner == "orchestrator" else "orchestrator-clues"
        for key in ("client-id", "client-secret"):
            variable = f"{prefix}_{key.upper().replace('-', '_')}"
            assert client(**values)[owner][key] == f"${{{variable}}}"
            assert chart.env(**values)[variable] == secret(name, key)
    assert "clues" not in client()
    assert not [name for name in chart.env() if "CLUES" in name]


# --- services around it


SERVICES = {"cmdb": REGISTRY, "slam": REGISTRY, "cpr": "https://ranker.example.org/cpr"}
V2_PATHS = {"CMDB_TENANTS_LIST_PATH": "/projects/", "SLAM_CUSTOMER_PREFERENCES_PATH": "/user_groups/"}


NEW = ("federation-registry", "kafka-proxy", "im", "openbao", "tosca", "log-shipper")
ALONE = components(**{name: {"mode": "off"} for name in NEW})


def moved(version: str, *names: str) -> dict[str, Any]:
    """Values of a platform without the new services, where some are asked elsewhere."""
    return {"services": {name: {"version": version, "url": SERVICES[name]} for name in names}, "global": ALONE}


def outside(**urls: str) -> dict[str, Any]:
    """Values of a platform whose components of these names run elsewhere."""
    modes = {name: {"mode": "external"} for name in urls}
    return {"global": {"components": modes, "urls": {**support.URLS, **urls}}}


def test_addresses_follow_the_components_wherever_they_run() -> None:
    inside = chart.env()
    assert {name: inside[name] for name in ("IM_URL", "VAULT_URL", "CMDB_URL", "SLAM_URL", "CPR_URL")} == {
        "IM_URL": "http://im:8800",
        "VAULT_URL": "http://openbao:8200",
        "CMDB_URL": "http://federation-registry:8000/api/v1",
        "SLAM_URL": "http://federation-registry:8000/api/v1",
        "CPR_URL": "http://kafka-proxy:5001/cpr",
    }
    assert {inside[f"{name.upper()}_SERVICE_VERSION"] for name in SERVICES} == {"v2"}
    urls = {
        "im": "https://im.example.org:8899",
        "openbao": "https://vault.example.org",
        "federation-registry": "https://registry.example.org/fed-reg",
        "kafka-proxy": "http://ranker.example.org:5001",
    }
    found = chart.env(**outside(**urls))
    assert found["IM_URL"] == urls["im"]
    assert found["VAULT_URL"] == urls["openbao"]
    assert found["CMDB_URL"] == found["SLAM_URL"] == "https://registry.example.org/fed-reg/api/v1"
    assert found["CPR_URL"] == "http://ranker.example.org:5001/cpr"
    message = chart.refusal(**{"global": components(**{"kafka-proxy": {"mode": "external"}})})
    assert "global.urls.kafka-proxy: is required" in message


def open_ports(**values: Any) -> set[tuple[str, int]]:
    """Return where the policy lets traffic out to, as names of components or networks, with ports."""
    found = set()
    for rule in chart.find("NetworkPolicy", **values)["spec"]["egress"]:
        for peer in rule["to"]:
            labels = peer.get("podSelector", {}).get("matchLabels", {})
            name = labels.get("app.kubernetes.io/name") or peer.get("ipBlock", {}).get("cidr", "")
            found |= {(name, port["port"]) for port in rule["ports"]}
    return found


def test_the_network_is_open_to_what_is_asked_and_nothing_else() -> None:
    edges = {("im", 8800), ("openbao", 8200), ("federation-registry", 8000), ("kafka-proxy", 5001), ("tosca", 8080)}
    assert edges <= open_ports()
    assert not edges & open_ports(**{"global": ALONE})
    away = open_ports(**outside(im="https://im.example.org:8899"))
    assert ("0.0.0.0/0", 8899) in away
    assert ("im", 8800) not in away
    assert ("0.0.0.0/0", 8899) not in open_ports()


def test_a_service_may_stay_with_the_retired_one_while_the_new_one_runs_already() -> None:
    phased = chart.env(services={"cmdb": {"version": "v1", "url": "https://cmdb.example.org"}})
    assert (phased["CMDB_SERVICE_VERSION"], phased["CMDB_URL"]) == ("v1", "https://cmdb.example.org")
    assert "CMDB_TENANTS_LIST_PATH" not in phased, "v1 has its own paths"
    assert (phased["SLAM_SERVICE_VERSION"], phased["CPR_SERVICE_VERSION"]) == ("v2", "v2")
    assert phased["SLAM_CUSTOMER_PREFERENCES_PATH"] == "/user_groups/"
    assert chart.env(services={"cpr": {"version": "local"}})["CPR_SERVICE_VERSION"] == "local"
    assert "orchestrator.services.cmdb.url" in chart.refusal(services={"cmdb": {"version": "v1"}})


def test_the_vault_takes_the_audience_that_the_orchestrator_asks_for() -> None:
    site = {"global": {"audiences": {"orchestrator": "paas"}}}
    assert client(**site)["audience"] == "paas"
    assert client()["audience"] == "orchestrator"
    assert chart.env()["VAULT_ROLE"] == "orchestrator"
    vault = support.config(support.render_chart("openbao", site), "openbao")
    (request,) = [text for name, text in vault.items() if name.endswith("role-orchestrator.json")]
    assert json.loads(request)["bound_audiences"] == ["paas"]


def test_v2_paths_overridden_with_the_version_service_by_service() -> None:
    def paths(**values: Any) -> dict[str, Any]:
        return {name: value for name, value in chart.env(**values).items() if name in V2_PATHS}

    assert paths() == V2_PATHS
    assert paths(**{"global": ALONE}) == {}, "local files have no paths"
    assert paths(**moved("v1", "cmdb", "slam")) == {}, "the defaults are those of v1"
    assert paths(**moved("v2", "cmdb", "slam")) == V2_PATHS
    assert list(paths(**moved("v2", "slam"))) == ["SLAM_CUSTOMER_PREFERENCES_PATH"], "one may move before the other"
    one = chart.env(**moved("v2", "cmdb"))
    assert (one["CMDB_SERVICE_VERSION"], one["CMDB_URL"]) == ("v2", REGISTRY)
    assert one["SLAM_SERVICE_VERSION"] == "local"


def test_service_version_without_bean_is_refused() -> None:
    alone = chart.env(**{"global": ALONE})
    assert {alone[f"{name.upper()}_SERVICE_VERSION"] for name in SERVICES} == {"local"}
    assert "services/cpr/version" in chart.refusal(services={"cpr": {"version": "v3", "url": SERVICES["cpr"]}})
    assert "CPR_SERVICE_VERSION" in chart.refusal(settings={"CPR_SERVICE_VERSION": "ai"})
    for name in SERVICES:
        message = chart.refusal(services={name: {"version": "v2"}}, **{"global": ALONE})
        assert f"orchestrator.services.{name}.url" in message
        assert "or switch global.components." in message
        assert "for example https://" in message
    assert "without a slash" in chart.refusal(services={"cmdb": {"version": "v2", "url": f"{REGISTRY}/"}})
    assert "no effect with version local" in chart.refusal(services={"cmdb": {"version": "local", "url": REGISTRY}})
    useless = chart.refusal(services={"cmdb": {"url": REGISTRY}}, **{"global": ALONE})
    assert "no effect with version auto while the component is off" in useless


def test_dead_default_urls_are_never_left_in_place() -> None:
    found = chart.env(**{"global": ALONE})
    for name in ("CMDB_URL", "SLAM_URL", "CPR_URL", "IM_URL"):
        default = chart.contract.settings[name].default
        assert default.startswith("http"), f"{name}: the contract has lost upstream's default, this test proves nothing"
        assert found[name] != default
    assert found["IM_URL"] == "http://im:8800"


def test_local_services_read_json_files_that_the_site_may_fill() -> None:
    files = chart.config(**{"global": ALONE})
    mounts = [item["mountPath"] for item in chart.container(**{"global": ALONE})["volumeMounts"]]
    assert "/orchestrator/services" in mounts
    empty = {"cmdb": {"providers": [], "tenants": {}}, "slam": {}, "cpr": []}
    for name, content in empty.items():
        assert chart.env(**{"global": ALONE})[f"{name.upper()}_URL"] == f"file:/orchestrator/services/{name}.json"
        assert json.loads(files[f"orchestrator.services.{name}.json"]) == content
    ranked = [{"provider": "one", "rank": 1}]
    filled = chart.config(services={"cpr": {"data": ranked}}, **{"global": ALONE})
    assert json.loads(filled["orchestrator.services.cpr.json"]) == ranked
    gone = chart.config(**moved("v2", "cmdb"))
    assert "orchestrator.services.cmdb.json" not in gone


def test_two_vault_mounts_are_derived_from_one_base_url() -> None:
    assert not [name for name in chart.env(**{"global": ALONE}) if name.startswith("VAULT_")]
    found = chart.env(**outside(openbao="https://vault.example.org:8200"))
    assert found["VAULT_URL"] == "https://vault.example.org:8200"
    assert "VAULT_PATH" not in found, "the Dashboard writes upstream's path"


def test_url_on_a_port_that_the_network_policy_closes_is_refused() -> None:
    def retired(url: str) -> dict[str, Any]:
        return {"services": {"cmdb": {"version": "v1", "url": url}}}

    message = chart.refusal(**retired("https://cmdb.example.org:8443"))
    assert "orchestrator.services.cmdb.url: port 8443 is closed by the NetworkPolicy" in message
    assert "port 80 " in chart.refusal(**retired("http://cmdb.example.org/cmdb"))
    opened = {"extraEgress": [{"cidrs": ["192.0.2.0/24"], "ports": [8443]}]}
    assert (
        chart.env(**retired("https://cmdb.example.org:8443"), **opened)["CMDB_URL"] == "https://cmdb.example.org:8443"
    )


def test_a_service_of_the_platform_is_no_closed_port() -> None:
    def written(url: str, **values: Any) -> dict[str, Any]:
        return {"services": {"cmdb": {"version": "v2", "url": url}}, **values}

    for host in ("federation-registry", "federation-registry.indigo-test.svc.cluster.local"):
        assert chart.env(**written(f"http://{host}:8000/fed-reg/api/v1"))["CMDB_SERVICE_VERSION"] == "v2"
    for url in ("http://federation-registry:8001/api/v1", "http://federation-registry.example.org:8000/api/v1"):
        assert "is closed by the NetworkPolicy" in chart.refusal(**written(url))
    assert "port 8000 is closed" in chart.refusal(**written("http://federation-registry:8000/x", **{"global": ALONE}))


def test_all_problems_of_the_values_are_said_at_once() -> None:
    message = chart.refusal(
        oidc={"issuer": "https://login.example.org", "scopes": []},
        services={"cmdb": {"version": "v1", "url": "https://v/"}, "cpr": {"version": "v1", "url": "cpr:8800"}},
    )
    for key in ("oidc.issuer", "oidc.scopes", "services.cmdb.url", "services.cpr.url"):
        assert f"orchestrator.{key}" in message


# --- the process


def test_heap_flags_of_the_image_are_replaced_by_a_share_of_the_limit() -> None:
    old = chart.contract.settings["JAVA_OPTS"].default
    options = chart.env()["JAVA_OPTS"]
    assert re.search(r"-XX:MaxRAMPercentage=\d+", options)
    assert "-XX:+ExitOnOutOfMemoryError" in options
    assert not set(re.findall(r"UseCGroupMemoryLimitForHeap|MaxRAMFraction", options))
    assert "MaxRAMPercentage=60" in chart.refusal(settings={"JAVA_OPTS": old}), "upstream's own flags must be refused"
    resources = chart.container()["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]


def test_text_log_is_an_interface_and_stays_text() -> None:
    assert chart.env()["JSON_LOGGING"] == "false"
    assert not [key for key in application() if key.startswith("logging.")]
    alone = {"global": components(**{"log-shipper": {"mode": "off"}})}
    assert chart.env(settings={"JSON_LOGGING": True}, **alone)["JSON_LOGGING"] == "true", (
        "a site without paas-mon may choose"
    )
    assert "JSON_LOGGING" in chart.refusal(settings={"JSON_LOGGING": True})
    assert "JSON_LOGGING" in chart.refusal(settings={"JSON_LOGGING": "logstash"})


def test_text_log_goes_to_the_shipper_too_unless_that_is_off() -> None:
    file = "orchestrator.config.logback.xml"

    def shipped(mode: str) -> tuple[dict[str, str], dict[str, Any]]:
        entry = {"mode": mode, "host": "logs.example.org"}
        objects = chart.render(**{"global": components(**{"log-shipper": entry})})
        return support.config(objects, "orchestrator"), support.environment(objects, "orchestrator")

    for mode, destination in (("embedded", "log-shipper:5170"), ("external", "logs.example.org:5170")):
        files, variables = shipped(mode)
        assert variables["LOGGING_CONFIG"] == "/orchestrator/config/logback.xml"
        root = ElementTree.fromstring(files[file])
        assert root.findtext("appender/destination") == destination
        assert root.findtext("appender/encoder/pattern") == "${FILE_LOG_PATTERN}", "the parsers know Spring's text"
        appenders = [item.attrib["ref"] for item in root.findall("root/appender-ref")]
        assert appenders == ["CONSOLE", "SHIPPER"], "kubectl logs shows the lines as before"
    files, variables = shipped("off")
    assert file not in files
    assert "LOGGING_CONFIG" not in variables


def test_single_pod_only_and_never_two_at_once() -> None:
    spec = deployment()
    assert spec["replicas"] == 1
    assert spec["strategy"]["type"] == "Recreate"
    assert "PodDisruptionBudget" not in {item["kind"] for item in chart.render()}, (
        "with one pod it would block every drain"
    )
    assert "ORCHESTRATOR_CLUSTERED" not in chart.env()
    assert "replicas" in chart.refusal(replicas=2)


def test_info_asks_no_database_but_needs_no_token() -> None:
    server = chart.container()
    for kind in ("startup", "readiness", "liveness"):
        assert server[f"{kind}Probe"]["httpGet"] == {"path": "/info", "port": "http"}, (
            f"{kind}: a token is refused on /"
        )
    assert server["livenessProbe"]["timeoutSeconds"] >= 15, "upstream's own probe waits 15 s"
    assert "database" in chart.contract.availability.pod.happens, "what the probes do not see must be said"
    assert "/info" in chart.refusal(settings={"SERVER_CONTEXT_PATH": "/orchestrator"})


def test_service_links_are_off() -> None:
    assert chart.pod()["enableServiceLinks"] is False


def test_user_is_a_name_so_a_number_is_set_and_no_path_needs_it() -> None:
    spec = chart.pod()
    server = spec["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == chart.contract.image.uid > 0
    assert spec["securityContext"]["fsGroup"] == chart.contract.image.gid
    assert server["securityContext"]["readOnlyRootFilesystem"] is True
    mounts = {item["mountPath"]: item.get("readOnly", False) for item in server["volumeMounts"]}
    for volume in chart.contract.writable:
        assert mounts[volume.path] is False, (
            f"{volume.path} is not writable; the software fails there with a read-only root"
        )
    assert "/orchestrator" not in mounts, "a volume there would hide the war and launch.sh"


def test_trust_store_in_the_root_is_written_to_tmp_instead(tmp_path: Path) -> None:
    server = chart.container()
    assert server["command"] == ["bash", "-c"]
    (script,) = server["args"]

    # a stand-in for launch.sh that tells where it would write and what it would start
    launch = tmp_path / "launch.sh"
    launch.write_text('CUSTOM="/orchestrator/cacerts"\necho "$CUSTOM" "$@"\n')
    here = script.replace("/orchestrator/launch.sh", str(launch)).replace("> /tmp/", f"> {tmp_path}/out-")
    here = here.replace("bash /tmp/", f"bash {tmp_path}/out-")
    done = subprocess.run(["bash", "-c", here], capture_output=True, text=True, check=True)
    assert done.stdout == "/tmp/cacerts java\n"


def test_trusted_certificates_reach_the_launch_script_one_by_one(tmp_path: Path) -> None:
    assert "/tmp/trusted" not in chart.container()["args"][0].split("sed")[0]
    spec = chart.pod(**support.SITE_CA)
    (volume,) = [item["configMap"] for item in spec["volumes"] if item["name"] == "trusted-ca"]
    assert volume == {"name": "site-ca", "items": [{"key": "own.crt", "path": "own.crt"}]}
    script = chart.container(**support.SITE_CA)["args"][0]
    split, rest = script.split("sed ", 1)
    assert "s#/orchestrator/trusted_certs#/tmp/trusted#" in rest
    names = trusted(split, tmp_path, "# of the site\n" + CERTIFICATE.format("one") + CERTIFICATE.format("two"))
    assert names == {"site-1.pem": CERTIFICATE.format("one"), "site-2.pem": CERTIFICATE.format("two")}
    again = trusted(split, tmp_path, CERTIFICATE.format("three").rstrip("\n"))
    assert again == {"site-1.pem": CERTIFICATE.format("three")}, "a restart in the same pod begins anew"


CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


def trusted(script: str, folder: Path, authorities: str) -> dict[str, str]:
    """Run the part of a start script that splits a site's authorities; return the files that it makes."""
    (folder / "own.crt").write_text(authorities)
    here = script.replace("/tmp/trusted", f"{folder}/trusted").replace("/etc/indigo-paas/ca", str(folder))
    subprocess.run(["sh", "-c", here], check=True)
    return {path.name: path.read_text() for path in (folder / "trusted").iterdir()}


def test_settings_of_the_file_win_over_the_chart_and_roll_the_pod() -> None:
    key = "spring.jta.bitronix.datasource.max-pool-size"
    assert application(settings={key: 12})[key] == "12"
    assert key not in application()

    def checksum(**values: Any) -> str:
        annotations: dict[str, str] = support.pod(chart.render(**values), "orchestrator")["metadata"]["annotations"]
        return annotations["checksum/config"]

    assert checksum() == checksum()
    assert checksum() != checksum(settings={key: 12})


def test_broker_away_at_the_start_is_never_asked() -> None:
    assert not [name for name in chart.env() if name.startswith("BROKER_XDC")]
    setting = chart.contract.settings["BROKER_XDC_ENABLED"]
    assert setting.default == "false"
    assert setting.unset

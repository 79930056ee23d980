"""What a person gets wrong is refused before anything is deployed, with a text that names the place and the fix."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import bootstrap
from harness.errors import UserError
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.process import run
from harness.render import render_all, render_environment

VALUES = "argocd/environments/dev/values.yaml"
CONFIG = "argocd/environments/dev/config.yaml"


def refused(action: Callable[[], object]) -> str:
    """Return the text that a user reads; none of Helm's noise may be in it."""
    with pytest.raises(UserError) as caught:
        action()
    text = str(caught.value)
    for noise in (
        "level=",
        "--debug",
        "execution error",
        "error calling include",
        "symbolic link",
        "validation failed",
    ):
        assert noise not in text, text
    return text


def add(checkout: Path, text: str, under_global: bool = False) -> None:
    """Add text to the values of dev: below `global` (indented by two spaces), or at the end."""
    path = checkout / VALUES
    old = path.read_text(encoding="utf-8")
    path.write_text(old.replace("global:\n", f"global:\n{text}") if under_global else old + text, encoding="utf-8")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} holds no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def line(checkout: Path, text: str, file: str = VALUES) -> int:
    """Return the number of the line that begins with a text."""
    lines = (checkout / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, found in enumerate(lines, 1) if found.strip().startswith(text))


def test_an_unknown_key_is_refused_with_the_one_that_was_meant(checkout: Path) -> None:
    add(checkout, "mariadb:\n  replica: 1\n")
    assert refused(lambda: render_all(repository=checkout)) == (
        "mariadb.replica: no such key\n"
        f"where: {VALUES}:{line(checkout, 'replica:')}\n"
        "fix: write replicas"
    )  # fmt: skip


def test_an_unknown_setting_is_refused_with_those_that_there_are(checkout: Path) -> None:
    add(checkout, "mariadb:\n  settings:\n    wsrep_on: 'ON'\n")
    text = refused(lambda: render_all(repository=checkout))
    assert text.startswith("mariadb.settings.wsrep_on: no such key\n")
    assert f"where: {VALUES}:{line(checkout, 'wsrep_on')}\n" in text
    assert "fix: remove it; known here: " in text
    assert "max_connections" in text


def test_a_wrong_type_is_refused(checkout: Path) -> None:
    add(checkout, "valkey:\n  replicas: two\n")
    text = refused(lambda: render_all(repository=checkout))
    assert text.startswith("valkey.replicas: expected a whole number, found text\n")
    assert f"where: {VALUES}:{line(checkout, 'replicas:')}\n" in text
    assert "fix: write a whole number" in text


def test_a_map_where_a_chart_is_configured_is_asked_for(checkout: Path) -> None:
    add(checkout, "mariadb: 3\n")
    assert refused(lambda: render_all(repository=checkout)) == (
        "mariadb: expected a mapping, found 3\n"
        f"where: {VALUES}:{line(checkout, 'mariadb:')}\n"
        "fix: write the values of the chart mariadb below the key, indented by two spaces"
    )


def test_an_emptied_secret_name_is_refused_with_the_keys_that_it_must_have(checkout: Path) -> None:
    add(checkout, '  secrets:\n    mariadb-root: ""\n', under_global=True)
    assert refused(lambda: render_all(repository=checkout)) == (
        "global.secrets.mariadb-root: names no Secret\n"
        f"where: {VALUES}:{line(checkout, 'mariadb-root')}\n"
        "fix: write the name of an existing Secret of mariadb with the keys: password (indigo secrets apply makes it)"
    )


def test_an_external_database_without_host_is_refused(checkout: Path) -> None:
    add(checkout, "  components:\n    mariadb: {mode: external}\n", under_global=True)
    assert refused(lambda: render_all(repository=checkout)) == (
        "global.components.mariadb.host: is required in mode external\n"
        f"where: {VALUES}:{line(checkout, 'mariadb:')}\n"
        "fix: write the host name of the mariadb outside, for example db.example.org"
    )


def test_a_component_that_is_off_but_needed_hard_is_refused(checkout: Path) -> None:
    add(checkout, '  components:\n    valkey: {mode: "off"}\n', under_global=True)
    assert refused(lambda: render_all(repository=checkout)) == (
        "global.components.valkey.mode: is off, but dashboard cannot run without it\n"
        f"where: {VALUES}:{line(checkout, 'valkey:')}\n"
        "fix: write embedded or external, or switch dashboard off too"
    )


def test_the_word_off_without_quotes_is_refused_with_the_reason(checkout: Path) -> None:
    add(checkout, "  components:\n    valkey: {mode: off}\n", under_global=True)
    assert refused(lambda: render_all(repository=checkout)) == (
        "global.components.valkey.mode: is none of embedded, external, off\n"
        f"where: {VALUES}:{line(checkout, 'valkey:')}\n"
        'fix: write the word in quotes ("off"): YAML reads off as false'
    )


def test_more_replicas_than_the_software_survives_are_refused_with_the_reason(checkout: Path) -> None:
    add(checkout, "mariadb:\n  replicas: 3\n")
    text = refused(lambda: render_all(repository=checkout))
    assert text.startswith("mariadb.replicas: 3 is more than 1\n")
    assert f"where: {VALUES}:{line(checkout, 'replicas:')}\n" in text
    assert "fix: write at most 1: One server without replication." in text


def test_several_problems_are_said_at_once(checkout: Path) -> None:
    add(checkout, "mariadb:\n  replica: 1\n  replicas: x\nvalkey:\n  settings: {maxmemory-policy: never}\n")
    text = refused(lambda: render_all(repository=checkout))
    assert text.startswith("3 values are refused: mariadb.replica: no such key\n")
    assert f"mariadb.replicas: expected a whole number, found text ({VALUES}:" in text
    assert "valkey.settings.maxmemory-policy: is none of noeviction, allkeys-lru" in text


def test_values_that_are_not_yaml_are_refused_with_the_line(checkout: Path) -> None:
    add(checkout, "mariadb:\n\treplicas: 1\n")
    assert refused(lambda: render_all(repository=checkout)) == (
        "values.yaml is not YAML: found character that cannot start any token\n"
        f"where: {VALUES}:{line(checkout, 'replicas:')}:1\n"
        "fix: mend the line; indentation by two spaces, strings with : or # in quotes"
    )


def test_values_that_are_a_list_are_refused(checkout: Path) -> None:
    (checkout / VALUES).write_text("- mariadb\n", encoding="utf-8")
    assert refused(lambda: render_all(repository=checkout)) == (
        "expected a mapping, found list\n"
        f"where: {VALUES}\n"
        "fix: write values as `key: value`; start from the umbrella's values.yaml"
    )  # fmt: skip


def test_a_key_that_is_written_twice_is_refused(checkout: Path) -> None:
    add(checkout, "global: {environment: dev}\n")
    text = refused(lambda: render_all(repository=checkout))
    assert text.startswith(f"values.yaml is not YAML: key 'global' is written twice\nwhere: {VALUES}:")


def test_values_that_are_missing_are_refused(checkout: Path) -> None:
    (checkout / VALUES).unlink()
    assert refused(lambda: render_all(repository=checkout)) == (
        f"values file {VALUES} is missing\n"
        "where: Application/env-dev spec.source.helm.valueFiles[1]\n"
        "fix: create it, or mend the name"
    )


def test_an_unknown_environment_is_refused_with_those_that_there_are(checkout: Path) -> None:
    text = refused(lambda: render_environment("production", checkout))
    assert text.startswith("no environment production\nwhere: argocd/environments\nfix: write one of those there are: ")
    assert "dev" in text


def test_an_unknown_key_of_an_environment_is_refused(checkout: Path) -> None:
    change(checkout / CONFIG, "profiles:", "profile:")
    text = refused(lambda: render_all(repository=checkout))
    assert "profile: no such key" in text
    assert f"where: {CONFIG}\n" in text


def test_an_unknown_profile_is_refused(checkout: Path) -> None:
    change(checkout / CONFIG, "profiles: [minimal]", "profiles: [minimal, tiny]")
    text = refused(lambda: render_all(repository=checkout))
    assert text.startswith(f"profiles.1: no file charts/indigo-paas/profiles/tiny.yaml\nwhere: {CONFIG}\n")
    assert "minimal" in text


def test_a_contract_that_breaks_its_schema_is_refused(checkout: Path) -> None:
    change(checkout / "charts/valkey/contract.yaml", "settings:", "setings:")
    assert refused(lambda: render_all(repository=checkout)) == (
        "1 problem: setings: no such key\n"
        "where: charts/valkey/contract.yaml\n"
        "fix: see schemas/ for the shape, and another component's file as an example"
    )


def test_two_components_that_claim_one_database_are_refused(checkout: Path) -> None:
    change(checkout / "charts/iam/contract.yaml", "databases:\n  iam:", "databases:\n  orchestrator:")
    text = refused(lambda: Graph.build(load_contracts(checkout / "charts")))
    assert "database orchestrator on mariadb is claimed by iam too" in text
    assert "charts/orchestrator/contract.yaml databases.orchestrator" in text
    assert "give one of them another name" in text


def test_a_cycle_in_the_graph_is_refused_with_its_way(checkout: Path) -> None:
    path = checkout / "charts/valkey/contract.yaml"
    edge = "{component: dashboard, port: http, need: hard, why: A test of cycles., source: a test}"
    path.write_text(f"{path.read_text(encoding='utf-8')}\nrequires:\n  - {edge}\n", encoding="utf-8")
    text = refused(lambda: Graph.build(load_contracts(checkout / "charts")))
    assert "hard requirements form a cycle: dashboard -> valkey -> dashboard" in text
    assert "charts/valkey/contract.yaml requires[0]" in text
    assert "fix: write need: soft where the component starts without the other one" in text


def test_a_template_that_does_not_parse_is_refused_with_its_line(checkout: Path) -> None:
    change(checkout / "charts/valkey/templates/component.yaml", "include", "inclued")
    assert refused(lambda: render_all(repository=checkout)) == (
        'template does not parse: function "inclued" not defined\n'
        "where: charts/valkey/templates/component.yaml:1\n"
        "fix: mend the template"
    )


def test_a_template_that_gives_no_yaml_is_refused(checkout: Path) -> None:
    path = checkout / "charts/valkey/templates/component.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\na: [\n", encoding="utf-8")
    text = refused(lambda: render_all(repository=checkout))
    assert text.startswith("template does not give YAML: ")
    assert "where: charts/valkey/templates/component.yaml\n" in text


def test_a_key_that_a_template_writes_twice_is_refused_with_the_template(checkout: Path) -> None:
    change(checkout / "charts/common/templates/_network.tpl", "  type: ClusterIP\n", "  type: ClusterIP\n" * 2)
    text = refused(lambda: render_all(repository=checkout))
    assert text.startswith("chart indigo-paas: what it renders is not right: key 'type' is written twice\n")
    assert re.search(r"^where: charts/[\w-]+/templates/component.yaml$", text, re.M)
    assert "fix: mend what the template includes\n" in text


def test_a_secret_that_no_contract_declares_is_refused_with_the_template(checkout: Path) -> None:
    change(checkout / "charts/valkey/templates/_wiring.tpl", "{secret: valkey-auth,", "{secret: valkey-password,")
    text = refused(lambda: render_all(repository=checkout))
    assert text.startswith('Secret "valkey-password" is declared in no contract\n')
    assert "where: charts/valkey/templates/component.yaml\n" in text


def test_a_chart_that_is_not_linked_is_refused(checkout: Path) -> None:
    (checkout / "charts/indigo-paas/charts/valkey").unlink()
    assert refused(lambda: render_all(repository=checkout)) == (
        "charts/indigo-paas/charts has no valkey, which Chart.yaml depends on\n"
        "where: charts/indigo-paas/Chart.yaml\n"
        "fix: make the link (ln -s ../../NAME charts/NAME in the chart's folder), or remove the dependency"
    )


def test_a_link_that_leads_nowhere_is_refused(checkout: Path) -> None:
    link = checkout / "charts/indigo-paas/charts/valkey"
    link.unlink()
    link.symlink_to("../../valkie")
    text = refused(lambda: render_all(repository=checkout))
    assert "the link valkey leads to ../../valkie, which is not there" in text
    assert "where: charts/indigo-paas/charts/valkey" in text


def test_a_cluster_that_is_too_old_is_refused(checkout: Path) -> None:
    text = refused(lambda: render_all(repository=checkout, kube_version="1.30.0"))
    assert text.startswith("the charts need Kubernetes >=1.34.0-0, this is v1.30.0\n")


def test_bootstrap_without_a_git_remote_is_refused(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "repository", lambda: checkout)
    assert refused(bootstrap.origin) == (
        "this checkout has no Git remote origin, so the repository that Argo CD is to follow is not known\n"
        "where: .git/config\n"
        "fix: indigo bootstrap --repo URL, or: git remote add origin URL"
    )
    done = CliRunner().invoke(bootstrap.bootstrap, [])
    assert isinstance(done.exception, UserError)


def test_a_remote_on_this_machine_is_refused(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("git", "init", "--quiet", checkout)
    run("git", "-C", checkout, "remote", "add", "origin", "/srv/git/indigo.git")
    monkeypatch.setattr(bootstrap, "repository", lambda: checkout)
    assert refused(bootstrap.origin).startswith("the Git remote origin is a folder of this machine")


def test_a_token_in_the_url_of_the_repository_is_refused_and_not_repeated() -> None:
    done = CliRunner().invoke(bootstrap.bootstrap, ["--repo", "https://me:letmein@git.example.org/x.git"])
    assert isinstance(done.exception, UserError)
    assert "holds a user name or token" in str(done.exception)
    assert "letmein" not in str(done.exception) + done.output


def test_no_refusal_shows_where_the_checkout_is(checkout: Path) -> None:
    add(checkout, "mariadb:\n  replicas: 3\n")
    assert not re.search(r"(where|fix): /", refused(lambda: render_all(repository=checkout)))

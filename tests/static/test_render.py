"""A render of ours is Argo CD's: derived from argocd/, given to Helm as the repo-server gives it, never done twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from harness.checks import Subject
from harness.cli.bootstrap import bootstrap as bootstrap_command
from harness.cli.render import render as render_command
from harness.errors import UserError
from harness.paths import repository
from harness.process import ProcessError
from harness.render import argocd, cache, helm, helm_template, render_all, render_bootstrap, render_environment
from harness.render.helm import Inputs
from harness.render.objects import Loader, parse_objects, to_yaml

REPO = "https://git.example.org/x.git"


def application(**helm: Any) -> dict[str, Any]:
    """Return an Application of the umbrella chart."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "indigo-dev"},
        "spec": {
            "source": {"repoURL": REPO, "path": "charts/indigo-paas", "targetRevision": "main", "helm": helm},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "indigo-dev"},
        },
    }


def test_an_environment_is_rendered_with_the_inputs_that_argo_cd_gives(committed: Subject) -> None:
    rendered = committed.platforms["dev"].rendered
    assert list(rendered.applications) == ["indigo-dev"]
    inputs = rendered.inputs["indigo-dev"]
    root = committed.repository
    assert inputs.arguments() == [
        "template", ".", "--name-template", "indigo-dev", "--namespace", "indigo-dev", "--kube-version", "1.37.2",
        "--values", str(root / "charts/indigo-paas/profiles/minimal.yaml"),
        "--values", str(root / "argocd/environments/dev/values.yaml"), "--include-crds",
    ]  # fmt: skip
    assert inputs.chart == root / "charts/indigo-paas"


def test_what_comes_before_an_environment_is_rendered_too(committed: Subject) -> None:
    rendered = committed.platforms["dev"].rendered
    assert rendered.delivered_by["metadata"]["name"] == "env-dev"
    kinds = {item["kind"] for item in rendered.delivery}
    assert {"Namespace", "NetworkPolicy", "ResourceQuota", "AppProject", "Application"} <= kinds


def test_repository_and_revision_are_those_that_are_asked_for() -> None:
    objects = render_bootstrap(repo="file:///tmp/x.git", revision="abc")
    rendered = render_environment("dev", repo="file:///tmp/x.git", revision="abc")
    sources = [item["spec"]["source"] for item in [*objects, *rendered.delivery] if item["kind"] == "Application"]
    assert len(sources) == 3
    assert {(source["repoURL"], source["targetRevision"]) for source in sources} == {("file:///tmp/x.git", "abc")}


def test_every_input_of_an_application_reaches_helm(checkout: Path) -> None:
    (checkout / "more.yaml").write_text("global: {}\n", encoding="utf-8")
    inputs = argocd.inputs(
        application(
            releaseName="other",
            valueFiles=["profiles/minimal.yaml", "/more.yaml", "../../argocd/environments/dev/values.yaml"],
            valuesObject={"mariadb": {"replicas": 1}},
            parameters=[
                {"name": "global.environment", "value": "a,b"},
                {"name": "mariadb.image.tag", "value": "10.11", "forceString": True},
            ],
            skipSchemaValidation=True,
            skipTests=True,
            skipCrds=True,
            kubeVersion="1.36.0",
            apiVersions=["x/v1"],
        ),
        checkout,
        REPO,
    )
    assert inputs.arguments() == [
        "template", ".", "--name-template", "other", "--namespace", "indigo-dev", "--kube-version", "1.36.0",
        "--set", "global.environment=a\\,b", "--set-string", "mariadb.image.tag=10.11",
        "--values", str(checkout / "charts/indigo-paas/profiles/minimal.yaml"),
        "--values", str(checkout / "more.yaml"),
        "--values", str(checkout / "argocd/environments/dev/values.yaml"),
        "--values", "-", "--api-versions", "x/v1", "--skip-schema-validation", "--skip-tests",
    ]  # fmt: skip
    assert json.loads(inputs.inline) == {"mariadb": {"replicas": 1}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"valueFiles": ["../../../outside.yaml"]}, "outside the repository"),
        ({"valueFiles": ["https://example.org/values.yaml"]}, "only single files of the repository"),
        ({"valueFiles": ["profiles/*.yaml"]}, "only single files of the repository"),
        ({"valueFiles": ["$values/x.yaml"]}, "variables of Argo CD's build environment"),
        ({"valueFiles": ["absent.yaml"]}, "values file charts/indigo-paas/absent.yaml is missing"),
        ({"fileParameters": [{"name": "a", "path": "b"}]}, "spec.source.helm.fileParameters: not known here"),
    ],
)
def test_what_the_renderer_does_not_know_is_refused_and_never_guessed(
    checkout: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError, match=r".") as caught:
        argocd.inputs(application(**changes), checkout, REPO)
    assert says in str(caught.value)


def test_a_missing_values_file_may_be_ignored(checkout: Path) -> None:
    given = application(valueFiles=["absent.yaml"], ignoreMissingValueFiles=True)
    assert argocd.inputs(given, checkout, REPO).values == ()


def test_another_repository_is_refused(checkout: Path) -> None:
    with pytest.raises(UserError, match="another repository"):
        argocd.inputs(application(), checkout, "https://git.example.org/other.git")


def generator(**changes: Any) -> dict[str, Any]:
    """Return an ApplicationSet over the environments."""
    git = {"repoURL": REPO, "files": [{"path": "argocd/environments/*/config.yaml"}]}
    return {
        "kind": "ApplicationSet",
        "metadata": {"name": "set", "namespace": "argocd"},
        "spec": {
            "goTemplate": True,
            "generators": [{"git": git}],
            "template": {"metadata": {"name": "{{ .name }}-{{ .path.basename }}"}, "spec": {}},
            **changes,
        },
    }


def test_the_applicationset_makes_one_application_per_file(checkout: Path) -> None:
    folder = checkout / "argocd/environments/other"
    folder.mkdir()
    (folder / "config.yaml").write_text("name: other\n", encoding="utf-8")
    made = {str(item.file): item.application for item in argocd.generate(generator(), checkout, REPO)}
    assert made["argocd/environments/other/config.yaml"]["metadata"] == {"namespace": "argocd", "name": "other-other"}
    assert "argocd/environments/dev/config.yaml" in made


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"generators": [{"list": {}}]}, "only a git file generator"),
        ({"goTemplate": False}, "only a git file generator"),
        ({"template": {"metadata": {"name": "{{ .absent }}"}, "spec": {}}}, "absent: the template of the Application"),
        ({"template": {"metadata": {"name": "{{ .name | upper }}"}, "spec": {}}}, "only {{ .key }} is known here"),
    ],
)
def test_what_the_generator_does_not_know_is_refused(checkout: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as caught:
        list(argocd.generate(generator(**changes), checkout, REPO))
    assert says in str(caught.value)


def test_the_same_input_is_rendered_once(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INDIGO_CACHE", str(tmp_path / "cache"))
    calls: list[Inputs] = []

    def counted(inputs: Inputs) -> str:
        calls.append(inputs)
        return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"

    monkeypatch.setattr(helm, "_output", counted)
    monkeypatch.setattr(helm, "_helm", lambda: Path(__file__))
    chart = checkout / "charts/mariadb"
    for _ in range(2):
        assert helm_template(chart, release="a")[0]["metadata"]["name"] == "x"
    assert len(calls) == 1
    helm_template(chart, release="b")
    helm_template(chart, release="a", kube_version="1.36.0")
    library = checkout / "charts/common/templates/_meta.tpl"
    library.write_text(library.read_text(encoding="utf-8") + "{{/* more */}}\n", encoding="utf-8")
    helm_template(chart, release="a")
    assert len(calls) == 4
    inputs = Inputs(chart, "a", "default")
    helm.template_many([inputs, inputs, Inputs(chart, "c", "default")])
    assert len(calls) == 5


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("level=INFO msg=link path={chart}\nError: values don't meet the specifications of the schema(s)", 1),
        ("Error: execution error at (mariadb/templates/a.yaml:1:2): mariadb.port: is no number", 1),
        ("Error: execution error at (a.yaml:1:2): in {chart}", 3),  # which another copy of the chart is not in
        ("Error: open /tmp/x: no space left on device", 3),
        ("", 3),  # killed
    ],
)
def test_what_helm_refuses_for_the_values_sake_is_refused_once_and_what_the_machine_lacks_each_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, again: int
) -> None:
    monkeypatch.setenv("INDIGO_CACHE", str(tmp_path / "cache"))
    calls: list[Inputs] = []

    def refused(inputs: Inputs) -> str:
        calls.append(inputs)
        raise ProcessError(["helm"], 1, "", said.format(chart=inputs.chart))

    monkeypatch.setattr(helm, "_output", refused)
    monkeypatch.setattr(helm, "_helm", lambda: Path(__file__))
    texts = set()
    for _ in range(3):
        with pytest.raises(UserError) as error:
            helm_template(repository() / "charts/mariadb", release="a")
        texts.add(str(error.value))
    assert (len(calls), len(texts)) == (again, 1)
    with pytest.raises(UserError):
        helm_template(repository() / "charts/mariadb", release="b")
    assert len(calls) == again + 1


def test_the_cache_is_bounded_and_a_broken_entry_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INDIGO_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "ENTRIES", 3)
    for index in range(6):
        cache.store(f"0{index}", {"n": index})  # those with a 0 look after the others
    assert len(list((tmp_path / "render").iterdir())) == 3
    assert cache.load("05") == {"n": 5}
    (tmp_path / "render" / "05.json").write_text("{", encoding="utf-8")
    assert cache.load("05") is None


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("INDIGO_CACHE", str(tmp_path / "file"))
    cache.store("key", {})
    assert cache.load("key") is None


def test_yaml_is_read_as_kubernetes_reads_it() -> None:
    # measured: what `fromYaml | toJson` gives in a template of Helm 4.3.1
    text = "{a: y, b: 1e3, c: 2024-01-01, d: 1:30, e: 0x1f, f: 1_000, g: .5, h: '1', i: 08, j: No, k: 1.10, l: 0o17}"
    assert yaml.load(text, Loader=Loader) == {
        "a": True, "b": 1000.0, "c": "2024-01-01", "d": "1:30", "e": 31, "f": 1000, "g": 0.5, "h": "1", "i": 8.0,
        "j": False, "k": 1.1, "l": 15,
    }  # fmt: skip


def test_a_key_that_a_template_writes_twice_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="key 'a' is written twice"):
        parse_objects("apiVersion: v1\nkind: X\nmetadata: {name: x, a: 1, a: 2}\n")


def test_what_is_written_is_read_back_as_the_same(committed: Subject) -> None:
    objects = [*committed.bootstrap, *committed.platforms["dev"].delivery, *committed.platforms["dev"].objects]
    assert parse_objects(to_yaml(objects)) == objects
    odd = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "y"}, "data": {"no": "1e3", "t": "a\n\tb\n"}}
    assert parse_objects(to_yaml([odd])) == [odd]


def test_the_command_prints_what_is_asked_for() -> None:
    everything = CliRunner().invoke(render_command, ["dev"])
    assert everything.exit_code == 0, everything.output
    kinds = {item["kind"] for item in parse_objects(everything.output)}
    assert {"Namespace", "Application", "StatefulSet"} <= kinds
    one = CliRunner().invoke(render_command, ["dev", "-c", "mariadb", "-k", "statefulset", "--output", "json"])
    assert [item["metadata"]["name"] for item in json.loads(one.output)] == ["mariadb"]
    before = CliRunner().invoke(render_command, ["dev", "--application", "env-dev"])
    assert "StatefulSet" not in {item["kind"] for item in parse_objects(before.output)}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "no environment nowhere"),
        (["dev", "-a", "none"], "no Application none"),
        (["dev", "-c", "mariadb", "-k", "Secret"], "dev has no such object"),
    ],
)
def test_the_command_refuses_what_is_not_there(arguments: list[str], says: str) -> None:
    done = CliRunner().invoke(render_command, arguments)
    assert isinstance(done.exception, UserError)
    assert says in str(done.exception)


def test_bootstrap_prints_what_kubectl_applies() -> None:
    done = CliRunner().invoke(bootstrap_command, ["--repo", "https://git.example.org/x.git", "--revision", "v1"])
    assert done.exit_code == 0, done.output
    assert parse_objects(done.output) == render_bootstrap(repo="https://git.example.org/x.git", revision="v1")


def test_all_environments_are_rendered_unless_some_are_named(checkout: Path) -> None:
    assert "dev" in render_all(repository=checkout)
    assert list(render_all(["dev"], checkout)) == ["dev"]

"""The engine cluster without a cluster: kubeconfigs, agreement, rights, and what the end does and leaves alone."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from harness import kubeconfig
from harness.cli.consent import asked
from harness.cli.engine import how_to_look, up
from harness.engines.children import AT_END, undo
from harness.engines.existing import removal, survey
from harness.engines.existing.engine import ExistingCluster, new_run
from harness.engines.existing.settings import ClusterSettings
from harness.errors import UserError

USER = {"client-certificate": "me.crt", "client-key": "keys/me.key"}


def config(folder: Path, user: dict[str, Any]) -> Path:
    """Write a kubeconfig with two contexts, of which the first is the current one."""
    (folder / "keys").mkdir()
    for name, text in (("ca.crt", "ca"), ("me.crt", "me"), ("keys/me.key", "key"), ("token", "a-token\n")):
        (folder / name).write_text(text)
    content = {
        "current-context": "one",
        "contexts": [
            {"name": "one", "context": {"cluster": "a", "user": "me", "namespace": "mine"}},
            {"name": "two", "context": {"cluster": "b", "user": "me"}},
            {"name": "broken", "context": {"cluster": "none", "user": "me"}},
        ],
        "clusters": [
            {"name": "a", "cluster": {"server": "https://a.example", "certificate-authority": "ca.crt"}},
            {"name": "b", "cluster": {"server": "https://b.example"}},
        ],
        "users": [{"name": "me", "user": user}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_copy_of_a_kubeconfig_needs_no_other_file(tmp_path: Path) -> None:
    copy = kubeconfig.flattened(config(tmp_path, dict(USER)), None, "ours")
    assert copy["contexts"] == [{"name": "one", "context": {"cluster": "it", "user": "you", "namespace": "ours"}}]
    (cluster,), (user,) = copy["clusters"], copy["users"]
    assert cluster["cluster"]["server"] == "https://a.example"
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == b"ca"
    assert base64.b64decode(user["user"]["client-key-data"]) == b"key" and "client-key" not in user["user"]


def test_another_context_a_token_in_a_file_and_a_program_beside_it(tmp_path: Path) -> None:
    path = config(tmp_path, {"tokenFile": "token", "exec": {"command": "./login", "args": ["x"]}})
    copy = kubeconfig.flattened(path, "two", "ours")
    assert copy["clusters"][0]["cluster"]["server"] == "https://b.example"
    assert copy["users"][0]["user"]["token"] == "a-token"
    assert Path(copy["users"][0]["user"]["exec"]["command"]) == tmp_path / "login"


@pytest.mark.parametrize("context", ["none", "broken"])
def test_a_context_that_leads_nowhere_is_refused(tmp_path: Path, context: str) -> None:
    with pytest.raises(UserError, match=f"context '{context}' of it cannot be read") as refused:
        kubeconfig.flattened(config(tmp_path, dict(USER)), context, "ours")
    assert refused.value.where == str(tmp_path / "config")


def test_agreement_is_a_word_or_an_option_and_never_silence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="nobody is here to agree"):
        asked(False)(["a namespace x"])
    assert "a namespace x" in capsys.readouterr().err
    asked(True)(["a namespace x"])
    with pytest.raises(UserError, match="nobody has agreed"):
        ClusterSettings(Path("/nowhere")).agree(["a namespace x"])


@pytest.mark.parametrize("option", [("--nodes", "3"), ("--api-port", "6443"), ("--argocd", "inside")])
def test_a_cluster_that_is_there_is_not_made_otherwise(tmp_path: Path, option: tuple[str, str]) -> None:
    named = ("--engine", "cluster", "--kubeconfig", str(config(tmp_path, dict(USER))))
    result = CliRunner().invoke(up, [*named, *option])
    assert isinstance(result.exception, UserError) and result.exception.where == option[0]


def test_suffixes_differ_and_are_names() -> None:
    found = {new_run() for _ in range(50)}
    assert len(found) > 45 and all(name.isalnum() and name == name.lower() for name in found)
    engine = ExistingCluster("x", ClusterSettings(Path("/nowhere"), run="abcde"))
    assert engine.argocd_namespace == "indigo-argocd-abcde"


class Rights:
    """Stands for a cluster that allows some things and has nothing."""

    kubeconfig = Path("/their/config")
    transport = SimpleNamespace(server="https://theirs.example")

    def __init__(self, allowed: Callable[[dict[str, str]], bool], *, watched: str = "") -> None:
        self.allowed, self.watched = allowed, watched

    def request(self, method: str, path: str, **content: Any) -> Any:
        if path == "/version":
            return {"gitVersion": "v1.37.2"}
        return {"status": {"allowed": self.allowed(content["body"]["spec"]["resourceAttributes"])}}

    def find(self, *_: str) -> None:
        return None

    def list(self, kind: str, **_: str) -> list[dict[str, Any]]:
        head = {"metadata": {"namespace": "delivery"}, "data": {"application.namespaces": self.watched}}
        return [head] if kind == "ConfigMap" and self.watched else []


def look(cluster: Rights) -> survey.Survey:
    return survey.survey(cluster, {"a.argoproj.io": b"{}"}, "3.6.1", "indigo-argocd-x")  # type: ignore[arg-type]


def test_a_user_who_may_not_is_told_what() -> None:
    with pytest.raises(UserError, match="may not do what is needed: delete namespaces, everything that charts render"):
        look(Rights(lambda asked: asked["verb"] == "create"))
    found = look(Rights(lambda _: True))
    assert (found.kubernetes, found.shared, found.missing) == ("v1.37.2", frozenset(), ("a.argoproj.io",))


@pytest.mark.parametrize(("patterns", "refused"), [("indigo-*", True), ("team-a, *", True), ("team-*", False)])
def test_an_argo_cd_that_takes_our_namespace_too_is_refused(patterns: str, refused: bool) -> None:
    cluster = Rights(lambda _: True, watched=patterns)
    if not refused:
        assert look(cluster).missing
        return
    with pytest.raises(UserError, match="the Argo CD in delivery takes Applications"):
        look(cluster)


KUBECTL = """#!/bin/sh
echo "$@" >> "$0.calls"
case "$*" in
  *"get namespaces"*) {namespaces} ;;
  *"get customresourcedefinitions"*) echo customresourcedefinition.apiextensions.k8s.io/used.argoproj.io
    echo customresourcedefinition.apiextensions.k8s.io/free.argoproj.io ;;
  *"get used.argoproj.io"*) echo used.argoproj.io/somebodys ;;
esac
"""


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    path = tmp_path / "kubectl"
    path.write_text(KUBECTL.format(namespaces="echo namespace/indigo-argocd-x"))
    path.chmod(0o755)
    return path


def calls(kubectl: Path) -> list[str]:
    """Return what changes something, in order."""
    lines = Path(f"{kubectl}.calls").read_text().splitlines()
    return [line.split(" ", 1)[1].removeprefix("--request-timeout=20s ") for line in lines if " get " not in line]


def test_the_end_removes_what_has_the_label_and_keeps_a_definition_that_others_use(
    tmp_path: Path, kubectl: Path
) -> None:
    removal.register(tmp_path, kubectl, tmp_path / "config", "x")
    assert undo(tmp_path)
    crd = "customresourcedefinition.apiextensions.k8s.io"
    assert calls(kubectl) == [
        "delete --wait=true --timeout=90s namespace/indigo-argocd-x",
        f"label {crd}/used.argoproj.io indigo-paas/run-",
        f"delete {crd}/free.argoproj.io --timeout=20s",
    ]
    asked_for = Path(f"{kubectl}.calls").read_text()
    assert "--selector=indigo-paas/run=x" in asked_for and f"--kubeconfig={tmp_path / 'config'}" in asked_for


def test_where_the_cluster_does_not_answer_the_end_is_tried_again_later(tmp_path: Path, kubectl: Path) -> None:
    kubectl.write_text(KUBECTL.format(namespaces="exit 1"))
    removal.register(tmp_path, kubectl, tmp_path / "config", "x")
    assert not undo(tmp_path) and calls(kubectl) == []


def test_the_end_needs_nothing_of_this_process(tmp_path: Path, kubectl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    removal.register(tmp_path, kubectl, tmp_path / "config", "x")
    (command,) = json.loads((tmp_path / AT_END).read_text())
    assert command["env"]["PATH"] == os.environ["PATH"] and "hidden" not in str(command)


def test_the_hint_names_the_namespace_that_argo_cd_is_in(capsys: pytest.CaptureFixture[str]) -> None:
    engine: Any = SimpleNamespace(name="site", kind="cluster", argocd_namespace="indigo-argocd-abcde")
    how_to_look(engine)
    assert "kubectl get applications -n indigo-argocd-abcde\n" in capsys.readouterr().out

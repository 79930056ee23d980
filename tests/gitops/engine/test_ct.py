"""`ct install` on an engine: a chart installs by itself, and what only an API server refuses is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.ci import charts
from harness.cluster import Cluster
from harness.engines.embedded import EmbeddedEngine
from harness.errors import UserError
from harness.paths import repository
from harness.process import run
from tests.gitops.engine.support import eventually

pytestmark = pytest.mark.gitops


@pytest.fixture
def ct() -> None:
    from harness import toolchain

    if not toolchain.program("ct").is_file():
        pytest.skip("ct is not built; `indigo tools build ct` builds it")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name in ("charts", "argocd", "schemas"):
        shutil.copytree(repository() / name, root / name, symlinks=True)
    for name in ("ct.yaml", ".yamale.yaml", ".yamllint.yaml", "images.yaml"):
        shutil.copy(repository() / name, root)
    for words in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"],
    ):
        run("git", *words, cwd=root)
    return root


def test_a_chart_installs_by_itself_and_leaves_nothing(ct: None, engine: EmbeddedEngine, cluster: Cluster) -> None:
    result = charts.install(repository(), cluster, engine.kubeconfig, "valkey")
    assert result.ok, result.output

    def left() -> list[str]:
        names = (item["metadata"]["name"] for item in cluster.list("Namespace"))
        return [name for name in names if name.startswith("ct-")]

    eventually(lambda: left() == [], "the namespace is gone")


def test_what_the_api_server_refuses_fails_the_install(
    ct: None, engine: EmbeddedEngine, cluster: Cluster, copied: Path
) -> None:
    template = copied / "charts/valkey/templates/component.yaml"
    more = "---\napiVersion: v1\nkind: Service\nmetadata: {name: Wrong}\nspec: {ports: [{port: 80}]}\n"
    template.write_text(template.read_text(encoding="utf-8") + more, encoding="utf-8")
    result = charts.install(copied, cluster, engine.kubeconfig, "valkey", seconds=30)
    assert not result.ok
    assert "Wrong" in result.reason and "invalid" in result.reason.lower(), result.output


def test_only_charts_that_differ_are_taken(copied: Path) -> None:
    assert charts.changed(copied, "HEAD") == []
    (copied / "charts/valkey/README.md").write_text("more\n", encoding="utf-8")
    assert charts.changed(copied, "HEAD") == ["indigo-paas", "valkey"]
    (copied / "charts/common/templates/_new.tpl").write_text("", encoding="utf-8")
    assert charts.changed(copied, "HEAD") == charts.charts(copied)
    with pytest.raises(UserError, match="no commit nonsense"):
        charts.changed(copied, "nonsense")
    with pytest.raises(UserError, match="no chart nonsense"):
        charts.known(copied, ["nonsense"])
